"""How far one waveform is from another: the levels of a sample against each other or a recording.

Knows: two waveforms of the same rate. Does not know: which of them is right.
"""

from __future__ import annotations

import math

import torch

from explorer.audio.files import AudioError, Waveform

_N_FFT, _HOP, _WINDOW = 2048, 256, 1536
"""The resolution at which the published training code reports spectral convergence."""
_QUIETEST = 2e-3
"""References below this norm say nothing: the published metric is 0 there."""
_FLOOR_DB = -80.0
_LONGEST_DIFFERENCE = 0.05
"""Share by which lengths may differ: levels of one sample end within one code of each other."""


def spectral_convergence(reference: Waveform, other: Waveform) -> float:
    """20·log10 of ‖|S(other)| − |S(reference)|‖ / ‖|S(reference)|‖ in dB: 0 dB as wrong as silence,
    -20 dB a tenth of that. -inf where both are equal; -inf too for a silent reference (as published).

    The longer one is cut. Raises AudioError if lengths differ by more than 5 %.
    """
    a, b = _pair(reference, other)
    wanted, there = _magnitude(a), _magnitude(b)
    norm = float(torch.linalg.vector_norm(wanted))
    if norm <= _QUIETEST:
        return -math.inf
    return _decibel(float(torch.linalg.vector_norm(there - wanted)) / norm)


def log_spectral_distance(reference: Waveform, other: Waveform) -> float:
    """Root mean square over frequency of the difference in dB, averaged over time; 0 for equal sound.

    Magnitudes below -80 dB re full scale count as -80 dB. Raises AudioError as above.
    """
    a, b = _pair(reference, other)
    floor = 10 ** (_FLOOR_DB / 20) * _WINDOW / 4
    difference = 20 * (_magnitude(a).clamp_min(floor).log10() - _magnitude(b).clamp_min(floor).log10())
    return float(difference.square().mean(dim=0).sqrt().mean())


def _pair(reference: Waveform, other: Waveform) -> tuple[torch.Tensor, torch.Tensor]:
    length = min(len(reference), len(other))
    longest = max(len(reference), len(other))
    if not length or longest - length > _LONGEST_DIFFERENCE * longest:
        raise AudioError(
            f"Sound of {len(reference):,} and {len(other):,} samples cannot be compared: the lengths differ too much."
        )
    return tuple(torch.tensor(w[:length], dtype=torch.float32) for w in (reference, other))  # type: ignore[return-value]


def _magnitude(waveform: torch.Tensor) -> torch.Tensor:
    """[1025, frames] magnitudes; silence is assumed around the waveform."""
    spectrum = torch.stft(
        waveform,
        _N_FFT,
        _HOP,
        _WINDOW,
        window=torch.hann_window(_WINDOW),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    return spectrum.abs()


def _decibel(ratio: float) -> float:
    return 20 * math.log10(ratio) if ratio > 0 else -math.inf
