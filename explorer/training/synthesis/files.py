"""The files of a song: NAME.ogg and NAME.json, as ``training.corpus`` reads them.

Knows: the format, and that a song is complete when its record is there: the sound is written first.
Does not know how songs are made.
"""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from explorer.durable import write_bytes
from explorer.training.synthesis.errors import SynthesisError
from explorer.training.synthesis.instruments import RATE
from explorer.training.synthesis.performance import Recording
from explorer.training.synthesis.score import Score

HIGHEST_PEAK = 0.98
_SAFE_PEAK, _TARGET_PEAK = 0.975, 0.96
_QUALITY = 0.6
"""Of Vorbis, 0 … 1; about 64 kbit/s."""


def save_song(folder: Path, score: Score, recording: Recording, seed: int) -> dict[str, Any]:
    """Both files of a song in ``folder``; returns its record. Raises StorageError or SynthesisError
    when it cannot be written."""
    audio = recording.audio
    lufs = recording.lufs
    sound = folder / f"{score.name}.ogg"
    part = folder / f".{score.name}.part"
    for _ in range(4):  # the coder overshoots: again with less gain until the decoded peak is safe
        _encode(part, audio)
        peak = float(np.abs(soundfile.read(part, dtype="float32")[0]).max())
        if peak < _SAFE_PEAK:
            break
        lufs += float(20 * np.log10(_TARGET_PEAK / peak))
        audio = audio * (_TARGET_PEAK / peak)
    _name_stream(part, score.number)
    os.replace(part, sound)
    record = song_record(score, recording, seed, len(audio) / RATE, lufs)
    write_bytes(folder / f"{score.name}.json", json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode())
    return record


def is_complete(folder: Path, name: str) -> bool:
    """Whether a song was written to its end."""
    return (folder / f"{name}.json").is_file() and (folder / f"{name}.ogg").is_file()


def song_record(score: Score, recording: Recording, seed: int, seconds: float, lufs: float) -> dict[str, Any]:
    """What NAME.json holds; the synthesis README has the meaning of every field."""
    count_in = score.clock.offset
    sections = []
    for section in score.sections:
        start, end = (
            round(bar * score.beats * score.clock.seconds_per_beat + count_in, 3)
            for bar in (section.first_bar, section.end_bar)
        )
        sections.append([section.name, start, end])
    return {
        "id": score.name,
        "seed": seed,
        "number": score.number,
        "split": score.split,
        "genre": score.genre,
        "artist": score.artist,
        **({"band": score.band} if score.band != score.artist else {}),
        "kind": score.kind,
        "bpm": score.bpm,
        "beats": score.beats,
        "key": score.key,
        "duration": round(seconds, 3),
        "lufs": round(lufs, 2),
        "lyrics": score.lyrics,
        "chars": recording.characters,
        "words": recording.words,
        "notes": [[round(note.start, 3), round(note.end, 3), note.midi] for note in score.notes],
        "chords": list(score.chords),
        "sections": sections,
    }


def _encode(path: Path, audio: np.ndarray) -> None:
    """Raises SynthesisError when the coder cannot write (a full disk)."""
    settings = {"format": "OGG", "compression_level": 1 - _QUALITY}
    try:
        with soundfile.SoundFile(path, "w", RATE, 1, "VORBIS", **settings) as file:
            for start in range(0, len(audio), 8192):
                file.write(audio[start : start + 8192])
    except (OSError, RuntimeError) as error:
        raise SynthesisError(f"{path} cannot be written: {error}") from error


def _name_stream(path: Path, number: int) -> None:
    """Replace the stream's number, which the coder draws by chance, so that equal songs are equal files."""
    data = bytearray(path.read_bytes())
    position = 0
    while position < len(data):
        segments = data[position + 26]
        header = 27 + segments
        end = position + header + sum(data[position + 27 : position + header])
        data[position + 14 : position + 18] = number.to_bytes(4, "little")
        data[position + 22 : position + 26] = bytes(4)
        data[position + 22 : position + 26] = _ogg_checksum(bytes(data[position:end])).to_bytes(4, "little")
        position = end
    path.write_bytes(data)


_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _ogg_checksum(page: bytes) -> int:
    """CRC-32 of Ogg: the polynomial of zlib, but most significant bit first and without inversions.

    zlib reads bits mirrored; mirrored bytes in, a mirrored sum out, its inversions taken back.
    """
    mirrored = page.translate(_REVERSED)
    plain = zlib.crc32(mirrored, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{plain:032b}"[::-1], 2)
