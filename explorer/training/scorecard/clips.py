"""What is listened to: excerpts of held-out songs, the same through the autoencoder, generated songs.

Knows: how they are cut, so that all sets are measured alike: pieces of one length that begin shortly
before a line is sung. Does not know measures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from explorer.audio.files import read_audio
from explorer.engine import Jukebox
from explorer.jukebox.config import Level
from explorer.jukebox.events import LevelDone
from explorer.jukebox.song import SamplingOptions, Song
from explorer.jukebox.vqvae import VQVAE
from explorer.library import Mode, Sample, SampleState
from explorer.training.corpus import Character, Corpus, CorpusSong
from explorer.training.tunes import tune_of

LEAD_SECONDS = 1.0
"""An excerpt begins so long before the first line that is sung in it."""
UPSAMPLED_AT_ONCE = 8


@dataclass(frozen=True)
class Clip:
    """One piece of sound and what it should be."""

    name: str
    audio: np.ndarray
    sample_rate: int
    genre: str
    artist: str
    lyrics: str
    """What is sung from the first to the last word that lies whole in it."""
    key: str = ""
    bar: float = 0.0
    """Seconds of a bar; 0 where none is known."""
    first_bar: float = 0.0
    """Where one begins, in seconds of the clip; it may lie before."""
    characters: tuple[Character, ...] = ()
    """Of the lyrics that are sung in it, with their times in seconds of the clip."""
    notes: tuple[tuple[float, float, int], ...] = ()
    """Those that are to be sung: begin and end in seconds of the clip, and MIDI number; some may lie outside."""


@dataclass(frozen=True)
class SungWord:
    """Characters ``first`` … ``last`` − 1 of a song's lyrics and when they are sung, in seconds."""

    text: str
    first: int
    last: int
    start: float
    end: float


def sung_words(song: CorpusSong) -> tuple[SungWord, ...]:
    """The words of a song in order."""
    words, begin = [], 0
    for i, char in enumerate(song.lyrics + "\n"):
        if char.isspace():
            if i > begin:
                inside = song.characters[begin:i]
                words.append(SungWord(song.lyrics[begin:i], begin, i, inside[0].start, inside[-1].end))
            begin = i + 1
    return tuple(words)


def excerpts(corpus: Corpus, song: CorpusSong, seconds: float, count: int) -> list[Clip]:
    """``count`` pieces (fewer of short songs) that begin before evenly spread lines, or where nothing is
    sung at evenly spread places."""
    length = min(song.samples, int(seconds * corpus.sample_rate))
    last = song.samples - length
    if song.lines:
        begins = [max(0.0, song.characters[first].start - LEAD_SECONDS) for first, _ in song.lines]
        places = [round(begin * corpus.sample_rate) for begin in begins]
        places = [place for place in places if place <= last] or [last]
    else:
        places = [round(last * i / max(1, count - 1)) for i in range(count)]
    chosen = sorted({places[len(places) * i // count] for i in range(count)})
    return [_excerpt(corpus, song, start, length, number) for number, start in enumerate(chosen, start=1)]


def _excerpt(corpus: Corpus, song: CorpusSong, start: int, length: int, number: int) -> Clip:
    begin, end = start / corpus.sample_rate, (start + length) / corpus.sample_rate
    inside = " ".join(word.text for word in sung_words(song) if begin <= word.start and word.end <= end)
    audio = corpus.audio(song, start, length)
    sung = [character for character in song.characters if character.end > begin and character.start < end]
    rate, tune = corpus.sample_rate, tune_of(song, start, corpus.sample_rate)
    notes = tuple((note.begin / rate, note.end / rate, note.midi) for note in (tune.notes if tune is not None else ()))
    return Clip(
        f"{song.name}:{number}", audio, corpus.sample_rate, song.genre, song.artist, inside, song.key,
        song.bar, song.first_bar - begin,
        tuple(Character(one.text, one.start - begin, one.end - begin) for one in sung), notes,
    )  # fmt: skip


@torch.inference_mode()
def reconstruction(vqvae: VQVAE, clip: Clip, level: Level) -> Clip:
    """The clip encoded and decoded at one level, cut to whole codes of the coarsest."""
    hop = vqvae.config.hop(vqvae.config.levels - 1)
    usable = len(clip.audio) // hop * hop
    codes = vqvae.encode(torch.from_numpy(clip.audio[:usable]).view(1, -1, 1), level.index)
    return replace(clip, audio=vqvae.decode(codes, level.index).flatten().clamp(-1, 1).numpy())


def upsampled(jukebox: Jukebox, clips: Sequence[Clip], sampling: SamplingOptions | None = None) -> Iterator[Clip]:
    """The clips with middle and bottom drawn for their top codes: between a reconstruction and a generated song.

    All need the same length; UPSAMPLED_AT_ONCE are drawn at once, with their place in the list for a seed.
    """
    for first in range(0, len(clips), UPSAMPLED_AT_ONCE):
        part = clips[first : first + UPSAMPLED_AT_ONCE]
        top = jukebox.encode(torch.from_numpy(np.stack([clip.audio for clip in part])))[Level.TOP]
        seconds = top.shape[1] * jukebox.config.hop(Level.TOP) / jukebox.config.sample_rate
        songs = [Song(c.genre, c.artist, c.lyrics, seconds, seed) for seed, c in enumerate(part, start=first)]
        for event in jukebox.generate(songs, sampling, {Level.TOP: top}, top.shape[1]):
            if isinstance(event, LevelDone) and event.level is Level.BOTTOM:
                for clip, audio in zip(part, event.audio, strict=True):
                    yield replace(clip, audio=audio.numpy())


def sample_folders(folder: Path) -> list[Path]:
    """The samples in ``folder`` that are finished and were composed from nothing, in order of their names."""
    found = []
    for file in sorted(folder.glob("*/sample.json")):
        record = Sample.open(file.parent).record
        if record.state is SampleState.FINISHED and record.mode is Mode.GENERATE and record.finest is not None:
            found.append(file.parent)
    return found


def generated_clips(folders: Sequence[Path]) -> Iterator[Clip]:
    """The finest level of the songs in ``sample_folders``, with the bars and the notes of their lead sheets, and the
    times of their alignments. Raises RecordError, AudioError."""
    for folder in folders:
        sample = Sample.open(folder)
        record, song, sheet = sample.record, sample.record.song, sample.sheet()
        assert record.finest is not None
        audio = read_audio(sample.audio_path(record.finest), record.sample_rate)
        bars = (sheet.bar, sheet.first) if sheet is not None else (0.0, 0.0)
        notes = (sheet.notes or ()) if sheet is not None else ()
        yield Clip(
            record.id, audio, record.sample_rate, song.genre, song.artist, song.lyrics, "", *bars, _aligned(sample),
            notes,
        )  # fmt: skip


def _aligned(sample: Sample) -> tuple[Character, ...]:
    alignment, lyrics = sample.alignment(), sample.record.song.lyrics
    return () if alignment is None else tuple(Character(lyrics[c.index], c.start, c.end) for c in alignment.characters)
