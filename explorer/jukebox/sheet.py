"""The lead sheet of a song: what a model was told of bars, key, chords and tune, in seconds of what was made.

Knows: how a plan of the imagined whole song (``ground``, ``tune``) reads as a page of music for the stretch that was
made of it. Does not know: how it is planned, files, or how it is drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from explorer.jukebox.ground import ROOTS, Ground
from explorer.jukebox.labels import SongLabels


@dataclass(frozen=True)
class LeadSheet:
    """Times in seconds of the sample."""

    key: str
    """As "Eb minor"."""
    bar: float
    """Length of a bar, above 0."""
    beats: int
    """In a bar."""
    first: float
    """Where the first of ``chords`` begins: at the begin of the sample, or less than a bar before it."""
    chords: tuple[str, ...]
    """Bar by bar, as "C" or "Am G7"; empty for a bar of which none is told."""
    notes: tuple[tuple[float, float, int], ...] | None = None
    """Begin, end and MIDI number of what is to be sung, one after another; None for a model that is told no tune."""

    @property
    def tempo(self) -> float:
        """Beats a minute."""
        return 60 * self.beats / self.bar

    @property
    def range(self) -> str:
        """Of the voice, as "A3 to E4"; empty where nothing is sung."""
        sung = [midi for _, _, midi in self.notes or ()]
        return f"{note_name(min(sung))} to {note_name(max(sung))}" if sung else ""


def note_name(midi: int) -> str:
    """As "A3" for 57."""
    return f"{ROOTS[midi % 12]}{midi // 12 - 1}"


def lead_sheet(told: SongLabels, seconds: float, sample_rate: int) -> LeadSheet | None:
    """The sheet of the first ``seconds`` of a song behind its offset; None where no ground is told."""
    ground = told.ground
    if ground is None:
        return None
    begin = told.offset / sample_rate
    bar = ground.bar / sample_rate
    # bars of the whole song before the one in which the sample begins
    before = math.floor((begin - ground.first / sample_rate) / bar)
    first = ground.first / sample_rate + before * bar - begin
    bars = max(1, math.ceil((seconds - first) / bar))
    notes = None
    if told.tune is not None:
        moved = ((n.begin / sample_rate - begin, n.end / sample_rate - begin, n.midi) for n in told.tune.notes)
        notes = tuple((max(0.0, a), min(seconds, b), midi) for a, b, midi in moved if b > 0 and a < seconds)
    return LeadSheet(ground.key_name, bar, ground.beats, first, _chords(ground, before, bars), notes)


def _chords(ground: Ground, before: int, bars: int) -> tuple[str, ...]:
    names = ground.bar_names
    return tuple(names[bar] if 0 <= bar < len(names) else "" for bar in range(before, before + bars))
