"""Keys and chords, by their names.

Knows: names, scales, and the numbers by which a model is told them. Does not know how a key is heard.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from explorer.jukebox.ground import ROOTS

SHARPS = {"C#": "Db", "D#": "Eb", "F#": "Gb", "G#": "Ab", "A#": "Bb"}
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}


@dataclass(frozen=True)
class Key:
    """A tonic 0 (C) to 11 (B) and "major" or "minor"."""

    tonic: int
    mode: str

    @property
    def scale(self) -> frozenset[int]:
        """Pitch classes; a major key and its relative minor have the same."""
        return frozenset((self.tonic + step) % 12 for step in SCALES[self.mode])

    @property
    def number(self) -> int:
        """0 to 23, as ``jukebox.ground`` counts."""
        return self.tonic + (12 if self.mode == "minor" else 0)

    def __str__(self) -> str:
        return f"{ROOTS[self.tonic]} {self.mode}"


def parse_key(text: str) -> Key | None:
    """ "Ab major" or "C# minor"; None for anything else."""
    tonic, _, mode = text.partition(" ")
    tonic = SHARPS.get(tonic, tonic)
    return Key(ROOTS.index(tonic), mode) if tonic in ROOTS and mode in SCALES else None


_KINDS = {"": 0, "6": 0, "M7": 0, "M9": 0, "m": 1, "m6": 1, "m7": 1, "m9": 1, "7": 2, "9": 2}


def chord_number(text: str) -> int | None:
    """0 to 35, as ``jukebox.ground`` counts; None for a chord that it cannot tell."""
    match = re.fullmatch(r"([A-G][b#]?)(.*)", text)
    if not match or match[2] not in _KINDS:
        return None
    root = SHARPS.get(match[1], match[1])
    return ROOTS.index(root) + 12 * _KINDS[match[2]] if root in ROOTS else None
