"""Reading one sample folder, which somebody else may have made.

Knows: the names of the files in a sample folder and the limits within which they are read.
Does not know: the library around the folder; ``writer`` writes what is read here.
"""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.library.alignment_file import read_alignment
from explorer.library.record import RecordError, SampleRecord, record_from_json
from explorer.library.sheet_file import read_sheet

if TYPE_CHECKING:
    from explorer.jukebox.alignment import Alignment
    from explorer.jukebox.sheet import LeadSheet

RECORD_FILE = "sample.json"
CODES_FILE = "codes.safetensors"
ALIGNMENT_FILE = "alignment.npz"
SHEET_FILE = "sheet.json"
ORIGINAL_FILE = "original.flac"
"""The recording that a reconstruction was made from."""

LIMITS = {
    RECORD_FILE: 4 * 2**20,
    CODES_FILE: 256 * 2**20,
    ALIGNMENT_FILE: 512 * 2**20,
    SHEET_FILE: 4 * 2**20,
    ORIGINAL_FILE: 512 * 2**20,
    **{f"{level.value}.flac": 512 * 2**20 for level in SAMPLING_ORDER},
}
"""Every file a sample may consist of, with the most bytes that are read of it."""


@dataclass(frozen=True)
class Sample:
    """A sample folder whose record has been checked; the other files are checked when read."""

    folder: Path
    record: SampleRecord

    @classmethod
    def open(cls, folder: Path) -> Sample:
        """Read ``folder``/sample.json. Raises RecordError saying what does not fit."""
        return cls(folder, read_record(folder))

    def audio_path(self, level: Level) -> Path:
        """The FLAC of ``level``. Raises RecordError if there is none (yet) or it is not a plain file."""
        return checked_file(self.folder, f"{level.value}.flac")

    def has_audio(self, level: Level) -> bool:
        return (self.folder / f"{level.value}.flac").is_file()

    def original_path(self) -> Path:
        """The FLAC of the recording that was reconstructed. Raises RecordError as ``audio_path``."""
        return checked_file(self.folder, ORIGINAL_FILE)

    def has_original(self) -> bool:
        return (self.folder / ORIGINAL_FILE).is_file()

    def codes(self) -> dict[Level, torch.Tensor]:
        """Finished codes, int64 [n], of each level that was begun.

        May be a window longer than the record says: codes are written before the record.
        Raises RecordError for a damaged file; no file means no codes yet.
        """
        return read_codes(self.folder, self.record.codebook)

    def entropy(self, level: Level) -> npt.NDArray[np.float32]:
        """Bits of uncertainty of each code, float32 [n]; NaN where the code was given and not drawn."""
        return read_entropy(self.folder).get(level, np.zeros(0, np.float32))

    def alignment(self) -> Alignment | None:
        """When each lyric character is sung; None for instrumentals and before the top level is finished."""
        if not (self.folder / ALIGNMENT_FILE).exists():
            return None
        return read_alignment(checked_file(self.folder, ALIGNMENT_FILE))

    def sheet(self) -> LeadSheet | None:
        """Bars, key, chords and tune that the song was told; None where it was told none, or nothing is known of it.
        Raises RecordError for a damaged file."""
        if not (self.folder / SHEET_FILE).exists():
            return None
        return read_sheet(checked_file(self.folder, SHEET_FILE))


def checked_file(folder: Path, name: str) -> Path:
    """``folder``/``name`` if it is a plain file of acceptable size. Raises RecordError otherwise.

    Links are refused: a sample that was passed on could point at any file of this machine.
    """
    path = folder / name
    try:
        status = path.lstat()
    except FileNotFoundError as error:
        raise RecordError(f"The sample {folder.name} has no {name}.") from error
    except OSError as error:
        raise RecordError(f"{name} of {folder.name} cannot be read ({error.strerror}).") from error
    if not stat.S_ISREG(status.st_mode):
        raise RecordError(f"{name} of {folder.name} is a link or a folder and not a file.")
    if status.st_size > LIMITS[name]:
        raise RecordError(f"{name} of {folder.name} is larger than {LIMITS[name] // 2**20} MB.")
    return path


def read_record(folder: Path) -> SampleRecord:
    """The checked content of ``folder``/sample.json, whose id must be the folder's name. Raises RecordError."""
    record = load_record(folder)
    if record.id != folder.name:
        raise RecordError(f"The folder {folder.name} holds the sample {record.id}: give it that name.")
    return record


def load_record(folder: Path) -> SampleRecord:
    """The checked content of ``folder``/sample.json, whatever the folder is called. Raises RecordError."""
    path = checked_file(folder, RECORD_FILE)
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise RecordError(f"{RECORD_FILE} of {folder.name} cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{RECORD_FILE} of {folder.name} is not JSON ({error}).") from error
    return record_from_json(data)


def read_codes(folder: Path, codebook: int) -> dict[Level, torch.Tensor]:
    """Codes in ``folder``, int64 [n] per level, checked to lie in 0..codebook - 1."""
    result = {}
    for name, tensor in _tensors(folder).items():
        if name not in _LEVEL_NAMES:
            continue
        if tensor.ndim != 1 or tensor.dtype not in _INTEGERS:
            raise RecordError(f"The {name} codes of {folder.name} are not a row of whole numbers.")
        codes = tensor.to(torch.int64)
        if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < codebook:
            raise RecordError(f"The {name} codes of {folder.name} are not all between 0 and {codebook - 1}.")
        result[Level(name)] = codes
    return result


def read_entropy(folder: Path) -> dict[Level, npt.NDArray[np.float32]]:
    """Entropies in ``folder``, bits, float32 [n] per level."""
    result = {}
    for name, tensor in _tensors(folder).items():
        level, _, what = name.partition(".")
        if what != "entropy" or level not in _LEVEL_NAMES:
            continue
        if tensor.ndim != 1 or not tensor.is_floating_point():
            raise RecordError(f"The {level} entropies of {folder.name} are not a row of numbers.")
        result[Level(level)] = tensor.to(torch.float32).numpy()
    return result


def _tensors(folder: Path) -> dict[str, torch.Tensor]:
    if not (folder / CODES_FILE).exists():
        return {}
    path = checked_file(folder, CODES_FILE)
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        # Read whole and not memory-mapped: the writer replaces this file while readers hold it.
        return load(path.read_bytes())
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise RecordError(f"{CODES_FILE} of {folder.name} is damaged ({error}).") from error


_LEVEL_NAMES = {level.value for level in SAMPLING_ORDER}
_INTEGERS = {torch.int16, torch.int32, torch.int64, torch.uint8}
