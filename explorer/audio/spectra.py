"""Mel spectrograms to look at.

Knows: one fixed scale for every clip and level, so that pictures can be compared.
Does not know: colours, pages, models.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch

from explorer.audio.files import Waveform

BANDS = 160
FLOOR_DB = -60.0
"""Value 0; 255 is 0 dB, the power of a sine at full scale."""
TOP_HZ = 11_000.0
"""Upper edge of the highest band at every sample rate: one axis for every picture."""

_WINDOW_SECONDS = 0.093
_HOPS_PER_WINDOW = 8
_HANN_SPREAD = 1.5
"""Sum of the power that one sine leaves in the bins of a Hann window, relative to the highest bin."""
_CHUNK = 2048
"""Frames transformed at once: bounds the memory of long songs."""


@dataclass(frozen=True)
class Spectrum:
    """``values`` uint8 [160, frames]: row 0 lowest band, 0 = -60 dB or less, 255 = 0 dB or more.

    Frame i is centred on sample ``i * hop``; there are ``samples // hop + 1`` frames.
    """

    values: npt.NDArray[np.uint8]
    sample_rate: int
    hop: int

    @property
    def frames_per_second(self) -> float:
        return self.sample_rate / self.hop

    @property
    def decibels(self) -> npt.NDArray[np.float32]:
        """``values`` in dB, [160, frames]."""
        return np.asarray(FLOOR_DB - FLOOR_DB * self.values / 255, dtype=np.float32)


def hop_length(sample_rate: int) -> int:
    """Samples between frames: 256 at 22,050 Hz, 512 at 44,100 Hz, so about 86 frames a second."""
    return _window_length(sample_rate) // _HOPS_PER_WINDOW


def spectrum(waveform: Waveform, sample_rate: int) -> Spectrum:
    """The picture of ``waveform`` [samples]; the same samples always give the same bytes.

    Every value is the power in its band in dB relative to a sine at full scale. Silence is assumed
    before and after the waveform. A frame depends on the samples around it only, so the picture of a
    growing song does not change behind its last half window.
    """
    window_length, hop = _window_length(sample_rate), hop_length(sample_rate)
    window = torch.hann_window(window_length, periodic=True, dtype=torch.float32)
    filters = torch.from_numpy(_filters(sample_rate))
    half = window_length // 2
    padded = torch.nn.functional.pad(torch.from_numpy(np.array(waveform, dtype=np.float32)), (half, half))
    frames = padded.unfold(0, window_length, hop)
    columns = []
    for chunk in torch.split(frames, _CHUNK):
        amplitude = torch.fft.rfft(chunk * window).abs() * (2 / window.sum())
        power = amplitude.square() @ filters.T
        decibels = 10 * torch.log10(power.clamp_min(1e-12))
        scaled = ((decibels - FLOOR_DB) * (-255 / FLOOR_DB)).round().clamp(0, 255)
        columns.append(scaled.to(torch.uint8))
    values: npt.NDArray[np.uint8] = np.ascontiguousarray(torch.cat(columns).numpy().T)
    return Spectrum(values, sample_rate, hop)


def band_of(hz: float) -> float:
    """Position of a frequency on the axis: 0 bottom edge .. 160 top edge (11,000 Hz)."""
    return BANDS * math.log1p(hz / 700) / math.log1p(TOP_HZ / 700)


def band_edge(position: float) -> float:
    """Hz at a position on the axis; the inverse of ``band_of``."""
    return 700 * math.expm1(position / BANDS * math.log1p(TOP_HZ / 700))


def band_centres() -> npt.NDArray[np.float64]:
    """Hz of the middle of each band [160]."""
    return np.array([band_edge(band + 0.5) for band in range(BANDS)])


def _window_length(sample_rate: int) -> int:
    return int(2 ** round(math.log2(sample_rate * _WINDOW_SECONDS)))


@lru_cache(maxsize=8)
def _filters(sample_rate: int) -> npt.NDArray[np.float32]:
    """[160, bins] triangles that add up to 1 where bands are wide, and are never narrower than a bin."""
    window_length = _window_length(sample_rate)
    spacing = sample_rate / window_length
    bins = np.arange(window_length // 2 + 1) * spacing
    rows = []
    for band in range(BANDS):
        centre = band_edge(band + 0.5)
        below = max(centre - band_edge(band - 0.5), spacing)
        above = max(band_edge(band + 1.5) - centre, spacing)
        distance = np.where(bins < centre, (centre - bins) / below, (bins - centre) / above)
        rows.append(np.clip(1 - distance, 0, 1))
    return (np.stack(rows) / _HANN_SPREAD).astype(np.float32)
