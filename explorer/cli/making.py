"""generate, continue, upsample: commands that make samples, by the same code as the page.

Knows: how options become a request, and how a run is followed and stopped on a terminal. Does not
know: how anything is sampled or stored (``studio.run``).
"""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cli.common import (
    CtrlC,
    Progress,
    Stopped,
    UsageError,
    add_command,
    add_engine_options,
    add_json_option,
    duration,
    load_engine,
    report,
    settings_of,
    whole_number,
)
from explorer.cli.recipes import (
    add_song_options,
    begun_sample,
    new_recipe,
    open_sample,
    read_recipe,
    sampling_from,
    song_from,
)
from explorer.jukebox.config import Level

if TYPE_CHECKING:
    from explorer.engine import Jukebox
    from explorer.library import Library, Sample
    from explorer.studio import JobRequest
    from explorer.studio.progress import Accounting
    from explorer.studio.run import Takes


def add_commands(commands: Any) -> None:
    parser = add_command(
        commands,
        "generate",
        run_generate,
        "Make a new song, from nothing or going on from audio.",
        'python -m explorer generate --genre reggae --artist "Harbour Sound" --lyrics "Hello sun" --out songs',
    )
    add_song_options(parser)
    parser.add_argument("--recipe", type=Path, metavar="FILE", help="take everything from a sample.json or audio file")
    parser.add_argument("--prompt", type=Path, metavar="AUDIO", help="audio to go on from")
    parser.add_argument("--prompt-start", type=float, default=0.0, metavar="S", help="use it from this second on")
    parser.add_argument("--prompt-stop", type=float, metavar="S", help="use it up to this second")
    parser.add_argument(
        "--resume", action="store_true", help="finish what was stopped in --out; no song options are needed"
    )
    _add_run_options(parser)

    parser = add_command(
        commands,
        "continue",
        run_continue,
        "Go on from a sample folder or an audio file; --seconds is the length of the whole.",
        "python -m explorer continue songs/20261122-103952-3fa29c41 --seconds 24 --out songs",
    )
    parser.add_argument("source", type=Path, metavar="SAMPLE|AUDIO")
    add_song_options(parser)
    _add_run_options(parser)

    parser = add_command(
        commands,
        "upsample",
        run_upsample,
        "Make the finer levels of a sample folder, or of an audio file's top level.",
        "python -m explorer upsample songs/20261122-103952-3fa29c41 --out songs",
    )
    parser.add_argument("source", type=Path, metavar="SAMPLE|AUDIO")
    add_song_options(parser)
    _add_run_options(parser)


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--takes", type=whole_number(1), default=1, metavar="N", help="songs at once, seeds N, N+1 ...")
    parser.add_argument("--title", default="", help="title of the sample (default: the first line sung)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the sample folders")
    add_engine_options(parser)
    add_json_option(parser)


# -------------------------------------------------------------------------------- options to request


def run_generate(options: argparse.Namespace) -> int:
    from explorer.studio import JobMode, JobRequest, PromptAudio

    if options.resume:
        return _resume(options)
    parent = None
    if options.recipe is not None:
        song, sampling = read_recipe(options.recipe)
        parent = None if options.prompt is not None else begun_sample(options.recipe)
    elif options.lyrics is None and options.lyrics_file is None and not options.instrumental:
        raise UsageError("Say what to sing: --lyrics TEXT, --lyrics-file F, or --instrumental.")
    else:
        song, sampling = new_recipe(options)
    prompt = None
    if options.prompt is not None:
        prompt = PromptAudio(options.prompt, options.prompt_start, options.prompt_stop)
    request = JobRequest(
        song=song_from(options, song),
        options=sampling_from(options, sampling),
        model=options.model,
        takes=options.takes,
        prompt=prompt,
        parent_sample=parent.record.id if parent else None,
        mode=JobMode.PRIMED if prompt else JobMode.AGAIN if parent else JobMode.GENERATE,
        title=options.title,
    )
    return _make(options, request, parent)


def run_continue(options: argparse.Namespace) -> int:
    from explorer.studio import JobMode

    return _from_source(options, JobMode.CONTINUE, JobMode.PRIMED)


def run_upsample(options: argparse.Namespace) -> int:
    from explorer.studio import JobMode

    if options.seconds is not None:
        raise UsageError("upsample keeps the length of what it starts from; leave --seconds out.")
    return _from_source(options, JobMode.UPSAMPLE, JobMode.UPSAMPLE)


def _from_source(options: argparse.Namespace, of_sample: Any, of_audio: Any) -> int:
    """A request that starts from a sample folder (``of_sample``) or an audio file (``of_audio``)."""
    from explorer.studio import JobRequest, PromptAudio

    parent = open_sample(options.source)
    song, sampling = (parent.record.song, parent.record.options) if parent else new_recipe(options)
    request = JobRequest(
        song=song_from(options, song),
        options=sampling_from(options, replace(sampling, stop_after=Level.BOTTOM)),
        model=options.model,
        takes=options.takes,
        prompt=None if parent else PromptAudio(options.source),
        parent_sample=parent.record.id if parent else None,
        mode=of_sample if parent else of_audio,
        title=options.title,
    )
    return _make(options, request, parent)


# ------------------------------------------------------------------------------------------- running


def _make(options: argparse.Namespace, request: JobRequest, parent: Sample | None) -> int:
    from explorer.library import Library
    from explorer.studio.run import check_prompt, create_takes
    from explorer.studio.store import new_job_id

    limits = settings_of(options).limits
    if request.takes > limits.takes:
        raise UsageError(f"At most {limits.takes} takes can be made at once, not {request.takes}.")
    _ = request.songs  # the last take's seed must fit too
    if request.prompt is not None:
        check_prompt(request, limits.prompt_bytes, limits.prompt_seconds)
    engine = load_engine(options)
    library = Library(options.out)
    try:
        takes = create_takes(engine, request, library, parent, new_job_id())
        _follow(options, engine, request, takes)
        return _tell(options, library, takes.ids)
    finally:
        library.close()


def _resume(options: argparse.Namespace) -> int:
    """Finish every unfinished sample in --out; takes that were begun together go on together."""
    from explorer.library import Library, Mode
    from explorer.studio import JobRequest
    from explorer.studio.run import reopen_takes

    if not options.out.is_dir():
        raise UsageError(f"{options.out} is not a folder; name the one that holds the unfinished samples.")
    library = Library(options.out)
    try:
        unfinished: dict[str, list[Sample]] = {}
        for sample in partial_samples(library):
            if sample.record.mode is not Mode.RECONSTRUCT:
                unfinished.setdefault(sample.record.job or sample.record.id, []).append(sample)
        ids = tuple(sample.record.id for group in unfinished.values() for sample in group)
        engine = load_engine(options) if unfinished else None
        for group in unfinished.values():
            assert engine is not None
            first = group[0].record
            takes = reopen_takes(engine, library, [sample.record.id for sample in group])
            request = JobRequest(first.song, first.options, options.model, len(group), title=first.title)
            _follow(options, engine, request, takes)
        return _tell(options, library, ids)
    finally:
        library.close()


def partial_samples(library: Library) -> list[Sample]:
    """The user's samples that are not finished, oldest first."""
    from explorer.library import Query, SampleState, Scope, SortKey

    query = Query(scope=Scope.MINE, sort=SortKey.DATE, descending=False, limit=1_000_000)
    rows = library.search(query).rows
    return [library.sample(row.id) for row in rows if row.state == SampleState.PARTIAL.value]


def _follow(options: argparse.Namespace, engine: Jukebox, request: JobRequest, takes: Takes) -> None:
    """Run to the end with progress on stderr. Raises Stopped on Ctrl-C and UsageError where it failed."""
    from datetime import UTC, datetime

    from explorer.studio import JobRecord, JobState
    from explorer.studio.messages import failure_message, kept_sentence
    from explorer.studio.progress import Accounting
    from explorer.studio.run import run_takes
    from explorer.studio.speed import SpeedBook

    model, out = shlex.quote(options.model), shlex.quote(str(options.out))
    again = f"run: python -m explorer generate --resume --model {model} --out {out}"
    created = datetime.now(UTC).isoformat(timespec="seconds")
    accounting = Accounting(JobRecord("terminal", request, JobState.RUNNING, created, 0))
    progress = Progress()
    try:
        accounting.start(engine, takes, SpeedBook(settings_of(options).speeds))
        with CtrlC() as ctrl_c:
            for event in run_takes(engine, takes):
                accounting.take_in(event)
                if accounting.level is not None and accounting.record.levels[accounting.level].windows:
                    progress.show(progress_line(accounting))
                if ctrl_c.pressed:
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        kept = kept_sentence(accounting.record)
        raise Stopped(f"Stopped. {kept} To go on, {again}") from None
    except (ValueError, OSError, MemoryError, RuntimeError) as error:
        raise UsageError(failure_message(error, accounting.record, accounting.level, again=again)) from error
    finally:
        progress.end()
        takes.close()


def progress_line(accounting: Accounting) -> str:
    """ "middle window 3 of 12 · 0:07.4 made · 1 min 20 s left"."""
    from explorer.studio.messages import clock
    from explorer.studio.views import job_view

    view = job_view(accounting.record, 0, None, accounting.live)
    level = next((level for level in view.levels if level.level is accounting.level), view.levels[0])
    window = min(level.windows_done + 1, level.windows)
    made = clock(level.finished_seconds)
    return f"{level.level} window {window} of {level.windows} · {made} made · {duration(view.seconds_left)} left"


def _tell(options: argparse.Namespace, library: Library, ids: tuple[str, ...]) -> int:
    """The sample folders on stdout."""
    samples = [library.sample(id) for id in ids]
    value = {
        "samples": [
            {
                "id": sample.record.id,
                "folder": str(sample.folder),
                "title": sample.record.title,
                "state": sample.record.state.value,
                "seconds": sample.record.seconds,
                "seed": sample.record.song.seed,
                "levels": {
                    level.value: {"codes": known.codes, "seconds": known.seconds, "finished": known.finished}
                    for level, known in sample.record.levels.items()
                },
                "notes": list(sample.record.notes),
            }
            for sample in samples
        ]
    }
    for note in dict.fromkeys(note for sample in samples for note in sample.record.notes):
        print(f"note: {note}", file=sys.stderr)
    report(value, options.json, "\n".join(str(sample.folder) for sample in samples) or "Nothing is unfinished here.")
    return 0
