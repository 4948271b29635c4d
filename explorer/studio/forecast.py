"""What a job will take on this machine, before it starts.

Knows: windows and codes from the engine's plan, speeds from measurements, memory from the sizes
of weights and caches. Does not know: the queue. A speed that was never measured is None, never a
guess.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import torch

from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.settings import Settings
from explorer.studio.jobs import JobRequest
from explorer.studio.memory import OVERHEAD, audio_bytes, cache_bytes, decode_bytes, disk_bytes, weight_bytes
from explorer.studio.speed import SpeedBook

if TYPE_CHECKING:
    from explorer.engine import Jukebox, LevelPlan


@dataclass(frozen=True)
class LevelForecast:
    """One level of a job that has not started."""

    level: Level
    windows: int
    codes: int
    """New codes per take."""
    codes_per_second: float | None
    """Measured on this machine, per take; None: not measured yet."""
    seconds: float | None


class Remedy(StrEnum):
    """A change of the request that makes it fit."""

    FEWER_TAKES = "fewer takes"
    STOP_EARLIER = "stop earlier"
    SHORTER = "shorter"
    FREE_DISK = "free disk space"


@dataclass(frozen=True)
class Alternative:
    """What could be done instead. ``value`` is the number of takes, the level's name or seconds."""

    remedy: Remedy
    value: str
    text: str
    """For a button: "Use 2 takes"."""


@dataclass(frozen=True)
class Forecast:
    """Windows, codes, seconds and memory of one request."""

    levels: tuple[LevelForecast, ...]
    """Those that will be sampled, in sampling order."""
    seconds: float | None
    """All levels; None where one was not measured yet."""
    first_sound_seconds: float | None
    """Until the first window of the first level is made."""
    memory_bytes: int
    """Needed at the same time, weights included."""
    memory_free_bytes: int
    disk_bytes: int
    disk_free_bytes: int
    fits: bool
    message: str
    """One sentence where it does not fit or something is worth knowing; else empty."""
    alternatives: tuple[Alternative, ...]
    """Empty where it fits."""


def make_forecast(
    engine: Jukebox, request: JobRequest, lengths: Mapping[Level, int], speeds: SpeedBook, settings: Settings
) -> Forecast:
    """Forecast ``request``, whose given codes have ``lengths``, on this machine as it is now.

    Raises SongError for a song that the model cannot be conditioned on.
    """
    engine.describe(request.song)
    plans = engine.plan(request.song, request.options, lengths)
    levels = tuple(_level(engine, level, plan, request.takes, speeds) for level, plan in plans.items())
    seconds = [level.seconds for level in levels]
    needed, free = _memory(engine, request, plans), _free_memory(engine.device)
    samples = _samples(engine, plans)
    folder = _existing(settings.library)
    disk = disk_bytes(engine.config, samples, request.takes, request.options.stop_after)
    disk_free = shutil.disk_usage(folder).free
    message, alternatives = "", tuple[Alternative, ...]()
    if needed > free:
        message = f"This needs {_size(needed)} of memory and {_size(free)} are free."
        alternatives = _smaller(engine, request, lengths, free)
        if not alternatives:
            message += " Close other programs, or use a smaller model."
    elif disk + settings.limits.free_bytes > disk_free:
        message = f"This needs {_size(disk)} of disk space and {_size(disk_free)} are free."
        missing = disk + settings.limits.free_bytes - disk_free
        alternatives = (Alternative(Remedy.FREE_DISK, str(missing), f"Free {_size(missing)}"),)
    first = next((level for level in levels if level.codes), None)
    return Forecast(
        levels=levels,
        seconds=None if None in seconds else sum(s for s in seconds if s is not None),
        first_sound_seconds=first.seconds / first.windows if first and first.seconds is not None else None,
        memory_bytes=needed,
        memory_free_bytes=free,
        disk_bytes=disk,
        disk_free_bytes=disk_free,
        fits=not message,
        message=message,
        alternatives=alternatives,
    )


def _level(engine: Jukebox, level: Level, plan: LevelPlan, takes: int, speeds: SpeedBook) -> LevelForecast:
    rate = speeds.take_rate(engine, level, plan, takes)
    seconds = 0.0 if not plan.new_codes else plan.new_codes / rate if rate else None
    return LevelForecast(level, plan.windows, plan.new_codes, rate, seconds)


def _samples(engine: Jukebox, plans: Mapping[Level, LevelPlan]) -> int:
    return max(plan.length * engine.config.hop(level) for level, plan in plans.items())


def _memory(engine: Jukebox, request: JobRequest, plans: Mapping[Level, LevelPlan]) -> int:
    """Bytes needed at the same time: weights, and the larger of sampling and decoding."""
    config, dtype = engine.config, engine.precision.dtype
    options = request.options
    rows = {
        level: min(request.takes * engine.strands(level, options), options.max_batch) * plan.runs
        for level, plan in plans.items()
    }
    samples = _samples(engine, plans)
    sampled = [level for level, plan in plans.items() if plan.new_codes]
    caches = max((cache_bytes(config, level, rows[level], dtype) for level in sampled), default=0)
    work = max(caches, decode_bytes(config, samples, request.takes))
    return OVERHEAD + weight_bytes(config, dtype) + work + audio_bytes(samples, request.takes)


def _free_memory(device: torch.device) -> int:
    """What this process may use in all: free memory and what it holds already (weights, caches)."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0]) + int(torch.cuda.memory_reserved(device))
    return int(psutil.virtual_memory().available) + int(psutil.Process().memory_info().rss)


def _smaller(engine: Jukebox, request: JobRequest, lengths: Mapping[Level, int], free: int) -> tuple[Alternative, ...]:
    """Changes of the request that would fit, the mildest first."""

    def fits(changed: JobRequest) -> bool:
        return _memory(engine, changed, engine.plan(changed.song, changed.options, lengths)) <= free

    found = []
    fewer = next((n for n in range(request.takes - 1, 0, -1) if fits(replace(request, takes=n))), None)
    if fewer:
        found.append(Alternative(Remedy.FEWER_TAKES, str(fewer), f"Use {fewer} take{'s' if fewer > 1 else ''}"))
    for level in reversed(SAMPLING_ORDER[: SAMPLING_ORDER.index(request.options.stop_after)]):
        if fits(replace(request, options=replace(request.options, stop_after=level))):
            found.append(Alternative(Remedy.STOP_EARLIER, level.value, f"Stop after {level.value}"))
            break
    given = lengths.get(Level.TOP, 0) * engine.config.hop(Level.TOP) / engine.config.sample_rate
    for share in (0.5, 0.25, 0.125):
        seconds = round(request.song.seconds * share, 1)
        if seconds > given and fits(replace(request, song=replace(request.song, seconds=seconds))):
            found.append(Alternative(Remedy.SHORTER, f"{seconds:g}", f"Make {seconds:g} seconds"))
            break
    return tuple(found)


def _existing(folder: Path) -> Path:
    """The folder or the nearest parent that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
