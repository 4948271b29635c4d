"""Making a list of songs, each once: the gallery and the scorecard's songs.

Knows: which songs of a list are there already, and that several are sampled as one batch, which does
not change their codes; songs with a prompt and songs without are not mixed. Does not know: which songs
are wanted and why, or how one is made (``studio.run``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.cli.common import CtrlC, Progress, Stopped, UsageError
from explorer.jukebox.config import LEVELS, Level
from explorer.jukebox.song import SamplingOptions, Song

if TYPE_CHECKING:
    from explorer.engine import Jukebox
    from explorer.library import Library
    from explorer.studio.jobs import PromptAudio
    from explorer.studio.run import Takes


@dataclass(frozen=True)
class Wanted:
    """A song and the folder that it shall have."""

    id: str
    song: Song
    collection: str
    licence: str
    options: SamplingOptions
    prompt: PromptAudio | None = None
    """Audio that it goes on from; in one list all prompts have the same length."""


def make_songs(engine: Jukebox, folder: Path, songs: Sequence[Wanted], batch: int) -> None:
    """Make those of ``songs`` that ``folder`` does not hold; what was begun is finished.

    Raises UsageError where a folder holds another song of that name, StudioError where one was begun
    with other weights, and Stopped on Ctrl-C.
    """
    from explorer.library import Library, Sample, SampleState

    begun = {}
    for wanted in songs:
        if (folder / wanted.id / "sample.json").exists():
            record = begun[wanted.id] = Sample.open(folder / wanted.id).record
            if (record.song, record.options, dict(record.weights)) != (wanted.song, wanted.options, engine.hashes):
                raise UsageError(
                    f"{folder / wanted.id} is another song than the one wanted, or of other weights; "
                    "name another folder, or remove this one."
                )
    partial = [w for w in songs if w.id in begun and begun[w.id].state is not SampleState.FINISHED]
    missing = [w for w in songs if w.id not in begun]
    parts = [[w for w in part if bool(w.prompt) is primed] for part in (partial, missing) for primed in (False, True)]
    groups = [part[i : i + batch] for part in parts for i in range(0, len(part), batch)]
    library = Library(folder)
    progress = Progress()
    done, count = len(songs) - len(partial) - len(missing), len(songs)
    try:
        with CtrlC() as ctrl_c:
            for group in groups:
                told = f"songs {done + 1} to {done + len(group)} of {count}"
                _make(engine, _takes(engine, library, group), told, progress, ctrl_c)
                done += len(group)
    except KeyboardInterrupt:
        raise Stopped(f"Stopped. What is finished in {folder} is kept; run the same command to go on.") from None
    finally:
        progress.end()
        library.close()


def _takes(engine: Jukebox, library: Library, group: Sequence[Wanted]) -> Takes:
    """The folders of a group, new or as they were left: all are one or the other, and all have prompts or none."""
    import torch

    from explorer.library import Mode
    from explorer.studio.run import begin_record, encode_prompt, new_takes, reopen_takes

    if (library.folder / group[0].id).exists():
        return reopen_takes(engine, library, [wanted.id for wanted in group])
    prompts = [encode_prompt(engine, wanted.prompt) for wanted in group if wanted.prompt is not None]
    given = {level: torch.cat([codes[level] for codes in prompts]) for level in (LEVELS if prompts else ())}
    seconds = given[Level.TOP].shape[1] * engine.config.hop(Level.TOP) / engine.config.sample_rate if prompts else 0.0
    mode = Mode.PRIMED if prompts else Mode.GENERATE
    records = [
        begin_record(
            engine, w.song, w.options, mode,
            id=w.id, collection=w.collection, licence=w.licence, prompt_seconds=seconds,
        )
        for w in group
    ]  # fmt: skip
    return new_takes(library, records, given)


def _make(engine: Jukebox, takes: Takes, told: str, progress: Progress, ctrl_c: CtrlC) -> None:
    from explorer.jukebox.events import WindowDone
    from explorer.studio.run import run_takes

    try:
        for event in run_takes(engine, takes):
            if isinstance(event, WindowDone):
                progress.show(f"{told} · {event.level} window {event.window + 1} of {event.windows}")
            if ctrl_c.pressed:
                raise KeyboardInterrupt
    finally:
        takes.close()
