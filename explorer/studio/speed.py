"""Speeds measured on this machine, kept from run to run.

Knows: sampling steps per second by model, device, threads, level and number of rows: sequences that
are run together, be they takes, stretches of one, or one of which nothing is told (guidance). Does not know: what
will be made. Only measurements are stored; nothing here is estimated from other machines.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import torch

from explorer.durable import StorageError, write_json
from explorer.jukebox.config import SAMPLING_ORDER, Level, to_dict
from explorer.jukebox.events import LevelStarted, Progress, WindowDone
from explorer.jukebox.song import SamplingOptions, Song, usual_sampling

if TYPE_CHECKING:
    from explorer.engine import Jukebox, LevelPlan

log = logging.getLogger(__name__)

NEW_WEIGHT = 0.5
"""How much a new measurement moves the stored one: fast machines under passing load recover soon."""

CALIBRATION_SECONDS = 1.5
"""Time spent on each level when a model is measured without a job."""


def rows_of(plan: LevelPlan, takes: int) -> int:
    """Sequences that are run together, on average, while ``plan`` is carried out for ``takes`` at once."""
    return max(1, round(takes * plan.together)) * plan.runs


class SpeedBook:
    """speeds.json. May be used from several threads."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._guard = threading.Lock()
        self._speeds: dict[str, dict[str, dict[str, float]]] = {}
        if file.exists():
            try:
                self._speeds = json.loads(file.read_text(encoding="utf-8"))["speeds"]
            except (OSError, ValueError, KeyError, TypeError) as error:
                # Only a cache of measurements: the next job measures again.
                log.warning("%s cannot be read, speeds will be measured anew: %s", file, error)

    def get(self, engine: Jukebox, level: Level, rows: int) -> float | None:
        """Steps per second. Where this number of rows was not measured, the nearest larger one's
        speed (a lower bound), else the nearest smaller one's as if rows ran one after another (a
        lower bound too); None where nothing was measured."""
        with self._guard:
            known = {int(n): rate for n, rate in self._speeds.get(_key(engine), {}).get(level.value, {}).items()}
        if not known:
            return None
        larger = [n for n in known if n >= rows]
        if larger:
            return known[min(larger)]
        nearest = max(known)
        return known[nearest] * nearest / rows

    def take_rate(self, engine: Jukebox, level: Level, plan: LevelPlan, takes: int) -> float | None:
        """Codes per second of each take while ``plan`` is carried out for ``takes`` at once; None: not measured."""
        rate = self.get(engine, level, rows_of(plan, takes))
        return None if rate is None else rate * plan.together

    def put(self, engine: Jukebox, level: Level, rows: int, rate: float) -> None:
        """Remember a measurement. A disk that cannot take it is no reason to stop a job."""
        with self._guard:
            entry = self._speeds.setdefault(_key(engine), {}).setdefault(level.value, {})
            old = entry.get(str(rows))
            entry[str(rows)] = rate if old is None else NEW_WEIGHT * rate + (1 - NEW_WEIGHT) * old
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                about = "sampling steps per second, by sequences sampled together"
                write_json(self.file, {"about": about, "speeds": self._speeds})
            except (OSError, StorageError) as error:
                log.warning("Measured speeds could not be stored: %s", error)

    def measured(self, engine: Jukebox) -> bool:
        """Whether every level of this engine was measured."""
        return all(self.get(engine, level, 1) is not None for level in SAMPLING_ORDER)


def calibrate(engine: Jukebox, book: SpeedBook, stop: Callable[[], bool] = lambda: False) -> None:
    """Sample each level for a moment and store its speed; ends early when ``stop`` says so.

    Zeros stand in for the levels above: speed does not depend on which codes they are.
    """
    config = engine.config
    for level in SAMPLING_ORDER:
        if stop():
            return
        strands = config.strands[level.index]
        codes = config.prior(level).n_ctx * strands
        window = codes * config.hop(level) / config.sample_rate
        labels = config.prior(Level.TOP).labels
        least = labels.min_seconds if labels else 0.0
        usual = usual_sampling(config)
        song = Song(seconds=window, total_seconds=max(window, least, config.default_seconds or 0.0))
        above = SAMPLING_ORDER[: SAMPLING_ORDER.index(level)]
        given = {
            a: torch.zeros(1, -(-int(window * config.sample_rate) // config.hop(a)), dtype=torch.long) for a in above
        }
        rate = _measure(engine, song, replace(usual, stop_after=level), level, given)
        if rate is not None:
            book.put(engine, level, strands * usual.level(level).runs, rate / strands)


def _measure(
    engine: Jukebox, song: Song, options: SamplingOptions, level: Level, given: dict[Level, torch.Tensor]
) -> float | None:
    """Codes per second of the first window (or wave) of ``level``, or of as much of it as the time allows."""
    began = monotonic()
    for event in engine.generate(song, options, given=given):
        if getattr(event, "level", None) is not level:
            continue
        spent = monotonic() - began
        if isinstance(event, LevelStarted):
            began = monotonic()
        elif isinstance(event, WindowDone):
            return event.stop / spent
        elif isinstance(event, Progress) and spent > CALIBRATION_SECONDS:
            return event.codes_done / spent
    return None


def _key(engine: Jukebox) -> str:
    shape = hashlib.sha256(json.dumps(to_dict(engine.config), sort_keys=True).encode()).hexdigest()[:12]
    formats = " ".join(engine.precision.name(level) for level in SAMPLING_ORDER)
    return f"{engine.name}|{shape}|{engine.device}|{formats}|{engine.threads} threads"
