"""Whether the words can be understood, and whether they are this song's own.

Knows: what was heard, lyrics, and word error rates (``recognition``). Does not know sound. A
recogniser that hears nothing has a rate of 1 with any lyrics, so the right lyrics are compared with
those of another song, cut to as many words.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from explorer.training.recognition import plain_words, word_error_rate

CLEARLY = 0.1
"""By how much the right lyrics' rate must lie below the wrong ones'."""
FEWEST_WORDS = 3
"""Clips with fewer words say nothing."""


@dataclass(frozen=True)
class Listened:
    """The lyrics of one clip and the words that were heard in it."""

    lyrics: str
    heard: list[str]


@dataclass(frozen=True)
class WordErrors:
    """Word error rates of one clip against its own and against another song's lyrics."""

    right: float
    wrong: float

    @property
    def understood(self) -> bool:
        return self.right <= self.wrong - CLEARLY


def word_errors(clips: Sequence[Listened]) -> list[WordErrors]:
    """Of every clip with enough words. The other lyrics are those half the set away that differ from its own."""
    sung = [clip for clip in clips if len(plain_words(clip.lyrics)) >= FEWEST_WORDS]
    found = []
    for i, clip in enumerate(sung):
        others = [sung[(i + len(sung) // 2 + k) % len(sung)].lyrics for k in range(len(sung))]
        other = next((lyrics for lyrics in others if lyrics != clip.lyrics), None)
        if other is not None:
            wrong = fitted(other, len(plain_words(clip.lyrics)))
            found.append(WordErrors(word_error_rate(clip.lyrics, clip.heard), word_error_rate(wrong, clip.heard)))
    return found


def fitted(lyrics: str, words: int) -> str:
    """As many words of ``lyrics``, from its beginning and again as often as needed."""
    given = plain_words(lyrics)
    return " ".join(given[i % len(given)] for i in range(words))


def summarise_words(errors: Sequence[WordErrors]) -> dict[str, Any]:
    """Medians, and the share of clips whose own lyrics are clearly heard."""
    if not errors:
        return {"clips": 0, "median_right": None, "median_wrong": None, "understood": None}
    return {
        "clips": len(errors),
        "median_right": round(statistics.median(e.right for e in errors), 4),
        "median_wrong": round(statistics.median(e.wrong for e in errors), 4),
        "understood": round(sum(e.understood for e in errors) / len(errors), 4),
    }
