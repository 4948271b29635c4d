"""kill -9 while each level is made: a restart finds the job, and the finished codes are the same."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch

from explorer.engine import Jukebox
from explorer.jukebox.config import Level
from explorer.library import Library, SampleState
from explorer.settings import Settings
from explorer.studio import JobRequest, JobState, Studio
from tests.studio.conftest import SONG, Slow, codes_of, ended, same, wait_for


def _work(settings: Settings, engine: Jukebox) -> None:
    """The program that will be killed."""
    studio = Studio(settings, Library(settings.library), lambda name: Slow(engine))  # type: ignore[arg-type, return-value]
    studio.start()
    studio.submit(JobRequest(SONG, model="tiny", takes=2))
    time.sleep(600)


def _windows_done(record: Path, level: Level) -> int:
    try:
        return int(json.loads(record.read_text())["levels"][level.value]["windows_done"])
    except FileNotFoundError:
        return 0


@pytest.mark.parametrize("level", list(Level))
def test_kill_during_a_level_loses_at_most_a_window(
    level: Level,
    settings: Settings,
    engine: Jukebox,
    expected: dict[Level, torch.Tensor],
    open_studio: Callable[..., Studio],
) -> None:
    # A fork shares the loaded model; a fresh interpreter would spend most of the test importing torch.
    child = get_context("fork").Process(target=_work, args=(settings, engine))
    child.start()
    assert child.pid is not None
    end = time.monotonic() + 120
    try:
        while time.monotonic() < end:
            records = list(settings.jobs.glob("*.json")) if settings.jobs.exists() else []
            if records and _windows_done(records[0], level) >= 1:
                break
            assert child.is_alive()
            time.sleep(0.01)
        else:
            raise AssertionError(f"{level} never had a window")
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.join()
    done = _windows_done(records[0], level)

    studio = open_studio(start=False)
    (view,) = studio.jobs()
    assert view.state is JobState.INTERRUPTED and level.value in view.message.lower()
    kept = [studio.library.sample(id).codes() for id in view.sample_ids]
    assert len(kept) == 2
    for take, codes in enumerate(kept):
        for known, row in codes.items():
            assert torch.equal(row, expected[known][take, : len(row)])
        assert len(codes[level]) > 0, f"{done} windows were reported done"
    assert all(studio.library.sample(id).record.state is SampleState.PARTIAL for id in view.sample_ids)

    studio.resume(view.id)
    studio.start()
    view = wait_for(studio, view.id, ended)
    assert view.state is JobState.FINISHED, view.message
    assert same(codes_of(studio.library, view), expected)
    assert studio.library.verify() == ()
