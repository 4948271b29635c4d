"""Records and samples for the tests of the library. No model, no sound worth hearing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from explorer.jukebox.alignment import Alignment, CharacterTime, SpanTime
from explorer.jukebox.config import Level
from explorer.jukebox.sheet import LeadSheet
from explorer.jukebox.song import SamplingOptions, Song
from explorer.library import Library, SampleRecord, SampleWriter

RATE = 8_000
HOPS = {Level.TOP: 128, Level.MIDDLE: 32, Level.BOTTOM: 16}
SHEET = LeadSheet("Eb minor", 1.9, 4, -0.6, ("Ebm", "Abm Gb"), ((0.4, 0.9, 63), (0.9, 1.0, 66)))
LYRICS = "Paper boats on the rain,\nCéline 노래"


def record(id: str = "song-1", song: Mapping[str, Any] | None = None, **entries: Any) -> SampleRecord:
    asked: dict[str, Any] = {"genre": "reggae", "artist": "Harbour Sound", "lyrics": LYRICS, "seconds": 2.0}
    values: dict[str, Any] = {
        "id": id,
        "title": "Paper boats",
        "model": "pocket",
        "sample_rate": RATE,
        "song": Song(**{**asked, **(song or {})}),
        "options": SamplingOptions(),
        "created": "2026-11-22T10:39:52Z",
        "hops": HOPS,
        "weights": {"top.safetensors": "ab" * 32},
        "licence": "CC0",
    }
    return SampleRecord(**{**values, **entries})


def codes(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 2048, (count,), generator=torch.Generator().manual_seed(seed))


def sound(samples: int, seed: int = 0) -> torch.Tensor:
    return (torch.rand(samples, generator=torch.Generator().manual_seed(seed)) - 0.5) * 0.4


def alignment(rows: int = 124) -> Alignment:
    tokens = tuple(range(len(LYRICS)))
    weights = torch.rand(rows, len(tokens), generator=torch.Generator().manual_seed(5)).half().float()
    return Alignment(
        weights,
        tokens,
        (CharacterTime(0, 0.0, 0.1, 0.5), CharacterTime(1, 0.1, 1 / 3, 0.25)),
        (SpanTime(0, 5, 0.0, 0.7, 0.4),),
        (SpanTime(0, 24, 0.0, 1.9, 0.4),),
        0.375,
    )


def window(writer: SampleWriter, level: Level, done: int, each: int, of: int = 2) -> None:
    """Window ``done`` (from 1) of ``each`` codes: codes, then sound, as the studio writes them."""
    writer.window_done(level, codes(done * each), torch.full((each,), float(done)), done, 0.5)
    start = (done - 1) * each * HOPS[level]
    writer.preview(level, start, sound(done * each * HOPS[level])[start:])


def finished(library: Library, id: str = "song-1", **entries: Any) -> SampleRecord:
    """A finished sample of one second with a lead sheet, all levels and an alignment."""
    writer = library.create(record(id, **entries))
    writer.set_sheet(SHEET)
    for level, count in ((Level.TOP, 62), (Level.MIDDLE, 248), (Level.BOTTOM, 496)):
        writer.start_level(level, 2)
        window(writer, level, 1, count)
        window(writer, level, 2, count)
        writer.level_done(level, codes(2 * count), sound(2 * count * HOPS[level]))
        if level is Level.TOP:
            writer.set_alignment(alignment(2 * count))
    writer.finish()
    return writer.record


def same_sound(one: np.ndarray[Any, Any], other: torch.Tensor) -> bool:
    """Equal up to 16-bit rounding."""
    return len(one) == len(other) and float(np.abs(one - other.numpy()).max(initial=0)) <= 0.5 / 32768
