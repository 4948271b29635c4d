"""The distance between log-mel spectra: a loss that hears quiet consonants beside a loud band.

Knows: mel spectra at several resolutions, as neural vocoders are trained with (Kong et al. 2020,
section 2.3; Kumar et al. 2023, section 3.4). Does not know models. The published VQ-VAE losses compare linear
magnitudes, in which what is quiet counts for nothing; in logarithms it counts as much as what is loud.
"""

from __future__ import annotations

import functools

import torch
import torchaudio

from explorer.jukebox.losses import STFTSize, magnitude

RESOLUTIONS = ((STFTSize(2048, 512, 2048), 80), (STFTSize(1024, 256, 1024), 80), (STFTSize(512, 128, 512), 40))
"""Transforms and their numbers of mel bands."""
LOWEST = 30.0
"""Hz where the lowest band begins; the highest ends at half the sampling rate."""
FLOOR = 1e-3
"""Added to the band magnitudes of signals in [-1, 1]: what is quieter is as good as silent."""


def mel_loss(target: torch.Tensor, output: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """Mean absolute difference of natural-log mel magnitudes of audio [batch, samples, 1], over all resolutions."""
    distances = [
        (log_mel(target, size, bands, sample_rate) - log_mel(output, size, bands, sample_rate)).abs().mean()
        for size, bands in RESOLUTIONS
    ]
    return torch.stack(distances).mean()


def log_mel(audio: torch.Tensor, size: STFTSize, bands: int, sample_rate: int) -> torch.Tensor:
    """[batch, samples, 1] → natural-log band magnitudes [batch, bands, frames]."""
    filters = _filters(size.n_fft // 2 + 1, bands, sample_rate).to(audio.device)
    magnitudes: torch.Tensor = torch.matmul(filters, magnitude(audio, size))
    return (magnitudes + FLOOR).log()


@functools.lru_cache(maxsize=16)
def _filters(bins: int, bands: int, sample_rate: int) -> torch.Tensor:
    """[bands, bins] with Slaney's scale and area normalisation."""
    filters: torch.Tensor = torchaudio.functional.melscale_fbanks(
        bins, LOWEST, sample_rate / 2, bands, sample_rate, norm="slaney", mel_scale="slaney"
    )
    return filters.T.contiguous()
