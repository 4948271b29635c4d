"""Figures that describe one clip: loudness, flatness, chroma, onsets, pulse, bars, pitch.

Knows: NumPy waveforms. librosa and pyloudnorm are imported when a figure is asked for, since they
take seconds. Does not know: models, samples, which values are good.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from explorer.audio.files import Waveform

_FRAME_SECONDS = 0.093
_SILENCE_DB = -60.0
"""Frames this far below full scale say nothing about timbre or pitch."""
_LOWEST_HZ, _HIGHEST_HZ = 65.4, 1046.5
"""C2 to C6: the range in which voices sing."""
_VOICED = 0.6
"""Least likeness of a frame to itself one period later."""
_FIRST_PEAK = 0.9
_PULSE_HOP_SECONDS = 0.0116
_FASTEST_BEAT, _SLOWEST_BEAT = 200.0, 60.0
"""Beats a minute."""
_BAR_PARTS = 32
"""Into which a bar is divided: eighths of a beat where there are four."""
_OTHER_BARS = (0.83, 0.91, 1.13, 1.21)
"""Lengths of bars that no music has, in bars: no two are alike, and none shares its beats with the bar."""
_ONSET_DB = 0.5
"""How far the rise in level, averaged over bands, must stand out of its surroundings."""


@dataclass(frozen=True)
class PitchRange:
    """Pitch of what is voiced, in Hz: the 5th, 50th and 95th percentile, and which share is voiced."""

    low: float
    median: float
    high: float
    voiced: float

    @property
    def semitones(self) -> float:
        """Width of the range."""
        return 12 * math.log2(self.high / self.low)


def loudness(waveform: Waveform, sample_rate: int) -> float | None:
    """Integrated loudness in LUFS (ITU-R BS.1770-4); None for clips below 0.4 s and for silence."""
    import pyloudnorm

    if len(waveform) < 0.4 * sample_rate:
        return None
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        warnings.simplefilter("ignore")  # silence gives log of zero, which is answered by None below
        value = float(pyloudnorm.Meter(sample_rate).integrated_loudness(np.asarray(waveform, np.float64)))
    return value if math.isfinite(value) else None


def spectral_flatness(waveform: Waveform, sample_rate: int) -> float | None:
    """Geometric by arithmetic mean of the power spectrum, 0 (a tone) to 1 (white noise): the mean over
    frames that are not silent; None if all are, or if there is not one whole frame."""
    import librosa

    frame = _frame(sample_rate)
    if len(waveform) < frame:
        return None
    magnitude = np.abs(librosa.stft(np.asarray(waveform, np.float32), n_fft=frame, hop_length=frame // 4))
    # A sine at full scale has the magnitude frame / 4 in its bin (Hann window).
    loud = 20 * np.log10(np.maximum(magnitude.max(axis=0), 1e-9) / (frame / 4)) > _SILENCE_DB
    if not loud.any():
        return None
    return float(librosa.feature.spectral_flatness(S=magnitude[:, loud], amin=1e-10).mean())


def onset_rate(waveform: Waveform, sample_rate: int) -> float:
    """Beginnings of notes and drum strokes per second."""
    count = len(onsets(waveform, sample_rate).times)
    return count * sample_rate / len(waveform) if count else 0.0


def chroma(waveform: Waveform, sample_rate: int) -> tuple[npt.NDArray[np.float32], int]:
    """Strength of the pitch classes C to B over time, [12, frames], and samples between frames.

    The strongest of a moment is 1; moments of silence are 0.
    """
    import librosa

    frame = _frame(sample_rate)
    hop = frame // 4
    sound = np.asarray(waveform, np.float32)
    if len(sound) < frame:
        sound = np.pad(sound, (0, frame - len(sound)))
    magnitude = np.abs(librosa.stft(sound, n_fft=frame, hop_length=hop))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tuning cannot be told from silence, which is answered below
        values = librosa.feature.chroma_stft(S=magnitude**2, sr=sample_rate, hop_length=hop, tuning=0.0)
    loud = 20 * np.log10(np.maximum(magnitude.max(axis=0), 1e-9) / (frame / 4)) > _SILENCE_DB
    return np.where(loud, np.nan_to_num(values), 0.0).astype(np.float32), hop


@dataclass(frozen=True)
class Onsets:
    """``strength`` [frames] is the rise in level in dB, averaged over bands; ``hop`` samples lie between
    frames; ``times`` are the beginnings in seconds."""

    strength: npt.NDArray[np.float32]
    hop: int
    times: npt.NDArray[np.float64]


def onsets(waveform: Waveform, sample_rate: int) -> Onsets:
    """Beginnings of notes and drum strokes."""
    import librosa

    hop = _frame(sample_rate) // 4
    if len(waveform) < 2 * hop or float(np.abs(waveform).max()) < 10 ** (_SILENCE_DB / 20):
        return Onsets(np.zeros(len(waveform) // hop + 1, np.float32), hop, np.zeros(0))
    strength = librosa.onset.onset_strength(y=np.asarray(waveform, np.float32), sr=sample_rate, hop_length=hop)
    # Unscaled: librosa would otherwise stretch the ripples of a steady tone until they look like onsets.
    frames = librosa.onset.onset_detect(
        onset_envelope=strength, sr=sample_rate, hop_length=hop, units="frames", normalize=False, delta=_ONSET_DB
    )
    return Onsets(strength.astype(np.float32), hop, np.asarray(frames) * hop / sample_rate)


def pulse_clarity(waveform: Waveform, sample_rate: int) -> float | None:
    """How regular strokes are: 1 where what begins begins again a beat later, about 0.15 for what begins at chance.
    None for silence and for less than two of the slowest beats.

    The highest autocorrelation of the strength of onsets at the lags of a beat of 60 to 200 a minute, without its mean
    and by the lag 0 (after Lartillot et al. 2008, maximum of the autocorrelation).
    """
    hop = _pulse_hop(sample_rate)
    shortest, longest = (round(60.0 / beats * sample_rate / hop) for beats in (_FASTEST_BEAT, _SLOWEST_BEAT))
    if len(waveform) < 2 * longest * hop or _silent(waveform):
        return None
    strength = _onset_strength(waveform, sample_rate)
    power = float(np.mean(strength**2))
    if power < 1e-12:
        return 0.0
    lags = range(shortest, longest + 1)
    return max(0.0, max(float(np.mean(strength[lag:] * strength[:-lag])) / power for lag in lags))


def bar_clarity(waveform: Waveform, sample_rate: int, bar: float, first: float) -> float | None:
    """How far strokes keep to bars of ``bar`` seconds, one of which begins at ``first``: 0 for what does not know of
    them, about 0.4 for short strokes at the same places of every bar. None for silence and for less than two bars.

    The share of the variance of the strength of onsets that the part of the bar explains (adjusted coefficient of
    determination of a one-way analysis of variance), less what bars of other lengths explain.
    """
    if bar <= 0 or len(waveform) < 2 * bar * sample_rate or _silent(waveform):
        return None
    strength = _onset_strength(waveform, sample_rate)
    times = np.arange(len(strength)) * _pulse_hop(sample_rate) / sample_rate - first
    if not float(np.mean(strength**2)) > 1e-12:
        return 0.0
    others = [_explained(strength, times / (bar * length)) for length in _OTHER_BARS]
    return _explained(strength, times / bar) - float(np.mean(others))


def _explained(strength: npt.NDArray[np.float64], bars: npt.NDArray[np.float64]) -> float:
    """Adjusted share of the variance of ``strength``, which has no mean, that the parts of ``bars`` explain."""
    part = (bars % 1.0 * _BAR_PARTS).astype(np.int64) % _BAR_PARTS
    counts = np.bincount(part, minlength=_BAR_PARTS)
    sums = np.bincount(part, weights=strength, minlength=_BAR_PARTS)
    between = float((sums**2 / np.maximum(counts, 1)).sum())
    total, parts = float((strength**2).sum()), int((counts > 0).sum())
    return 1.0 - (1.0 - between / total) * (len(strength) - 1) / max(1, len(strength) - parts)


def _pulse_hop(sample_rate: int) -> int:
    return max(1, round(_PULSE_HOP_SECONDS * sample_rate))


def _onset_strength(waveform: Waveform, sample_rate: int) -> npt.NDArray[np.float64]:
    """Every ``_pulse_hop``, without its mean."""
    import librosa

    hop = _pulse_hop(sample_rate)
    strength = librosa.onset.onset_strength(y=np.asarray(waveform, np.float32), sr=sample_rate, hop_length=hop)
    found: npt.NDArray[np.float64] = strength.astype(np.float64) - strength.mean()
    return found


def _silent(waveform: Waveform) -> bool:
    return float(np.abs(waveform).max()) < 10 ** (_SILENCE_DB / 20)


def pitch_range(waveform: Waveform, sample_rate: int) -> PitchRange | None:
    """Range of the voiced frames between C2 and C6; None if fewer than 5 frames are voiced.

    The strongest period of each frame by normalised autocorrelation: a single voice or instrument is
    followed well, of a full band the part that is clearly periodic.
    """
    frame = _frame(sample_rate)
    hop, longest, shortest = frame // 4, math.ceil(sample_rate / _LOWEST_HZ), int(sample_rate / _HIGHEST_HZ)
    if len(waveform) < frame:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(waveform, np.float64), frame)[::hop]
    pitches = [_pitch(row, shortest, longest) for row in frames if np.abs(row).max() > 10 ** (_SILENCE_DB / 20)]
    kept = [sample_rate / period for period in pitches if period]
    if len(kept) < 5:
        return None
    low, median, high = np.percentile(kept, [5, 50, 95])
    return PitchRange(float(low), float(median), float(high), len(kept) / len(frames))


def _pitch(row: npt.NDArray[np.float64], shortest: int, longest: int) -> float | None:
    """The period of a frame in samples, or None if it is not periodic."""
    n = len(row)
    row = row - row.mean()
    spectrum = np.fft.rfft(row, 2 * n)
    raw = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[: longest + 2]
    energy = np.cumsum(row**2)
    lags = np.arange(longest + 2)
    # Both stretches that are compared at a lag, so that long lags are not at a disadvantage.
    weight = np.sqrt(energy[n - 1 - lags] * (energy[-1] - np.where(lags > 0, energy[lags - 1], 0.0)))
    likeness = raw / np.maximum(weight, 1e-12)
    inside = likeness[shortest : longest + 1]
    if inside.max() < _VOICED:
        return None
    peaks = np.flatnonzero(
        (inside > likeness[shortest - 1 : longest]) & (inside >= likeness[shortest + 1 : longest + 2])
    )
    peaks = peaks[inside[peaks] >= _FIRST_PEAK * inside.max()]  # the first good one: multiples of a period fit as well
    if not len(peaks):
        return None
    lag = int(peaks[0]) + shortest
    before, here, after = likeness[lag - 1 : lag + 2]
    return float(lag + 0.5 * (before - after) / (before - 2 * here + after))


def _frame(sample_rate: int) -> int:
    return int(2 ** round(math.log2(sample_rate * _FRAME_SECONDS)))
