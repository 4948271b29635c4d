"""train corpus: make a corpus of songs from a seed, or check one.

Knows: how a build is reported and stopped. Does not know how songs are made.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from explorer.cli.common import (
    Progress,
    Stopped,
    UsageError,
    add_command,
    add_json_option,
    duration,
    report,
    whole_number,
)

if TYPE_CHECKING:
    from explorer.training.synthesis.performance import Render
    from explorer.training.synthesis.tools import Tools

SHOWN_FAULTS = 20


def add_corpus_command(group: Any) -> None:
    parser = add_command(
        group,
        "corpus",
        run_corpus,
        "Make songs with words, tunes and singing to train on; the same command resumes.",
        "python -m explorer train corpus --out corpus --hours 12 --seed 1 --workers 2",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="the corpus folder")
    parser.add_argument("--hours", type=float, metavar="N", help="hours of songs to train on")
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="S", help="other songs for each seed (0)")
    parser.add_argument("--workers", type=whole_number(1), default=1, metavar="W", help="processes at a time (1)")
    parser.add_argument("--song-seconds", type=float, metavar="N", help="about how long each song is (18 to 58)")
    parser.add_argument(
        "--voices",
        type=Path,
        default=Path("kokoro-js-1.2.1.tgz"),
        metavar="FILE",
        help="package with the voices, read the first time only (kokoro-js-1.2.1.tgz)",
    )
    parser.add_argument("--soundfont", type=Path, metavar="FILE", help="FluidR3_GM.sf2 (default: where Debian has it)")
    parser.add_argument("--check", type=Path, metavar="DIR", help="read a whole corpus and name its faults instead")
    add_json_option(parser)


def run_corpus(options: argparse.Namespace) -> int:
    if options.check is not None:
        return check(options)
    if options.out is None or options.hours is None:
        raise UsageError("--out and --hours are needed to make a corpus (or --check DIR to check one).")
    if not 0 < options.hours <= 1000:
        raise UsageError(f"--hours must be above 0 and at most 1000, not {options.hours:g}.")
    if options.song_seconds is not None and not 10 <= options.song_seconds <= 120:
        raise UsageError(f"--song-seconds must be from 10 to 120, not {options.song_seconds:g}.")
    from explorer.settings import Settings
    from explorer.training.synthesis.build import Order, build
    from explorer.training.synthesis.manifest import MANIFEST, write_manifest
    from explorer.training.synthesis.tools import SOUNDFONT, prepare

    cache = Settings.from_environment().home / "synthesis"
    tools = prepare(cache, options.voices, options.soundfont or SOUNDFONT)
    order = Order(options.seed, options.hours, options.song_seconds)
    progress = Progress()
    begin = monotonic()
    try:
        for state in build(options.out, order, partial(make_performer, tools), options.workers):
            speed = state.rendered_seconds / max(1e-6, monotonic() - begin)
            left = duration(state.left_seconds / speed if speed else None)
            progress.show(f"song {state.songs} of {state.of_songs}, {left} left")
    except KeyboardInterrupt:
        progress.end()
        raise Stopped(f"Stopped. Whole songs in {options.out} are kept; run the same command to go on.") from None
    progress.end()
    manifest = write_manifest(options.out, order, tools.versions())
    summary = {split: {key: of[key] for key in ("songs", "hours")} for split, of in manifest["splits"].items()}
    plain = "\n".join(f"{split}: {of['songs']} songs, {of['hours']:.2f} h" for split, of in summary.items())
    report({"out": str(options.out), "splits": summary}, options.json, f"{plain}\n{options.out / MANIFEST}")
    return 0


def make_performer(tools: Tools) -> Render:
    """The renderer of one process."""
    from explorer.training.synthesis.performance import Performer

    return Performer(tools).perform


def check(options: argparse.Namespace) -> int:
    """0 for a sound corpus, 1 for one with faults."""
    from explorer.training.synthesis.check import check_corpus

    found = check_corpus(options.check)
    songs = [f"{split}: {n} songs, {found.seconds[split] / 3600:.2f} h" for split, n in found.songs.items()]
    shown = found.faults[:SHOWN_FAULTS]
    if len(found.faults) > len(shown):
        shown.append(f"… and {len(found.faults) - len(shown)} more")
    verdict = f"{len(found.faults)} faults" if found.faults else "no faults"
    report(
        {"songs": found.songs, "seconds": found.seconds, "faults": found.faults},
        options.json,
        "\n".join([*songs, *shown, verdict]),
    )
    return 1 if found.faults else 0
