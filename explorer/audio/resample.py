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
_ROUNDED_TERM = 500


def resample(waveform: Waveform, rate: int, target: int) -> Waveform:
    """``waveform`` [samples] at ``rate`` as [about samples * target / rate] at ``target``.

    Rates without a small common ratio (44,101 Hz) are changed by the nearest small one, off by less
    than five millionths. Raises AudioError where torchaudio cannot be used.
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
    # The filter bank has one row per numerator and as many columns as the denominator: keep both small.
    if max(ratio.numerator, ratio.denominator) > _LARGEST_TERM:
        ratio = ratio.limit_denominator(_ROUNDED_TERM)
    changed = torchaudio_resample(
        torch.from_numpy(np.ascontiguousarray(waveform, dtype=np.float32)),
        ratio.denominator,
        ratio.numerator,
        lowpass_filter_width=32,
    )
    result: Waveform = changed.numpy()
    return result
