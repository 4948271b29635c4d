"""Where on the beats of a song its syllables begin.

Knows: how planned times are moved to beats, or between them. Does not know what is sung, or what lies between.
"""

from __future__ import annotations

import math

import torch

from explorer.jukebox.ground import Ground

OFF_BEAT = 0.5
"""How much farther than a place between beats a beat may be to be preferred, in those places' distances."""


def on_beats(vowels: torch.Tensor, ground: Ground, hop: int) -> torch.Tensor:
    """``vowels`` [n ≥ 1], codes of the whole song in increasing order, each moved to a beat or half of one, in order
    and no two to the same. Where they come faster than half beats, they fall on quarters of beats, and so on. ``hop``:
    samples per code."""
    beat, zero = ground.bar / ground.beats / hop, ground.first / hop
    step = beat / 2
    while len(vowels) > 1 and float(vowels[-1] - vowels[0]) / (len(vowels) - 1) < step:
        step /= 2
    every = round(beat / step)
    moved: list[int] = []
    for place in ((vowels - zero) / step).tolist():
        # the nearest place that is still free, and a beat if one is hardly farther
        low = max(math.floor(place) - every, moved[-1] + 1 if moved else math.ceil(-zero / step))
        free = range(low, max(low, math.ceil(place) + every) + 1)
        moved.append(min(free, key=lambda n: abs(n - place) + (OFF_BEAT if n % every else 0.0)))
    return zero + step * torch.tensor(moved, dtype=torch.float64)
