"""Which song has which number: artist, genre, kind and split.

Knows: the ranges of numbers of the splits, how artists take turns, and which crossings of artist and
genre are held out. Does not know words or music.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from explorer.training.synthesis.artists import artists, genres, of_genre
from explorer.training.synthesis.errors import SynthesisError
from explorer.training.synthesis.lyrics import CROSSINGS, TRAIN, VALIDATION, WORDS

FIRST_NUMBER = {TRAIN: 0, VALIDATION: 900_000, WORDS: 920_000, CROSSINGS: 940_000}
"""Song numbers of a split begin here."""
LAST_NUMBER = 959_999

HELDOUT_SONGS = {VALIDATION: 48, WORDS: 24, CROSSINGS: 24}
"""How many songs of the held-out splits a corpus has (at most; small corpora have fewer)."""

KINDS = {"instrumental": 0.10, "acappella": 0.06, "duo": 0.08}
"""Shares of songs that are not sung over a full band."""
CROSSED = 0.15
"""Share of training songs in which an artist sings over the band of another genre: singer and band
would be one thing to a model otherwise."""


@dataclass(frozen=True)
class Entry:
    """A song before anything of it is written."""

    number: int
    name: str
    split: str
    artist: str
    band: str
    kind: str


def split_of_number(number: int) -> str:
    """Raises SynthesisError for a number that no split has."""
    if not 0 <= number <= LAST_NUMBER:
        raise SynthesisError(f"there is no song {number}; numbers go from 0 to {LAST_NUMBER}")
    return max((split for split, first in FIRST_NUMBER.items() if first <= number), key=FIRST_NUMBER.__getitem__)


def heldout_crossings() -> dict[str, str]:
    """Artist → the genre that this artist sings in the held-out crossings only: two artists a genre."""
    names = sorted(genres())
    turns = dict.fromkeys(names, 0)
    crossings = {}
    for artist in artists().values():
        second = turns[artist.genre]
        turns[artist.genre] += 1
        step = 5 if second == 0 else 7  # coprime to 12: each genre is met once by first and once by second artists
        crossings[artist.name] = names[(names.index(artist.genre) + step) % len(names)]
    return crossings


def entry(seed: int, number: int) -> Entry:
    """What song ``number`` of the corpus of a ``seed`` is. Raises SynthesisError for an unknown number."""
    split = split_of_number(number)
    place = number - FIRST_NUMBER[split]
    turn, seat = divmod(place, len(artists()))
    order = sorted(artists())
    Random(f"{seed}/{split}/round/{turn}").shuffle(order)
    singer = artists()[order[seat]]
    rng = Random(f"{seed}/{number}/entry")
    band = singer
    forbidden = heldout_crossings()[singer.name]
    if split == CROSSINGS:
        band = rng.choice(of_genre(forbidden))
    elif split == TRAIN and rng.random() < CROSSED:
        band = artists()[rng.choice([n for n, a in artists().items() if a.genre not in (singer.genre, forbidden)])]
    kind = "sung"
    if band is singer and split != WORDS:
        roll = rng.random()
        for name, share in KINDS.items():
            if roll < share:
                kind = name
                break
            roll -= share
        if split == VALIDATION and turn == 0:
            kind = "sung"
    return Entry(number, f"{singer.slug}_{number:06d}", split, singer.name, band.name, kind)
