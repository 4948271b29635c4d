"""A song on paper: what every part of the generator reads and writes.

Knows: bars, chords' names, notes, lines and seconds. Does not know how any of it is made or heard.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

SHORTEST_SLOT = 0.17
"""Seconds of the finest rhythmic position that a tune uses."""


@dataclass(frozen=True)
class Clock:
    """Beats of a song as seconds."""

    seconds_per_beat: float
    swing: float = 0.5
    """Where the second half of a beat begins, as a share of the beat: 0.5 is straight, 0.667 a triplet."""
    offset: float = 0.0
    """Seconds before the first beat."""

    @property
    def slots_per_beat(self) -> int:
        """Rhythmic positions of a beat that a tune may use, none shorter than can be sung."""
        half = self.seconds_per_beat * min(self.swing, 1 - self.swing)
        return 4 if half / 2 >= SHORTEST_SLOT and self.swing == 0.5 else 2 if half >= SHORTEST_SLOT else 1

    def at(self, beat: float) -> float:
        """Seconds of a position in beats; halves of a beat are moved by the swing."""
        whole = math.floor(beat)
        part = beat - whole
        part = part * 2 * self.swing if part < 0.5 else self.swing + (part - 0.5) * 2 * (1 - self.swing)
        return self.offset + (whole + part) * self.seconds_per_beat

    def even(self, beat: float) -> float:
        """Seconds of a position in beats without swing (triplets are even by themselves)."""
        return self.offset + beat * self.seconds_per_beat


@dataclass(frozen=True)
class Section:
    """A stretch of bars with one role: intro, verse, chorus, bridge, interlude, outro."""

    name: str
    first_bar: int
    bars: int

    @property
    def end_bar(self) -> int:
        return self.first_bar + self.bars


@dataclass(frozen=True)
class Line:
    """One sung line and the bars that it fills."""

    text: str
    section: int
    """Index of its section."""
    first_bar: int
    bars: int


@dataclass(frozen=True)
class Note:
    """One note of the tune: a syllable. Times in seconds."""

    line: int
    word: int
    """Index of the word in its line."""
    start: float
    end: float
    midi: int


@dataclass(frozen=True)
class Event:
    """One note of an instrument."""

    start: float
    seconds: float
    channel: int
    midi: int
    velocity: int


@dataclass
class Stem:
    """What one group of instruments plays."""

    events: list[Event] = field(default_factory=list)
    programs: dict[int, tuple[int, int]] = field(default_factory=dict)
    """MIDI channel → (bank, program) of the soundfont."""


@dataclass(frozen=True)
class Score:
    """Everything about a song that can be known without hearing it."""

    number: int
    name: str
    split: str
    artist: str
    band: str
    """The artist whose band plays; differs from ``artist`` in crossings."""
    genre: str
    kind: str
    bpm: int
    beats: int
    """Beats of a bar."""
    key: str
    clock: Clock
    sections: tuple[Section, ...]
    chords: tuple[str, ...]
    """One entry a bar, two chords joined by |."""
    lines: tuple[Line, ...]
    notes: tuple[Note, ...]
    """Of the sung tune, or of the tune that the lead instrument plays in an instrumental."""
    harmony: tuple[int | None, ...]
    """A second voice's note beside each note, where there is one."""
    stems: dict[str, Stem]
    seconds: float

    @property
    def lyrics(self) -> str:
        """What is sung, lines separated by line ends; empty for an instrumental."""
        return "" if self.kind == "instrumental" else "\n".join(line.text for line in self.lines)
