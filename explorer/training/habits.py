"""What a corpus says of its songs' bars, keys and chords: the ground of each song, and the habits of each artist.

Knows: the corpus' records. Does not know how a ground is told (``jukebox.ground``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import median_low, mode

import torch

from explorer.jukebox.ground import HALVES, Ground, Habits, in_key
from explorer.jukebox.labels import UNKNOWN, LabelLists
from explorer.training.corpus import CorpusSong
from explorer.training.keys import chord_number, parse_key

ABOUT_AS_LONG = 0.2
"""Of log2 of a bar's seconds: 15 % longer or shorter."""


def ground_of(song: CorpusSong, start: int, sample_rate: int) -> Ground | None:
    """The ground of what begins at sample ``start`` of a song; None where the record does not say."""
    key = parse_key(song.key)
    if key is None or not song.bar > 0:
        return None
    chords: list[int | None] = []
    for bar in song.chords:
        names = bar.split("|")
        chords += [chord_number(names[len(names) * half // HALVES]) for half in range(HALVES)]
    return Ground(song.bar * sample_rate, song.first_bar * sample_rate - start, key.number, tuple(chords), song.beats)


@torch.no_grad()
def count_habits(habits: Habits, songs: Iterable[CorpusSong], lists: LabelLists) -> None:
    """Set the habits of every artist to those of his usual songs, and those of the unknown one to all songs'."""
    played: dict[int, list[tuple[str, Ground]]] = {}
    for song in songs:
        ground = ground_of(song, 0, 1)
        if ground is not None:
            for artist in {UNKNOWN, lists.artists[song.artist]}:
                played.setdefault(artist, []).append((song.genre, ground))
    keys, chords = torch.zeros_like(habits.keys), torch.zeros_like(habits.chords)
    for artist, his in played.items():
        usual = [ground for _, ground in his] if artist == UNKNOWN else _usual(his)
        for ground in usual:
            keys[artist, ground.key] += 1
            before = 0
            for place, chord in enumerate(ground.chords):
                if chord is not None:
                    chord = in_key(chord, ground.key, back=True)
                    chords[artist, place % HALVES, before, chord] += 1
                    before = 1 + chord
        lengths = torch.tensor([math.log2(ground.bar) for ground in usual])
        habits.bars[artist] = torch.stack([lengths.mean(), lengths.std(correction=0)])
        habits.beats[artist] = torch.tensor([float(ground.beats) for ground in usual]).mode().values
        habits.keys[artist] = keys[artist] / keys[artist].sum()
    habits.chords.copy_(chords / chords.sum(-1, keepdim=True).clamp_min(1.0))


def _usual(his: list[tuple[str, Ground]]) -> list[Ground]:
    """Of an artist's songs (genre, ground) those in his genre, with as many beats in a bar as most of these, and bars
    about as long: the mean of a waltz and a march, or of his own tempo and that of a band he was the guest of, is what
    nobody plays."""
    genre = mode(genre for genre, _ in his)
    home = [ground for its, ground in his if its == genre]
    beats = mode(ground.beats for ground in home)
    counted = [ground for ground in home if ground.beats == beats]
    middle = median_low(math.log2(ground.bar) for ground in counted)
    return [ground for ground in counted if abs(math.log2(ground.bar) - middle) <= ABOUT_AS_LONG]
