"""What a corpus says of its voices' tunes: the tune of each song, and the habits of each artist.

Knows: the corpus' records. Does not know how a tune is told (``jukebox.tune``).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import torch

from explorer.jukebox.labels import UNKNOWN, LabelLists
from explorer.jukebox.tune import OCTAVE, SungNote, Tune, TuneHabits
from explorer.training.corpus import CorpusSong
from explorer.training.habits import ground_of

LONGEST_REST = 0.3
"""Seconds between two notes of one line."""


def tune_of(song: CorpusSong, start: int, sample_rate: int) -> Tune | None:
    """The tune of what begins at sample ``start`` of a song; None where nobody sings or the record does not say."""
    if not song.lyrics or not song.notes:
        return None
    return Tune(
        tuple(SungNote(begin * sample_rate - start, end * sample_rate - start, midi) for begin, end, midi in song.notes)
    )


@torch.no_grad()
def count_tunes(habits: TuneHabits, songs: Iterable[CorpusSong], lists: LabelLists) -> None:
    """Set the habits of every artist to those of his songs, and those of the unknown one to all songs'."""
    sung: dict[int, list[float]] = {}
    steps, tones, degrees = (torch.zeros_like(table) for table in (habits.steps, habits.tones, habits.degrees))
    for song in songs:
        tune, ground = tune_of(song, 0, 1), ground_of(song, 0, 1)
        if tune is None or ground is None or song.transposed:
            continue
        minor, root = divmod(ground.key, OCTAVE)
        for artist in {UNKNOWN, lists.artists[song.artist]}:
            sung.setdefault(artist, []).extend(float(note.midi) for note in tune.notes)
            for note in tune.notes:
                degrees[artist, minor, (note.midi - root) % OCTAVE] += 1
                if (chord := ground.chord_at(note.begin)) is not None:
                    tones[artist, chord // OCTAVE, (note.midi - chord) % OCTAVE] += 1
            for before, after in pairwise(tune.notes):
                step = after.midi - before.midi
                if after.begin - before.end < LONGEST_REST and abs(step) <= OCTAVE:
                    steps[artist, step + OCTAVE] += 1
    for artist, pitches in sung.items():
        row = torch.tensor(pitches)
        habits.range[artist] = torch.stack([row.mean(), row.std(correction=0)])
    for table, counts in ((habits.steps, steps), (habits.tones, tones), (habits.degrees, degrees)):
        table.copy_(counts / counts.sum(-1, keepdim=True).clamp_min(1.0))
