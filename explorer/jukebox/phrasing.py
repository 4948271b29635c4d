"""When each phone shall be sung, and by that each letter: the plan of a song that is about to be made.

As in speech synthesis with explicit durations (Ren et al. 2019, FastSpeech, section 3.3), each phone is given a length,
drawn around those of the corpus. Then the words are stretched to fill the song, and where it has bars, each vowel is
moved to a beat or between two. What stretches are vowels and the gaps between words; consonants stay as short as they
are. Letters share the phones of their word evenly, as in the corpus.

Knows: how lengths become a plan. Does not know what has been sung before (``pacing``), spelling, or windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from explorer.jukebox.beats import on_beats
from explorer.jukebox.ground import Ground
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.phones import VOWELS, PhoneLengths

FILLED = 0.95
"""Share of the imagined whole song that the plan aims to fill."""
FASTEST, SLOWEST = 0.35, 2.0
"""Lengths of vowels and gaps against those of the corpus. Words that would need more haste are not all reached."""
CONSONANTS = 0.6
"""Most of the time between two vowels that consonants take, as long as they may be."""
LONGEST_SILENCE = 0.15
"""Share of the whole song that may pass before the first character."""


@dataclass(frozen=True)
class SungWord:
    """A word of the lyrics in a plan. Times in codes of the imagined whole song."""

    first: int
    """Its first token."""
    vowels: tuple[float, ...]
    """When each of its vowels begins."""
    end: float


@dataclass(frozen=True)
class Phrasing:
    """Times in codes of the imagined whole song."""

    ends: torch.Tensor
    """float64 [1 + tokens]: the end of what is before the first token of the plan, and of each token."""
    words: tuple[SungWord, ...]
    """Those whose phones are all in the plan."""


def phrase(
    song: SongLabels, lengths: PhoneLengths, gaps: torch.Tensor, seed: int, hop: int, begun: int, first: float
) -> Phrasing:
    """The plan of what is left of ``song`` behind its first ``begun`` tokens, from the code ``first`` on: a function of
    its arguments only. It begins with the last of the tokens that have begun, or the silence before all of them.

    ``gaps`` [token ids]: how many codes a token that is no letter lasts on average, and at 0 the silence at the begin.
    """
    units = _units(song, lengths, gaps, seed, hop)
    natural = torch.cat([torch.zeros(1, dtype=torch.float64), units.lengths.cumsum(0)])
    edges = _token_edges(song, units, natural)
    begin = edges[begun - 1] if begun else natural[0]
    kept = int((natural[1:] <= begin).sum())
    natural = torch.cat([begin.reshape(1), natural[kept + 1 :]])
    steady, vowels = units.steady[kept:], [unit - kept for unit in units.vowels if unit >= kept]
    left = natural.diff()
    fixed = left[steady].sum()
    pace = ((FILLED * song.total_length / hop - first - fixed) / left[~steady].sum()).clamp(FASTEST, SLOWEST)
    left = torch.where(steady, left, left * pace)
    placed = first + torch.cat([torch.zeros(1, dtype=torch.float64), left.cumsum(0)])
    if song.ground is not None and vowels:
        placed = _on_the_beat(placed, steady, vowels, song.ground, hop)
    ends = _moved(torch.cat([edges[begun:], natural[-1:]]) if len(edges) else natural[-1:], natural, placed)
    return Phrasing(ends, _sung_words(song, units, placed, kept, begun))


@dataclass(frozen=True)
class _Units:
    """Phones, and what is between words, in order."""

    lengths: torch.Tensor
    """float64 [units] codes"""
    steady: torch.Tensor
    """bool [units]: a consonant"""
    vowels: tuple[int, ...]
    begins: tuple[int, ...]
    """For each token its unit; for a letter the first one of its word."""


def _units(song: SongLabels, lengths: PhoneLengths, gaps: torch.Tensor, seed: int, hop: int) -> _Units:
    generator = torch.Generator().manual_seed(seed)
    silence = gaps[:1].double().clamp_max(LONGEST_SILENCE * song.total_length / hop)
    found, steady = [silence * _chance(generator)], [False]
    vowels: list[int] = []
    begins: list[int] = []
    words = {word.first: word for word in song.words}
    for place, token in enumerate(song.lyric_tokens):
        if place < len(begins):
            continue  # a letter of a word that is there
        here = len(steady)
        word = words.get(place)
        if word is None:
            begins.append(here)
            found.append(gaps[token : token + 1].double() * _chance(generator))
            steady.append(False)
            continue
        begins += [here] * word.letters
        found.append(lengths.draw(word.phones, generator))
        steady += [phone not in VOWELS for phone in word.phones]
        vowels += [here + i for i, phone in enumerate(word.phones) if phone in VOWELS]
    return _Units(torch.cat(found), torch.tensor(steady), tuple(vowels), tuple(begins))


def _chance(generator: torch.Generator) -> torch.Tensor:
    """Of mean 1, and often near 0: gaps may be no gaps at all."""
    return -torch.rand(1, generator=generator, dtype=torch.float64).clamp_min(1e-9).log()


def _token_edges(song: SongLabels, units: _Units, bounds: torch.Tensor) -> torch.Tensor:
    """float64 [tokens]: when each begins, where the units lie between ``bounds``."""
    edges = bounds[list(units.begins)] if units.begins else bounds[:0]
    for word in song.words:
        unit, phones = units.begins[word.first], len(word.phones)
        shares = torch.arange(word.letters, dtype=torch.float64) * phones / word.letters
        its = torch.arange(phones + 1, dtype=torch.float64)
        edges[word.first : word.first + word.letters] = _moved(shares, its, bounds[unit : unit + phones + 1])
    return edges


def _moved(times: torch.Tensor, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """``times`` where what was at ``before`` is at ``after``, both of which do not decrease, and linearly between."""
    low = (torch.searchsorted(before, times, right=True) - 1).clamp(0, len(before) - 2)
    way = ((times - before[low]) / (before[low + 1] - before[low]).clamp_min(1e-12)).clamp(0.0, 1.0)
    return torch.lerp(after[low], after[low + 1], way)


def _on_the_beat(
    placed: torch.Tensor, steady: torch.Tensor, vowels: Sequence[int], ground: Ground, hop: int
) -> torch.Tensor:
    """``placed`` [1 + units], moved so that each of the units ``vowels`` begins on a beat or half of one."""
    lengths = placed.diff()
    where = on_beats(placed[list(vowels)], ground, hop)
    stretches = []
    for begin, end, room in zip(
        (0, *vowels[:-1]), vowels, torch.cat([(where[:1] - placed[0]).clamp_min(0.0), where.diff()]), strict=True
    ):
        stretches.append(_filling(lengths[begin:end], steady[begin:end], room))
    moved = torch.cat([*stretches, lengths[vowels[-1] :]])
    return placed[0] + torch.cat([torch.zeros(1, dtype=torch.float64), moved.cumsum(0)])


def _filling(lengths: torch.Tensor, steady: torch.Tensor, room: torch.Tensor) -> torch.Tensor:
    """Lengths that fill ``room``: consonants stay as they are as far as they leave room for the rest."""
    rest = lengths[~steady].sum()
    if float(rest) <= 0:
        return lengths * (room / lengths.sum().clamp_min(1e-12))
    kept = lengths[steady].sum()
    kept = torch.minimum(kept, CONSONANTS * room) / kept.clamp_min(1e-12)
    stretch = (room - (lengths[steady] * kept).sum()) / rest
    return torch.where(steady, lengths * kept, lengths * stretch)


def _sung_words(song: SongLabels, units: _Units, placed: torch.Tensor, kept: int, begun: int) -> tuple[SungWord, ...]:
    times = placed.tolist()
    found = []
    for word in song.words:
        if word.first >= begun - 1:
            unit = units.begins[word.first] - kept
            vowels = tuple(times[unit + i] for i, phone in enumerate(word.phones) if phone in VOWELS)
            found.append(SungWord(word.first, vowels, times[unit + len(word.phones)]))
    return tuple(found)
