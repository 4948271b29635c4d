"""What the band plays: drums with fills, bass, accompaniment, and the lead instrument's hooks.

Knows: how patterns become notes over the chords and sections of a song. Does not know words, voices
or sound. Times are seconds, loudness MIDI velocity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from explorer.training.synthesis import harmony
from explorer.training.synthesis.artists import Artist, Genre, Groove, Part
from explorer.training.synthesis.patterns import PIECES, Drums, Step, accompaniments, basses, drums
from explorer.training.synthesis.score import Clock, Event, Note, Section, Stem

DRUM_CHANNEL, BASS_CHANNEL, LEAD_CHANNEL = 9, 8, 7
_DRUM_BANK = 128
_STROKES = {"x": 86, "X": 104, "o": 58, "u": 70}
_HITS = {"x": 92, "X": 115, "o": 55}
_SOFT_PIECES = "HRM"
_DISTORTED = (29, 30)
"""Programs that go through the amplifier."""
_BASS_FLOOR, _WALK_FLOOR = 28, 33


@dataclass
class Band:
    """The band of one song. ``play`` fills ``stems``; the same ``rng`` state gives the same notes."""

    rng: Random
    artist: Artist
    genre: Genre
    groove: Groove
    clock: Clock
    key: int
    mode: str
    sections: Sequence[Section]
    chords: Sequence[str]
    stems: dict[str, Stem] = field(default_factory=dict)

    def play(self) -> None:
        """Everything of a full band."""
        self._kit = self._varied(drums()[self.groove.drums])
        self._sparse_intro = self.rng.random() < 0.5
        self._breakdown = self.rng.random() < 0.4
        for section in self.sections:
            for bar in range(section.first_bar, section.end_bar):
                if self._is_end(bar):
                    self._drum_end(bar)
                elif not self._rests(section, bar):
                    self._drum_bar(section, bar)
        self._bass()
        always = [index == 0 or self.rng.random() < 0.45 for index in range(len(self.groove.parts))]
        for index, part in enumerate(self.groove.parts):
            self._part(index, part, everywhere=always[index])

    def accompany_alone(self) -> None:
        """Only the first accompanying instrument, all the way."""
        self._part(0, self.groove.parts[0], everywhere=True)

    def lead(self, notes: Sequence[Note]) -> None:
        """The lead instrument plays notes."""
        if not notes:
            return
        program = self.artist.lead
        stem = self._stem(
            "lead_drive" if program in _DISTORTED and self.artist.drive else "lead", LEAD_CHANNEL, program
        )
        for note in notes:
            seconds = max(0.08, (note.end - note.start) * 0.95)
            stem.events.append(Event(note.start, seconds, LEAD_CHANNEL, note.midi, 104))

    def _stem(self, name: str, channel: int, program: int, bank: int = 0) -> Stem:
        stem = self.stems.setdefault(name, Stem())
        stem.programs[channel] = bank, program
        return stem

    def _add(
        self, stem: Stem, bar: int, step: Step, channel: int, midi: int, velocity: float, length: float = 0.92
    ) -> None:
        at = self.clock.even if step.triplet else self.clock.at
        beat = bar * self.groove.beats + step.beat
        start = max(0.0, at(beat) + self.rng.gauss(0, 0.004))
        seconds = max(0.04, at(beat + step.beats * length) - at(beat))
        loud = max(20, min(127, round(velocity + self.rng.gauss(0, 5))))
        stem.events.append(Event(start, seconds, channel, midi, loud))

    def _is_end(self, bar: int) -> bool:
        return bar == len(self.chords) - 1 and self.sections[-1].name == "outro"

    def _rests(self, section: Section, bar: int) -> bool:
        """Bars in which drums and bass keep silent: a bare intro, the first half of a breakdown."""
        if section.name == "intro" and self._sparse_intro:
            return bar < section.end_bar - 1
        return section.name == "bridge" and self._breakdown and bar < section.first_bar + section.bars // 2

    def _varied(self, kit: Drums) -> Drums:
        """The pattern with one bass drum stroke more, in some songs."""
        if not self.genre.kick_variation or self.rng.random() < 0.45:
            return kit
        beat = self.rng.randrange(self.groove.beats) + self.rng.choice((0.5, 0.75))
        kick = kit.verse.get("K", ())
        if any(step.triplet or step.beat == beat for step in kick):
            return kit
        return Drums({**kit.verse, "K": (*kick, Step("x", beat, 0.25, False))}, kit.chorus, kit.fill)

    def _drum_bar(self, section: Section, bar: int) -> None:
        stem = self._stem("drums", DRUM_CHANNEL, self.artist.kit, _DRUM_BANK)
        last, first = bar == section.end_bar - 1, bar == section.first_bar
        loud = section.name in ("chorus", "outro")
        pattern = self._kit.fill if last and section.bars > 1 else self._kit.chorus if loud else self._kit.verse
        if loud and last and section.bars > 1 and section is self.sections[-1]:
            pattern = self._kit.chorus
        for piece, steps in pattern.items():
            if piece == "C" and not first and not (self.genre.name in ("rock", "metal") and bar % 2 == 0):
                continue
            for step in steps:
                quieter = 14 if piece in _SOFT_PIECES else 0
                self._add(stem, bar, step, DRUM_CHANNEL, PIECES[piece], _HITS[step.letter] - quieter)
        if first and loud and bar and self.genre.crash:
            self._add(stem, bar, Step("x", 0.0, 0.3, False), DRUM_CHANNEL, PIECES["C"], 95)

    def _drum_end(self, bar: int) -> None:
        stem = self._stem("drums", DRUM_CHANNEL, self.artist.kit, _DRUM_BANK)
        for piece in "KC":
            self._add(stem, bar, Step("x", 0.0, 0.3, False), DRUM_CHANNEL, PIECES[piece], 105)

    def _chord(self, bar: int, beat: float) -> str:
        chords = harmony.split_bar(self.chords[min(bar, len(self.chords) - 1)])
        return chords[min(len(chords) - 1, int(beat * len(chords) / self.groove.beats))]

    def _bass(self) -> None:
        pattern = basses()[self.groove.bass]
        stem = self._stem("bass", BASS_CHANNEL, self.groove.bass_program)
        for section in self.sections:
            for bar in range(section.first_bar, section.end_bar):
                if self._is_end(bar):
                    midi = _above(_WALK_FLOOR, harmony.root(harmony.tonic(self.mode), self.key))
                    self._add(stem, bar, Step("R", 0.0, self.groove.beats - 0.5, False), BASS_CHANNEL, midi, 100)
                elif self._rests(section, bar):
                    continue
                elif pattern.style == "walk":
                    self._walk(stem, bar)
                else:
                    loud = section.name in ("chorus", "outro")
                    for step in pattern.chorus if loud else pattern.verse:
                        midi = self._bass_note(step, bar)
                        self._add(stem, bar, step, BASS_CHANNEL, midi, 96 if step.beat % 1 == 0 else 86)

    def _bass_note(self, step: Step, bar: int) -> int:
        chord = self._chord(bar, step.beat)
        base = _above(_BASS_FLOOR, harmony.root(chord, self.key))
        after = _above(_BASS_FLOOR, harmony.root(self._chord(bar + 1, 0.0), self.key))
        third = 3 if harmony.is_minor(chord) else 4
        steps = {"R": 0, "3": third, "5": 7, "6": 9, "7": 10, "8": 12}
        midi = {"a": after - 1, "b": after + 2}.get(step.letter)
        midi = base + steps[step.letter] if midi is None else midi
        return midi if midi >= _BASS_FLOOR else midi + 12

    def _walk(self, stem: Stem, bar: int) -> None:
        """A note a beat: root, chord notes, and a semitone beside the next root."""
        for beat in range(self.groove.beats):
            chord = self._chord(bar, beat)
            base = _above(_WALK_FLOOR, harmony.root(chord, self.key))
            final = beat == self.groove.beats - 1
            after = self._chord(bar + 1, 0) if final else self._chord(bar, beat + 1)
            if beat == 0 or (after != chord and not final and self._chord(bar, beat - 1) != chord):
                midi = base
            elif final or after != chord:
                midi = _above(_WALK_FLOOR, harmony.root(after, self.key)) + self.rng.choice((-1, 1))
            else:
                midi = self.rng.choice([_above(base, pitch) for pitch in harmony.tones(chord, self.key)] + [base + 12])
            self._add(stem, bar, Step("R", float(beat), 1.0, False), BASS_CHANNEL, midi, 92)
            if self.rng.random() < 0.12:
                self._add(stem, bar, Step("R", beat + 0.5, 0.3, False), BASS_CHANNEL, midi, 60)

    def _part(self, channel: int, part: Part, everywhere: bool) -> None:
        pattern = accompaniments()[part.pattern]
        stem = self._stem(part.stem, channel, part.program)
        quieter = part.gain * 2.0  # some two steps of velocity a decibel
        turn = 0
        for section in self.sections:
            if not everywhere and section.name in ("verse", "intro"):
                continue
            loud = section.name in ("chorus", "outro")
            for bar in range(section.first_bar, section.end_bar):
                if self._is_end(bar):
                    self._final_chord(stem, channel, part, pattern.style, bar)
                    continue
                for step in pattern.chorus if loud else pattern.verse:
                    for midi, delay, louder in self._strokes(pattern.style, part, step, bar, turn):
                        held = Step(step.letter, step.beat + delay, self._ring(pattern.style, step), step.triplet)
                        velocity = _STROKES[step.letter] + louder + quieter
                        self._add(stem, bar, held, channel, midi, max(30, velocity), 1.0)
                    turn += 1

    def _ring(self, style: str, step: Step) -> float:
        """How long a stroke sounds, in beats."""
        short = step.beats < 0.4
        if style == "power":
            return step.beats * (0.55 if short and step.letter == "x" else 0.97)
        if style == "strum":
            return max(step.beats, 0.5) * 0.95
        if style == "block":
            return step.beats * (0.75 if short else 0.97)
        return max(step.beats, 0.5) if style == "arp" else 0.75

    def _strokes(self, style: str, part: Part, step: Step, bar: int, turn: int) -> list[tuple[int, float, int]]:
        """(MIDI note, delay in beats, change of velocity) of one stroke."""
        chord = self._chord(bar, step.beat)
        low = _above(part.base, harmony.root(chord, self.key))
        if style == "power":
            return [(low + interval, 0.0, 0) for interval in (0, 7, 12)]
        if style == "block":
            return [(midi, 0.0, 0) for midi in self._voicing(part, chord)]
        if style == "arp":
            up = self._voicing(part, chord)
            wave = [*up, up[0] + 12, *up[:0:-1]]
            return [(wave[turn % len(wave)], 0.0, 2 if step.beat % 1 == 0 else -8)]
        triad = harmony.triad(chord, self.key)
        inner = [_above(part.base, pitch) for pitch in triad]
        if style == "travis":
            if turn % 2:
                return [(self.rng.choice(inner) + 12, 0.0, -6)]
            return [(low - 12 + (7 if turn % 4 else 0), 0.0, -6)]
        strings = sorted({low - 12, low + 12, *inner})
        strings = strings[::-1][:3] if step.letter == "u" else strings
        return [(midi, 0.02 * index, -6 if index > 3 else 0) for index, midi in enumerate(strings)]

    def _voicing(self, part: Part, chord: str) -> list[int]:
        return sorted(_above(part.base, pitch) for pitch in harmony.tones(chord, self.key))

    def _final_chord(self, stem: Stem, channel: int, part: Part, style: str, bar: int) -> None:
        chord = harmony.tonic(self.mode)
        low = _above(part.base, harmony.root(chord, self.key))
        notes = [low, low + 7, low + 12] if style == "power" else [*self._voicing(part, chord), low + 12]
        for index, midi in enumerate(notes):
            step = Step("x", 0.03 * index, self.groove.beats - 0.4, False)
            self._add(stem, bar, step, channel, midi, max(30, 88 + part.gain * 2.0))


def _above(floor: int, pitch: int) -> int:
    """The lowest note of a pitch class that is not below ``floor``."""
    return floor + (pitch - floor) % 12
