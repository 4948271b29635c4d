"""A short stretch of a song as numbers: sound, codes of every level, and what they cost.

Knows: which figures the Learn tab shows. Does not know: pictures, or how codes are made.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Annotated, Any

import torch
from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from explorer.audio.files import AudioError, Waveform, read_audio
from explorer.audio.metrics import log_spectral_distance, spectral_convergence
from explorer.checkpoints import CheckpointError, find_model, load_config, load_state
from explorer.durable import StorageError
from explorer.jukebox.config import LEVELS, SAMPLING_ORDER, Level
from explorer.library import LibraryError, Sample
from explorer.studio import PromptAudio, StudioError
from explorer.studio.reading import reconstruct
from explorer.web.media import ORIGINAL
from explorer.web.routes.comparing import finite
from explorer.web.services import Services

MOST_SECONDS = 1.0
CLIP_SECONDS = 60.0
"""How much of a recording is read: enough to judge by, and quick on any machine."""
ERRORS = ("distance", "convergence")
USER_ERRORS = (AudioError, CheckpointError, LibraryError, StorageError, StudioError)
BARS = 90
"""Bars of the picture that shows how often codes are used."""


def routes(services: Services) -> APIRouter:
    """GET /api/learn/{id}: a stretch in codes; GET /api/costs/{id}: what each level costs and keeps;
    POST /api/clips: a recording through the autoencoder, as a sample of the library."""
    router = APIRouter()
    library = services.library

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
        shades = _shades(sample, services.model, services.settings.models)
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
                "wave": _wave(sample.audio_path(level), start, seconds),
            }
        return {
            "start": start,
            "seconds": seconds,
            "sample_rate": rate,
            "codebook": record.codebook,
            "levels": levels,
            "original": _wave(sample.original_path(), start, seconds) if sample.has_original() else None,
        }

    @router.get("/api/costs/{id}")
    def costs(id: str) -> dict[str, Any]:
        """Errors are against the recording where there is one, else against the finest level."""
        sample = library.sample(id)
        record = sample.record
        codes = sample.codes()
        finest = record.finest
        reference = None
        if sample.has_original():
            reference = sample.original_path()
        elif finest:
            reference = sample.audio_path(finest)
        sound = read_audio(reference) if reference else None
        plain = record.sample_rate * 16 / 1000
        rows = []
        for level in SAMPLING_ORDER:
            if level not in codes or not sample.has_audio(level) or sound is None:
                continue
            counts = torch.bincount(codes[level], minlength=record.codebook).sort(descending=True).values
            path = sample.audio_path(level)
            rows.append(
                {
                    "level": level.value,
                    "per_second": record.codes_per_second(level),
                    "kbit": record.kbit_per_second(level),
                    "smaller": plain / record.kbit_per_second(level),
                    **(_errors(sound, read_audio(path)) if path != reference else dict.fromkeys(ERRORS)),
                    "used": int((counts > 0).sum()),
                    "usage": _bars(counts),
                }
            )
        against = ORIGINAL if sample.has_original() else finest and finest.value
        return {"sample_rate": record.sample_rate, "kbit": plain, "against": against, "rows": rows}

    @router.post("/api/clips")
    async def clip(request: Request, name: str = "audio") -> dict[str, Any]:
        """Read a recording with the model that makes songs; {"id"}, or null and why not: an answer, not an error."""
        try:
            kept = await services.uploads.receive(name, request.stream())
            try:
                return await run_in_threadpool(_read, kept["token"], kept["name"], kept["seconds"])
            finally:
                services.uploads.drop(kept["token"])
        except USER_ERRORS as error:
            return {"id": None, "message": str(error)}

    def _read(token: str, name: str, seconds: float) -> dict[str, Any]:
        sound = PromptAudio(services.uploads.path(token), 0.0, min(seconds, CLIP_SECONDS))
        engine = services.studio.engine(services.model)
        id = reconstruct(engine, library, sound, PurePath(name).stem or "Recording")
        said = f"Only the first {CLIP_SECONDS:.0f} s were read." if seconds > CLIP_SECONDS else ""
        return {"id": id, "message": said}

    return router


def _errors(sound: Waveform, heard: Waveform) -> dict[str, float | None]:
    common = min(len(sound), len(heard))
    return {
        "distance": finite(log_spectral_distance(sound[:common], heard[:common])),
        "convergence": finite(spectral_convergence(sound[:common], heard[:common])),
    }


def _wave(path: Path, start: float, seconds: float) -> list[float]:
    return [round(float(value), 4) for value in read_audio(path, start=start, seconds=seconds)]


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
