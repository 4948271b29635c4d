"""The folder of an export, written beside its place and put there when it is complete.

Knows: which folders may be replaced, and how to do it so that a crash or a full disk leaves the old
export or the new one. Does not know: what is in the files.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.durable import storage_error, sync_folder

MARK = "export.json"
"""Says that a folder is an export, and which files are its own."""
_MAKER = "Jukebox Explorer"


class ExportError(ValueError):
    """An export that cannot be made; the message says why and what to do."""


class Draft:
    """An export that is being written: ``write`` its files, then it takes its place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.names: list[str] = []
        self.bytes = 0

    def write(self, name: str, data: bytes) -> None:
        """A new file ``name`` ("songs/x/top.js"). Raises OSError."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self.names.append(name)
        self.bytes += len(data)


def check_target(out: Path) -> None:
    """Raises ExportError unless ``out`` is free, empty, or an earlier export with nothing else in it."""
    if not out.exists():
        return
    if not out.is_dir():
        raise ExportError(f"{out} is a file. Name a new folder with --out.")
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()}
    if not there:
        return
    own = _own_files(out)
    if own is None:
        raise ExportError(f"{out} is not empty and no earlier export. Name a new folder with --out.")
    if strange := sorted(there - own):
        raise ExportError(
            f"{out} is an earlier export, but {strange[0]} in it is not part of it. Move that away first."
        )


def _own_files(out: Path) -> set[str] | None:
    """The files that the export in ``out`` consists of; None: it is no export."""
    try:
        mark = json.loads((out / MARK).read_bytes())
        return {MARK, *map(str, mark["files"])} if mark["made_by"] == _MAKER else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


@contextmanager
def drafted(out: Path, created: str) -> Iterator[Draft]:
    """A draft that becomes ``out`` when the block ends well; otherwise nothing of it remains.

    Raises ExportError as ``check_target``, StorageError when the disk is full or refuses.
    """
    out = out.resolve()
    check_target(out)
    unique = secrets.token_hex(4)
    temporary, old = out.with_name(f".{out.name}.{unique}.part"), out.with_name(f".{out.name}.{unique}.old")
    try:
        temporary.mkdir(parents=True)
        draft = Draft(temporary)
        yield draft
        mark = {"made_by": _MAKER, "created": created, "files": sorted(draft.names)}
        draft.write(MARK, json.dumps(mark, indent=1).encode() + b"\n")
        check_target(out)
        _put_in_place(temporary, out, old)
    except OSError as error:
        raise storage_error(error, out) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _put_in_place(new: Path, out: Path, old: Path) -> None:
    """Rename ``new`` to ``out``; what was there is ``old`` meanwhile, and comes back if that fails."""
    if out.exists():
        os.rename(out, old)
    try:
        os.rename(new, out)
    except BaseException:
        if old.exists():
            os.rename(old, out)
        raise
    sync_folder(out.parent)
    shutil.rmtree(old, ignore_errors=True)
