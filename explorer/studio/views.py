"""What a caller sees of a job: immutable snapshots that any number of tabs may hold.

Knows: the shape of what is shown. Does not know: threads, files or the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.studio.jobs import JobMode, JobRecord, JobState


class LevelState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    """Cancelled, failed or interrupted in the middle of this level, or before it."""
    GIVEN = "given"
    """Nothing to sample: the codes were handed in."""
    SKIPPED = "skipped"
    """After the level at which the job was asked to stop."""


@dataclass(frozen=True)
class LevelView:
    """One level of a running or finished job."""

    level: Level
    state: LevelState
    windows_done: int
    windows: int
    """0 while not known."""
    codes_done: int
    """New codes per take, unfinished window included."""
    codes: int
    """New codes per take in all; 0 while not known."""
    finished_seconds: float
    """Seconds of audio that are on disk and will not change any more, prompt included."""
    codes_per_second: float | None
    """Measured in this job (all takes of a batch advance together: codes of one take)."""
    seconds_left: float | None
    """From this job's measured speed, else from earlier jobs'; None where nothing was measured."""


@dataclass(frozen=True)
class JobView:
    """One job as it stood at one moment."""

    id: str
    state: JobState
    mode: JobMode
    title: str
    model: str
    position: int | None
    """Place in the queue while waiting: 1 is next. None in every other state."""
    levels: tuple[LevelView, ...]
    """Top, middle, bottom: the order in which they are sampled."""
    sample_ids: tuple[str, ...]
    """One library sample per take; empty until the job started."""
    parent_sample: str | None
    seconds_left: float | None
    """Sum over the levels; None where one of them is not known."""
    elapsed: float
    """Seconds of work so far, pauses between interruption and resume not counted."""
    preview_seconds: float | None
    """Seconds from the start of work to the first playable audio."""
    cancelling: bool
    """Cancel was asked for and the worker has not stopped yet."""
    message: str
    """What happened, what was kept, what to do; empty while all is well."""
    created: str
    """ISO 8601, UTC."""
    revision: int
    """Rises with every change of this job."""

    @property
    def resumable(self) -> bool:
        return self.state.resumable


@dataclass(frozen=True)
class Live:
    """What the worker knows about the running job beyond its record."""

    level: Level | None = None
    """Being sampled; None before the first level."""
    codes_done: int = 0
    """New codes of that level, unfinished window included."""
    rate: float | None = None
    """Codes per second of that level in this run; None until it can be measured."""
    earlier_rates: Mapping[Level, float | None] = field(default_factory=dict)
    """What this machine did before."""
    elapsed: float = 0.0
    cancelling: bool = False


def job_view(record: JobRecord, revision: int, position: int | None, live: Live | None) -> JobView:
    """A snapshot of ``record``; ``live`` only while it runs."""
    levels = tuple(_level_view(record, level, live) for level in SAMPLING_ORDER)
    left = [view.seconds_left for view in levels]
    return JobView(
        id=record.id,
        state=record.state,
        mode=record.request.mode,
        title=record.request.display_title,
        model=record.request.model,
        position=position,
        levels=levels,
        sample_ids=record.sample_ids,
        parent_sample=record.request.parent_sample,
        seconds_left=None if None in left else sum(s for s in left if s is not None),
        elapsed=live.elapsed if live else record.elapsed,
        preview_seconds=record.preview_seconds,
        cancelling=live.cancelling if live else False,
        message=record.message,
        created=record.created,
        revision=revision,
    )


def _level_view(record: JobRecord, level: Level, live: Live | None) -> LevelView:
    progress = record.levels[level]
    state = _level_state(record, level, live)
    running = live is not None and live.level is level
    codes_done = max(progress.codes_done, live.codes_done) if running and live else progress.codes_done
    measured = None
    if running and live and live.rate:
        measured = live.rate
    elif progress.sampling_seconds > 0 and progress.codes_done:
        measured = progress.codes_done / progress.sampling_seconds
    left: float | None = 0.0
    if state in (LevelState.WAITING, LevelState.RUNNING, LevelState.STOPPED):
        rate = measured or (live.earlier_rates.get(level) if live else None)
        left = (progress.codes - codes_done) / rate if rate and progress.codes else None
    return LevelView(
        level=level,
        state=state,
        windows_done=progress.windows_done,
        windows=progress.windows,
        codes_done=codes_done,
        codes=progress.codes,
        finished_seconds=progress.kept_seconds,
        codes_per_second=measured,
        seconds_left=left,
    )


def _level_state(record: JobRecord, level: Level, live: Live | None) -> LevelState:
    progress = record.levels[level]
    if SAMPLING_ORDER.index(level) > SAMPLING_ORDER.index(record.request.options.stop_after):
        return LevelState.SKIPPED
    if progress.finished:
        return LevelState.FINISHED if progress.codes_done else LevelState.GIVEN
    if not record.state.active:
        return LevelState.STOPPED
    return LevelState.RUNNING if live is not None and live.level is level else LevelState.WAITING
