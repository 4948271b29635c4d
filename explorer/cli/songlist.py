"""Making a list of songs, each once: the gallery and the scorecard's songs.

Knows: which songs of a list are there already, and that several are sampled as one batch, which does
not change their codes. Does not know: which songs are wanted and why, or how one is made
(``studio.run``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.cli.common import CtrlC, Progress, Stopped, UsageError
from explorer.jukebox.song import SamplingOptions, Song

if TYPE_CHECKING:
    from explorer.engine import Jukebox
    from explorer.library import Library
    from explorer.studio.run import Takes


@dataclass(frozen=True)
class Wanted:
    """A song and the folder that it shall have."""

    id: str
    song: Song
    collection: str
    licence: str
    options: SamplingOptions


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
    groups = [part[i : i + batch] for part in (partial, missing) for i in range(0, len(part), batch)]
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
    """The folders of a group, new or as they were left: all of a group are one or the other."""
    from explorer.library import Mode
    from explorer.studio.run import Takes, begin_record, reopen_takes

    if (library.folder / group[0].id).exists():
        return reopen_takes(engine, library, [wanted.id for wanted in group])
    records = [
        begin_record(engine, w.song, w.options, Mode.GENERATE, id=w.id, collection=w.collection, licence=w.licence)
        for w in group
    ]
    return Takes([library.create(record) for record in records], tuple(w.song for w in group), {})


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
