"""The log-mel distance hears what linear magnitudes do not."""

from __future__ import annotations

import math

import torch

from explorer.jukebox.losses import Bandwidth, spectral_loss
from explorer.training.mel import FLOOR, RESOLUTIONS, log_mel, mel_loss

RATE = 22_050


def tone(hertz: float, gain: float) -> torch.Tensor:
    time = torch.arange(16_384) / RATE
    return (gain * torch.sin(2 * math.pi * hertz * time)).view(1, -1, 1)


def test_equal_sounds_have_no_distance_and_phases_do_not_matter() -> None:
    a = tone(440.0, 0.5)
    assert float(mel_loss(a, a, RATE)) == 0
    assert float(mel_loss(a, -a, RATE)) < 1e-4


def test_a_gain_is_its_logarithm_where_there_is_sound() -> None:
    noise = torch.randn(1, 16_384, 1, generator=torch.Generator().manual_seed(0))
    assert abs(float(mel_loss(noise, 0.5 * noise, RATE)) - math.log(2)) < 0.02


def test_a_quiet_tone_beside_a_loud_one_counts_more_than_in_linear_magnitudes() -> None:
    loud, quiet = tone(200.0, 0.5), tone(5_000.0, 0.01)
    bandwidth = Bandwidth(1.0, 1.0, float(spectral_loss(loud, torch.zeros_like(loud), Bandwidth(1.0, 1.0, 1.0))))
    missing_quiet = float(mel_loss(loud + quiet, loud, RATE)) / float(mel_loss(loud + quiet, quiet, RATE))
    linear = float(spectral_loss(loud + quiet, loud, bandwidth)) / float(spectral_loss(loud + quiet, quiet, bandwidth))
    assert missing_quiet > 5 * linear


def test_shapes_and_floor() -> None:
    for size, bands in RESOLUTIONS:
        silent = log_mel(torch.zeros(2, 16_384, 1), size, bands, RATE)
        assert silent.shape == (2, bands, 16_384 // size.hop + 1)
        assert float((silent - math.log(FLOOR)).abs().max()) < 1e-2
