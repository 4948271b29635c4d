"""Lyrics: lines from frames and words, rhymed by sound, and sections made of them.

Knows: how slots are filled, numbers spelled out, lines rhymed and repeated, and which lines and words
a split may use. Does not know tunes or bars.
"""

from __future__ import annotations

import functools
import re
import zlib
from collections import defaultdict
from dataclasses import dataclass
from random import Random

from explorer.training.synthesis.bank import bank
from explorer.training.synthesis.errors import SynthesisError
from explorer.training.synthesis.pronunciation import plain, rhyme, rhymes, starts_with_vowel, syllable_count

TRAIN, VALIDATION, WORDS, CROSSINGS = "train", "validation", "heldout-words", "crossings"
SPLITS = (TRAIN, VALIDATION, WORDS, CROSSINGS)
"""Folders of a corpus: songs to learn from; unseen lines; unseen words; artists over foreign genres."""

_SPLIT_OF_HASH = {0: VALIDATION, 1: CROSSINGS, 2: WORDS}
_HASHES = 4
"""A quarter of all possible lines for each split: held-out songs then find their lines as easily."""

SCHEMES = {2: ("AA", "AA", "AB"), 3: ("AAA", "AAB"), 4: ("AABB", "AABB", "ABAB", "ABCB", "AAAA", "HAHA")}
"""Rhyme schemes by number of lines; H is one hook line, repeated."""

_SLOT = re.compile(r"\{(\w+)\}")
_TRIES = 100


def split_of_line(line: str) -> str:
    """The only split that may sing this line, by its words alone (signs do not count)."""
    return _SPLIT_OF_HASH.get(zlib.crc32(" ".join(plain(line)).encode()) % _HASHES, TRAIN)


@dataclass(frozen=True)
class Span:
    """How many syllables a line may have."""

    least: int
    most: int


SHORT, MEDIUM, LONG = Span(2, 4), Span(5, 9), Span(10, 15)


class Lyricist:
    """Writes the lines of one song. The same ``rng`` state and split give the same lines."""

    def __init__(self, rng: Random, split: str) -> None:
        self._rng = rng
        self._split = split
        self._bank = bank()
        self._marks = rng.random() < 0.5

    def section(self, chorus: bool, lines: int, span: Span) -> list[str]:
        """A verse or a chorus of ``lines`` lines. Raises SynthesisError if the bank cannot do it."""
        for attempt in range(_TRIES):
            scheme = self._rng.choice(SCHEMES[lines])
            if not chorus:
                scheme = scheme.replace("HAHA", "ABAB")
            elif lines == 4 and self._rng.random() < 0.4:
                scheme = "HAHA"
            wider = attempt // 4  # few words may be left to a small split: rather a longer line than none
            written = self._by_scheme(scheme, chorus, Span(max(1, span.least - wider), span.most + wider))
            if written:
                return written
        raise SynthesisError(f"the bank has no {lines} lines of {span.least} to {span.most} syllables that rhyme")

    def _by_scheme(self, scheme: str, chorus: bool, span: Span) -> list[str]:
        """Lines with rhymes as letters say; an empty list when a rhyme was not found."""
        written: list[str] = []
        first: dict[str, str] = {}
        for letter in scheme:
            if letter in first and letter == "H":
                written.append(first[letter])
                continue
            end = plain(first[letter])[-1] if letter in first else None
            kind = "hook" if letter == "H" or (chorus and end is None and self._rng.random() < 0.4) else None
            taken = {plain(line)[-1] for line in written if plain(line)}
            line = self._line(span, end, kind, taken)
            if line is None:
                return []
            first.setdefault(letter, line)
            written.append(line)
        return written

    def _line(self, span: Span, end: str | None, kind: str | None, taken: set[str]) -> str | None:
        for _ in range(120 if end is None else 60):
            text = self._fill(kind or self._kind(), end)
            if text is None or not span.least <= syllable_count(text) <= span.most:
                continue
            last = plain(text)[-1]
            if end is not None and (last in taken or not rhymes(last, end)):
                continue
            if end is None and len(_rhyming(rhyme(last)[0])) < 3 and kind is None:
                continue
            if self._allowed(text):
                return text
        return None

    def _kind(self) -> str:
        roll = self._rng.random()
        return "list" if roll < 0.12 else "question" if roll < 0.3 else "command" if roll < 0.42 else "statement"

    def _allowed(self, text: str) -> bool:
        held = any(word in self._bank.heldout for word in plain(text))
        return held == (self._split == WORDS) and split_of_line(text) == self._split

    def _fill(self, kind: str, end: str | None) -> str | None:
        """A line of a section of frames, ending in a rhyme to ``end``; None where no frame can."""
        rng = self._rng
        if kind == "list":
            chosen = [rng.choice(_sorted_words()) for _ in range(rng.randint(1, 6))]
            if end is not None:
                chosen[-1] = rng.choice(_rhyming(rhyme(end)[0]))
            return " ".join(chosen)
        frames = self._bank.frames[kind] if end is None else _frames_ending(kind, rhyme(end)[0])
        if not frames:
            return None
        tokens = rng.choice(frames).split()
        filled: list[str] = []
        for index, token in enumerate(tokens):
            slot = _SLOT.fullmatch(token)
            if not slot:
                filled.append(token)
            elif end is not None and index == len(tokens) - 1:
                filled.append(rng.choice(_by_rhyme(slot[1])[rhyme(end)[0]]))
            else:
                filled.append(self._word(slot[1], filled))
        line = _articles(" ".join(filled))
        return line + "?" if kind == "question" and self._marks else line

    def _word(self, slot: str, before: list[str]) -> str:
        rng = self._rng
        if slot == "num":
            return rng.choice(bank().slots["number"][2:28])
        if slot == "number":
            return spelled(rng.choice((rng.randint(21, 99), rng.randint(100, 999), rng.randint(2, 90) * 1000)))
        if slot == "year":
            return _year(rng.randint(1900, 2035))
        pool = self._bank.slots[slot]
        if self._split == WORDS and rng.random() < 0.6:
            pool = tuple(word for word in pool if word in self._bank.heldout) or pool
        word = rng.choice(pool)
        return word if word not in before else rng.choice(pool)


def spelled(number: int) -> str:
    """A number below a million in words: 345 → "three hundred and forty five"."""
    names = bank().slots["number"]
    if number < 20:
        return names[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return names[18 + tens] + (f" {names[ones]}" if ones else "")
    unit, name, join = (1000, "thousand", " ") if number >= 1000 else (100, "hundred", " and ")
    many, rest = divmod(number, unit)
    return f"{spelled(many)} {name}" + (join + spelled(rest) if rest else "")


def _year(year: int) -> str:
    century, rest = divmod(year, 100)
    if 2000 <= year < 2010:
        return spelled(year).replace("thousand ", "thousand and ")
    tail = spelled(rest) if rest >= 10 else f"oh {spelled(rest)}" if rest else "hundred"
    return f"{spelled(century)} {tail}"


def _articles(line: str) -> str:
    words = line.split()
    for index, word in enumerate(words[:-1]):
        if word in ("a", "an"):
            words[index] = "an" if starts_with_vowel(words[index + 1]) else "a"
    return " ".join(words)


@functools.lru_cache(maxsize=512)
def _by_rhyme(slot: str) -> dict[str, tuple[str, ...]]:
    """Words of a slot by what they rhyme on."""
    pool = bank().slots["number"][2:28] if slot in ("num", "number", "year") else bank().slots[slot]
    found: dict[str, list[str]] = defaultdict(list)
    for word in pool:
        found[rhyme(word)[0]].append(word)
    return {tail: tuple(words) for tail, words in found.items()}


@functools.lru_cache(maxsize=8192)
def _frames_ending(kind: str, tail: str) -> tuple[str, ...]:
    """Frames that can end in a rhyme on ``tail``."""
    fitting = []
    for frame in bank().frames[kind]:
        last = frame.split()[-1]
        slot = _SLOT.fullmatch(last)
        if tail in _by_rhyme(slot[1]) if slot else rhyme(last)[0] == tail:
            fitting.append(frame)
    return tuple(fitting)


@functools.lru_cache(maxsize=1)
def _sorted_words() -> tuple[str, ...]:
    return tuple(sorted(bank().words))


@functools.lru_cache(maxsize=1)
def _all_by_rhyme() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for word in sorted(bank().words):
        found[rhyme(word)[0]].append(word)
    return {tail: tuple(words) for tail, words in found.items()}


def _rhyming(tail: str) -> tuple[str, ...]:
    return _all_by_rhyme().get(tail, ())
