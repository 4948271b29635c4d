"""What is sung at each code of an upsampler, for a model that is told it.

The published upsamplers are told the codes above, a genre and an artist. What the codes above have lost of a word no
upsampler brings back that does not know the word, and few codes lose much. Ours is told the words, too, each letter at
its time: the time is that at which the top level was to sing it (``pacing``) or was heard to (``following``). As in
speech synthesis with explicit durations (Ren et al. 2019, FastSpeech, section 3.3), a letter's vector, which knows its
neighbours, is repeated for as long as the letter lasts; how long ago it began and how soon the next one does is added.

Knows: how letters and their times become vectors. A place is the number of letters that have begun, as in
``following``. Does not know how times are found, or layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from explorer.jukebox.config import DictionConfig
from explorer.jukebox.lyrics import alphabet

TIMES = 18
"""Steps in which times are told, two to each doubling."""
SHORTEST = 4.0
"""Codes from which on a time is more than none."""


@dataclass(frozen=True)
class SungRows:
    """What is sung throughout one window of each song of a batch. Rows without words have no letters but 0."""

    letters: torch.Tensor
    """int64 [batch, m] token ids of the letters that matter in the window, in order; 0 where there is none"""
    places: torch.Tensor
    """int64 [batch, n] index into ``letters`` of the one that is sung at each code"""
    since: torch.Tensor
    """int64 [batch, n] codes since it began"""
    until: torch.Tensor
    """int64 [batch, n] codes until the next one begins"""

    @classmethod
    def none(cls, count: int) -> SungRows:
        """So many codes of one song without words."""
        nothing = torch.zeros(1, count, dtype=torch.int64)
        return cls(nothing[:, :1], nothing, nothing, nothing)

    @classmethod
    def of(cls, tokens: Sequence[int], begins: torch.Tensor, start: int, count: int, length: int) -> SungRows:
        """Codes ``start`` to ``start + count`` of one song of ``length`` codes, whose ``tokens`` begin at the codes
        ``begins`` [tokens], which do not decrease."""
        if not tokens:
            return cls.none(count)
        codes = torch.arange(start, start + count)
        begins = begins.long()
        places = torch.searchsorted(begins, codes, right=True)
        # before the first letter comes a silence, and the last one lasts to the end
        edges = F.pad(F.pad(begins, (1, 0)), (0, 1), value=length)
        return cls(
            letters=F.pad(torch.tensor(tokens, dtype=torch.int64), (1, 0)).unsqueeze(0),
            places=places.unsqueeze(0),
            since=(codes - edges[places]).clamp_min(0).unsqueeze(0),
            until=(edges[places + 1] - codes).clamp_min(0).unsqueeze(0),
        )

    def near(self, reach: int) -> SungRows:
        """The same of one song with only the letters that are sung in the window, and ``reach`` on either side."""
        first = max(0, int(self.places.min()) - reach)
        last = int(self.places.max()) + reach + 1
        return SungRows(self.letters[:, first:last], self.places - first, self.since, self.until)

    @classmethod
    def stacked(cls, rows: Sequence[SungRows]) -> SungRows:
        longest = max(row.letters.shape[1] for row in rows)
        return cls(
            torch.cat([F.pad(row.letters, (0, longest - row.letters.shape[1])) for row in rows]),
            torch.cat([row.places for row in rows]),
            torch.cat([row.since for row in rows]),
            torch.cat([row.until for row in rows]),
        )

    def to(self, device: torch.device) -> SungRows:
        return SungRows(self.letters.to(device), self.places.to(device), self.since.to(device), self.until.to(device))


def begins_of(places: torch.Tensor, tokens: int) -> torch.Tensor:
    """int64 [tokens]: the first code at which each of a song's tokens has begun, by its ``places`` [codes], which do
    not decrease; the song's length for those that never do."""
    return torch.searchsorted(places.contiguous(), torch.arange(tokens), right=True)


class Diction(nn.Module):
    """Letters and their times as vectors that are added at every code."""

    def __init__(self, config: DictionConfig, out: int) -> None:
        super().__init__()
        self.letter_emb = nn.Embedding(1 + len(alphabet(config.vocabulary)), config.width)
        self.neighbours = nn.Conv1d(config.width, config.width, 2 * config.reach + 1, padding=config.reach)
        self.since_emb = nn.Embedding(TIMES, config.width)
        self.until_emb = nn.Embedding(TIMES, config.width)
        self.out = nn.Linear(config.width, out)
        # a model that learns this later than the rest begins as it was
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, sung: SungRows) -> torch.Tensor:
        """[batch, n, out]; 0 for songs without words."""
        # what is no letter is nothing, as beyond the ends: how far a row is padded changes nothing
        known = self.letter_emb(sung.letters) * (sung.letters > 0).unsqueeze(2)
        letters = F.gelu(self.neighbours(known.transpose(1, 2)).transpose(1, 2))
        now = letters.gather(1, sung.places.unsqueeze(2).expand(-1, -1, letters.shape[2]))
        x = now + self.since_emb(_step(sung.since)) + self.until_emb(_step(sung.until))
        told = (sung.letters > 0).any(dim=1)
        y: torch.Tensor = self.out(F.gelu(x)) * told[:, None, None]
        return y


def _step(codes: torch.Tensor) -> torch.Tensor:
    """In which of ``TIMES`` steps so many codes lie."""
    return (2 * (1 + codes / SHORTEST).log2()).long().clamp_max(TIMES - 1)
