"""The form of a song: which sections follow each other, and how many bars each line fills.

Knows: song forms and how much time a line needs to be sung so that it can be understood. Does not
know notes, chords or words; lines are written by a function it is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from explorer.training.synthesis.lyrics import LONG, MEDIUM, SHORT, Span
from explorer.training.synthesis.pronunciation import syllable_count
from explorer.training.synthesis.score import Clock, Line, Section

FORMS = ("VCVC", "VVCC", "CVC", "VCBC", "VVC", "VCVCBC", "VBVB", "CVCV", "VVBV", "VC")
"""V verse, C chorus, B bridge. A verse has new words each time, a chorus the same."""

SECTIONS = {"V": "verse", "C": "chorus", "B": "bridge"}

SECONDS_PER_SYLLABLE = 0.26
"""What a sung syllable takes at least in the mean; faster songs give a line more bars instead."""
SECONDS_OF_BREATH = 0.45
"""Rest after a line."""

SHORTEST, LONGEST = 18.0, 58.0
"""Seconds of a song, about."""

_LONGEST_INTRO = 5.5
_LONG_BAR = 2.0
"""Seconds; of such bars an outro has one."""

WriteSection = Callable[[bool, int, Span], list[str]]


@dataclass(frozen=True)
class Form:
    """Sections with their bars, and the lines in them."""

    sections: tuple[Section, ...]
    lines: tuple[Line, ...]
    bars: int


def bars_for(line: str, bar_seconds: float, slot_seconds: float) -> int:
    """Bars that a line fills, where syllables can follow each other every ``slot_seconds``."""
    needed = syllable_count(line) * max(SECONDS_PER_SYLLABLE, 1.1 * slot_seconds) + SECONDS_OF_BREATH
    return max(1, math.ceil(needed / bar_seconds - 0.05))


def plan_form(
    rng: Random,
    clock: Clock,
    beats: int,
    write: WriteSection,
    accompanied: bool = True,
    seconds: float | None = None,
) -> Form:
    """A form of about ``seconds`` (by chance where not given), with its lyrics.

    A song without a band has neither intro nor interlude nor outro.
    """
    bar_seconds = beats * clock.seconds_per_beat
    slot_seconds = clock.seconds_per_beat / clock.slots_per_beat
    target = rng.uniform(SHORTEST, LONGEST) if seconds is None else seconds
    letters = rng.choice(FORMS)
    chorus: list[str] | None = None
    bridge: list[str] | None = None
    sections: list[Section] = []
    lines: list[Line] = []
    bar = 0

    def add(name: str, bars: int) -> None:
        nonlocal bar
        sections.append(Section(name, bar, bars))
        bar += bars

    if accompanied:
        add("intro", rng.choice([n for n in (1, 1, 2, 2, 4) if n * bar_seconds < _LONGEST_INTRO] or [1]))
    outro = 0 if not accompanied else 1 if bar_seconds > _LONG_BAR else 2
    for index, letter in enumerate(letters):
        if letter == "C" and chorus is not None:
            text = chorus
        elif letter == "B" and bridge is not None:
            text = bridge
        else:
            span = rng.choice((SHORT, MEDIUM, MEDIUM, MEDIUM, LONG))
            text = write(letter == "C", rng.choice((2, 2, 4, 4, 3) if span is not LONG else (2,)), span)
            if letter == "C":
                chorus = text
            elif letter == "B":
                bridge = text
        widths = _widths(text, bar_seconds, slot_seconds)
        if index and (bar + sum(widths) + outro) * bar_seconds > target + 4:
            break
        if index and accompanied and rng.random() < 0.25 and (bar + sum(widths) + 4) * bar_seconds < target:
            add("interlude", rng.choice((1, 2)))
        start = bar
        for line, width in zip(text, widths, strict=True):
            lines.append(Line(line, len(sections), start, width))
            start += width
        add(SECTIONS[letter], start - bar)
    if accompanied:
        add("outro", outro)
    return Form(tuple(sections), tuple(lines), bar)


def _widths(lines: list[str], bar_seconds: float, slot_seconds: float) -> list[int]:
    """Bars of each line; lines that stand in pairs get the same where they nearly need it."""
    widths = [bars_for(line, bar_seconds, slot_seconds) for line in lines]
    for i in range(0, len(widths) - 1, 2):
        if abs(widths[i] - widths[i + 1]) == 1:
            widths[i] = widths[i + 1] = max(widths[i : i + 2])
    return widths
