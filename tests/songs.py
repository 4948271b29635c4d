"""Small samples in a library for tests of the page: synthetic sound, no model.

Knows: how to write a sample through the library's own writer. Sounds are made here: tones, clicks
and noise from a fixed seed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from explorer.jukebox.alignment import Alignment, CharacterTime, SpanTime
from explorer.jukebox.config import Level
from explorer.jukebox.sheet import LeadSheet
from explorer.jukebox.song import SamplingOptions, Song
from explorer.library import Library, Mode, SampleRecord, SampleWriter

RATE = 22_050
HOPS = {Level.TOP: 128, Level.MIDDLE: 32, Level.BOTTOM: 8}
LYRICS = "Paper boats on the rain,\none for the train.\n\nCarry me over, café 😀 slow"
Waveform = npt.NDArray[np.float32]


def tune(seconds: float, harmonics: int, seed: int = 0) -> Waveform:
    """Notes with vibrato over a beat of clicks; fewer ``harmonics`` sound duller, as coarse levels do."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    sound = np.zeros_like(time)
    for start in np.arange(0, seconds, 0.5):
        inside = (time >= start) & (time < start + 0.5)
        local = time[inside] - start
        pitch = 196 * 2 ** (random.choice([0, 3, 5, 7, 10]) / 12)
        phase = 2 * np.pi * pitch * local + 0.6 * np.sin(2 * np.pi * 5 * local)
        voice = sum(np.sin(h * phase) / h**0.7 for h in range(1, harmonics + 1))
        sound[inside] += 0.12 * voice * np.minimum(1, local / 0.03) * np.exp(-1.2 * local)
        sound[inside] += 0.15 * random.normal(size=local.size) * np.exp(-40 * local) * (harmonics / 24)
    return np.clip(sound, -1, 1).astype(np.float32)


def noise(seconds: float, seed: int) -> Waveform:
    """White noise of level 0.1: its place in time can be found again to the sample."""
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).clip(-1, 1).astype(np.float32)


def alignment_for(lyrics: str, seconds: float) -> Alignment:
    """Letters sung one after another at even steps between 0.25 s and the end less 0.25 s; spaces are silent."""
    tokens = tuple(i for i, c in enumerate(lyrics) if c != "\n")
    sung = [i for i in tokens if not lyrics[i].isspace()]
    step = (seconds - 0.5) / len(sung)
    times = {index: (0.25 + k * step, 0.25 + (k + 1) * step) for k, index in enumerate(sung)}

    def span(start: int, stop: int) -> SpanTime:
        inside = [times[i] for i in range(start, stop) if i in times]
        return SpanTime(start, stop, inside[0][0], inside[-1][1], 0.9)

    words, lines, place = [], [], 0
    for line in lyrics.split("\n"):
        if line.strip():
            lines.append(span(place, place + len(line)))
        start = place
        for word in line.split(" "):
            if word.strip():
                words.append(span(start, start + len(word)))
            start += len(word) + 1
        place += len(line) + 1
    codes = round(seconds * RATE / HOPS[Level.TOP])
    weights = torch.full((codes, len(tokens)), 0.002)
    for column, index in enumerate(tokens):
        if index in times:
            begin, end = (round(t * RATE / HOPS[Level.TOP]) for t in times[index])
            weights[begin:end, column] = 0.7
    letters = tuple(CharacterTime(i, *times[i], 0.9) for i in sung)
    return Alignment(weights, tokens, letters, tuple(words), tuple(lines), 0.8)


def add_song(
    library: Library,
    id: str,
    seconds: float = 4.0,
    lyrics: str = LYRICS,
    title: str = "Paper boats on the rain",
    sounds: dict[Level, Waveform] | None = None,
    finish: bool = True,
    original: Waveform | None = None,
    genre: str = "Reggae",
    artist: str = "Harbour Sound",
    sheet: LeadSheet | None = None,
) -> SampleWriter:
    """A sample with the given sounds (else a tune at all levels), finished or left in the making.

    With an ``original`` it is the reconstruction of a recording.
    """
    if sounds is None:
        sounds = {
            Level.TOP: tune(seconds, 3),
            Level.MIDDLE: tune(seconds, 9),
            Level.BOTTOM: tune(seconds, 24),
        }
    record = SampleRecord(
        id=id,
        title=title,
        model="pocket",
        sample_rate=RATE,
        song=Song(genre=genre, artist=artist, lyrics=lyrics, seconds=seconds, seed=7),
        options=SamplingOptions(),
        created="2026-11-22T10:39:52Z",
        hops=HOPS,
        device="CPU",
        licence="CC0",
        mode=Mode.RECONSTRUCT if original is not None else Mode.GENERATE,
    )
    writer = library.create(record)
    if original is not None:
        writer.set_original(original)
    if sheet is not None:
        writer.set_sheet(sheet)
    for level, sound in sounds.items():
        write_level(writer, level, sound, done=sound.size >= round(seconds * RATE))
    if (finish or Level.TOP in sounds) and lyrics.strip():
        writer.set_alignment(alignment_for(lyrics, seconds))
    if finish:
        writer.finish()
    return writer


def write_level(writer: SampleWriter, level: Level, sound: Waveform, done: bool) -> None:
    """What the studio writes for one level: codes with uncertainty, then sound."""
    count = sound.size // HOPS[level]
    codes = torch.arange(count, dtype=torch.int64) % 2048
    bits = (5 + 3 * torch.sin(torch.arange(count) * HOPS[level] / RATE * 6)).float()
    if level not in writer.record.levels:
        writer.start_level(level, windows=4)
    writer.window_done(level, codes, bits, windows_done=4 if done else 2, elapsed=1.5)
    if done:
        writer.level_done(level, codes, sound)
    else:
        writer.preview(level, 0, sound)
