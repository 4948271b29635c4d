"""What a corpus says of its voices' tunes: the tune of each song, and the habits of each artist.

Knows: the corpus' records. Does not know how a tune is told (``jukebox.tune``).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import torch

from explorer.jukebox.labels import UNKNOWN, LabelLists
from explorer.jukebox.tune import KINDS, OCTAVE, STEPS, SungNote, Tune, TuneHabits
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
    """Set the habits of every artist to those of his songs, and those of the unknown one to all songs'. What is sung by
    chance is what the notes of each song, as often as they are in it, would be in any order."""
    sung: dict[int, list[torch.Tensor]] = {}
    degrees = torch.zeros_like(habits.degrees)
    # counted, and as often as they would be by chance
    steps, tones = torch.zeros(2, *habits.steps.shape), torch.zeros(2, *habits.tones.shape)
    for song in songs:
        tune, ground = tune_of(song, 0, 1), ground_of(song, 0, 1)
        if tune is None or ground is None:
            continue
        minor, root = divmod(ground.key, OCTAVE)
        pitches = torch.tensor([note.midi for note in tune.notes])
        inside = [b.midi - a.midi for a, b in pairwise(tune.notes) if b.begin - a.end < LONGEST_REST]
        by_chance = _steps((pitches[None] - pitches[:, None]).flatten()) / len(pitches) ** 2
        over = torch.zeros(2, KINDS, OCTAVE)
        for note in tune.notes:
            if (chord := ground.chord_at(note.begin)) is not None:
                kind, its_root = divmod(chord, OCTAVE)
                over[0, kind, (note.midi - its_root) % OCTAVE] += 1
                over[1, kind] += _classes(pitches - its_root) / len(pitches)
        for artist in {UNKNOWN, lists.artists[song.artist]}:
            sung.setdefault(artist, []).append(pitches.float())
            degrees[artist, minor] += _classes(pitches - root)
            steps[:, artist] += torch.stack([_steps(torch.tensor(inside)), len(inside) * by_chance])
            tones[:, artist] += over
    for artist, songs_pitches in sung.items():
        row = torch.cat(songs_pitches)
        habits.range[artist] = torch.stack([row.mean(), row.std(correction=0)])
    habits.degrees.copy_(degrees / degrees.sum(-1, keepdim=True).clamp_min(1.0))
    for table, (counted, expected) in ((habits.steps, steps), (habits.tones, tones)):
        table.copy_(torch.where(expected > 0, counted / expected, 0.0))


def _classes(intervals: torch.Tensor) -> torch.Tensor:
    """int64 [OCTAVE] how often each pitch class is among notes so far from a root."""
    return torch.bincount(intervals % OCTAVE, minlength=OCTAVE)


def _steps(intervals: torch.Tensor) -> torch.Tensor:
    """float32 [STEPS] how often each interval up to an octave is among ``intervals``."""
    narrow = intervals[intervals.abs() <= OCTAVE].long() + OCTAVE
    return torch.bincount(narrow, minlength=STEPS).float()
