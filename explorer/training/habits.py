"""What a corpus says of its songs' bars, keys and chords: the ground of each song, and the habits of each artist.

Knows: the corpus' records. Does not know how a ground is told (``jukebox.ground``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from explorer.jukebox.ground import HALVES, Ground, Habits, in_key
from explorer.jukebox.labels import UNKNOWN, LabelLists
from explorer.training.corpus import CorpusSong
from explorer.training.keys import chord_number, parse_key


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
    """Set the habits of every artist to those of his songs, and those of the unknown one to all songs'."""
    bars: dict[int, list[float]] = {}
    beats: dict[int, list[float]] = {}
    keys, chords = torch.zeros_like(habits.keys), torch.zeros_like(habits.chords)
    for song in songs:
        ground = ground_of(song, 0, 1)
        if ground is None or song.transposed:
            continue
        for artist in {UNKNOWN, lists.artists[song.artist]}:
            bars.setdefault(artist, []).append(math.log2(ground.bar))
            beats.setdefault(artist, []).append(ground.beats)
            keys[artist, ground.key] += 1
            before = 0
            for place, chord in enumerate(ground.chords):
                if chord is not None:
                    chord = in_key(chord, ground.key, back=True)
                    chords[artist, place % HALVES, before, chord] += 1
                    before = 1 + chord
    for artist, lengths in bars.items():
        row = torch.tensor(lengths)
        habits.bars[artist] = torch.stack([row.mean(), row.std(correction=0)])
        habits.beats[artist] = torch.tensor(beats[artist]).mode().values
        habits.keys[artist] = keys[artist] / keys[artist].sum()
    habits.chords.copy_(chords / chords.sum(-1, keepdim=True).clamp_min(1.0))
