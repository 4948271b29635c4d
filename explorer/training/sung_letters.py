"""Which letter is sung at each frame of a speech recogniser's states.

Knows: the corpus' character times and the rate of such states. Does not know sound or states.
"""

from __future__ import annotations

import string
from collections.abc import Iterable

import numpy as np

from explorer.training.corpus import Character
from explorer.training.recognition import FRAME_RATE

ALPHABET = string.ascii_lowercase + "'"
"""Class 0 is everything else: silence, the band alone, digits."""
_CLASS = {character: number for number, character in enumerate(ALPHABET, 1)}


def sung_classes(characters: Iterable[Character], frames: int) -> np.ndarray:
    """int64 [frames] which of ``characters``, with times from the first frame's begin on, is sung at each of ``frames``
    of ``FRAME_RATE`` per second: its place in ALPHABET, from 1 on."""
    classes = np.zeros(frames, dtype=np.int64)
    for character in characters:
        first, last = round(character.start * FRAME_RATE), round(character.end * FRAME_RATE)
        classes[max(0, first) : max(0, last)] = _CLASS.get(character.text.lower(), 0)
    return classes
