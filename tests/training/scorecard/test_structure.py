"""Figures of sounds whose structure is known, and orders of genres."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.training.scorecard.structure import Structure, by_genre, describe_structure, mean_bars, order_kept
from tests.training.scorecard.sounds import RATE, noise, voice


def strokes(per_second: int, seconds: int) -> np.ndarray:
    """Short decaying noise at even times, silence between."""
    time = np.arange(RATE // per_second) / RATE
    one = noise(1 / per_second) * np.exp(-30 * time) * (time < 0.1)
    return np.tile(one, per_second * seconds).astype(np.float32)


def test_strokes_are_flat_and_counted_and_a_voice_has_a_pitch() -> None:
    drums, sung = describe_structure(strokes(4, 3), RATE), describe_structure(voice(220, 3), RATE)
    assert drums.flatness is not None and sung.flatness is not None and drums.flatness > 5 * sung.flatness
    assert drums.onsets == pytest.approx(2 * describe_structure(strokes(2, 3), RATE).onsets) and sung.onsets == 0
    assert drums.pulse is not None and sung.pulse is not None and drums.pulse > 0.8 > 0.5 > sung.pulse
    assert sung.pitch is not None and sung.pitch.median == pytest.approx(220, rel=0.02)


def test_bars_are_measured_where_they_are_known() -> None:
    # every bar of a second and a half has strokes at the same three of its places
    clip = np.concatenate([strokes(4, 1)[: RATE // 2], strokes(2, 1)])
    known = describe_structure(np.tile(clip, 6), RATE, 1.5, 0.0)
    assert known.bars is not None and known.bars > 0.2
    unknown = describe_structure(np.tile(clip, 6), RATE)
    assert unknown.bars is None
    assert mean_bars([("folk", known), ("folk", unknown)]) == pytest.approx(known.bars, abs=1e-4)
    assert mean_bars([("folk", unknown)]) is None


def test_silence_has_no_flatness_and_no_pitch() -> None:
    silent = describe_structure(np.zeros(RATE, np.float32), RATE)
    assert silent == Structure(None, 0.0, None, None)
    found = by_genre([("folk", silent), ("folk", describe_structure(voice(220, 1), RATE))])["folk"]
    assert found["clips"] == 2 and found["pitch"] == pytest.approx(220, rel=0.02) and found["voiced"] < 0.6
    assert by_genre([("folk", silent)])["folk"]["pitch"] is None


def means(*flatness: float | None) -> dict[str, dict[str, float | None]]:
    return {
        f"genre {i}": {"flatness": value, "onsets": 1.0, "pulse": value, "pitch": value}
        for i, value in enumerate(flatness)
    }


def test_order_not_size_is_compared() -> None:
    kept = order_kept(means(0.1, 0.2, 0.3, 0.4), means(0.5, 0.6, 0.8, 0.9))
    assert kept["flatness"] == 1.0 and kept["onsets"] is None  # all genres alike: there is no order
    assert order_kept(means(0.1, 0.2, 0.3, 0.4), means(4, 3, 2, 1))["pitch"] == -1.0


def test_of_few_common_genres_no_order_is_told() -> None:
    assert order_kept(means(0.1, 0.2, 0.3), means(0.1, 0.2, 0.3))["flatness"] is None
    assert order_kept(means(0.1, 0.2, 0.3, 0.4), means(0.1, 0.2, None, 0.4))["flatness"] is None
