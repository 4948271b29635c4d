"""Tensors into and out of safetensors files, one at a time.

Knows: the file format (eight bytes of header length, a JSON header, raw little-endian data). Does
not know: models. Writing is done here instead of by the library because that one holds a copy of
every tensor in memory before it writes the first byte; reading is the library's, memory-mapped.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import torch
from safetensors import SafetensorError, safe_open

from explorer.checkpoints.errors import CheckpointError
from explorer.durable import storage_error, sync_folder

DTYPES: dict[torch.dtype, tuple[str, int]] = {
    torch.float32: ("F32", 4),
    torch.float16: ("F16", 2),
    torch.bfloat16: ("BF16", 2),
}
"""What weights may be stored as: its name in the format, and bytes per number."""


class TensorWriter:
    """Writes a safetensors file whose names, types and shapes are known beforehand.

    Use as a context manager and call ``write`` for the tensors in the given order; the file appears
    under its name when the last one is on the disk, and not at all after an error.
    """

    def __init__(self, path: Path, layout: Sequence[tuple[str, torch.dtype, Sequence[int]]]) -> None:
        self.path = path
        self._part = path.with_name(f"{path.name}.part")
        self._names = [name for name, _, _ in layout]
        self._written = 0
        header: dict[str, object] = {}
        position = 0
        for name, dtype, shape in layout:
            if dtype not in DTYPES:
                raise CheckpointError(f"{name} holds {dtype}; weights must be float32, float16 or bfloat16.")
            code, size = DTYPES[dtype]
            end = position + size * math.prod(shape)
            header[name] = {"dtype": code, "shape": list(shape), "data_offsets": [position, end]}
            position = end
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        self._header = len(text).to_bytes(8, "little") + text
        self._file: BinaryIO | None = None

    def __enter__(self) -> TensorWriter:
        try:
            self._file = open(self._part, "wb")
            self._file.write(self._header)
        except OSError as error:
            raise storage_error(error, self.path) from error
        return self

    def write(self, name: str, tensor: torch.Tensor) -> None:
        """Append one tensor. Raises StorageError where the disk refuses."""
        if self._file is None or name != self._names[self._written]:
            raise ValueError(f"{name} is out of turn")
        flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        try:
            self._file.write(flat.numpy().data)
        except OSError as error:
            raise storage_error(error, self.path) from error
        self._written += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        try:
            if kind is None and self._written == len(self._names):
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
                os.replace(self._part, self.path)
                sync_folder(self.path.parent)
        except OSError as failure:
            raise storage_error(failure, self.path) from failure
        finally:
            self._file.close()
            self._part.unlink(missing_ok=True)


RUN_BYTES = 2**26
"""Of a file that is converted, at most so much (or one tensor) is mapped at once."""


def _runs(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Names in order, as many together as RUN_BYTES hold."""
    run: list[str] = []
    for name, size in sizes.items():
        if run and sum(sizes[n] for n in run) + size > RUN_BYTES:
            yield run
            run = []
        run.append(name)
    if run:
        yield run


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Replace ``path`` by these tensors. Raises CheckpointError for a type that weights cannot have."""
    layout = [(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()]
    with TensorWriter(path, layout) as writer:
        for name, tensor in tensors.items():
            writer.write(name, tensor)


def read_tensors(
    path: Path, names: Iterable[str] | None = None, dtype: torch.dtype | None = None
) -> dict[str, torch.Tensor]:
    """Memory-mapped tensors of a file: only what is used becomes resident.

    Tensors of another type than ``dtype`` are converted. Raises CheckpointError for a file that is missing, damaged or
    of another format.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} is missing. Import or download the model again.")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            wanted = list(file.keys() if names is None else names)
            found = {name: file.get_tensor(name) for name in wanted}
            if dtype is None or all(tensor.dtype is dtype for tensor in found.values()):
                return found
            sizes = {name: tensor.nbytes for name, tensor in found.items()}
        del found
        converted: dict[str, torch.Tensor] = {}
        for names in _runs(sizes):
            # opened anew, so that what was read of the file does not stay in memory beside what it became
            with safe_open(path, framework="pt", device="cpu") as file:
                converted |= {name: file.get_tensor(name).to(dtype) for name in names}
        return converted
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged ({error}). Import or download the model again.") from error
