"""The tune of the voice, for a model that is told it: which note is sung at each code.

As with the place in the lyrics (``following``) and the ground (``ground``), what a small model cannot hold in mind it
is told. The published models are not. For a song that is about to be made the tune is drawn from the habits of its
artist in the corpus: each syllable gets a note that follows well on the one before, fits the chord and the key, and
lies in the artist's range. Of music that exists the tune is known where a corpus tells it, and else untold: it is not
heard.

Knows: how a tune becomes numbers, and how a new one is drawn. Does not know when syllables are sung (``pacing``),
layers, names, or audio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from explorer.jukebox.ground import UNTOLD, Ground, one_of

LOWEST, HIGHEST = 36, 84
"""MIDI numbers that are told apart, C2 to C6; what lies beyond is told as these."""
REST = 1
"""In the place of a note: none is sung. 0 is ``UNTOLD``."""
NOTES = 3 + HIGHEST - LOWEST
"""What can be told at a code."""
OCTAVE = 12
STEPS = 2 * OCTAVE + 1
"""Intervals that habits tell apart: from an octave down to an octave up."""
KINDS = 3
"""Of chords: major, minor, dominant (``ground.CHORDS``)."""

_STREAM = 0x74756E65
"""Sets the chance of a tune apart from those of other plans of the same seed."""


@dataclass(frozen=True)
class SungNote:
    """Times in samples of the imagined whole song."""

    begin: float
    end: float
    midi: int


@dataclass(frozen=True)
class Tune:
    """The notes of a voice, one after another; between them it rests."""

    notes: tuple[SungNote, ...]


@dataclass(frozen=True)
class Line:
    """One line of the lyrics of a song that is made from nothing, as it is planned."""

    tokens: tuple[int, ...]
    syllables: tuple[tuple[float, float], ...]
    """When each is sung, from its vowel on until the next one's, in samples of the imagined whole song."""


@dataclass(frozen=True)
class TuneRows:
    """The tunes of a batch of songs as numbers."""

    told: torch.Tensor
    """[batch] bool"""
    times: torch.Tensor
    """[batch, n ≥ 1, 2] float32 begin and end of each note; infinite behind the last"""
    notes: torch.Tensor
    """[batch, n] int64 note as it is told: 2 for ``LOWEST``"""

    @classmethod
    def of(cls, tunes: Sequence[Tune | None]) -> TuneRows:
        rows = [() if tune is None else tune.notes for tune in tunes]
        longest = max(1, *(len(row) for row in rows))
        nothing = SungNote(float("inf"), float("inf"), LOWEST)
        rows = [(*row, *[nothing] * (longest - len(row))) for row in rows]
        return cls(
            told=torch.tensor([tune is not None for tune in tunes]),
            times=torch.tensor([[(note.begin, note.end) for note in row] for row in rows], dtype=torch.float32),
            notes=torch.tensor([[2 + min(max(note.midi, LOWEST), HIGHEST) - LOWEST for note in row] for row in rows]),
        )

    @classmethod
    def stacked(cls, rows: Sequence[TuneRows]) -> TuneRows:
        longest = max(row.notes.shape[1] for row in rows)

        def padded(name: str, value: float) -> torch.Tensor:
            parts = [getattr(row, name) for row in rows]
            wider = [(0, 0) * (part.dim() - 2) + (0, longest - part.shape[1]) for part in parts]
            return torch.cat([nn.functional.pad(p, w, value=value) for p, w in zip(parts, wider, strict=True)])

        told = torch.cat([row.told for row in rows])
        return cls(told, padded("times", float("inf")), padded("notes", 2))

    def to(self, device: torch.device) -> TuneRows:
        return TuneRows(self.told.to(device), self.times.to(device), self.notes.to(device))

    def notes_at(self, samples: torch.Tensor) -> torch.Tensor:
        """int64 [batch, m]: what is told at each of ``samples`` [batch, m] of the whole song, 0 to ``NOTES`` − 1."""
        begun = torch.searchsorted(self.times[:, :, 0].contiguous(), samples.contiguous(), right=True)
        last = (begun - 1).clamp_min(0)
        sounding = (begun > 0) & (samples < self.times[:, :, 1].gather(1, last))
        return torch.where(self.told[:, None], torch.where(sounding, self.notes.gather(1, last), REST), UNTOLD)


class TuneHabits(nn.Module):
    """In which range each artist sings, in which steps, and on which notes of chords and keys: counted, not learnt."""

    def __init__(self, artists: int) -> None:
        super().__init__()
        self.range: torch.Tensor
        """[artists, 2] mean and standard deviation of MIDI numbers."""
        self.register_buffer("range", torch.tensor([[60.0, 4.0]]).repeat(artists, 1))
        self.steps: torch.Tensor
        """[artists, STEPS] how much more often than by chance each interval lies between two notes of a line."""
        self.register_buffer("steps", torch.zeros(artists, STEPS))
        self.tones: torch.Tensor
        """[artists, KINDS, OCTAVE] how much more often than by chance each note is sung over each kind of chord,
        counted from its root."""
        self.register_buffer("tones", torch.zeros(artists, KINDS, OCTAVE))
        self.degrees: torch.Tensor
        """[artists, 2, OCTAVE] shares of the notes in major and minor keys, counted from their root."""
        self.register_buffer("degrees", torch.zeros(artists, 2, OCTAVE))

    def plan(
        self,
        artists: Sequence[tuple[int, float]],
        ground: Ground,
        lines: Sequence[Line],
        seed: int,
    ) -> Tune | None:
        """The tune of a new song by a mixture of artists (id, weight): a function of its arguments and of the habits
        only. Lines of the same words have the same tune. None where the habits tell no steps."""
        ids = torch.tensor([number for number, _ in artists], dtype=torch.int64)
        weights = torch.tensor([weight for _, weight in artists], dtype=torch.float64)

        def mixed(table: torch.Tensor) -> torch.Tensor:
            return torch.einsum("a,a...->...", weights, table.cpu().double()[ids])

        steps, tones, degrees = mixed(self.steps), mixed(self.tones), mixed(self.degrees)
        if not bool(steps.sum() > 0):
            return None
        middle, spread = mixed(self.range).tolist()
        midi = torch.arange(LOWEST, HIGHEST + 1)
        minor, root = divmod(ground.key, OCTAVE)
        in_range = torch.exp(-0.5 * ((midi - middle) / max(spread, 1.0)) ** 2).double()
        in_key = in_range * _liking(degrees[minor], midi - root)
        generator = torch.Generator().manual_seed(seed ^ _STREAM)
        known: dict[tuple[int, ...], list[int]] = {}
        notes: list[SungNote] = []
        for line in lines:
            pitches = known.setdefault(line.tokens, [])
            for begin, _ in line.syllables[len(pitches) :]:
                good = in_key
                if (chord := ground.chord_at(begin)) is not None:
                    good = good * _liking(tones[chord // OCTAVE], midi - chord % OCTAVE)
                if pitches:
                    good = good * _by_step(steps, midi - pitches[-1])
                # where what is liked cannot be reached by any step, the range alone decides
                pitches.append(LOWEST + one_of(good if bool(good.sum() > 0) else in_range, generator))
            notes += [SungNote(begin, end, pitch) for (begin, end), pitch in zip(line.syllables, pitches, strict=True)]
        return Tune(tuple(notes))


def _liking(habit: torch.Tensor, from_root: torch.Tensor) -> torch.Tensor:
    """How well notes so far from a root fit by a habit [OCTAVE] → [notes]. A chord or a key over which nobody sang
    likes all alike."""
    row = habit if bool(habit.sum() > 0) else torch.ones_like(habit)
    return row[from_root % OCTAVE]


def _by_step(steps: torch.Tensor, intervals: torch.Tensor) -> torch.Tensor:
    """How well ``intervals`` [notes] fit by the habit ``steps``; none is wider than an octave."""
    return torch.where(intervals.abs() <= OCTAVE, steps[(intervals + OCTAVE).clamp(0, STEPS - 1)], 0.0)
