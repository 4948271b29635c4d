"""The ground a song stands on, for a model that is told it: where its bars begin, its key, and its chords.

What a small model cannot hold in mind it loses: a beat, for one, is a memory over many bars. Ours is told, as it is
told when each character is sung (``following``): at every code in which part of a bar it is and which chord is played,
and throughout the song its key. The published models are told none of these.

For a song that is about to be made all three are drawn from the habits of its artist in the corpus. Of music that
exists the ground is known where a corpus tells it, and else untold: it is not heard.

Knows: how a ground becomes numbers, and how a new one is drawn. Does not know layers, names, or audio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

ROOTS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
KEYS = 24
"""Twelve major ones from C upwards, then twelve minor ones."""
CHORDS = 36
"""Twelve with a major third from C upwards, then twelve with a minor one, then twelve dominant sevenths and ninths."""
UNTOLD = 0
"""In the place of a part of a bar, of a key or of a chord: it is not told."""
HALVES = 2
"""Chords in a bar."""
PHRASE = 4
"""Bars whose chords are drawn one after another; then they come once more."""
USUAL_BAR = 2.0
"""Seconds of four beats at 120 a minute: of an artist whose habits were never counted."""

_STREAM = 0x67726F756E64
"""Sets the chance of a ground apart from that of a plan of the same seed."""


@dataclass(frozen=True)
class Ground:
    """Times in samples of the imagined whole song."""

    bar: float
    """Length of a bar, above 0."""
    first: float
    """Where a bar begins, and with it ``chords``; it may lie before the song."""
    key: int
    """0 to ``KEYS`` − 1."""
    chords: tuple[int | None, ...] = ()
    """0 to ``CHORDS`` − 1 for every half of a bar; None and what is behind the end are not told."""
    beats: int = 4
    """In a bar."""

    def chord_at(self, sample: float) -> int | None:
        """The chord that is played at a sample of the whole song, where it is told."""
        half = math.floor(HALVES * (sample - self.first) / self.bar)
        return self.chords[half] if 0 <= half < len(self.chords) else None

    @property
    def key_name(self) -> str:
        """As "Eb minor"."""
        return f"{ROOTS[self.key % 12]} {'minor' if self.key >= 12 else 'major'}"

    @property
    def bar_names(self) -> tuple[str, ...]:
        """The chords bar by bar, as "C" or "Am G7"; empty for a bar of which none is told."""
        halves = [_chord_name(chord) for chord in self.chords]
        bars = [halves[first : first + HALVES] for first in range(0, len(halves), HALVES)]
        return tuple(" ".join(name for name in dict.fromkeys(bar) if name) for bar in bars)


def _chord_name(chord: int | None) -> str:
    return "" if chord is None else ROOTS[chord % 12] + ("", "m", "7")[chord // 12]


@dataclass(frozen=True)
class GroundRows:
    """The grounds of a batch of songs as numbers; rows of songs without one are all 0."""

    times: torch.Tensor
    """[batch, 2] float32 length of a bar, and where one begins."""
    keys: torch.Tensor
    """[batch] int64 key + 1"""
    chords: torch.Tensor
    """[batch, n ≥ 1] int64 chord + 1"""

    @classmethod
    def of(cls, grounds: Sequence[Ground | None]) -> GroundRows:
        chords = [[UNTOLD if c is None else c + 1 for c in ground.chords] if ground else [] for ground in grounds]
        longest = max(1, *(len(row) for row in chords))
        return cls(
            times=torch.tensor([(ground.bar, ground.first) if ground else (0.0, 0.0) for ground in grounds]),
            keys=torch.tensor([ground.key + 1 if ground else UNTOLD for ground in grounds]),
            chords=torch.tensor([row + [UNTOLD] * (longest - len(row)) for row in chords]),
        )

    @classmethod
    def stacked(cls, rows: Sequence[GroundRows]) -> GroundRows:
        longest = max(row.chords.shape[1] for row in rows)
        chords = [nn.functional.pad(row.chords, (0, longest - row.chords.shape[1]), value=UNTOLD) for row in rows]
        return cls(torch.cat([row.times for row in rows]), torch.cat([row.keys for row in rows]), torch.cat(chords))

    def to(self, device: torch.device) -> GroundRows:
        return GroundRows(self.times.to(device), self.keys.to(device), self.chords.to(device))

    def parts(self, samples: torch.Tensor, count: int) -> torch.Tensor:
        """int64 [batch, n]: the part of its bar, 1 to ``count``, in which each of ``samples`` [batch, n] of the whole
        song lies; ``UNTOLD`` for songs without a ground."""
        bars = self._bars(samples)
        part = 1 + (count * (bars - bars.floor())).long().clamp_max(count - 1)
        return torch.where(self.times[:, 0:1] > 0, part, UNTOLD)

    def chords_at(self, samples: torch.Tensor) -> torch.Tensor:
        """int64 [batch, n]: chord + 1 at each of ``samples`` [batch, n], or ``UNTOLD``."""
        half = (HALVES * self._bars(samples)).floor().long()
        last = self.chords.shape[1] - 1
        chord = self.chords.gather(1, half.clamp(0, last))
        return torch.where((half >= 0) & (half <= last), chord, UNTOLD)

    def _bars(self, samples: torch.Tensor) -> torch.Tensor:
        return (samples - self.times[:, 1:2]) / self.times[:, 0:1].clamp_min(1.0)


class Habits(nn.Module):
    """How long the bars of each artist are, in which keys he plays, and which chord follows which: counted, not
    learnt."""

    def __init__(self, artists: int) -> None:
        super().__init__()
        self.bars: torch.Tensor
        """[artists, 2] mean and standard deviation of log2 of a bar's seconds."""
        # math's logarithm: torch's, of a tensor without storage, imports a compiler, which takes seconds
        self.register_buffer("bars", torch.tensor([[math.log2(USUAL_BAR), 0.0]]).repeat(artists, 1))
        self.beats: torch.Tensor
        """[artists] in a bar."""
        self.register_buffer("beats", torch.full((artists,), 4.0))
        self.keys: torch.Tensor
        """[artists, KEYS] shares."""
        self.register_buffer("keys", torch.full((artists, KEYS), 1 / KEYS))
        self.chords: torch.Tensor
        """[artists, HALVES, 1 + CHORDS, CHORDS] shares of the chords of each half of a bar, after each chord; row 0:
        where a song begins. Roots are counted from that of the key."""
        self.register_buffer("chords", torch.zeros(artists, HALVES, 1 + CHORDS, CHORDS))

    def plan(self, artists: Sequence[tuple[int, float]], seed: int, samples: int, sample_rate: int) -> Ground:
        """The ground of a new song of ``samples`` by a mixture of artists (id, weight), which begins with a bar: a
        function of its arguments and of the habits only. Of a mixture, the heaviest artist counts the beats. Where
        habits tell no chords, the ground has none."""
        ids = torch.tensor([number for number, _ in artists], dtype=torch.int64)
        weights = torch.tensor([weight for _, weight in artists], dtype=torch.float64)
        mean, spread = weights @ self.bars.cpu().double()[ids]
        generator = torch.Generator().manual_seed(seed ^ _STREAM)
        # what lies beyond two deviations is no habit
        drawn = torch.randn((), generator=generator, dtype=torch.float64).clamp(-2.0, 2.0)
        bar = float(2 ** (mean + drawn * spread)) * sample_rate
        beats = round(float(self.beats[ids[weights.argmax()]]))
        key = one_of(weights @ self.keys.cpu().double()[ids], generator)
        follow = torch.einsum("a,ahcd->hcd", weights, self.chords.cpu().double()[ids])
        chords = _progression(follow, math.ceil(samples / bar), generator) if bool(follow[:, 0].sum() > 0) else []
        return Ground(bar, 0.0, key, tuple(in_key(chord, key) for chord in chords), beats)


def in_key(chord: int, key: int, back: bool = False) -> int:
    """A chord counted from the root of a key as it is in that key; ``back``: the other way round."""
    kind, root = divmod(chord, 12)
    return 12 * kind + (root + (-key if back else key) % 12) % 12


def _progression(follow: torch.Tensor, bars: int, generator: torch.Generator) -> list[int]:
    """Chords of so many bars, two in each: phrases, each of which comes twice. ``follow`` as ``Habits.chords``."""
    chords: list[int] = []
    before = 0
    while len(chords) < HALVES * bars:
        phrase = []
        for place in range(HALVES * PHRASE):
            table = follow[place % HALVES]
            # what never goes on in the corpus begins anew
            row = table[before] if bool(table[before].sum() > 0) else follow[0, 0]
            phrase.append(one_of(row, generator))
            before = 1 + phrase[-1]
        chords += phrase + phrase
    return chords[: HALVES * bars]


def one_of(shares: torch.Tensor, generator: torch.Generator) -> int:
    """One of so many, as often as its share, which need not add up to 1."""
    reached = shares.clamp_min(0.0).cumsum(0)
    chance = torch.rand((), generator=generator, dtype=torch.float64) * reached[-1]
    return int(torch.searchsorted(reached, chance, right=True).clamp_max(int((shares > 0).nonzero()[-1])))
