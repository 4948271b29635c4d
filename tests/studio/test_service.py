"""Jobs from submit to their end: what callers see, what is kept, and what resuming gives."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from explorer.checkpoints import CheckpointError
from explorer.engine import Jukebox
from explorer.jukebox.config import Level
from explorer.jukebox.song import SamplingOptions
from explorer.library import LibraryError, SampleState
from explorer.settings import Limits
from explorer.studio import JobMode, JobRequest, JobState, LevelState, PromptAudio, Studio, StudioError
from tests.studio.conftest import SONG, Slow, codes_of, ended, same, wait_for

Opener = Callable[..., Studio]
TWO = JobRequest(SONG, model="tiny", takes=2)
ONLY_TOP = SamplingOptions(stop_after=Level.TOP)


def test_a_job_makes_one_finished_sample_per_take(open_studio: Opener, expected: dict[Level, torch.Tensor]) -> None:
    studio = open_studio()
    view = wait_for(studio, studio.submit(TWO), ended)
    assert view.state is JobState.FINISHED and not view.message
    assert [level.state for level in view.levels] == [LevelState.FINISHED] * 3
    assert all(level.codes_done == level.codes and level.windows_done == level.windows for level in view.levels)
    assert view.seconds_left == 0 and view.preview_seconds is not None and view.preview_seconds < view.elapsed
    assert same(codes_of(studio.library, view), expected)
    records = [studio.library.sample(id).record for id in view.sample_ids]
    assert [record.song.seed for record in records] == [5, 6]
    assert all(record.state is SampleState.FINISHED and record.job == view.id for record in records)
    for id in view.sample_ids:
        sample = studio.library.sample(id)
        assert sample.alignment() is not None
        for level in Level:
            assert (
                soundfile.info(sample.audio_path(level)).frames
                == len(sample.codes()[level]) * sample.record.hops[level]
            )


def test_progress_only_rises_and_every_tab_sees_the_same(open_studio: Opener, engine: Jukebox) -> None:
    studio = open_studio(lambda name: Slow(engine, 0.01))
    job = studio.submit(replace(TWO, takes=1))
    revision, seen = -1, []
    while not seen or not ended(seen[-1]):
        revision = studio.wait(revision, 10)
        seen.append(studio.job(job))
    assert seen[-1] == studio.job(job) == studio.jobs()[0]
    for before, after in itertools.pairwise(seen):
        assert after.revision >= before.revision
        for a, b in zip(before.levels, after.levels, strict=True):
            assert b.codes_done >= a.codes_done and b.windows_done >= a.windows_done
            assert b.finished_seconds >= a.finished_seconds
    windows = {level.windows_done for view in seen for level in view.levels if level.level is Level.BOTTOM}
    assert windows == set(range(12))


def test_waiting_jobs_have_positions_and_can_be_cancelled(open_studio: Opener) -> None:
    studio = open_studio(start=False)
    first, second, third = (studio.submit(JobRequest(SONG, ONLY_TOP, "tiny")) for _ in range(3))
    assert [studio.job(job).position for job in (first, second, third)] == [1, 2, 3]
    assert studio.cancel(second).state is JobState.CANCELLED
    assert [view.id for view in studio.jobs()] == [first, third, second]
    assert studio.job(third).position == 2
    studio.resume(second)
    assert [studio.job(job).position for job in (first, third, second)] == [1, 2, 3]
    studio.start()
    for job in (first, second, third):
        assert wait_for(studio, job, ended).state is JobState.FINISHED


def test_cancel_keeps_finished_windows_and_resume_equals_an_uninterrupted_run(
    open_studio: Opener, engine: Jukebox, expected: dict[Level, torch.Tensor]
) -> None:
    studio = open_studio(lambda name: Slow(engine))
    job = studio.submit(TWO)
    wait_for(studio, job, lambda view: view.levels[1].windows_done >= 2)
    assert studio.cancel(job).cancelling
    view = wait_for(studio, job, ended, 5)
    assert view.state is JobState.CANCELLED and view.resumable
    assert view.levels[1].state is LevelState.STOPPED
    kept = codes_of(studio.library, view)
    assert torch.equal(kept[Level.TOP], expected[Level.TOP])
    middle = kept[Level.MIDDLE]
    assert 0 < middle.shape[1] < expected[Level.MIDDLE].shape[1]
    assert torch.equal(middle, expected[Level.MIDDLE][:, : middle.shape[1]])
    assert "Top and middle to 0:" in view.message and "Resume" in view.message
    assert studio.library.sample(view.sample_ids[0]).record.state is SampleState.PARTIAL
    studio.resume(job)
    view = wait_for(studio, job, ended)
    assert view.state is JobState.FINISHED
    assert same(codes_of(studio.library, view), expected)
    assert view.levels[1].windows_done == view.levels[1].windows == 5


def test_a_closed_program_offers_to_resume(
    open_studio: Opener, engine: Jukebox, expected: dict[Level, torch.Tensor]
) -> None:
    studio = open_studio(lambda name: Slow(engine))
    job = studio.submit(TWO)
    waiting = studio.submit(JobRequest(SONG, ONLY_TOP, "tiny"))
    wait_for(studio, job, lambda view: view.levels[2].windows_done >= 1)
    studio.close()
    studio.library.close()
    again = open_studio(start=False)
    assert again.job(job).state is JobState.INTERRUPTED and again.job(waiting).state is JobState.WAITING
    assert "Top, middle and bottom to 0:" in again.job(job).message
    again.resume(job)
    again.start()
    view = wait_for(again, job, ended)
    assert same(codes_of(again.library, view), expected)
    assert wait_for(again, waiting, ended).state is JobState.FINISHED


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """A disk that takes so many more files and is full then; a negative number empties it."""
    room = [-1]
    real = os.fsync

    def fsync(handle: int) -> None:
        if room[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= room[0] > 0
        real(handle)

    monkeypatch.setattr("explorer.durable.os.fsync", fsync)
    yield lambda files: room.__setitem__(0, files)


@pytest.mark.parametrize("files", [9, 60])
def test_a_full_disk_keeps_what_was_made_and_resume_finishes_it(
    files: int,
    disk: Callable[[int], None],
    open_studio: Opener,
    expected: dict[Level, torch.Tensor],
) -> None:
    studio = open_studio(start=False)
    job = studio.submit(TWO)
    disk(files)
    studio.start()
    view = wait_for(studio, job, ended)
    assert view.state is JobState.FAILED
    assert view.message.startswith("The disk was full") and "press Resume" in view.message
    for id in view.sample_ids:
        for level, codes in studio.library.sample(id).codes().items():
            take = view.sample_ids.index(id)
            assert torch.equal(codes, expected[level][take, : len(codes)])
    assert not list(studio.settings.library.rglob("*.part"))
    disk(-1)
    studio.resume(job)
    view = wait_for(studio, job, ended)
    assert view.state is JobState.FINISHED and not view.message
    assert same(codes_of(studio.library, view), expected)
    assert not [problem for problem in studio.library.verify() if problem.folder.name in view.sample_ids]


class Failing(Slow):
    """An engine whose bottom level fails."""

    def __init__(self, engine: Jukebox, error: Exception) -> None:
        super().__init__(engine, 0.0)
        self._error = error

    def generate(self, *arguments: Any, **named: Any) -> Iterator[Any]:
        for event in super().generate(*arguments, **named):
            if getattr(event, "level", None) is Level.BOTTOM and getattr(event, "window", 0) == 3:
                raise self._error
            yield event


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "The memory was not enough at bottom window 4 of 11. Top, middle and bottom to 0:"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "Make fewer takes"),
        (RuntimeError("shapes differ"), "Something went wrong inside the program at bottom window 4 of 11"),
    ],
)
def test_a_failure_says_what_happened_and_what_is_kept(
    error: Exception, words: str, open_studio: Opener, engine: Jukebox
) -> None:
    studio = open_studio(lambda name: Failing(engine, error))
    view = wait_for(studio, studio.submit(TWO), ended)
    assert view.state is JobState.FAILED and view.resumable and words in view.message
    assert "kept" in view.message
    reports = list(studio.settings.jobs.glob(f"{view.id}.log"))
    assert bool(reports) == (error.args == ("shapes differ",))
    # The worker lives on: the next job is made.
    assert wait_for(studio, studio.submit(JobRequest(SONG, ONLY_TOP, "tiny")), ended).state is JobState.FINISHED


def test_a_missing_model_fails_with_its_own_words_and_makes_no_sample(open_studio: Opener) -> None:
    def load(name: str) -> Jukebox:
        raise CheckpointError(f'There is no model "{name}".')

    studio = open_studio(load)
    view = wait_for(studio, studio.submit(replace(TWO, model="absent")), ended)
    assert view.state is JobState.FAILED and view.message.startswith('There is no model "absent". No window')
    assert view.sample_ids == () and studio.library.counts().all == 0


def test_continue_keeps_the_parents_codes_and_goes_on(open_studio: Opener, expected: dict[Level, torch.Tensor]) -> None:
    studio = open_studio()
    parent = wait_for(studio, studio.submit(TWO), ended).sample_ids[0]
    longer = JobRequest(replace(SONG, seconds=2.2), model="tiny", takes=2, parent_sample=parent, mode=JobMode.CONTINUE)
    view = wait_for(studio, studio.submit(longer), ended)
    assert view.state is JobState.FINISHED, view.message
    codes = codes_of(studio.library, view)
    for level, row in codes.items():
        given = expected[level][0]
        assert torch.equal(row[:, : len(given)], given.expand(2, -1)) and row.shape[1] > len(given)
        assert not torch.equal(row[0], row[1]), "takes must differ behind the prompt"
    record = studio.library.sample(view.sample_ids[0]).record
    assert record.parent == parent and record.prompt_seconds == pytest.approx(1.488, abs=0.01)
    again = replace(longer, parent_sample=view.sample_ids[0], mode=JobMode.AGAIN)
    repeated = wait_for(studio, studio.submit(again), ended)
    assert repeated.state is JobState.FINISHED, repeated.message
    for level, row in codes_of(studio.library, repeated).items():
        assert torch.equal(row, codes[level])
    assert studio.library.sample(repeated.sample_ids[0]).record.prompt_seconds == record.prompt_seconds
    nothing = wait_for(studio, studio.submit(replace(again, parent_sample=parent)), ended)
    assert nothing.state is JobState.FAILED and "made from nothing" in nothing.message
    shorter = replace(longer, song=SONG)
    failed = wait_for(studio, studio.submit(shorter), ended)
    assert failed.state is JobState.FAILED and "There are 1.5 s already" in failed.message


def test_upsample_keeps_the_top_level(open_studio: Opener, expected: dict[Level, torch.Tensor]) -> None:
    studio = open_studio()
    parent = wait_for(studio, studio.submit(JobRequest(SONG, ONLY_TOP, "tiny")), ended)
    assert parent.levels[1].state is LevelState.SKIPPED
    request = JobRequest(SONG, model="tiny", parent_sample=parent.sample_ids[0], mode=JobMode.UPSAMPLE)
    view = wait_for(studio, studio.submit(request), ended)
    assert view.levels[0].state is LevelState.GIVEN
    codes = codes_of(studio.library, view)
    assert all(torch.equal(codes[level][0], expected[level][0]) for level in Level)


def test_a_prompt_is_encoded_kept_and_survives_the_loss_of_its_file(
    open_studio: Opener, engine: Jukebox, tmp_path: Path
) -> None:
    sound = (0.3 * np.sin(np.arange(8000) * 0.2)).astype(np.float32)
    file = tmp_path / "mine.wav"
    soundfile.write(file, sound, 8000, subtype="FLOAT")
    studio = open_studio(start=False)
    request = JobRequest(SONG, model="tiny", prompt=PromptAudio(file, 0.25, 0.75), mode=JobMode.PRIMED)
    job = studio.submit(request)
    file.unlink()
    studio.start()
    view = wait_for(studio, job, ended)
    assert view.state is JobState.FINISHED, view.message
    codes, given = codes_of(studio.library, view), engine.encode(torch.from_numpy(sound[None, 2000:6000]))
    for level in Level:
        assert torch.equal(codes[level][0, : given[level].shape[1]], given[level][0])
    studio.remove(job)
    assert not list(studio.settings.jobs.glob(f"{job}*"))


def test_what_cannot_run_is_refused_at_once(open_studio: Opener, tmp_path: Path) -> None:
    studio = open_studio(start=False)
    text = tmp_path / "riff.txt"
    text.write_text("not sound at all")
    with pytest.raises(ValueError, match=r"riff\.txt"):
        studio.submit(JobRequest(SONG, model="tiny", prompt=PromptAudio(text), mode=JobMode.PRIMED))
    with pytest.raises(LibraryError):
        studio.submit(JobRequest(SONG, model="tiny", parent_sample="nowhere-1", mode=JobMode.CONTINUE))
    with pytest.raises(StudioError, match="At most 16 takes"):
        studio.submit(replace(TWO, takes=17))
    with pytest.raises(StudioError, match="does not exist"):
        studio.job("nothing")
    assert studio.jobs() == () and list(studio.settings.jobs.glob("*.json")) == []


def test_a_nearly_full_disk_and_a_full_queue_start_nothing(open_studio: Opener) -> None:
    studio = open_studio(start=False)
    studio.settings = replace(studio.settings, limits=Limits(free_bytes=2**60))
    with pytest.raises(StudioError, match="Nothing was started"):
        studio.submit(TWO)
    studio.settings = replace(studio.settings, limits=Limits(waiting_jobs=1))
    studio.submit(TWO)
    with pytest.raises(StudioError, match="are waiting already"):
        studio.submit(TWO)


def test_only_one_program_works_on_a_library(open_studio: Opener) -> None:
    studio = open_studio(start=False)
    with pytest.raises(StudioError, match="Another program"):
        open_studio(start=False)
    job = studio.submit(TWO)
    studio.close()
    assert open_studio(start=False).job(job).state is JobState.WAITING


def test_active_jobs_cannot_be_removed_and_finished_ones_not_resumed(open_studio: Opener) -> None:
    studio = open_studio(start=False)
    job = studio.submit(JobRequest(SONG, ONLY_TOP, "tiny"))
    with pytest.raises(StudioError, match="cancel it first"):
        studio.remove(job)
    studio.start()
    view = wait_for(studio, job, ended)
    with pytest.raises(StudioError, match="nothing to resume"):
        studio.resume(job)
    studio.remove(job)
    assert studio.library.sample(view.sample_ids[0]).record.state is SampleState.FINISHED


def test_other_weights_do_not_go_on_with_a_sample(open_studio: Opener, engine: Jukebox) -> None:
    studio = open_studio(lambda name: Slow(engine))
    engine.hashes = {"top": "a" * 64}
    try:
        job = studio.submit(TWO)
        wait_for(studio, job, lambda view: view.levels[0].windows_done >= 1)
        studio.cancel(job)
        wait_for(studio, job, ended)
        engine.hashes = {"top": "b" * 64}
        studio.resume(job)
        assert "has other weights" in wait_for(studio, job, ended).message
    finally:
        engine.hashes = {}
