"""Patterns of drums, bass, accompaniment and chords: own data, read and checked.

Knows: how a bar is written in the JSON files of ``data``: beats set apart by spaces, four letters (sixteenths)
or three (triplets) a beat. Does not know instruments or songs.

Letters. Drums: x hit, X accent, o ghost. Bass: R root, 3, 5, 6, 7, 8 steps above it, a the semitone below
the next root, b the tone above it. Accompaniment: x X o strokes, u an up-stroke. Everywhere: - holds, . rests.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass

from explorer.training.synthesis.bank import DATA
from explorer.training.synthesis.errors import SynthesisError

PIECES = {
    "K": 36, "S": 38, "G": 44, "H": 42, "O": 46, "C": 49, "R": 51, "I": 37, "P": 39, "T": 45, "A": 54, "M": 70,
    "Q": 63, "N": 64, "W": 76, "B": 61,
}  # fmt: skip
"""Letters of the drum file → General MIDI drum notes."""

LETTERS = {"drums": "xXo.", "bass": "R35678ab-.", "accompaniment": "xXou-."}
STYLES = ("power", "strum", "block", "arp", "travis")


@dataclass(frozen=True)
class Step:
    """One letter of a bar."""

    letter: str
    beat: float
    beats: float
    """How long it lasts, with the holds that follow."""
    triplet: bool


@dataclass(frozen=True)
class Drums:
    """Letter of a piece → steps, for the three roles of a bar."""

    verse: Mapping[str, tuple[Step, ...]]
    chorus: Mapping[str, tuple[Step, ...]]
    fill: Mapping[str, tuple[Step, ...]]


@dataclass(frozen=True)
class Pattern:
    """A bass line or an accompaniment in verse and chorus; a walking bass has a style and no steps."""

    style: str
    verse: tuple[Step, ...]
    chorus: tuple[Step, ...]


@dataclass(frozen=True)
class Progression:
    """Chords of verses and choruses to choose from, one entry a bar."""

    mode: str
    verse: tuple[tuple[str, ...], ...]
    chorus: tuple[tuple[str, ...], ...]


def read_bar(text: str, letters: str) -> tuple[Step, ...]:
    """The sounding steps of a written bar. Raises SynthesisError for what is no bar."""
    steps: list[Step] = []
    for beat, part in enumerate(text.split()):
        if len(part) not in (3, 4) or set(part) - set(letters):
            raise SynthesisError(f"{part!r} in {text!r} is no beat of three or four of {letters!r}")
        for place, letter in enumerate(part):
            length = 1 / len(part)
            if letter == "-" and steps and steps[-1].beat + steps[-1].beats >= beat + place * length - 1e-9:
                steps[-1] = Step(steps[-1].letter, steps[-1].beat, steps[-1].beats + length, steps[-1].triplet)
            elif letter not in "-.":
                steps.append(Step(letter, beat + place * length, length, len(part) == 3))
    return tuple(steps)


@functools.lru_cache(maxsize=1)
def drums() -> Mapping[str, Drums]:
    """All drum patterns by name."""
    return {
        name: Drums(*({p: read_bar(bar, LETTERS["drums"]) for p, bar in data[role].items()} for role in _ROLES))
        for name, data in _read("drums").items()
    }


@functools.lru_cache(maxsize=1)
def basses() -> Mapping[str, Pattern]:
    """All bass lines by name."""
    return _patterns("bass")


@functools.lru_cache(maxsize=1)
def accompaniments() -> Mapping[str, Pattern]:
    """All accompaniments by name."""
    return _patterns("accompaniment")


@functools.lru_cache(maxsize=1)
def progressions() -> Mapping[str, Progression]:
    """All families of chord progressions by name."""
    return {
        name: Progression(
            data["mode"],
            tuple(tuple(bars.split()) for bars in data["verse"]),
            tuple(tuple(bars.split()) for bars in data["chorus"]),
        )
        for name, data in _read("progressions").items()
    }


_ROLES = ("verse", "chorus", "fill")


def _patterns(name: str) -> dict[str, Pattern]:
    return {
        key: Pattern(
            data.get("style", "line"),
            read_bar(data.get("verse", ""), LETTERS[name]),
            read_bar(data.get("chorus", ""), LETTERS[name]),
        )
        for key, data in _read(name).items()
    }


def _read(name: str) -> dict[str, dict]:
    data: dict[str, dict] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return data
