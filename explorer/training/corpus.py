"""Reading of a corpus: pairs NAME.ogg and NAME.json with exact times for every character.

Knows: the corpus' file format and how to cut clips and lines out of it. Does not know models.
The decoded audio is kept once as one int16 file beside the runs, so that several processes share
its pages.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import soundfile


class CorpusError(ValueError):
    """A corpus folder that cannot be trained on; the message names the file."""


@dataclass(frozen=True)
class Character:
    """One character of the lyrics and when it is sung, in seconds of the song."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class CorpusSong:
    """Labels and lyrics of one song; its audio is ``Corpus.audio(song)``."""

    name: str
    genre: str
    artist: str
    kind: str
    lyrics: str
    characters: tuple[Character, ...]
    start: int
    """First sample in the corpus' audio."""
    samples: int
    key: str = ""
    """As "Ab major"; empty where the record says none."""
    bar: float = 0.0
    """Seconds of a bar; 0 where the record says no tempo."""
    beats: int = 4
    """In a bar."""
    first_bar: float = 0.0
    """Seconds at which the first bar begins."""
    chords: tuple[str, ...] = ()
    """One entry a bar, two chords joined by |."""
    notes: tuple[tuple[float, float, int], ...] = ()
    """Begin and end in seconds, and MIDI number, of what is sung (or led); one after another."""

    @cached_property
    def lines(self) -> tuple[tuple[int, int], ...]:
        """First and past-last character of each line of the lyrics."""
        spans, begin = [], 0
        for i, char in enumerate(self.lyrics + "\n"):
            if char == "\n":
                if i > begin:
                    spans.append((begin, i))
                begin = i + 1
        return tuple(spans)


class Corpus:
    """All songs of one split, with their audio as one int16 array."""

    def __init__(self, songs: tuple[CorpusSong, ...], audio: np.ndarray, sample_rate: int, key: str = "") -> None:
        """``key`` is the same for the same songs."""
        self.songs, self.key = songs, key
        self.sample_rate = sample_rate
        self._audio = audio

    @classmethod
    def open(cls, folder: Path, cache: Path) -> Corpus:
        """Read a split folder; decode its audio into ``cache`` unless it is there already.

        Raises CorpusError for a folder without songs or a song that cannot be read.
        """
        records = sorted(folder.glob("*.json"))
        if not records:
            raise CorpusError(f"{folder} holds no NAME.json with NAME.ogg beside it")
        key = hashlib.sha256("\n".join(f"{r.stem} {r.stat().st_size}" for r in records).encode()).hexdigest()[:16]
        audio_file, index_file = cache / f"audio-{key}.npy", cache / f"audio-{key}.json"
        if not index_file.exists():
            cache.mkdir(parents=True, exist_ok=True)
            _decode_all(records, audio_file, index_file)
        index = json.loads(index_file.read_text())
        songs = tuple(
            _read_song(record, start, samples) for record, (start, samples) in zip(records, index["spans"], strict=True)
        )
        return cls(songs, np.load(audio_file, mmap_mode="r"), index["sample_rate"], key)

    def audio(self, song: CorpusSong, start: int = 0, samples: int | None = None) -> np.ndarray:
        """float32 [samples] in [-1, 1]; silence where the stretch reaches past the song."""
        samples = song.samples - start if samples is None else samples
        piece = self._audio[song.start + start : song.start + min(song.samples, start + samples)]
        out = np.zeros(samples, dtype=np.float32)
        out[: len(piece)] = piece.astype(np.float32) / 32768.0
        return out

    def thinned(self, every_nth: int) -> Corpus:
        """Every n-th song only. Songs are sorted by artist, so all artists stay."""
        return Corpus(self.songs[::every_nth], self._audio, self.sample_rate, self.key)

    @property
    def seconds(self) -> float:
        return sum(song.samples for song in self.songs) / self.sample_rate


def _read_song(record: Path, start: int, samples: int) -> CorpusSong:
    try:
        data = json.loads(record.read_text(encoding="utf-8"))
        characters = tuple(Character(str(c), float(a), float(b)) for c, a, b in data["chars"])
        song = CorpusSong(
            name=record.stem,
            genre=data["genre"],
            artist=data["artist"],
            kind=data["kind"],
            lyrics=data["lyrics"],
            characters=characters,
            start=start,
            samples=samples,
            key=str(data.get("key", "")),
            bar=60.0 * float(data.get("beats", 4)) / float(data["bpm"]) if "bpm" in data else 0.0,
            beats=int(data.get("beats", 4)),
            # not every song begins with a bar: voices alone have silence before
            first_bar=float(data["sections"][0][1]) if data.get("sections") else 0.0,
            chords=tuple(str(chords) for chords in data.get("chords", ())),
            notes=tuple((float(begin), float(end), int(midi)) for begin, end, midi in data.get("notes", ())),
        )
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        raise CorpusError(f"{record} is not a song record: {error}") from error
    if "".join(c.text for c in characters) != song.lyrics:
        raise CorpusError(f"{record}: the timed characters are not the lyrics")
    return song


def _decode_all(records: list[Path], audio_file: Path, index_file: Path) -> None:
    spans, pieces, rate, position = [], [], None, 0
    for record in records:
        path = record.with_suffix(".ogg")
        try:
            samples, its_rate = soundfile.read(path, dtype="int16", always_2d=True)
        except (OSError, RuntimeError) as error:
            raise CorpusError(f"{path} cannot be read: {error}") from error
        if rate not in (None, its_rate):
            raise CorpusError(f"{path} has {its_rate} samples per second, the songs before it {rate}")
        rate = its_rate
        pieces.append(samples[:, 0])
        spans.append((position, len(samples)))
        position += len(samples)
    temporary = audio_file.with_suffix(".part.npy")
    np.save(temporary, np.concatenate(pieces))
    os.replace(temporary, audio_file)
    index_file.write_text(json.dumps({"sample_rate": rate, "spans": spans}))
