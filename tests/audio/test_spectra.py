"""Spectrograms: one scale for all, no rescaling, stable while a song grows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from explorer.audio.spectra import BANDS, band_centres, band_edge, band_of, hop_length, spectrum


def sine(hz: float, amplitude: float, rate: int = 22_050, seconds: float = 1.0) -> np.ndarray[Any, Any]:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("rate", [22_050, 44_100])
@pytest.mark.parametrize("hz", [110.0, 440.0, 1000.0, 3000.0, 9000.0])
def test_a_sine_shows_at_its_pitch_and_its_level(rate: int, hz: float) -> None:
    for level in (0.0, -20.0, -40.0):
        picture = spectrum(sine(hz, 10 ** (level / 20), rate), rate)
        column = picture.decibels[:, picture.values.shape[1] // 2]
        assert abs(int(column.argmax()) + 0.5 - band_of(hz)) <= 1.0
        assert level - 3.2 <= column.max() <= level + 0.3


def test_scale_is_fixed_and_not_the_clips_own() -> None:
    quiet, loud = (spectrum(sine(440, a), 22_050).values.astype(int) for a in (0.01, 0.1))
    inside = (quiet > 0) & (loud < 255)
    assert inside.any()
    assert np.abs((loud - quiet)[inside] - 20 * 255 / 60).max() <= 1


def test_silence_is_zero_and_full_noise_never_wraps() -> None:
    assert spectrum(np.zeros(5000, np.float32), 22_050).values.max() == 0
    square = np.sign(sine(500, 1.0)) * 4
    assert spectrum(square, 22_050).values.max() == 255


def test_shape_rate_and_short_clips() -> None:
    for samples in (0, 1, 255, 256, 10_000):
        picture = spectrum(np.zeros(samples, np.float32), 22_050)
        assert picture.values.shape == (BANDS, samples // picture.hop + 1)
        assert picture.values.dtype == np.uint8
    assert 80 < spectrum(np.zeros(9, np.float32), 22_050).frames_per_second < 90
    assert hop_length(44_100) == 2 * hop_length(22_050)


def test_same_samples_same_bytes_and_growth_changes_only_the_end() -> None:
    noise = np.random.default_rng(3).normal(0, 0.1, 600_000).astype(np.float32)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = spectrum(noise, 22_050).values
        torch.set_num_threads(2)
        two = spectrum(noise, 22_050).values
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(one, two)
    shorter = spectrum(noise[:300_000], 22_050).values
    kept = shorter.shape[1] - 5
    # chunks of other sizes may round the last bit of a float differently, never more than one step
    assert np.abs(one[:, :kept].astype(int) - shorter[:, :kept].astype(int)).max() <= 1


def test_an_impulse_shows_when_it_happens() -> None:
    clip = np.zeros(22_050, np.float32)
    clip[11_025] = 1.0
    picture = spectrum(clip, 22_050)
    assert abs(int(picture.decibels.mean(axis=0).argmax()) - 11_025 / picture.hop) <= 1


def test_axis_functions_agree() -> None:
    for position in (0.0, 0.5, 80.0, 160.0):
        assert band_of(band_edge(position)) == pytest.approx(position)
    assert band_edge(BANDS) == pytest.approx(11_000)
    assert (np.diff(band_centres()) > 0).all()
