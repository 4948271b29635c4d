"""How far two sounds are apart, as numbers with their definitions.

Knows: which measures the page shows. Does not know: how they are computed, or pictures.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Query as Parameter

from explorer.audio.analysis import loudness, spectral_flatness
from explorer.audio.files import inspect, read_audio
from explorer.audio.metrics import log_spectral_distance, spectral_convergence
from explorer.library import Library, Query, Scope, SortKey
from explorer.web.media import sound_path

MOST_SOUNDS = 6
"""Stacked on one axis at once."""


def routes(library: Library) -> APIRouter:
    """GET /api/choices (songs for a picker), GET /api/compare."""
    router = APIRouter()

    @router.get("/api/choices")
    def choices(q: str = "") -> dict[str, Any]:
        page = library.search(Query(anywhere=q[:200], scope=Scope.ALL, sort=SortKey.DATE, limit=40))
        names = [
            {"name": f"{row.title}, {row.artist or 'unknown'}", "note": row.model, "id": row.id} for row in page.rows
        ]
        return {"names": names, "total": page.total}

    @router.get("/api/compare")
    def compare(sounds: Annotated[list[str], Parameter(min_length=2, max_length=MOST_SOUNDS)]) -> dict[str, Any]:
        """Measures of each sound, "id/level", and its distance to the first, over the stretch that all have."""
        paths = [_path(library, sound) for sound in sounds]
        rate = min(inspect(path).sample_rate for path in paths)
        waves = [read_audio(path, sample_rate=rate) for path in paths]
        common = min(len(wave) for wave in waves)
        first, *others = waves = [wave[:common] for wave in waves]
        flatness = [_rounded(spectral_flatness(wave, rate), 3) for wave in waves]
        measures = [
            {
                "name": "Spectral convergence",
                "definition": "to A: size of the difference of magnitudes by the size of A's, in dB; −20 dB is a tenth",
                "unit": "dB",
                "values": [None, *(finite(spectral_convergence(first, other)) for other in others)],
            },
            {
                "name": "Log-spectral distance",
                "definition": "to A: root mean square of the differences in dB; 0 is equal",
                "unit": "dB",
                "values": [None, *(finite(log_spectral_distance(first, other)) for other in others)],
            },
            {
                "name": "Loudness",
                "definition": "BS.1770, whole stretch",
                "unit": "LUFS",
                "values": [_rounded(loudness(wave, rate), 1) for wave in waves],
            },
            {"name": "Spectral flatness", "definition": "0 a tone, 1 white noise", "unit": "", "values": flatness},
        ]
        return {"seconds": common / rate, "measures": measures}

    return router


def _path(library: Library, sound: str) -> Path:
    id, _, level = sound.partition("/")
    return sound_path(library.sample(id), level)


def finite(value: float) -> float | None:
    """JSON has no infinity; null means equal (or silence to compare with)."""
    return round(value, 2) if math.isfinite(value) else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
