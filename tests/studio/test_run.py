"""What a run writes beside codes and sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from explorer.engine import Jukebox
from explorer.jukebox.config import Level
from explorer.jukebox.song import SamplingOptions, Song
from explorer.library import Library, Sample
from explorer.studio.jobs import JobMode, JobRequest
from explorer.studio.run import create_takes, run_takes
from tests.tiny import tiny_jukebox

SONG = Song("reggae", "Tin Whistle", "one two three", 1.0, seed=3)
TOP = SamplingOptions(stop_after=Level.TOP)


@pytest.fixture(scope="module")
def engine() -> Jukebox:
    return tiny_jukebox(listener=8, bar_parts=12, tune=True)


def made(engine: Jukebox, library: Library, request: JobRequest, parent: Sample | None = None) -> list[Sample]:
    takes = create_takes(engine, request, library, parent)
    for _ in run_takes(engine, takes):
        pass
    return [library.sample(id) for id in takes.ids]


def test_every_take_keeps_what_it_was_told(engine: Jukebox, tmp_path: Path) -> None:
    library = Library(tmp_path)
    request = JobRequest(SONG, TOP, takes=2)
    sheets = [sample.sheet() for sample in made(engine, library, request)]
    assert sheets == [engine.lead_sheet(song) for song in request.songs] and None not in sheets
    assert sheets[0] != sheets[1], "each take has a seed of its own"
    assert library.verify() == ()
    library.close()


def test_finer_levels_keep_the_sheet_of_their_top_codes(engine: Jukebox, tmp_path: Path) -> None:
    library = Library(tmp_path)
    (top,) = made(engine, library, JobRequest(SONG, TOP))
    request = JobRequest(SONG, parent_sample=top.record.id, mode=JobMode.UPSAMPLE)
    (whole,) = made(engine, library, request, top)
    assert whole.sheet() == top.sheet() is not None
    request = JobRequest(replace(SONG, seconds=1.5), TOP, parent_sample=top.record.id, mode=JobMode.CONTINUE)
    (longer,) = made(engine, library, request, top)
    assert longer.sheet() is None, "what goes on from music that exists is told nothing"
    library.close()
