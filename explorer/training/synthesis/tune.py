"""The tune: when each syllable is sung and on which note.

Knows: rhythm by stress and metre, motifs that verse and chorus keep, pitches by chord and scale.
Does not know instruments, voices or where lyrics come from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from explorer.training.synthesis import harmony
from explorer.training.synthesis.pronunciation import line_syllables, stresses
from explorer.training.synthesis.score import Clock, Line, Note, Section

SHAPES = ("arch", "down", "up", "wave", "leap", "plain")

_LOWEST, _HIGHEST = -7, 10
"""Range of a voice around its centre, in semitones."""


@dataclass(frozen=True)
class Motif:
    """What the lines of a section have in common: preferred positions in a bar and a pitch contour."""

    weights: tuple[float, ...]
    """Liking for each slot of a bar."""
    shape: str
    height: float
    bends: tuple[float, ...]
    lift: float
    """Semitones above the voice's centre: choruses lie higher."""

    def pitch(self, position: float, index: int) -> float:
        """Semitones against the voice's centre at a share ``position`` of the line, for its n-th note."""
        a = self.height
        value = {
            "arch": a * math.sin(math.pi * min(1.0, position)),
            "down": a * (0.9 - 1.5 * position),
            "up": a * (1.3 * position - 0.6),
            "wave": a * 0.8 * math.sin(2.6 * math.pi * position),
            "leap": (a if position > 0.45 else -1.0) - position * 2,
            "plain": 0.0,
        }[self.shape]
        return self.lift + value + self.bends[index % len(self.bends)]


@dataclass(frozen=True)
class Setting:
    """What a tune is set in: metre, key and the singer's range."""

    clock: Clock
    beats: int
    key: int
    mode: str
    pentatonic: bool
    syncopation: float
    centre: int
    chords: tuple[str, ...]


def compose(rng: Random, setting: Setting, sections: Sequence[Section], lines: Sequence[Line]) -> tuple[Note, ...]:
    """One note for every syllable, in order, none overlapping. A repeated line repeats its tune."""
    motifs: dict[tuple[str, int], Motif] = {}
    known: dict[tuple[str, str, tuple[str, ...]], list[tuple[float, float, int]]] = {}
    counts: dict[int, int] = {}
    notes: list[Note] = []
    free_from = 0.0
    for index, line in enumerate(lines):
        name = sections[line.section].name
        place = counts.get(line.section, 0)
        counts[line.section] = place + 1
        motif = _motif(rng, setting, motifs, name, place % 2)
        start = line.first_bar * setting.beats
        key = name, line.text, setting.chords[line.first_bar : line.first_bar + line.bars]
        if key not in known:
            final = place % 2 == 1
            pickup = bool(notes) and start - free_from >= 1.5
            known[key] = _set_line(setting, line, motif, final, pickup)
        words = [word for word, _ in line_syllables(line.text)]
        for (begin, end, midi), word in zip(known[key], words, strict=True):
            notes.append(Note(index, word, setting.clock.at(start + begin), setting.clock.at(start + end), midi))
        free_from = start + known[key][-1][1]
    return tuple(_separate(notes))


def second_voice(setting: Setting, note: Note) -> int:
    """The note two steps of the scale below: a simple harmony."""
    steps = [m for m in range(24, 97) if m % 12 in harmony.scale(setting.mode, setting.key)]
    nearest = min(range(len(steps)), key=lambda i: abs(steps[i] - note.midi))
    return steps[nearest - 2]


def _separate(notes: list[Note]) -> list[Note]:
    """Cut notes that reach into the next one (a repeated tune may begin with a pickup)."""
    cut = []
    for note, after in zip(notes, [*notes[1:], None], strict=True):
        end = note.end if after is None else min(note.end, after.start)
        cut.append(Note(note.line, note.word, note.start, end, note.midi))
    return cut


def _motif(rng: Random, setting: Setting, motifs: dict[tuple[str, int], Motif], name: str, half: int) -> Motif:
    if (name, half) not in motifs:
        other = motifs.get((name, 0))
        if half and other is not None and rng.random() < 0.6:  # an answer: the same idea, ending otherwise
            bends = tuple(b + (0.0 if i < 4 else rng.choice((-1.5, 1.5))) for i, b in enumerate(other.bends))
            motifs[name, half] = Motif(other.weights, other.shape, other.height, bends, other.lift)
        else:
            lift = {"chorus": 3.0, "bridge": 1.5}.get(name, 0.0)
            motifs[name, half] = Motif(
                _weights(rng, setting),
                rng.choice(SHAPES),
                rng.uniform(2.5, 5.0),
                tuple(rng.choice((-1.8, 0.0, 0.0, 0.0, 1.8)) for _ in range(16)),
                lift,
            )
    return motifs[name, half]


def _weights(rng: Random, setting: Setting) -> tuple[float, ...]:
    per_beat = setting.clock.slots_per_beat
    shifted = rng.random() < setting.syncopation
    weights = []
    for slot in range(per_beat * setting.beats):
        beat, part = divmod(slot, per_beat)
        weight = 3.0 if slot == 0 else 2.2 if part == 0 and beat * 2 == setting.beats else 1.6 if part == 0 else 0.7
        if part and 2 * part == per_beat:
            weight = 1.0 + (1.6 if shifted else 0.0)
        weights.append(weight + rng.uniform(-0.7, 0.7) - (0.8 if shifted and part == 0 and beat % 2 else 0.0))
    return tuple(weights)


def _set_line(setting: Setting, line: Line, motif: Motif, final: bool, pickup: bool) -> list[tuple[float, float, int]]:
    """(first beat, last beat, MIDI note) of each syllable, in beats from the line's first bar."""
    per_beat = setting.clock.slots_per_beat
    wanted = stresses(line.text)
    slot_seconds = setting.clock.seconds_per_beat / per_beat
    room = line.bars * setting.beats * per_beat
    last = max(len(wanted) - 1, room - max(1, round(0.4 / slot_seconds)) - 1)
    first = -1 if pickup and len(wanted) > 2 and not wanted[0] else 0
    slots = _rhythm(motif, wanted, first, last, slot_seconds)
    longest = max(2, round(1.2 / slot_seconds))
    placed = []
    previous: int | None = None
    for index, slot in enumerate(slots):
        after = slots[index + 1] if index + 1 < len(slots) else room
        end = min(after, slot + (longest if index + 1 < len(slots) else round(1.6 / slot_seconds)))
        strong = slot % per_beat == 0 or after - slot >= 3 or index == len(slots) - 1
        target = setting.centre + motif.pitch(slot / max(1, room - 1), index)
        if final and index == len(slots) - 1:
            target -= 1.5
        midi = _pitch(setting, line, slot / per_beat, strong, target, previous)
        placed.append((slot / per_beat, end / per_beat, midi))
        previous = midi
    return placed


def _rhythm(motif: Motif, wanted: Sequence[bool], first: int, last: int, slot_seconds: float) -> list[int]:
    """Increasing slots for the syllables, by dynamic programming: stressed ones on liked positions,
    steps near the speed of speech."""
    width = len(motif.weights)
    places = range(first, last + 1)
    far = min(len(places) - 1, max(2, round(1.3 / slot_seconds)))
    best: dict[int, float] = {}
    back: list[dict[int, int]] = []
    for index, strong in enumerate(wanted):
        scores: dict[int, float] = {}
        origin: dict[int, int] = {}
        for slot in places:
            gain = motif.weights[slot % width] * (1.0 if strong else 0.25)
            if index == 0:
                scores[slot] = gain - abs(slot * slot_seconds) * 3.0
                continue
            for before in range(max(first, slot - far), slot):
                if before in best:
                    value = best[before] + gain - _hurry((slot - before) * slot_seconds)
                    if value > scores.get(slot, -math.inf):
                        scores[slot], origin[slot] = value, before
        best = scores
        back.append(origin)
    slot = max(best, key=lambda s: best[s] - max(0, last - s) * slot_seconds * 0.5)
    slots = [slot]
    for origin in reversed(back[1:]):
        slot = origin[slot]
        slots.append(slot)
    return slots[::-1]


def _hurry(seconds: float) -> float:
    """What a step between syllables costs: too fast is worse than too slow."""
    return 14.0 * max(0.0, 0.24 - seconds) + 2.6 * max(0.0, seconds - 0.42)


def _pitch(setting: Setting, line: Line, beat: float, strong: bool, target: float, previous: int | None) -> int:
    bar = min(len(setting.chords) - 1, max(0, line.first_bar + math.floor(beat / setting.beats)))
    chords = harmony.split_bar(setting.chords[bar])
    half = int((beat % setting.beats) * len(chords) / setting.beats)
    chord = set(harmony.triad(chords[half], setting.key))
    scale = harmony.scale(setting.mode, setting.key, setting.pentatonic)
    allowed = chord if strong else {p for p in scale if all((p - t) % 12 != 1 for t in chord)} | chord
    choices = [m for m in range(setting.centre + _LOWEST, setting.centre + _HIGHEST) if m % 12 in allowed]

    def cost(midi: int) -> float:
        leap = 0.0 if previous is None else 0.55 * max(0, abs(midi - previous) - 3)
        return abs(midi - target) + leap

    return min(choices, key=cost)
