"""An alignment as ``alignment.npz``.

Knows: the arrays' names and shapes, and how to read such a file from a stranger without running or
unpacking what it should not hold. Does not know where alignments come from.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from explorer.durable import write_bytes
from explorer.jukebox.alignment import Alignment, CharacterTime, SpanTime
from explorer.library.record import RecordError

_MOST_BYTES = 1 << 30
"""Unpacked: ten minutes of the largest published model take 420 MB."""
_ARRAYS = (
    "weights",
    "token_characters",
    *(f"{kind}_{what}" for kind in ("character", "word", "line") for what in ("index", "seconds", "confidence")),
    "confidence",
)

Array = npt.NDArray[Any]


def write_alignment(path: Path, alignment: Alignment) -> None:
    """Replace ``path``. Weights are stored as float16 (11 bits), times exactly. Raises StorageError."""
    arrays: dict[str, Array] = {
        "weights": alignment.weights.detach().cpu().to(torch.float16).numpy(),
        "token_characters": np.asarray(alignment.token_characters, np.int32),
        "character_index": np.asarray([[c.index] for c in alignment.characters], np.int32).reshape(-1, 1),
        "character_seconds": _pairs([(c.start, c.end) for c in alignment.characters]),
        "character_confidence": np.asarray([c.confidence for c in alignment.characters], np.float64),
        "confidence": np.asarray(alignment.confidence, np.float64),
    }
    for kind, spans in (("word", alignment.words), ("line", alignment.lines)):
        arrays[f"{kind}_index"] = np.asarray([(s.start_index, s.end_index) for s in spans], np.int32).reshape(-1, 2)
        arrays[f"{kind}_seconds"] = _pairs([(s.start, s.end) for s in spans])
        arrays[f"{kind}_confidence"] = np.asarray([s.confidence for s in spans], np.float64)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_bytes(path, buffer.getbuffer())


def read_alignment(path: Path) -> Alignment:
    """The alignment in ``path``. Raises RecordError for anything that is not one."""
    arrays = _read_arrays(path)
    weights, tokens = arrays["weights"], arrays["token_characters"]
    if weights.ndim != 2 or weights.dtype.kind != "f" or weights.shape[1] != len(_whole(tokens, 1)):
        raise RecordError(f"{path.name} is damaged: its weights do not fit its tokens.")
    if not np.isfinite(weights).all():
        raise RecordError(f"{path.name} is damaged: its weights are not all numbers.")
    index, seconds, confidence = _times(arrays, "character", 1)
    characters = tuple(
        CharacterTime(int(i[0]), float(s[0]), float(s[1]), float(c))
        for i, s, c in zip(index, seconds, confidence, strict=True)
    )
    overall = arrays["confidence"]
    if overall.shape != () or overall.dtype.kind != "f" or not np.isfinite(overall):
        raise RecordError(f"{path.name} is damaged: its confidence is not a number.")
    return Alignment(
        weights=torch.from_numpy(weights.astype(np.float32)),
        token_characters=tuple(int(t) for t in tokens),
        characters=characters,
        words=_spans(arrays, "word"),
        lines=_spans(arrays, "line"),
        confidence=float(overall),
    )


def _read_arrays(path: Path) -> dict[str, Array]:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        if sum(sizes.values()) > _MOST_BYTES or len(sizes) > 2 * len(_ARRAYS):
            raise RecordError(f"{path.name} is larger than an alignment can be.")
        with np.load(path, allow_pickle=False) as loaded:
            return {name: np.asarray(loaded[name]) for name in _ARRAYS}
    except KeyError as error:
        raise RecordError(f"{path.name} is damaged: {error.args[0]}") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError, MemoryError) as error:
        if isinstance(error, RecordError):
            raise
        raise RecordError(f"{path.name} is damaged ({error}).") from error
    except Exception as error:  # zlib.error, struct.error, SyntaxError in a header: whatever a crafted file provokes
        raise RecordError(f"{path.name} is damaged ({type(error).__name__}).") from error


def _pairs(values: Sequence[tuple[float, float]]) -> Array:
    return np.asarray(values, np.float64).reshape(-1, 2)


def _whole(values: Array, dimensions: int) -> Array:
    if values.ndim != dimensions or values.dtype.kind != "i" or (values.size and int(values.min()) < 0):
        raise RecordError("The alignment is damaged: an index is not a whole number from 0 up.")
    return values


def _times(arrays: dict[str, Array], kind: str, columns: int) -> tuple[Array, Array, Array]:
    index = _whole(arrays[f"{kind}_index"], 2)
    seconds, confidence = arrays[f"{kind}_seconds"], arrays[f"{kind}_confidence"]
    shapes = (index.shape, seconds.shape, confidence.shape)
    if shapes != ((len(index), columns), (len(index), 2), (len(index),)):
        raise RecordError(f"The alignment is damaged: the {kind} times do not belong together.")
    if (
        seconds.dtype.kind != "f"
        or confidence.dtype.kind != "f"
        or not (np.isfinite(seconds).all() and np.isfinite(confidence).all())
    ):
        raise RecordError(f"The alignment is damaged: the {kind} times are not all numbers.")
    return index, seconds, confidence


def _spans(arrays: dict[str, Array], kind: str) -> tuple[SpanTime, ...]:
    index, seconds, confidence = _times(arrays, kind, 2)
    return tuple(
        SpanTime(int(i[0]), int(i[1]), float(s[0]), float(s[1]), float(c))
        for i, s, c in zip(index, seconds, confidence, strict=True)
    )
