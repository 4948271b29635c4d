"""Losses and metrics between two waveforms, as the published VQ-VAE was trained with.

Knows: the formulas of Dhariwal et al. 2020 (section 3.2 and appendix B.1). Does not know models.
Audio is [batch, samples, 1] throughout.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Bandwidth:
    """Typical sizes of the data's signal; losses are divided by them to be about 1."""

    l1: float
    l2: float
    spec: float


@dataclass(frozen=True)
class STFTSize:
    """One short-time Fourier transform: points, step and window in samples."""

    n_fft: int
    hop: int
    window: int


SPECTRAL = STFTSize(2048, 256, 1536)
MULTISPECTRAL = (STFTSize(2048, 240, 1200), STFTSize(1024, 120, 600), STFTSize(512, 50, 240))


@dataclass(frozen=True)
class WaveformLosses:
    """Per-level terms: each a scalar tensor."""

    recons: torch.Tensor
    spectral: torch.Tensor
    multispectral: torch.Tensor


@functools.lru_cache(maxsize=32)
def _hann(length: int, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    return torch.hann_window(length, device=device, dtype=dtype)


def magnitude(audio: torch.Tensor, size: STFTSize) -> torch.Tensor:
    """[batch, samples, 1] → linear magnitudes [batch, bins, frames], centred, reflect padded."""
    x = audio.squeeze(-1).float()
    window = _hann(size.window, x.device, x.dtype)
    spectrum = torch.stft(x, size.n_fft, size.hop, size.window, window, return_complex=True)
    # abs() has no finite gradient at zero; silence is common at the edges of songs
    power: torch.Tensor = spectrum.real.pow(2) + spectrum.imag.pow(2)
    return power.clamp_min(1e-14).sqrt()


def _distance(a: torch.Tensor, b: torch.Tensor, size: STFTSize) -> torch.Tensor:
    """Norm of the magnitude difference of each item: [batch]."""
    difference = (magnitude(a, size) - magnitude(b, size)).flatten(1)
    norms: torch.Tensor = torch.linalg.vector_norm(difference, dim=1)
    return norms


def spectral_loss(target: torch.Tensor, output: torch.Tensor, bandwidth: Bandwidth) -> torch.Tensor:
    return _distance(target, output, SPECTRAL).mean() / bandwidth.spec


def multispectral_loss(
    target: torch.Tensor,
    output: torch.Tensor,
    bandwidth: Bandwidth,
    sizes: tuple[STFTSize, ...] = MULTISPECTRAL,
) -> torch.Tensor:
    """Mean over resolutions of the magnitude distance, divided by the bandwidth."""
    return torch.stack([_distance(target, output, size).mean() for size in sizes]).mean() / bandwidth.spec


def l1_loss(target: torch.Tensor, output: torch.Tensor, bandwidth: Bandwidth) -> torch.Tensor:
    return (output - target).abs().mean() / bandwidth.l1


def l2_loss(target: torch.Tensor, output: torch.Tensor, bandwidth: Bandwidth) -> torch.Tensor:
    return (output - target).pow(2).mean() / bandwidth.l2


def linf_loss(target: torch.Tensor, output: torch.Tensor, bandwidth: Bandwidth, k: int = 2048) -> torch.Tensor:
    """Mean of each item's ``k`` largest squared residuals, divided by the bandwidth."""
    residual = (output - target).pow(2).flatten(1)
    return residual.topk(min(k, residual.shape[1]), dim=1).values.mean() / bandwidth.l2


def mixed_loss(target: torch.Tensor, output: torch.Tensor, bandwidth: Bandwidth) -> torch.Tensor:
    """The released models' reconstruction loss ``lmix``: L2 + 0.02·Linf."""
    return l2_loss(target, output, bandwidth) + 0.02 * linf_loss(target, output, bandwidth)


def waveform_losses(target: torch.Tensor, output: torch.Tensor, bandwidth: Bandwidth) -> WaveformLosses:
    return WaveformLosses(
        recons=mixed_loss(target, output, bandwidth),
        spectral=spectral_loss(target, output, bandwidth),
        multispectral=multispectral_loss(target, output, bandwidth),
    )


def spectral_convergence(target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """‖|S(x)| − |S(x̂)|‖ / ‖|S(x)|‖ of each item [batch]; 0 where the target is silent.

    20·log10 of it is the figure in decibel of the paper's table 1.
    """
    reference = magnitude(target, SPECTRAL).flatten(1).norm(dim=1)
    ratio = _distance(target, output, SPECTRAL) / reference.clamp_min(2e-3)
    return torch.where(reference > 2e-3, ratio, torch.zeros_like(ratio))
