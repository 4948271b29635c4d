"""The songs of a corpus once more in another key, as a record that is played a little faster or slower.

A small corpus is soon known by heart; what is heard in several keys is learnt as music. Voices and instruments are
moved along with the key, by so little that they stay who they are.

Knows: how a song's sound and record are moved. Does not know codes.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.audio.resample import resample
from explorer.training.corpus import Character, Corpus, CorpusSong
from explorer.training.keys import transposed_name

SEMITONE = (18, 17)
"""A ratio of frequencies, 99 cents: with small numbers the sound is resampled quickly."""


def with_transposed(corpus: Corpus, cache: Path) -> Corpus:
    """``corpus``, and behind its songs each of them once more: by turns a semitone higher and a semitone lower.

    The sound of all is kept in ``cache``, so that several processes share it.
    """
    moved, position = [], sum(song.samples for song in corpus.songs)
    for number, song in enumerate(corpus.songs):
        moved.append(_transposed(song, 1 if number % 2 == 0 else -1, position))
        position += moved[-1].samples
    file = cache / f"audio-{corpus.key}-transposed.npy"
    if not file.exists():
        temporary = file.with_suffix(".part.npy")
        audio = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.int16, shape=(position,))
        for song, its in zip(corpus.songs, moved, strict=True):
            sound = corpus.audio(song)
            audio[song.start : song.start + song.samples] = np.round(sound * 32768.0)
            changed = resample(sound, *(SEMITONE if its.transposed > 0 else SEMITONE[::-1]))
            audio[its.start : its.start + its.samples] = np.clip(np.round(changed * 32768.0), -32768, 32767)
        audio.flush()
        os.replace(temporary, file)
    return Corpus((*corpus.songs, *moved), np.load(file, mmap_mode="r"), corpus.sample_rate, corpus.key)


def _transposed(song: CorpusSong, semitones: int, start: int) -> CorpusSong:
    """The record of ``song`` one semitone up (1) or down (−1), with its sound at sample ``start``."""
    faster, slower = SEMITONE if semitones > 0 else SEMITONE[::-1]
    shrink = slower / faster
    return replace(
        song,
        name=f"{song.name}{semitones:+d}",
        characters=tuple(Character(c.text, c.start * shrink, c.end * shrink) for c in song.characters),
        start=start,
        samples=-(-song.samples * slower // faster),
        key=transposed_name(song.key, semitones),
        bar=song.bar * shrink,
        first_bar=song.first_bar * shrink,
        notes=tuple((begin * shrink, end * shrink, midi + semitones) for begin, end, midi in song.notes),
        chords=tuple("|".join(transposed_name(c, semitones) for c in bar.split("|")) for bar in song.chords),
        transposed=semitones,
    )
