"""How far a run is: turns events into a job's record, live figures and measured speeds.

Knows: windows, codes, clocks. Does not know: threads, queues, who watches. The page's worker and
the command line count with the same code.
"""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from explorer.jukebox.config import Level
from explorer.jukebox.events import Event, LevelDone, LevelStarted, Preview, Progress, WindowDone
from explorer.studio.jobs import JobRecord
from explorer.studio.run import Takes
from explorer.studio.speed import SpeedBook, rows_of
from explorer.studio.views import Live

if TYPE_CHECKING:
    from explorer.engine import Jukebox, LevelPlan

MEASURABLE_SECONDS = 0.5
"""A level must have run this long before its speed is called measured."""


class Accounting:
    """Follows one run. ``record`` and ``live`` are new objects after every change."""

    def __init__(self, record: JobRecord) -> None:
        self.record = record
        self.live = Live(elapsed=record.elapsed)
        self._base = record.elapsed
        self._began = monotonic()
        self._level_began = 0.0
        self._window_began = 0.0
        self._before = 0
        """New codes of the current level that earlier runs made."""
        self._engine: Jukebox | None = None
        self._speeds: SpeedBook | None = None
        self._plans: dict[Level, LevelPlan] = {}

    @property
    def level(self) -> Level | None:
        """The level being sampled."""
        return self.live.level

    @property
    def elapsed(self) -> float:
        """Seconds of work, earlier runs of the job included."""
        return self._base + monotonic() - self._began

    def start(self, engine: Jukebox, takes: Takes, speeds: SpeedBook) -> None:
        """Windows and codes of all levels before the first one runs, so that time left is known at once."""
        self._engine, self._speeds = engine, speeds
        resumed = bool(self.record.sample_ids)
        if not takes.writers:
            return
        record = self.record if resumed else replace(self.record, sample_ids=takes.ids)
        lengths = {level: codes.shape[1] for level, codes in takes.given.items()}
        plans = engine.plan(takes.songs[0], takes.writers[0].record.options, lengths)
        for level, plan in plans.items():
            have = min(lengths.get(level, 0), plan.length)
            before = record.levels[level]
            given = before.given if resumed else have
            record = record.with_level(
                level,
                windows=before.windows_done + plan.windows,
                codes=plan.length - given,
                codes_done=have - given,
                given=given,
                kept_seconds=self._seconds(level, have),
                finished=have >= plan.length,
            )
        self.record = record
        count = len(takes.writers)
        rates = {level: speeds.take_rate(engine, level, plan, count) for level, plan in plans.items()}
        self._plans = plans
        self.live = replace(self.live, earlier_rates=rates, elapsed=self.elapsed)

    def take_in(self, event: Event) -> bool:
        """Count an event that was stored. True: the record changed and is worth writing down."""
        now, self.live = monotonic(), replace(self.live, elapsed=self.elapsed)
        if isinstance(event, LevelStarted):
            self._level_began = self._window_began = now
            self._before = self.record.levels[event.level].codes_done
            self.live = replace(self.live, level=event.level, rate=None, codes_done=self._before)
            return False
        if isinstance(event, Progress):
            self._advance(event.codes_done, now)
            return False
        if isinstance(event, WindowDone):
            progress = self.record.levels[event.level]
            done = event.stop - progress.given
            self._advance(done - self._before, now)
            self.record = self.record.with_level(
                event.level,
                windows_done=progress.windows_done + 1,
                codes_done=done,
                kept_seconds=self._seconds(event.level, event.stop),
                sampling_seconds=progress.sampling_seconds + now - self._window_began,
            )
            self._window_began = now
            return True
        if isinstance(event, Preview):
            if self.record.preview_seconds is None:
                self.record = replace(self.record, preview_seconds=self.elapsed)
                return True
            return False
        if isinstance(event, LevelDone):
            self._finish(event)
            return True
        return False

    def _advance(self, fresh: int, now: float) -> None:
        """``fresh`` codes of the current level were made in this run."""
        spent = now - self._level_began
        rate = fresh / spent if spent >= MEASURABLE_SECONDS and fresh else self.live.rate
        self.live = replace(self.live, codes_done=self._before + fresh, rate=rate)

    def _finish(self, event: LevelDone) -> None:
        assert self._engine is not None and self._speeds is not None
        if self.live.level is event.level and self.live.rate is not None:
            plan = self._plans[event.level]
            rows = rows_of(plan, event.codes.shape[0])
            self._speeds.put(self._engine, event.level, rows, self.live.rate / plan.together)
        progress = self.record.levels[event.level]
        self.record = self.record.with_level(
            event.level,
            windows_done=progress.windows,
            codes_done=progress.codes,
            kept_seconds=self._seconds(event.level, event.codes.shape[1]),
            finished=True,
        )

    def _seconds(self, level: Level, codes: int) -> float:
        assert self._engine is not None
        config = self._engine.config
        return codes * config.hop(level) / config.sample_rate
