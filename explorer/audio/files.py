"""Audio files in and out.

Knows: files that may be anything until checked, and how a recipe travels inside a file's comment.
Does not know: models; a waveform here is a float32 array [samples], mono, full scale = ±1.
"""

from __future__ import annotations

import io
import json
import math
import re
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from explorer.durable import write_bytes

Waveform = npt.NDArray[np.float32]
"""[samples], mono, full scale = ±1."""

MAX_SECONDS = 1800.0
"""Longest file that is read: whole albums are a mistake, and would fill the memory."""
MAX_BYTES = 2 * 2**30
RATES = (4_000, 384_000)
MAX_CHANNELS = 64
_BLOCK = 1 << 18
_COMMENT_LIMIT = 1 << 20


class AudioFormat(StrEnum):
    """What can be written; the values are libsndfile's names."""

    FLAC = "FLAC"
    WAV = "WAV"
    OGG = "OGG"
    MP3 = "MP3"


_SUBTYPES = {
    AudioFormat.FLAC: "PCM_16",
    AudioFormat.WAV: "PCM_16",
    AudioFormat.OGG: "VORBIS",
    AudioFormat.MP3: "MPEG_LAYER_III",
}
READABLE = "WAV, FLAC, OGG or MP3"


class AudioError(ValueError):
    """Sound that cannot be read or written; the message names the file, the reason and what to do."""


@dataclass(frozen=True)
class AudioInfo:
    """What a file's header says, checked against the limits of this module."""

    sample_rate: int
    channels: int
    frames: int
    format: str
    """As libsndfile names it: "WAV", "FLAC", "OGG", "MP3" ..."""

    @property
    def seconds(self) -> float:
        return self.frames / self.sample_rate


@dataclass(frozen=True)
class AudioTags:
    """What is written into a file besides the sound. ``recipe`` goes into the comment as JSON."""

    title: str = ""
    artist: str = ""
    genre: str = ""
    date: str = ""
    licence: str = ""
    recipe: dict[str, Any] | None = None


def inspect(path: Path) -> AudioInfo:
    """Rate, channels and length of a file. Raises AudioError if it is no sound or beyond the limits."""
    with _opened(path) as sound:
        return _info(sound, path.name)


def read_audio(
    path: Path, sample_rate: int | None = None, start: float = 0.0, seconds: float | None = None
) -> Waveform:
    """Mono sound of ``path`` from ``start`` for ``seconds`` (None: to the end), at ``sample_rate`` (None: as it is).

    Channels are averaged. Raises AudioError for anything that is not usable sound.
    """
    name = path.name
    with _opened(path) as sound:
        info = _info(sound, name)
        if not (math.isfinite(start) and 0 <= start < info.seconds):
            raise AudioError(f"{name} lasts {info.seconds:.1f} s, so it cannot be read from {start:g} s on.")
        if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
            raise AudioError(f"The piece to read must last more than 0 seconds, not {seconds!r}.")
        first = int(start * info.sample_rate)
        wanted = info.frames - first
        if seconds is not None:
            wanted = min(wanted, max(1, round(seconds * info.sample_rate)))
        mono = _read_mono(sound, first, wanted, name)
    if len(mono) < wanted and info.format != "MP3":  # the length in an MP3's header is an estimate
        raise AudioError(_cut_short(name, len(mono) / info.sample_rate, wanted / info.sample_rate))
    if not len(mono):
        raise AudioError(f"{name} holds no sound. Choose another file ({READABLE}).")
    if not np.isfinite(mono).all():
        raise AudioError(f"{name} is damaged: it holds values that are not numbers. Save it again as {READABLE}.")
    if sample_rate is None or sample_rate == info.sample_rate:
        return mono
    from explorer.audio.resample import resample

    return resample(mono, info.sample_rate, sample_rate)


def audio_bytes(
    waveform: npt.ArrayLike, sample_rate: int, tags: AudioTags | None = None, format: AudioFormat = AudioFormat.FLAC
) -> bytes:
    """A mono file in memory: 16 bit where the format has bits; clipped at full scale, never normalised.

    Raises AudioError for samples that are not finite numbers in one row.
    """
    samples = np.asarray(waveform)
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise AudioError("Only one row of finite samples can be written as sound.")
    pcm = np.clip(np.rint(samples.astype(np.float64) * 32768.0), -32768, 32767).astype(np.int16)
    texts = _tag_texts(tags or AudioTags())
    # libsndfile cannot open a WAV again that has a long comment before the sound.
    wav_comment = texts.pop("comment", "") if format is AudioFormat.WAV else ""
    buffer = io.BytesIO()
    try:
        with soundfile.SoundFile(buffer, "w", sample_rate, 1, format=format.value, subtype=_SUBTYPES[format]) as sound:
            for name, text in texts.items():
                setattr(sound, name, text)
            for begin in range(0, len(pcm), _BLOCK):  # libsndfile's Vorbis encoder overflows its stack on long writes
                sound.write(pcm[begin : begin + _BLOCK])
    except soundfile.SoundFileError as error:
        raise AudioError(f"{format.value} at {sample_rate:,} Hz cannot be written ({error}).") from error
    return _with_wav_comment(buffer.getvalue(), wav_comment) if wav_comment else buffer.getvalue()


def write_flac(path: Path, waveform: npt.ArrayLike, sample_rate: int, tags: AudioTags | None = None) -> None:
    """16-bit mono FLAC written atomically. Raises StorageError when the disk is full (nothing is left over)."""
    write_bytes(path, audio_bytes(waveform, sample_rate, tags))


def read_recipe(path: Path) -> dict[str, Any] | None:
    """The recipe in the comment of a FLAC, OGG, MP3 or WAV file; None if there is none.

    Raises AudioError if the file is no sound. The content is untrusted: check it with
    ``jukebox.song.recipe_from_dict``.
    """
    with _opened(path) as sound:
        comment = sound.comment
        if not comment and sound.format in ("WAV", "WAVEX"):
            comment = _wav_comment(path)  # libsndfile skips what comes after the sound
    if not comment or len(comment) > _COMMENT_LIMIT:
        return None
    try:
        value = json.loads(comment)
    except (ValueError, RecursionError):  # other programs write their own remarks there
        return None
    return value if isinstance(value, dict) and isinstance(value.get("song"), dict) else None


@contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    """``path`` opened for reading, whatever it is called; every failure as an AudioError."""
    name = path.name
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise AudioError(f"{name} is not a file. Choose a {READABLE} file.")
        if status.st_size > MAX_BYTES:
            raise AudioError(f"{name} is larger than {MAX_BYTES // 2**30} GB. Cut out the piece you need.")
        # Opened by handle: by name, libsndfile would believe the ending (".raw") instead of the content.
        with open(path, "rb") as file, soundfile.SoundFile(file) as sound:
            yield sound
    except OSError as error:
        raise AudioError(f"{name} cannot be opened ({error.strerror or error}).") from error
    except (soundfile.SoundFileError, TypeError) as error:
        raise AudioError(f"{name} is not sound that can be read. Choose another file ({READABLE}).") from error


def _info(sound: soundfile.SoundFile, name: str) -> AudioInfo:
    rate, channels, frames = int(sound.samplerate), int(sound.channels), int(sound.frames)
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(f"{name} has {rate:,} samples per second; {RATES[0]:,} to {RATES[1]:,} can be used.")
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(f"{name} has {channels} channels; at most {MAX_CHANNELS} can be used.")
    if frames <= 0:
        raise AudioError(f"{name} holds no sound. Choose another file ({READABLE}).")
    if frames > MAX_SECONDS * rate:
        minutes = int(MAX_SECONDS // 60)
        raise AudioError(f"{name} says that it lasts {frames / rate / 60:,.0f} minutes; at most {minutes} can be used.")
    cut = re.search(r"^\s*(?:data|SSND)\s*: (\d+) \(should be (\d+)\)", str(sound.extra_info), re.MULTILINE)
    # Programs that write to a pipe put a huge length there: only a believable one means a cut file.
    if cut and int(cut[2]) < int(cut[1]) < 0x7FFFF000:
        raise AudioError(_cut_short(name, frames / rate, frames / rate * int(cut[1]) / max(1, int(cut[2]))))
    return AudioInfo(rate, channels, frames, str(sound.format))


def _read_mono(sound: soundfile.SoundFile, first: int, wanted: int, name: str) -> Waveform:
    """The mean of the channels; memory grows with what is really there, not with what the header says."""
    blocks, got = [], 0
    try:
        if first:
            sound.seek(first)
        while got < wanted:
            block = sound.read(min(_BLOCK, wanted - got), dtype="float32", always_2d=True)
            if not len(block):
                break
            blocks.append(block.mean(axis=1, dtype=np.float32))
            got += len(block)
    except soundfile.SoundFileError as error:
        raise AudioError(_cut_short(name, got / sound.samplerate, wanted / sound.samplerate)) from error
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _cut_short(name: str, got: float, wanted: float) -> str:
    return f"{name} is damaged or cut short: only {got:.1f} of {wanted:.1f} s are there. Save or fetch it again."


def _tag_texts(tags: AudioTags) -> dict[str, str]:
    """libsndfile's names of the tags that are not empty."""
    texts = {
        "title": tags.title,
        "artist": tags.artist,
        "genre": tags.genre,
        "date": tags.date,
        "license": tags.licence,
        "software": "Jukebox Explorer" if tags.recipe is not None else "",
        # ASCII only: WAV and MP3 comments have no agreed encoding.
        "comment": json.dumps(tags.recipe, ensure_ascii=True, allow_nan=False) if tags.recipe is not None else "",
    }
    clean = {name: text.replace("\0", " ").encode("utf-8", "replace").decode() for name, text in texts.items()}
    return {name: text for name, text in clean.items() if text}


def _with_wav_comment(wav: bytes, comment: str) -> bytes:
    """``wav`` with an INFO list after the sound."""
    entry = comment.encode("ascii") + b"\0"
    entry += b"\0" * (len(entry) % 2)
    chunk = b"LIST" + struct.pack("<I", 12 + len(entry)) + b"INFOICMT" + struct.pack("<I", len(entry)) + entry
    body = wav[8:] + b"\0" * (len(wav) % 2) + chunk
    return wav[:4] + struct.pack("<I", len(body)) + body


def _wav_comment(path: Path) -> str:
    """The ICMT entry of a WAV file's INFO list, of any length; "" if there is none."""
    with open(path, "rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            kind, size = head[:4], struct.unpack("<I", head[4:])[0]
            if kind == b"LIST" and 4 <= size <= _COMMENT_LIMIT:
                entry = _list_entry(file.read(size), b"ICMT")
                if entry:
                    return entry.rstrip(b"\0").decode("utf-8", "replace")
                size = 0
            file.seek(size + size % 2, io.SEEK_CUR)
    return ""


def _list_entry(chunk: bytes, kind: bytes) -> bytes:
    position = 4  # after "INFO"
    while position + 8 <= len(chunk):
        size = struct.unpack("<I", chunk[position + 4 : position + 8])[0]
        if chunk[position : position + 4] == kind:
            return chunk[position + 8 : position + 8 + size]
        position += 8 + size + size % 2
    return b""
