"""Whether the letters that were to be sung are heard, frame by frame.

Words are heard whole or not at all, one verdict a song; letters tell small steps apart, since a song has hundreds of
frames of them. A classifier of what a speech recogniser's encoder makes of sound (linear discriminants, Fisher 1936)
learns on real songs which letter is sung, and is asked about frames of which it is known which letter was to be sung.
Knows: such states, letters and their times. Does not know sound, or where states come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Spelled:
    """The letters of one clip, as classes of ``sung_letters``; [frames] both."""

    told: np.ndarray
    """To be sung; 0 where none is."""
    heard: np.ndarray
    """The likeliest of all letters, also where none was to be sung."""


class LetterEar:
    """Tells from the recogniser's states which letter is sung."""

    def __init__(self, states: np.ndarray, classes: np.ndarray) -> None:
        """Learn from ``states`` [frames, width] and the ``classes`` [frames] that are sung at them. Raises ValueError
        where these have fewer than two letters."""
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        sung = classes > 0
        if len(np.unique(classes[sung])) < 2:
            raise ValueError("letters cannot be learnt from songs with fewer than two of them")
        self._classifier = LinearDiscriminantAnalysis().fit(states[sung], classes[sung])

    def spell(self, states: np.ndarray, told: np.ndarray) -> Spelled:
        """``states`` [frames, width] and ``told`` [frames or more]: the letters that were to be sung."""
        return Spelled(told[: len(states)], self._classifier.predict(states))


def letters_heard(clips: Sequence[Spelled]) -> dict[str, Any]:
    """The share of the frames in which the letter that was to be sung is heard, and the share in which that of the clip
    half the set away is: what the letters' frequencies alone give."""
    own = [(clip.heard, clip.told) for clip in clips]
    others = [(clip.heard, clips[(i + len(clips) // 2) % len(clips)].told) for i, clip in enumerate(clips)]
    frames, heard = _share(own)
    return {"frames": frames, "heard": heard, "by_chance": _share(others)[1]}


def _share(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[int, float | None]:
    frames = right = 0
    for heard, told in pairs:
        length = min(len(heard), len(told))
        sung = told[:length] > 0
        frames += int(sung.sum())
        right += int((heard[:length] == told[:length])[sung].sum())
    return frames, round(right / frames, 4) if frames else None
