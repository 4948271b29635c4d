"""Figures of clips whose figures are known, and distances between clips."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from explorer.audio.analysis import bar_clarity, loudness, onset_rate, pitch_range, pulse_clarity, spectral_flatness
from explorer.audio.files import AudioError
from explorer.audio.metrics import log_spectral_distance, spectral_convergence

RATE = 22_050
TIME = np.arange(4 * RATE) / RATE
TONE = (0.5 * np.sin(2 * np.pi * 220 * TIME)).astype(np.float32)
NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 4 * RATE).astype(np.float32)
SILENCE = np.zeros(4 * RATE, np.float32)


def strokes(per_second: float) -> np.ndarray[Any, Any]:
    clip = SILENCE.copy()
    for start in np.arange(0.1, 3.9, 1 / per_second):
        begin = round(start * RATE)
        clip[begin : begin + 400] = NOISE[:400] * np.linspace(1, 0, 400)
    return clip


def test_loudness_follows_the_level() -> None:
    loud, quiet = loudness(TONE, RATE), loudness(TONE / 10, RATE)
    assert loud is not None and quiet is not None
    assert loud - quiet == pytest.approx(20, abs=0.1)
    assert loudness(SILENCE, RATE) is None
    assert loudness(TONE[:1000], RATE) is None


def test_flatness_tells_tones_from_noise() -> None:
    tone, noise = spectral_flatness(TONE, RATE), spectral_flatness(NOISE, RATE)
    assert tone is not None and noise is not None
    assert tone < 0.001 < 0.4 < noise
    assert spectral_flatness(SILENCE, RATE) is None
    assert spectral_flatness(TONE[:100], RATE) is None


@pytest.mark.parametrize("per_second", [2.0, 4.0])
def test_onsets_are_counted(per_second: float) -> None:
    assert onset_rate(strokes(per_second), RATE) == pytest.approx(per_second, rel=0.15)


def test_steady_sound_has_no_onsets() -> None:
    assert onset_rate(TONE, RATE) <= 0.25
    assert onset_rate(SILENCE, RATE) == 0
    assert onset_rate(TONE[:10], RATE) == 0


def test_a_beat_has_a_clear_pulse_and_strokes_at_chance_have_not() -> None:
    steady = pulse_clarity(strokes(2.5), RATE)
    assert steady is not None and steady > 0.8
    random, chance = np.random.default_rng(4), []
    for _ in range(12):
        clip = np.tile(SILENCE, 2)
        for begin in random.integers(0, len(clip) - 400, 20):
            clip[begin : begin + 400] += NOISE[:400] * np.linspace(1, 0, 400)
        found = pulse_clarity(clip, RATE)
        assert found is not None and found < 0.6 * steady
        chance.append(found)
    assert 0.05 < float(np.mean(chance)) < 0.3
    assert pulse_clarity(SILENCE, RATE) is None and pulse_clarity(strokes(2.5)[:RATE], RATE) is None


def test_strokes_keep_to_bars_or_do_not() -> None:
    clip, begins = np.tile(SILENCE, 4), [0.3 + 1.6 * bar + place for bar in range(9) for place in (0.0, 0.4, 1.0)]
    for begin in begins:
        first = int(begin * RATE)
        clip[first : first + 400] += (NOISE[:400] * np.linspace(1, 0, 400))[: len(clip) - first]
    kept = bar_clarity(clip, RATE, 1.6, 0.3)
    assert kept is not None and kept > 0.35
    # where a bar begins changes nothing, how long it is does
    assert bar_clarity(clip, RATE, 1.6, 0.5) == pytest.approx(kept, abs=0.15)
    random, chance = np.random.default_rng(4), []
    for _ in range(8):
        found = bar_clarity(clip, RATE, float(random.uniform(1.25, 1.45)), 0.3)
        assert found is not None
        chance.append(found)
    assert abs(float(np.mean(chance))) < 0.25 * kept
    assert bar_clarity(clip, RATE, 9.0, 0.0) is None and bar_clarity(clip, RATE, 0.0, 0.0) is None
    assert bar_clarity(np.tile(SILENCE, 4), RATE, 1.6, 0.0) is None


def test_pitch_of_a_harmonic_glide() -> None:
    hz = 150 * 2 ** (TIME / 4)
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    glide = sum(np.sin(k * phase) / k for k in (1, 2, 3, 4)) * 0.3
    found = pitch_range(glide.astype(np.float32), RATE)
    assert found is not None
    assert found.voiced > 0.95
    assert found.low == pytest.approx(150 * 2**0.05, rel=0.02)
    assert found.median == pytest.approx(150 * 2**0.5, rel=0.02)
    assert found.high == pytest.approx(150 * 2**0.95, rel=0.02)
    assert found.semitones == pytest.approx(12 * 0.9, abs=0.3)


def test_noise_and_silence_have_no_pitch() -> None:
    assert pitch_range(NOISE, RATE) is None
    assert pitch_range(SILENCE, RATE) is None
    assert pitch_range(TONE[:50], RATE) is None


def test_spectral_convergence_of_known_errors() -> None:
    assert spectral_convergence(NOISE, NOISE) == -math.inf
    assert spectral_convergence(NOISE, SILENCE) == pytest.approx(0, abs=1e-4)
    assert spectral_convergence(NOISE, NOISE * 0.9) == pytest.approx(-20, abs=0.01)
    assert spectral_convergence(SILENCE, NOISE) == -math.inf


def test_log_spectral_distance_is_the_gain_in_decibel() -> None:
    assert log_spectral_distance(NOISE, NOISE) == 0
    assert log_spectral_distance(NOISE, NOISE * 0.5) == pytest.approx(6.02, abs=0.05)


def test_levels_of_almost_equal_length_are_compared_and_others_are_not() -> None:
    assert spectral_convergence(NOISE, NOISE[:-100]) == -math.inf
    with pytest.raises(AudioError, match="lengths differ"):
        spectral_convergence(NOISE, NOISE[: len(NOISE) // 2])
    with pytest.raises(AudioError):
        log_spectral_distance(NOISE[:0], NOISE[:0])
