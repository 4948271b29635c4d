"""What must not be heard at all: silence, clipping, a constant offset, a loop that got stuck.

Knows: one clip [samples]. Does not know what it should sound like. The limits were set so that no
held-out song of the corpus has a fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import numpy as np

SILENT_DB = -50.0
"""A second whose root mean square lies below this, re full scale, is silent."""
LONGEST_SILENCE = 4.0
"""Seconds without sound in one stretch that songs do not have."""
FULL_SCALE = 0.999
CLIPPED_RUN = 3
"""So many samples in a row at full scale are a flat top; a single one is a peak."""
CLIPPED_SHARE = 1e-4
LARGEST_OFFSET = 0.01
LOOP_SECONDS = 2.0
"""A stretch of this length that only repeats a piece of at most LONGEST_LOOP seconds is stuck."""
SHORTEST_LOOP, LONGEST_LOOP = 0.06, 0.35
LOOP_DIFFERENCE_DB = 2.0
"""Mean difference of mel bands between a moment and its repetition, up to which they count as equal."""


class Fault(StrEnum):
    SILENCE = "silence"
    CLIPPING = "clipping"
    OFFSET = "DC offset"
    LOOP = "stuck loop"


def find_faults(audio: np.ndarray, sample_rate: int) -> tuple[Fault, ...]:
    """The faults of one clip. Nothing but silence is one fault, and not a loop of silence."""
    found = []
    if longest_silence(audio, sample_rate) >= min(LONGEST_SILENCE, 0.9 * len(audio) / sample_rate):
        found.append(Fault.SILENCE)
    if clipped_share(audio) > CLIPPED_SHARE:
        found.append(Fault.CLIPPING)
    if abs(float(audio.mean())) > LARGEST_OFFSET:
        found.append(Fault.OFFSET)
    if longest_loop(audio, sample_rate) >= LOOP_SECONDS:
        found.append(Fault.LOOP)
    return tuple(found)


def longest_silence(audio: np.ndarray, sample_rate: int) -> float:
    """Seconds of the longest stretch below SILENT_DB, in steps of a tenth."""
    step = sample_rate // 10
    blocks = audio[: len(audio) // step * step].reshape(-1, step)
    return longest_run(np.square(blocks).mean(axis=1) < 10 ** (SILENT_DB / 10)) / 10


def clipped_share(audio: np.ndarray) -> float:
    """Share of the samples that stand in flat tops."""
    loud = np.abs(audio) >= FULL_SCALE
    flat = np.convolve(loud, np.ones(CLIPPED_RUN), "valid") >= CLIPPED_RUN
    inside = np.convolve(flat, np.ones(CLIPPED_RUN)) > 0
    return float(inside.mean())


def longest_loop(audio: np.ndarray, sample_rate: int) -> float:
    """Seconds of the longest stretch in which every moment is the one a fixed short time before.

    A tone that never changes is such a stretch too, noise is none. Silence is left out.
    """
    import librosa

    hop = sample_rate // 100
    size = 2 ** int(np.log2(0.05 * sample_rate))
    if len(audio) < size:
        return 0.0
    power = librosa.feature.melspectrogram(
        y=np.asarray(audio, np.float32), sr=sample_rate, n_fft=size, hop_length=hop, n_mels=40
    )
    decibel = librosa.power_to_db(power, ref=1.0, top_db=None).clip(-60)
    heard = decibel.max(axis=0) > -40
    longest = 0
    for lag in range(round(SHORTEST_LOOP * 100), round(LONGEST_LOOP * 100) + 1):
        if decibel.shape[1] <= lag:
            break
        difference = np.abs(decibel[:, lag:] - decibel[:, :-lag]).mean(axis=0)
        longest = max(longest, longest_run((difference < LOOP_DIFFERENCE_DB) & heard[lag:]))
    return longest / 100


def longest_run(flags: np.ndarray) -> int:
    """Length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def count_faults(clips: Iterable[Sequence[Fault]]) -> dict[str, Any]:
    """How many clips there are, how many have a fault, and how many each one."""
    found = list(clips)
    counts = Counter(fault for faults in found for fault in faults)
    return {
        "clips": len(found),
        "faulty": sum(bool(faults) for faults in found),
        **{fault.value: counts[fault] for fault in Fault},
    }
