"""Taking samples from elsewhere into a library: folders and zip files that anybody may have made.

Knows: only files that belong to a sample are copied, under their own names, within their limits; a
sample appears in the library whole and checked, or not at all. Does not know the index.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO

from explorer.durable import storage_error, sync_folder, write_json
from explorer.library.record import RecordError, record_to_json
from explorer.library.sample import LIMITS, RECORD_FILE, checked_file, load_record
from explorer.library.verify import problems_of

_MOST_ENTRIES = 200_000
_BLOCK = 1 << 20

Opener = Callable[[], IO[bytes]]


def take_in(
    source: Path, root: Path, taken: Callable[[str], bool], lock: AbstractContextManager[object]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Copy the samples of ``source`` into ``root``: their ids, and what was refused (name -> reason).

    ``taken`` tells ids that exist already; a sample is moved into place while ``lock`` is held.
    Raises RecordError if ``source`` is no sample, folder of samples or zip; StorageError when the
    disk is full (samples taken in before stay).
    """
    ids: list[str] = []
    refused: dict[str, str] = {}
    staging = root / f".new-import-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        samples = list(_in_zip(source, stack) if source.is_file() else _in_folder(source, refused))
        if not samples and not refused:
            raise RecordError(f"{source.name} holds no sample: there is no {RECORD_FILE} in it.")
        stack.callback(shutil.rmtree, staging, ignore_errors=True)
        for name, files in samples:
            try:
                staging.mkdir()
                ids.append(_one(files, staging, root, taken, lock))
            except RecordError as error:
                refused[name] = str(error)
            except OSError as error:
                raise storage_error(error, root) from error
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    return tuple(ids), refused


def _one(
    files: dict[str, Opener],
    staging: Path,
    root: Path,
    taken: Callable[[str], bool],
    lock: AbstractContextManager[object],
) -> str:
    """Copy one sample into ``staging``, check it, and move it into ``root``. Returns its id."""
    incoming = staging / "incoming"
    incoming.mkdir()
    # The record first: most of what is refused is refused before megabytes are copied.
    _copy(files[RECORD_FILE], incoming / RECORD_FILE)
    record = load_record(incoming)
    if taken(record.id):
        raise RecordError("This sample is in the library already.")
    for name, opener in files.items():
        if name != RECORD_FILE:
            _copy(opener, incoming / name)
    # A job of another machine cannot be resumed here.
    write_json(incoming / RECORD_FILE, record_to_json(replace(record, job=None)))
    folder = staging / record.id
    os.rename(incoming, folder)
    problems = problems_of(folder, tags=False)
    if problems:
        raise RecordError(" ".join(problems[:3]))
    with lock:
        if taken(record.id) or (root / record.id).exists():
            raise RecordError("This sample is in the library already.")
        os.rename(folder, root / record.id)
        sync_folder(root)
    return record.id


def _copy(opener: Opener, target: Path) -> None:
    limit = LIMITS[target.name]
    try:
        with opener() as source, open(target, "xb") as copy:
            while block := source.read(_BLOCK):
                limit -= len(block)
                if limit < 0:
                    raise RecordError(f"{target.name} is larger than {LIMITS[target.name] // 2**20} MB.")
                copy.write(block)
            copy.flush()
            os.fsync(copy.fileno())
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise RecordError(f"{target.name} cannot be unpacked ({error}).") from error


def _in_folder(source: Path, refused: dict[str, str]) -> Iterator[tuple[str, dict[str, Opener]]]:
    """The samples in a folder: itself, or its subfolders."""
    if not source.is_dir():
        raise RecordError(f"There is no folder or file {source}.")
    candidates = [source] if (source / RECORD_FILE).exists() else sorted(source.iterdir())
    for folder in candidates:
        if folder.name.startswith(".") or folder.is_symlink() or not (folder / RECORD_FILE).exists():
            continue
        try:
            paths = [checked_file(folder, name) for name in LIMITS if os.path.lexists(folder / name)]
        except RecordError as error:
            refused[folder.name] = str(error)
            continue
        yield folder.name, {path.name: _plain_opener(path) for path in paths}


def _plain_opener(path: Path) -> Opener:
    return lambda: open(path, "rb")


def _in_zip(source: Path, stack: ExitStack) -> Iterator[tuple[str, dict[str, Opener]]]:
    """The samples in a zip: every folder in it that has a record. Names in it are never used as paths."""
    try:
        archive = stack.enter_context(zipfile.ZipFile(source))
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise RecordError(f"{source.name} is not a zip file that can be read ({error}).") from error
    entries = archive.infolist()
    if len(entries) > _MOST_ENTRIES:
        raise RecordError(f"{source.name} holds too many files ({len(entries):,}).")
    folders: dict[str, dict[str, Opener]] = {}
    for entry in entries:
        path = PurePosixPath(entry.filename)
        mode = entry.external_attr >> 16
        plain = not entry.is_dir() and (stat.S_IFMT(mode) in (0, stat.S_IFREG))
        if plain and path.name in LIMITS:
            folders.setdefault(str(path.parent), {}).setdefault(path.name, _zip_opener(archive, entry))
    for name, files in folders.items():
        if RECORD_FILE in files:
            yield (source.name if name == "." else name), files


def _zip_opener(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Opener:
    return lambda: archive.open(entry)
