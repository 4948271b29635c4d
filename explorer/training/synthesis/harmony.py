"""Chords and scales.

Knows: how chord names are read, which notes are in them, which notes a mode has. Does not know tunes
or instruments. Chords are written in C major or A minor and moved by a ``key`` in semitones.
"""

from __future__ import annotations

import re

from explorer.training.synthesis.errors import SynthesisError

NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

_QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "M7": (0, 4, 7, 11),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "9": (0, 4, 10, 2),
    "m9": (0, 3, 10, 2),
    "M9": (0, 4, 11, 2),
}

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (9, 11, 0, 2, 4, 5, 7),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "blues": (0, 2, 3, 4, 5, 7, 9, 10),
}
PENTATONICS = {
    "major": (0, 2, 4, 7, 9),
    "minor": (9, 0, 2, 4, 7),
    "mixolydian": (0, 2, 4, 7, 9),
    "blues": (0, 3, 4, 5, 7, 10),
}


def parse(chord: str) -> tuple[int, str]:
    """Root as a pitch class and quality of one chord. Raises SynthesisError for what is no chord."""
    match = re.fullmatch(r"([A-G]b?)(.*)", chord)
    if not match or match[2] not in _QUALITIES:
        raise SynthesisError(f"{chord!r} is not a chord that is known here")
    return NAMES.index(match[1]), match[2]


def split_bar(chords: str) -> tuple[str, ...]:
    """The chords of one bar, written "C" or "C|G"."""
    return tuple(chords.split("|"))


def root(chord: str, key: int) -> int:
    """Pitch class of the root."""
    return (parse(chord)[0] + key) % 12


def is_minor(chord: str) -> bool:
    return parse(chord)[1].startswith("m")


def tones(chord: str, key: int) -> list[int]:
    """Pitch classes of all notes of a chord, root first."""
    pitch, quality = parse(chord)
    return [(pitch + step + key) % 12 for step in _QUALITIES[quality]]


def triad(chord: str, key: int) -> list[int]:
    """Pitch classes of root, third and fifth."""
    pitch = parse(chord)[0] + key
    return [pitch % 12, (pitch + (3 if is_minor(chord) else 4)) % 12, (pitch + 7) % 12]


def transposed(chords: str, key: int) -> str:
    """The names of a bar's chords in a key."""
    moved = []
    for chord in split_bar(chords):
        pitch, quality = parse(chord)
        moved.append(NAMES[(pitch + key) % 12] + quality)
    return "|".join(moved)


def scale(mode: str, key: int, pentatonic: bool = False) -> set[int]:
    """Pitch classes of a mode."""
    return {(step + key) % 12 for step in (PENTATONICS if pentatonic else SCALES)[mode]}


def tonic(mode: str) -> str:
    return "Am" if mode == "minor" else "C"


def key_name(mode: str, key: int) -> str:
    """ "A minor", "Eb major"."""
    return f"{NAMES[(key + 9) % 12]} minor" if mode == "minor" else f"{NAMES[key % 12]} major"
