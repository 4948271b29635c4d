"""How long each phone lasts in a corpus, whose records tell when each letter is sung.

In such a record the letters of a word share its phones evenly, in order (``synthesis.labels``): the times of the
letters are those of the phones, interpolated. Where a word has as many letters as phones or more, the phones' times
follow from the letters' again, as the solution of linear equations.
Knows: these. Does not know how long phones are planned (``jukebox.phrasing``).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import torch

from explorer.jukebox.phones import PHONES, PhoneLengths, Pronounce, word_spans
from explorer.training.corpus import CorpusSong

MOST_OFF = 0.003
"""Seconds by which letters may be elsewhere than such a word's: it is one that is said in another way, else."""
SHORTEST = 0.008
"""Seconds below which a phone was not sung: records round to milliseconds."""
FEWEST = 8
"""Phones that are heard more seldom keep the lengths of all phones of their kind."""


def phone_seconds(letters: torch.Tensor, phones: int) -> torch.Tensor | None:
    """[phones] seconds of the phones of a word whose letters lie between ``letters`` [letters + 1] seconds; None where
    the letters do not tell."""
    count = len(letters) - 1
    if phones > count:
        return None
    equations, solved = _equations(count, phones)
    edges = solved @ letters.double()
    off = (equations @ edges - letters.double()).abs().max()
    return edges.diff() if float(off) <= MOST_OFF else None


@functools.cache
def _equations(letters: int, phones: int) -> tuple[torch.Tensor, torch.Tensor]:
    """float64 [letters + 1, phones + 1], edges of a word's letters by those of its phones; and its pseudoinverse."""
    places = torch.arange(letters + 1, dtype=torch.float64) * phones / letters
    low = places.long().clamp_max(phones - 1).unsqueeze(1)
    way = places.unsqueeze(1) - low
    equations = torch.zeros(letters + 1, phones + 1, dtype=torch.float64)
    equations.scatter_(1, low, 1 - way).scatter_(1, low + 1, way)
    return equations, torch.linalg.pinv(equations)


@torch.no_grad()
def count_phones(
    lengths: PhoneLengths, songs: Iterable[CorpusSong], codes_per_second: float, pronounce: Pronounce
) -> None:
    """Set the lengths to those of the songs' phones."""
    found: dict[str, list[float]] = {phone: [] for phone in PHONES}
    for song in songs:
        for first, last in word_spans(song.lyrics):
            phones = pronounce(song.lyrics[first:last].lower())
            inside = song.characters[first:last]
            edges = torch.tensor([character.start for character in inside] + [inside[-1].end])
            seconds = phone_seconds(edges, len(phones))
            for phone, length in zip(phones, () if seconds is None else seconds.tolist(), strict=False):
                if length >= SHORTEST:
                    found[phone].append(length)
    for number, phone in enumerate(PHONES):
        if len(found[phone]) >= FEWEST:
            logs = (torch.tensor(found[phone]) * codes_per_second).log()
            lengths.logs[number] = torch.stack([logs.mean(), logs.std(correction=0)])
