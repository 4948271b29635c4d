"""When each character and word is sung, from when each phone is.

Knows: how letters are spread over the phones of their word. Does not know audio.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explorer.training.synthesis.pronunciation import plain
from explorer.training.synthesis.speech import Phone

Timed = tuple[str, float, float]
"""Text, first and last second."""


def timed_lyrics(
    lines: Sequence[str], phones: Sequence[Sequence[Phone]], seconds: float
) -> tuple[list[Timed], list[Timed]]:
    """(characters, words) of the lines joined by line ends.

    Times never run back and stay within ``seconds``. Signs and line ends have no length. Letters of a
    word share its phones evenly in order; within a word a time is therefore approximate.
    """
    characters: list[Timed] = []
    words: list[Timed] = []
    now = 0.0

    def put(text: str, start: float, end: float) -> None:
        nonlocal now
        start = round(min(max(start, now), seconds), 3)
        end = round(min(max(end, start), seconds), 3)
        characters.append((text, start, end))
        now = end

    for number, (line, sung) in enumerate(zip(lines, phones, strict=True)):
        if number:
            put("\n", now, now)
        edges = [_edges(word, [p for p in sung if p.word == index]) for index, word in enumerate(plain(line))]
        index = -1
        for token in line.split(" "):
            index += 1
            if index:
                put(" ", edges[index - 1][-1], edges[index][0])
            first = len(characters)
            letters = 0
            for character in token:
                if character in "?!.,":
                    put(character, now, now)
                else:
                    put(character, edges[index][letters], edges[index][letters + 1])
                    letters += 1
            words.append((plain(token)[0], characters[first][1], characters[first + letters - 1][2]))
    return characters, words


def _edges(word: str, phones: Sequence[Phone]) -> list[float]:
    """Seconds between the letters of a word, one more than letters."""
    known = [phones[0].start, *(phone.end for phone in phones)]
    places = np.linspace(0, len(phones), len(word) + 1)
    return [float(t) for t in np.interp(places, range(len(known)), known)]
