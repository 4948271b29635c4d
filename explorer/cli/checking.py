"""conformance: does this code compute what the published code computes?

Knows: the exit code of an answer. Does not know: how anything is compared.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from explorer.cli.common import UsageError, add_command, add_json_option, report


def add_commands(commands: Any) -> None:
    parser = add_command(
        commands,
        "conformance",
        run_conformance_command,
        "Compare with reference vectors: one line per array, exit code 1 when one is out of tolerance.",
        "python -m explorer conformance vectors --vocab lists",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of reference vectors")
    parser.add_argument("--vocab", type=Path, metavar="DIR", help="published label lists, for the label cases")
    add_json_option(parser)


def run_conformance_command(options: argparse.Namespace) -> int:
    from explorer.checkpoints.conformance import run_conformance

    for folder in (options.folder, options.vocab):
        if folder is not None and not folder.is_dir():
            raise UsageError(f"{folder} is not a folder.")
    # a line as soon as it is known: the whole takes minutes
    show = (lambda check: None) if options.json else (lambda check: print(check, flush=True))
    found = run_conformance(options.folder, options.vocab, show=show)
    value = {
        "passed": found.passed,
        "checks": [dataclasses.asdict(check) for check in found.checks],
        "unchecked": list(found.unchecked),
    }
    report(value, options.json, "\n".join(found.summary()))
    return 0 if found.passed else 1
