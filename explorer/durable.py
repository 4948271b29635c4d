"""Files that are whole or not there: temporary name, flush, rename.

Knows: how to replace a file so that a crash, a kill or a full disk leaves the old or the new
content and never half of either. Does not know: what is written.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
from pathlib import Path
from typing import Any

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class StorageError(ValueError):
    """A file could not be written; what was there before is unchanged. ``full``: the disk has no room."""

    def __init__(self, message: str, path: Path, full: bool = False) -> None:
        super().__init__(message)
        self.path = path
        self.full = full


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Replace ``path`` by ``data`` in one step; returns when it is on the disk.

    Raises StorageError (nothing changed, nothing left over) when the disk is full or refuses.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise storage_error(error, path) from error
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_json(path: Path, value: Any) -> None:
    """Replace ``path`` by ``value`` as readable UTF-8 JSON; NaN is refused (ValueError)."""
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    # A lone surrogate (possible in text typed on the page) cannot be UTF-8: escape everything then.
    try:
        data = text.encode()
    except UnicodeEncodeError:
        data = json.dumps(value, ensure_ascii=True, indent=1, allow_nan=False).encode()
    write_bytes(path, data + b"\n")


def sync_folder(folder: Path) -> None:
    """Make renames inside ``folder`` survive a power cut, where the system can do that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems have no such thing
            raise
    finally:
        os.close(handle)


def storage_error(error: OSError, path: Path) -> StorageError:
    """An error of the operating system in words for the user."""
    if error.errno in _FULL:
        return StorageError(
            f"The disk is full: {path.name} could not be written. What was saved before is kept. "
            f"Free some space and try again.",
            path,
            full=True,
        )
    reason = error.strerror or str(error)
    return StorageError(f"{path} could not be written ({reason}). What was saved before is kept.", path)
