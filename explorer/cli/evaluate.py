"""evaluate: the scorecard of a model, as JSON, as a table and as one page of plots.

Knows: where songs, caches and results lie. Does not know: measures and goals (``training.scorecard``).
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from pathlib import Path
from typing import Any

from explorer.cli.common import UsageError, add_command, add_engine_options, load_engine, settings_of, whole_number
from explorer.cli.recipes import add_sampling_options, sampling_from
from explorer.cli.songlist import Wanted, make_songs
from explorer.jukebox.config import Level
from explorer.jukebox.song import usual_sampling

FAMILIES = (
    "reconstruction", "codes", "labels", "structure", "words", "letters", "timing", "notes", "distance", "faults",
)  # fmt: skip
COLLECTION = "Scorecard"
LICENCE = "CC0-1.0"
SECONDS = 10.0
"""Length of the songs that are made, and of the pieces of real songs beside them."""
SHORTEST = 0.5


def add_commands(commands: Any) -> None:
    parser = add_command(
        commands,
        "evaluate",
        run_evaluate,
        "The scorecard of a model: held-out songs, their reconstructions and generated songs by the same measures. "
        "The same command resumes the making of songs. Needs explorer/training/requirements-evaluate.txt.",
        "python -m explorer evaluate --model pocket --corpus corpus --generate 10 --work runs --out report.json",
    )
    parser.add_argument(
        "--corpus",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder with train and validation; or held-out songs alone, then nothing is measured that is learnt from "
        "the training songs: genre, artist, letters",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the figures as JSON")
    parser.add_argument("--page", type=Path, metavar="FILE", help="the plots, PNG or PDF (default: beside --out)")
    parser.add_argument("--table", type=Path, metavar="FILE", help="the scorecard as Markdown, for a model card")
    parser.add_argument("--before", type=Path, metavar="FILE", help="an earlier report, to stand beside this one")
    made = parser.add_mutually_exclusive_group()
    made.add_argument("--samples", type=Path, metavar="DIR", help="generated songs to measure")
    made.add_argument("--generate", type=whole_number(1), metavar="N", help="make N songs of every artist, and measure")
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        help=f"length of a song and of a piece (default: of --samples, or {SECONDS:g})",
    )
    parser.add_argument("--batch", type=whole_number(1), default=8, metavar="N", help="songs made at once (8)")
    parser.add_argument("--work", type=Path, metavar="DIR", help="keeps made songs, decoded corpora and codes")
    parser.add_argument("--only", metavar="NAMES", help=f"some of: {','.join(FAMILIES)} (default: all)")
    parser.add_argument("--windows", type=whole_number(1), default=4, metavar="N", help="windows of each song (4)")
    parser.add_argument("--pieces", type=whole_number(1), default=3, metavar="N", help="pieces of each song (3)")
    parser.add_argument(
        "--upsample", action="store_true", help="also draw middle and bottom for the top codes of held-out songs"
    )
    parser.add_argument("--every", type=whole_number(1), default=1, metavar="N", help="every N-th real song only (1)")
    add_engine_options(parser)
    add_sampling_options(parser)


def run_evaluate(options: argparse.Namespace) -> int:
    from explorer.checkpoints.folder import find_model, load_config
    from explorer.durable import write_bytes, write_json
    from explorer.training.scorecard import page, rows
    from explorer.training.scorecard.card import Family, Plan, check_evaluators, score

    families = frozenset(Family(name) for name in wanted_families(options.only))
    heldout, train = splits(options.corpus)
    if options.seconds is not None and not (math.isfinite(options.seconds) and options.seconds >= SHORTEST):
        raise UsageError(f"--seconds must be at least {SHORTEST:g}, not {options.seconds:g}.")
    if options.upsample and options.level not in (None, Level.BOTTOM.value):
        raise UsageError(f"--upsample draws every level; leave out --level {options.level}.")
    before = None if options.before is None else read_report(options.before)
    settings = settings_of(options)
    settings.apply_threads()
    work = options.work if options.work is not None else settings.home / "evaluation"
    evaluators = settings.home / "evaluators"
    check_evaluators(families, evaluators)  # a missing one is told before the long work
    samples = options.samples
    if options.generate:
        samples = make(options, heldout, work)
    plan = Plan(
        model=options.model,
        heldout=heldout,
        train=train,
        samples=samples,
        work=work,
        evaluators=evaluators,
        families=families,
        seconds=piece_length(options.seconds, samples),
        excerpts=options.pieces,
        windows=options.windows,
        every_nth_song=options.every,
        upsample=options.upsample,
        sampling=sampling_from(options, usual_sampling(load_config(find_model(options.model, settings.models)))),
    )
    report = score(plan, settings.models, lambda text: print(text, file=sys.stderr, flush=True))
    count, own = report["samples"]["count"], report["samples"].get("of_these_weights", 0)
    if own < count:
        print(f"note: {count - own} of the {count} songs were made by other weights than these.", file=sys.stderr)
    write_json(options.out, report)
    picture = options.page if options.page is not None else options.out.with_suffix(".png")
    page.draw(report, picture, before)
    if options.table is not None:
        write_bytes(options.table, rows.markdown(report, before).encode())
    print(rows.text(report, before))
    return 0


def wanted_families(text: str | None) -> tuple[str, ...]:
    """The names in ``--only``. Raises UsageError."""
    names = FAMILIES if text is None else tuple(name.strip() for name in text.split(","))
    if unknown := sorted(set(names) - set(FAMILIES)):
        raise UsageError(f"--only knows {', '.join(FAMILIES)}, not {', '.join(unknown)}.")
    return names


def splits(folder: Path) -> tuple[Path, Path | None]:
    """The held-out and the training songs of a corpus. Raises UsageError."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name a corpus.")
    if not (folder / "validation").is_dir():
        return folder, None
    if not (folder / "train").is_dir():
        raise UsageError(f"{folder} has no folder train; it is not a corpus.")
    return folder / "validation", folder / "train"


def read_report(file: Path) -> Any:
    """An earlier report. Raises UsageError."""
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} is not a report that can be read ({error}).") from error
    if not isinstance(report, dict) or not isinstance(report.get("levels"), dict):
        raise UsageError(f"{file} is not a report of this command.")
    return report


def make(options: argparse.Namespace, heldout: Path, work: Path) -> Path:
    """The scorecard's songs, made or found in ``work``; their folder. Raises UsageError, Stopped."""
    from explorer.training.corpus import Corpus
    from explorer.training.scorecard.recipes import recipes

    seconds = options.seconds if options.seconds is not None else SECONDS
    engine = load_engine(options)
    sampling = sampling_from(options, usual_sampling(engine.config))
    found = recipes(Corpus.open(heldout, work / "cache").songs, options.generate, seconds)
    folder: Path = work / "songs"
    make_songs(engine, folder, [Wanted(r.id, r.song, COLLECTION, LICENCE, sampling) for r in found], options.batch)
    return folder


def piece_length(seconds: float | None, samples: Path | None) -> float:
    """Seconds of the pieces of real songs: as asked, else as long as the samples. Raises UsageError."""
    if seconds is not None:
        return seconds
    if samples is None:
        return SECONDS
    from explorer.library import Sample
    from explorer.training.scorecard.clips import sample_folders

    folders = sample_folders(samples)
    if not folders:
        raise UsageError(f"{samples} holds no finished songs made from nothing.")
    return round(statistics.median(Sample.open(folder).record.seconds for folder in folders), 1)
