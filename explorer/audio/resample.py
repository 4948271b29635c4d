"""Changing the sample rate: the one place that uses torchaudio, and only as tensor arithmetic.

Knows: one function. torchaudio cannot be imported beside every build of torch, so it is imported
when a rate really has to change; everything else works without it.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch

from explorer.audio.files import AudioError, Waveform

_LARGEST_TERM = 4_000
"""Of the ratio of the rates: the filter bank has one row per numerator and a column per denominator."""


def resample(waveform: Waveform, rate: int, target: int) -> Waveform:
    """``waveform`` [samples] at ``rate`` as [about samples * target / rate] at ``target``.

    Rates without a small common ratio (44,101 Hz) are changed by the nearest smaller one, off by less
    than 0.03 %, half a cent of pitch. Raises AudioError where torchaudio cannot be used.
    """
    if rate == target:
        return waveform
    try:
        from torchaudio.functional import resample as torchaudio_resample
    except (ImportError, OSError) as error:
        raise AudioError(
            f"This sound has {rate:,} samples per second and {target:,} are needed, but torchaudio, which "
            f"changes the rate, does not work here ({error}). Install the torchaudio that fits your torch, "
            f"or save the file with {target:,} samples per second."
        ) from error
    ratio = Fraction(target, rate)
    ratio = 1 / (1 / ratio).limit_denominator(_LARGEST_TERM) if ratio > 1 else ratio.limit_denominator(_LARGEST_TERM)
    changed = torchaudio_resample(
        torch.from_numpy(np.ascontiguousarray(waveform, dtype=np.float32)),
        ratio.denominator,
        ratio.numerator,
        lowpass_filter_width=32,
    )
    result: Waveform = changed.numpy()
    return result
