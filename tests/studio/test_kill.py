"""kill -9 while a level is made, three times: each restart finds the job, and the finished codes are the same."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from multiprocessing import get_context

import pytest
import torch

from explorer.engine import Jukebox
from explorer.jukebox.config import Level
from explorer.library import Library, SampleState
from explorer.settings import Settings
from explorer.studio import JobRequest, JobState, Studio
from tests.studio.conftest import SONG, Slow, codes_of, ended, same, wait_for

KILLS = 3
BEFORE_LAST = {Level.TOP: 2, Level.MIDDLE: 4, Level.BOTTOM: 10}
"""Windows of SONG's levels but one: with so many done, the level is still being made."""


def _work(settings: Settings, engine: Jukebox) -> None:
    """The program that will be killed: goes on with what there is, or begins."""
    studio = Studio(settings, Library(settings.library), lambda name: Slow(engine))  # type: ignore[arg-type, return-value]
    for view in studio.jobs():
        studio.resume(view.id)
    if not studio.jobs():
        studio.submit(JobRequest(SONG, model="tiny", takes=2))
    studio.start()
    time.sleep(600)


def _windows_done(settings: Settings, level: Level) -> int:
    """Windows of the level that the running job's record counts; -1 while none runs."""
    for path in settings.jobs.glob("*.json"):
        record = json.loads(path.read_text())
        if record["state"] == JobState.RUNNING:
            return int(record["levels"][level.value]["windows_done"])
    return -1


def _kill_in(level: Level, windows: int, settings: Settings, engine: Jukebox) -> int:
    """Run the program until it has made ``windows`` windows of ``level``, then kill it; how many it had at last."""
    # A fork shares the loaded model; a fresh interpreter would spend most of the test importing torch.
    child = get_context("fork").Process(target=_work, args=(settings, engine))
    child.start()
    assert child.pid is not None
    end = time.monotonic() + 120
    try:
        while _windows_done(settings, level) < windows:
            assert child.is_alive() and time.monotonic() < end, f"{level} never had {windows} windows"
            time.sleep(0.005)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.join()
    return _windows_done(settings, level)


@pytest.mark.parametrize("level", list(Level))
def test_three_kills_during_a_level_lose_at_most_a_window_each(
    level: Level,
    settings: Settings,
    engine: Jukebox,
    expected: dict[Level, torch.Tensor],
    open_studio: Callable[..., Studio],
) -> None:
    done = 0
    for _ in range(KILLS):
        done = _kill_in(level, min(done + 1, BEFORE_LAST[level]), settings, engine)

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
        studio.close()

    studio = open_studio(start=False)
    (view,) = studio.jobs()
    studio.resume(view.id)
    studio.start()
    view = wait_for(studio, view.id, ended)
    assert view.state is JobState.FINISHED, view.message
    assert same(codes_of(studio.library, view), expected)
    assert studio.library.verify() == ()
