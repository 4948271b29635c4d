"""A studio on a tiny random model, in a folder of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.engine import Jukebox
from explorer.jukebox.config import Level
from explorer.jukebox.song import Song
from explorer.library import Library
from explorer.settings import Settings
from explorer.studio import JobRequest, JobView, Studio
from tests.tiny import tiny_jukebox

SONG = Song(genre="reggae", artist="Harbour Sound", lyrics="hello sun\nla la la", seconds=1.5, seed=5)
"""3 windows at the top, 5 in the middle, 11 at the bottom."""


@pytest.fixture(scope="session")
def engine() -> Jukebox:
    return tiny_jukebox()


@pytest.fixture(scope="session")
def expected(engine: Jukebox) -> dict[Level, torch.Tensor]:
    """Codes [2, n] of an uninterrupted run of two takes of SONG."""
    songs = JobRequest(SONG, takes=2).songs
    *_, finished = engine.generate(songs)
    codes: dict[Level, torch.Tensor] = finished.codes  # type: ignore[union-attr]
    return codes


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, library=tmp_path / "library")


class Slow:
    """An engine that waits at every event, so that a test can act in between."""

    def __init__(self, engine: Jukebox, seconds: float = 0.03) -> None:
        self._engine, self._seconds = engine, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def generate(self, *arguments: Any, **named: Any) -> Iterator[Any]:
        for event in self._engine.generate(*arguments, **named):
            time.sleep(self._seconds)
            yield event


@pytest.fixture
def open_studio(settings: Settings, engine: Jukebox) -> Iterator[Callable[..., Studio]]:
    """Opens studios on the same folders, as restarts of the program do; closes them at the end."""
    opened: list[Studio] = []

    def open_one(load: Callable[[str], Any] | None = None, start: bool = True) -> Studio:
        studio = Studio(settings, Library(settings.library), load or (lambda name: engine))
        opened.append(studio)
        if start:
            studio.start()
        return studio

    yield open_one
    for studio in opened:
        studio.close()
        studio.library.close()


def wait_for(studio: Studio, job: str, reached: Callable[[JobView], bool], seconds: float = 60.0) -> JobView:
    """The first snapshot for which ``reached`` holds."""
    end, revision = time.monotonic() + seconds, -1
    while time.monotonic() < end:
        revision = studio.wait(revision, 0.5)
        view = studio.job(job)
        if reached(view):
            return view
    raise AssertionError(f"not reached within {seconds} s: {studio.job(job)}")


def ended(view: JobView) -> bool:
    return not view.state.active


def codes_of(library: Library, view: JobView) -> dict[Level, torch.Tensor]:
    """Codes [takes, n] that a job left on the disk, all takes."""
    stored = [library.sample(id).codes() for id in view.sample_ids]
    return {level: torch.stack([codes[level] for codes in stored]) for level in stored[0]}


def same(a: dict[Level, torch.Tensor], b: dict[Level, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[level], b[level]) for level in a)
