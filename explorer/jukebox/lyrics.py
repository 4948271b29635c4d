"""Lyrics as a model reads them: text to token ids, and the stretch of them that one window sees.

Knows: the two published alphabets and the published arithmetic of lyric windows (Dhariwal et al.
2020, section 5.2). Does not know: how other scripts are spelled in ASCII. That needs tables which
the standard library lacks, so callers pass a ``Transliterate`` function (``explorer.transliteration``
has the one this project uses).

Different from the published code on purpose: every token remembers which character of the user's
text it came from, and what was replaced or dropped is reported instead of vanishing silently.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Callable
from dataclasses import dataclass

import torch

from explorer.jukebox.config import Vocabulary

Transliterate = Callable[[str], str]
"""One character in, its ASCII spelling out (possibly several characters, or none)."""

PADDING = -1
"""Lyric index of a token position that holds no character."""

_SIGNS = {Vocabulary.V2: ".,:;!?-+'\"()[] \t\n", Vocabulary.V3: ".,:;!?-'\"()[] \t\n"}


def alphabet(vocabulary: Vocabulary) -> str:
    """The characters of a vocabulary in the order of their ids 1, 2, ...; id 0 is padding."""
    return string.ascii_uppercase + string.ascii_lowercase + string.digits + _SIGNS[vocabulary]


@functools.lru_cache(maxsize=4)
def _ids(vocabulary: Vocabulary) -> dict[str, int]:
    return {character: i for i, character in enumerate(alphabet(vocabulary), start=1)}


@dataclass(frozen=True)
class Tokens:
    """A whole song's lyrics as tokens, and what had to change on the way."""

    tokens: tuple[int, ...]
    """Ids 1.. of the vocabulary, one per character of ``text``."""
    characters: tuple[int, ...]
    """For each token the index of the character in the given text that it came from."""
    text: str
    """What the model really reads."""
    replaced: tuple[tuple[str, str], ...]
    """Distinct characters that are read as others: (written, read)."""
    dropped: tuple[str, ...]
    """Distinct characters of which nothing is left."""


def tokenize(text: str, vocabulary: Vocabulary, transliterate: Transliterate) -> Tokens:
    """The published cleaning: spell in ASCII, backslash means newline, drop what has no id."""
    ids = _ids(vocabulary)
    tokens: list[int] = []
    characters: list[int] = []
    kept: list[str] = []
    readings: dict[str, str] = {}
    for index, character in enumerate(text):
        reading = readings.get(character)
        if reading is None:
            spelled = transliterate(character).replace("\\", "\n")
            reading = readings[character] = "".join(c for c in spelled if c in ids)
        for c in reading:
            tokens.append(ids[c])
            characters.append(index)
        kept.append(reading)
    return Tokens(
        tokens=tuple(tokens),
        characters=tuple(characters),
        text="".join(kept),
        replaced=tuple((c, r) for c, r in readings.items() if r and r != c),
        dropped=tuple(c for c, r in readings.items() if not r),
    )


def lyric_window(
    n_full: int, n_tokens: int, total_length: int, offset: int, window_length: int, single_precision: bool
) -> list[int]:
    """Which of ``n_full`` lyric tokens a window sees: ``n_tokens`` indices, PADDING first where they are few.

    The window is centred where its middle lies in the whole song, as if the words were spread
    evenly over ``total_length`` samples. ``offset`` and ``window_length`` are samples too. As
    published, a song's first labels are computed in double precision and every sampling window's
    in single precision; the two differ by one character now and then. Raises ValueError for an odd
    ``n_tokens`` (half is taken on either side) or a song without length.
    """
    if n_tokens % 2 or total_length <= 0:
        raise ValueError(f"a lyric window needs an even n_tokens and a length, not {n_tokens} and {total_length}")
    if n_full < n_tokens:
        return [PADDING] * (n_tokens - n_full) + list(range(n_full))
    if single_precision:
        middle = int(n_full * (torch.tensor(offset) + window_length / 2.0) / torch.tensor(total_length))
    else:
        middle = int(n_full * (offset + window_length / 2.0) / total_length)
    half = n_tokens // 2
    middle = min(max(middle, half), n_full - half)
    return list(range(middle - half, middle + half))


def window_tokens(tokens: tuple[int, ...], indices: list[int]) -> list[int]:
    """The ids at ``indices`` of a whole song's ``tokens``, 0 (padding) where the index is PADDING."""
    return [0 if index == PADDING else tokens[index] for index in indices]
