"""The command line: one module per family of commands, and what an ending means.

Knows: which commands exist, and how errors become one line and an exit code: 0 done, 1 done but
the answer is no (a check failed), 2 bad input, 130 stopped by the user. Does not know: what a
command does. Importing it stays cheap: torch is loaded when a command needs it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from explorer.cli import bench, checking, evaluate, gallery, library, making, models, reading, training
from explorer.cli.common import OPEN_END, Parser, Stopped, complain

FAMILIES = (making, reading, models, library, gallery, training, evaluate, checking, bench)


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = Parser(
        prog="python -m explorer",
        description="Make music as raw audio, and look at how it was made.",
        epilog="example: python -m explorer generate --genre reggae --instrumental --seconds 8 --out songs",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for family in FAMILIES:
        family.add_commands(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Never shows a traceback for what a user can cause."""
    try:
        options = build_parser().parse_args(arguments)
        return int(options.run(options))
    except Stopped as stopped:
        complain(str(stopped))
        return 130
    except KeyboardInterrupt:
        complain("Stopped.")
        return 130
    except ValueError as error:
        complain(str(error))
        return 2
    except BrokenPipeError:
        # The reader of our output went away; leave quietly, also when Python flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OPEN_END
    except OSError as error:
        complain(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        return 2
    except MemoryError:
        complain("The memory was not enough. Close other programs, make fewer takes, or use a smaller model.")
        return 1
