"""A short stretch of a song as numbers: sound, codes of every level, and what they cost.

Knows: which figures the Learn tab shows. Does not know: pictures, or how codes are made.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import torch
from fastapi import APIRouter, Query

from explorer.audio.files import read_audio
from explorer.audio.metrics import log_spectral_distance
from explorer.checkpoints import CheckpointError, find_model, load_config, load_state
from explorer.jukebox.config import LEVELS, SAMPLING_ORDER, Level
from explorer.library import Library, Sample

MOST_SECONDS = 1.0
BARS = 90
"""Bars of the picture that shows how often codes are used."""


def routes(library: Library, model: str, models_folder: Path) -> APIRouter:
    """GET /api/learn/{id}: a stretch in codes; GET /api/costs/{id}: what each level costs and keeps."""
    router = APIRouter()

    @router.get("/api/learn/{id}")
    def stretch(
        id: str,
        start: Annotated[float, Query(ge=0, le=3600)] = 0.0,
        seconds: Annotated[float, Query(gt=0, le=MOST_SECONDS)] = 0.1,
    ) -> dict[str, Any]:
        sample = library.sample(id)
        record = sample.record
        rate = record.sample_rate
        codes = sample.codes()
        shades = _shades(sample, model, models_folder)
        levels = {}
        for level in SAMPLING_ORDER:
            if level not in codes or not sample.has_audio(level):
                continue
            hop = record.hops[level]
            first, last = int(start * rate / hop), math.ceil((start + seconds) * rate / hop)
            row = codes[level][first:last].tolist()
            levels[level.value] = {
                "hop": hop,
                "begin": first * hop / rate,
                "codes": row,
                "shades": [round(shades[level][code], 4) for code in row] if shades else None,
                "wave": _wave(sample, level, start, seconds),
            }
        return {"start": start, "seconds": seconds, "sample_rate": rate, "codebook": record.codebook, "levels": levels}

    @router.get("/api/costs/{id}")
    def costs(id: str) -> dict[str, Any]:
        sample = library.sample(id)
        record = sample.record
        codes = sample.codes()
        finest = record.finest
        sound = read_audio(sample.audio_path(finest)) if finest else None
        plain = record.sample_rate * 16 / 1000
        rows = []
        for level in SAMPLING_ORDER:
            if level not in codes or not sample.has_audio(level) or sound is None or finest is None:
                continue
            heard = read_audio(sample.audio_path(level))
            common = min(len(heard), len(sound))
            counts = torch.bincount(codes[level], minlength=record.codebook).sort(descending=True).values
            rows.append(
                {
                    "level": level.value,
                    "per_second": record.codes_per_second(level),
                    "kbit": record.kbit_per_second(level),
                    "smaller": plain / record.kbit_per_second(level),
                    "distance": None
                    if level is finest
                    else round(log_spectral_distance(sound[:common], heard[:common]), 1),
                    "used": int((counts > 0).sum()),
                    "usage": _bars(counts),
                }
            )
        return {"sample_rate": record.sample_rate, "kbit": plain, "finest": finest and finest.value, "rows": rows}

    return router


def _wave(sample: Sample, level: Level, start: float, seconds: float) -> list[float]:
    return [round(float(value), 4) for value in read_audio(sample.audio_path(level), start=start, seconds=seconds)]


def _bars(counts: torch.Tensor) -> list[float]:
    """How often codes are used, most used first, in ``BARS`` steps; 1 is the most used."""
    groups = torch.tensor_split(counts.float(), min(BARS, len(counts)))
    means = torch.stack([group.mean() for group in groups])
    return [round(float(value), 4) for value in means / means.max().clamp_min(1e-9)]


def _shades(sample: Sample, model: str, models_folder: Path) -> dict[Level, list[float]] | None:
    """For each code 0 … 1 so that similar sounds have similar shades; None for another model's song."""
    try:
        folder = find_model(model, models_folder)
        name = load_config(folder).name
    except CheckpointError:
        return None
    return _codebook_order(folder) if name == sample.record.model else None


@lru_cache(maxsize=4)
def _codebook_order(folder: Path) -> dict[Level, list[float]]:
    """The rank of every code along the direction in which its level's codebook is widest."""
    state = load_state(folder, "vqvae")
    order = {}
    for level in LEVELS:
        book = state[f"bottleneck.level_blocks.{level.index}.k"].float()
        centred = book - book.mean(dim=0)
        _, vectors = torch.linalg.eigh(centred.T @ centred)
        ranks = (centred @ vectors[:, -1]).argsort().argsort()
        order[level] = (ranks / max(1, len(ranks) - 1)).tolist()
    return order
