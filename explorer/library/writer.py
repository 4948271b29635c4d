"""Writing one sample folder while the sample is being made.

Knows: the order of writes that keeps the folder consistent whenever the program is killed: codes
first (sound can be decoded from them again), then audio, then ``sample.json``, each replaced whole.
Does not know: jobs and events; the caller says what is finished.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from explorer.audio.files import AudioTags, Waveform, read_audio, write_flac
from explorer.durable import storage_error, sync_folder, write_bytes, write_json
from explorer.jukebox.alignment import Alignment
from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.jukebox.sheet import LeadSheet
from explorer.library.alignment_file import write_alignment
from explorer.library.record import ORIGIN, LevelRecord, SampleRecord, SampleState, record_to_json
from explorer.library.sample import (
    ALIGNMENT_FILE,
    CODES_FILE,
    ORIGINAL_FILE,
    RECORD_FILE,
    SHEET_FILE,
    read_codes,
    read_entropy,
    read_record,
)
from explorer.library.sheet_file import write_sheet

Entropy = npt.NDArray[np.float32]


class SampleWriter:
    """One sample in the making; made by ``Library.create`` and ``Library.reopen``.

    Every method returns when its data is on the disk. StorageError (explorer.durable; ``full`` = no
    room) means that this call's data is not there and everything earlier is. Not for several
    threads at once.
    """

    def __init__(
        self,
        folder: Path,
        record: SampleRecord,
        on_change: Callable[[SampleRecord], None],
        on_close: Callable[[SampleRecord], None],
    ) -> None:
        self.folder = folder
        self.record = record
        """As it now stands on the disk."""
        self._on_change = on_change
        self._on_close = on_close
        self._codes = read_codes(folder, record.codebook)
        self._entropy = read_entropy(folder)
        self._audio: dict[Level, Waveform] = {}
        self._closed = False

    def codes(self) -> dict[Level, torch.Tensor]:
        """Finished codes per level, int64 [n]: what a resumed run is given."""
        return {level: codes.clone() for level, codes in self._codes.items()}

    def start_level(self, level: Level, windows: int, given: torch.Tensor | None = None) -> None:
        """``level`` begins with ``windows`` windows in all; ``given`` [n] are the codes it starts from.

        Codes beyond the given ones are dropped: they will be drawn again.
        """
        codes = torch.zeros(0, dtype=torch.int64) if given is None else _row(given)
        self._save_codes(level, codes, self._known_entropy(level, codes))
        state = self._level(level)
        self._save_level(level, replace(state, codes=len(codes), windows=windows, finished=False))

    def window_done(
        self, level: Level, codes: torch.Tensor, entropy: torch.Tensor, windows_done: int, elapsed: float = 0.0
    ) -> None:
        """A window is finished: ``codes`` [n] are all codes of the level so far, ``entropy`` [m] the bits
        of the last m of them. ``windows_done`` counts this one; it took ``elapsed`` seconds."""
        codes = _row(codes)
        new = entropy.detach().cpu().to(torch.float32).numpy()
        if new.ndim != 1 or len(new) > len(codes):
            raise ValueError(f"entropy {new.shape} does not fit {len(codes)} codes")
        before = self._known_entropy(level, codes[: len(codes) - len(new)])
        self._save_codes(level, codes, np.concatenate([before, new]))
        state = self._level(level)
        self._save_level(
            level,
            replace(
                state,
                codes=len(codes),
                windows_done=windows_done,
                windows=max(state.windows, windows_done),
                sampling_seconds=state.sampling_seconds + elapsed,
            ),
        )

    def preview(self, level: Level, start: int, audio: torch.Tensor | npt.ArrayLike) -> None:
        """Audio [samples] of ``level`` from sample ``start`` on; what was there from ``start`` on is replaced.

        Raises ValueError if it does not join what is there: silence is never put in between.
        """
        before = self._heard(level)
        if start > len(before):
            raise ValueError(f"audio from sample {start} does not join the {len(before)} that are there")
        self._save_audio(level, np.concatenate([before[:start], _samples(audio)]))
        self._save_level(level, self._level(level))

    def level_done(self, level: Level, codes: torch.Tensor, audio: torch.Tensor | npt.ArrayLike) -> None:
        """``level`` is finished: all its codes [n] and its whole audio [samples]."""
        codes = _row(codes)
        self._save_codes(level, codes, self._known_entropy(level, codes))
        self._save_audio(level, _samples(audio))
        state = self._level(level)
        self._save_level(level, replace(state, codes=len(codes), windows_done=state.windows, finished=True))

    def set_alignment(self, alignment: Alignment) -> None:
        """When the lyrics are sung."""
        self._check_open()
        write_alignment(self.folder / ALIGNMENT_FILE, alignment)
        self._on_change(self.record)

    def set_sheet(self, sheet: LeadSheet) -> None:
        """What the song is told of its music."""
        self._check_open()
        write_sheet(self.folder / SHEET_FILE, sheet)
        self._on_change(self.record)

    def set_original(self, audio: torch.Tensor | npt.ArrayLike) -> None:
        """The recording [samples] that the levels were made from, at the model's rate."""
        self._check_open()
        tags = AudioTags(title=self.record.title, date=self.record.created[:10])  # not AI-generated: no recipe in it
        write_flac(self.folder / ORIGINAL_FILE, _samples(audio), self.record.sample_rate, tags)

    def change(self, **entries: Any) -> None:
        """Replace entries of the record (title, notes, options ...), as dataclasses.replace does."""
        self._save(replace(self.record, **entries))

    def finish(self) -> None:
        """Everything asked for is done: state "finished". Implies ``close``."""
        self._save(replace(self.record, state=SampleState.FINISHED))
        self.close()

    def close(self) -> None:
        """Stop writing; the sample stays as it is and may be deleted, moved or reopened."""
        if not self._closed:
            self._closed = True
            self._on_close(self.record)

    def _level(self, level: Level) -> LevelRecord:
        return self.record.levels.get(level, LevelRecord())

    def _save_level(self, level: Level, state: LevelRecord) -> None:
        if level in self._audio:
            state = replace(state, seconds=len(self._audio[level]) / self.record.sample_rate)
        levels = {**self.record.levels, level: state}
        self._save(replace(self.record, levels={known: levels[known] for known in SAMPLING_ORDER if known in levels}))

    def _save(self, record: SampleRecord) -> None:
        self._check_open()
        write_json(self.folder / RECORD_FILE, record_to_json(record))
        self.record = record
        self._on_change(record)

    def _save_codes(self, level: Level, codes: torch.Tensor, entropy: Entropy) -> None:
        self._check_open()
        if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < self.record.codebook:
            raise ValueError(f"codes must lie between 0 and {self.record.codebook - 1}")
        all_codes = {**self._codes, level: codes}
        all_entropy = {**self._entropy, level: entropy}
        write_codes(self.folder / CODES_FILE, all_codes, all_entropy, self.record.codebook)
        self._codes, self._entropy = all_codes, all_entropy

    def _save_audio(self, level: Level, audio: Waveform) -> None:
        self._check_open()
        write_flac(self.folder / f"{level.value}.flac", audio, self.record.sample_rate, audio_tags(self.record))
        self._audio[level] = audio

    def _known_entropy(self, level: Level, codes: torch.Tensor) -> Entropy:
        """[n] entropies that are known of ``codes``: those of the same codes drawn before, else NaN."""
        result = np.full(len(codes), np.nan, np.float32)
        old_codes, old = self._codes.get(level), self._entropy.get(level)
        if old_codes is not None and old is not None:
            shared = min(len(codes), len(old_codes), len(old))
            same = (codes[:shared] == old_codes[:shared]).numpy()
            result[:shared] = np.where(same, old[:shared], np.nan)
        return result

    def _heard(self, level: Level) -> Waveform:
        """Audio of ``level`` that is on the disk, [samples]."""
        if level not in self._audio:
            path = self.folder / f"{level.value}.flac"
            self._audio[level] = read_audio(path) if path.exists() else np.zeros(0, np.float32)
        return self._audio[level]

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError(f"the sample {self.record.id} is not being written any more")


def create_folder(root: Path, record: SampleRecord) -> Path:
    """Make ``root``/id with its sample.json in one step. Raises StorageError; FileExistsError for a known id."""
    folder, temporary = root / record.id, root / f".new-{record.id}"
    if folder.exists():
        raise FileExistsError(folder)
    try:
        temporary.mkdir()
        write_json(temporary / RECORD_FILE, record_to_json(record))
        os.rename(temporary, folder)
        sync_folder(root)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise storage_error(error, folder) from error
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return folder


def rewrite_record(folder: Path, **entries: Any) -> SampleRecord:
    """Replace entries of a record that nobody is writing. Raises RecordError, StorageError."""
    record = replace(read_record(folder), **entries)
    write_json(folder / RECORD_FILE, record_to_json(record))
    return record


def write_codes(path: Path, codes: dict[Level, torch.Tensor], entropy: dict[Level, Entropy], codebook: int) -> None:
    """Replace ``path``: "top" [n] whole numbers and "top.entropy" [n] float16 bits per level."""
    from safetensors.torch import save

    kind = torch.int16 if codebook <= 2**15 else torch.int32
    tensors = {level.value: row.to(kind).contiguous() for level, row in codes.items()}
    for level, bits in entropy.items():
        tensors[f"{level.value}.entropy"] = torch.from_numpy(bits).to(torch.float16).contiguous()
    write_bytes(path, save(tensors))


def audio_tags(record: SampleRecord) -> AudioTags:
    """What is written into the audio files; the recipe names the model too, so that a form can be refilled."""
    return AudioTags(
        title=record.title,
        artist=record.song.artist,
        genre=record.song.genre,
        date=record.created[:10],
        licence=record.licence,
        recipe={**record.recipe, "model": record.model, "origin": ORIGIN, "sample": record.id},
    )


def _row(codes: torch.Tensor) -> torch.Tensor:
    """A copy [n] int64 on the CPU that the caller cannot change any more."""
    if codes.ndim != 1:
        raise ValueError(f"codes of one song must be [n], not {list(codes.shape)}")
    return codes.detach().cpu().to(torch.int64).clone()


def _samples(audio: torch.Tensor | npt.ArrayLike) -> Waveform:
    if isinstance(audio, torch.Tensor):
        audio = audio.detach().cpu().numpy()
    result = np.array(audio, dtype=np.float32)
    if result.ndim != 1:
        raise ValueError(f"audio of one song must be [samples], not {list(result.shape)}")
    return result
