"""library list, reindex, export, verify.

Knows: how samples are shown on a terminal. Does not know: how they are stored or searched.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from time import monotonic
from typing import Any

from explorer.cli.common import (
    CtrlC,
    Progress,
    Stopped,
    add_command,
    add_group,
    add_json_option,
    add_library_option,
    duration,
    report,
    settings_of,
)


def add_commands(commands: Any) -> None:
    group = add_group(commands, "library", "Samples on this machine: list, reindex, export, verify.")
    parser = add_command(
        group, "list", run_list, "List the samples.", 'python -m explorer library list --search "reggae sun"'
    )
    parser.add_argument("--search", default="", metavar="WORDS", help="only samples with these words, in any column")
    parser.add_argument("--limit", type=int, default=1000, metavar="N", help="at most so many (default: 1000)")
    _add_common(parser)
    parser = add_command(
        group, "reindex", run_reindex, "Build the search index anew from the folders.",
        "python -m explorer library reindex",
    )  # fmt: skip
    _add_common(parser)
    parser = add_command(
        group, "export", run_export, "Write the samples as a page that plays in any browser without this program.",
        "python -m explorer library export --library samples --out page",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="new folder, or an earlier export")
    parser.add_argument("--search", default="", metavar="WORDS", help="only samples with these words, in any column")
    _add_common(parser)
    parser = add_command(
        group, "verify", run_verify, "Read every file of every sample and say what is wrong.",
        "python -m explorer library verify --library samples",
    )  # fmt: skip
    _add_common(parser)


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_library_option(parser)
    add_json_option(parser)


def _open(options: argparse.Namespace) -> Any:
    """The library, which must be there: reading commands create none."""
    from explorer.library import Library, LibraryError

    folder = options.library if options.library is not None else settings_of(options).library
    if not folder.is_dir():
        raise LibraryError(f"There is no library in {folder} yet. Make a song first, or name another with --library.")
    return Library(folder)


def run_list(options: argparse.Namespace) -> int:
    from explorer.library import Query

    library = _open(options)
    try:
        page = library.search(Query(anywhere=options.search, limit=options.limit))
    finally:
        library.close()
    lines = [
        f"{row.id}  {row.seconds:6.1f} s  {row.state:8}  {row.genre or '-':16.16}  {row.artist or '-':20.20}  "
        + row.title
        for row in page.rows
    ]
    lines.append(f"{len(page.rows)} of {page.total} samples.")
    value = {"total": page.total, "samples": [dataclasses.asdict(row) for row in page.rows]}
    report(value, options.json, "\n".join(lines))
    return 0


def run_reindex(options: argparse.Namespace) -> int:
    library = _open(options)
    try:
        library.reindex()
        count = library.counts().all
    finally:
        library.close()
    report({"samples": count}, options.json, f"{count} samples.")
    return 0


def run_export(options: argparse.Namespace) -> int:
    from explorer.web.export import export

    library, line, begun = _open(options), Progress(), monotonic()
    try:
        with CtrlC() as keys:

            def advance(done: int, of: int) -> None:
                left = (monotonic() - begun) / done * (of - done)
                line.show(f"song {done} of {of}, {duration(left)} left")
                if keys.pressed:
                    raise Stopped(f"Nothing was written to {options.out}. To begin again, repeat the command.")

            try:
                made = export(library, options.out, options.search, advance)
            finally:
                line.end()
    finally:
        library.close()
    for id, reason in made.left_out.items():
        print(f"{id} was left out: {reason}", file=sys.stderr)
    value = {"folder": str(made.folder), "songs": made.songs, "bytes": made.bytes, "left_out": made.left_out}
    songs = f"{made.songs} song{'' if made.songs == 1 else 's'}"
    plain = f"{songs}, {made.bytes / 1e6:.1f} MB. Open {made.folder / 'index.html'} in a browser."
    report(value, options.json, plain)
    return 1 if made.left_out else 0


def run_verify(options: argparse.Namespace) -> int:
    library = _open(options)
    try:
        count, problems = library.counts().all, library.verify()
    finally:
        library.close()
    value = {
        "samples": count,
        "problems": [{"folder": str(problem.folder), "message": problem.message} for problem in problems],
    }
    lines = [f"{problem.folder}: {problem.message}" for problem in problems]
    lines.append(f"{count} samples, {len(problems)} problem{'' if len(problems) == 1 else 's'}.")
    report(value, options.json, "\n".join(lines))
    return 1 if problems else 0
