"""How far two sounds are apart, as numbers with their definitions.

Knows: which measures the page shows. Does not know: how they are computed, or pictures.
"""

from __future__ import annotations

import math
from typing import Any

from fastapi import APIRouter

from explorer.audio.analysis import loudness, spectral_flatness
from explorer.audio.files import inspect, read_audio
from explorer.audio.metrics import log_spectral_distance, spectral_convergence
from explorer.jukebox.config import Level
from explorer.library import Library, Query, Scope, SortKey


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
    def compare(a: str, b: str, a_level: Level = Level.BOTTOM, b_level: Level = Level.BOTTOM) -> dict[str, Any]:
        """Measures of A, of B, and between them over the stretch both have."""
        paths = [library.sample(sample).audio_path(level) for sample, level in ((a, a_level), (b, b_level))]
        rates = [inspect(path).sample_rate for path in paths]
        rate = min(rates)
        sounds = [read_audio(path, sample_rate=rate) for path in paths]
        common = min(len(sound) for sound in sounds)
        first, second = (sound[:common] for sound in sounds)
        loud = [loudness(sound, rate) for sound in (first, second)]
        flat = [spectral_flatness(sound, rate) for sound in (first, second)]
        measures = [
            {
                "name": "Spectral convergence",
                "definition": "size of the difference of magnitudes by the size of B's, in dB; −20 dB is a tenth",
                "unit": "dB",
                "a": None,
                "b": None,
                "distance": _finite(spectral_convergence(second, first)),
            },
            {
                "name": "Log-spectral distance",
                "definition": "root mean square of the differences in dB; 0 is equal",
                "unit": "dB",
                "a": None,
                "b": None,
                "distance": _finite(log_spectral_distance(second, first)),
            },
            _pair("Loudness", "BS.1770, LUFS", "LU", loud, 1),
            _pair("Spectral flatness", "0 a tone, 1 white noise", "", flat, 3),
        ]
        return {"seconds": common / rate, "same": a == b and a_level is b_level, "measures": measures}

    return router


def _finite(value: float) -> float | None:
    """JSON has no infinity; null means equal (or silence to compare with)."""
    return round(value, 2) if math.isfinite(value) else None


def _pair(name: str, definition: str, unit: str, values: list[float | None], digits: int) -> dict[str, Any]:
    first, second = (None if value is None else round(value, digits) for value in values)
    distance = None if first is None or second is None else round(abs(first - second), digits)
    return {"name": name, "definition": definition, "unit": unit, "a": first, "b": second, "distance": distance}
