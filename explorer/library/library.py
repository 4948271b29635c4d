"""The user's samples and the galleries as one searchable collection.

Knows: folders of samples, stars, the bin. ``sample.json`` files are the truth; the index is a cache.
Thread-safe: the web server and a worker may call everything at once.
Does not know: jobs, HTTP, how a sample is made.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.durable import StorageError, storage_error, sync_folder, write_json
from explorer.library.importing import take_in
from explorer.library.index import Entry, Index
from explorer.library.query import Query, Row, Scope
from explorer.library.record import MAX_TITLE, RecordError, SampleRecord, valid_id
from explorer.library.sample import RECORD_FILE, Sample, read_record
from explorer.library.verify import problems_of
from explorer.library.writer import SampleWriter, create_folder, rewrite_record

log = logging.getLogger(__name__)

INDEX_FILE = ".index.sqlite3"
STARS_FILE = "stars.json"
BIN = ".bin"
ABANDONED_SECONDS = 3600.0
"""Age from which an unfinished write is nobody's any more."""


class LibraryError(ValueError):
    """A request the library cannot fulfil; the message says why and what to do."""


@dataclass(frozen=True)
class Page:
    """Rows ``offset`` to ``offset + limit`` of the ``total`` that match."""

    rows: tuple[Row, ...]
    total: int


@dataclass(frozen=True)
class Counts:
    """How many samples each scope holds."""

    all: int
    gallery: int
    mine: int
    starred: int


@dataclass(frozen=True)
class Deletion:
    """What ``delete`` did: ``ids`` are in the bin, ``spared`` maps the others to the reason."""

    ids: tuple[str, ...]
    spared: dict[str, str]


@dataclass(frozen=True)
class Imported:
    """What ``import_samples`` took in (ids) and what it did not (name -> reason)."""

    ids: tuple[str, ...]
    refused: dict[str, str]


@dataclass(frozen=True)
class Problem:
    """Something wrong with a sample folder, found by ``verify``."""

    folder: Path
    message: str


class Library:
    """Samples of ``folder`` (created if missing) and, read-only, of ``galleries``.

    Where a gallery and the user's folder hold the same id, the user's own is shown.
    Raises StorageError if ``folder`` cannot be made.
    """

    def __init__(self, folder: Path, galleries: Sequence[Path] = ()) -> None:
        self.folder = folder.absolute()
        self.galleries = tuple(gallery.absolute() for gallery in galleries)
        self._lock = threading.RLock()
        self._open: set[str] = set()
        """Ids that are being written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, self.folder) from error
        self._stars = self._read_stars()
        try:
            self._index = Index(self.folder / INDEX_FILE)
        except sqlite3.OperationalError as error:
            raise LibraryError(
                f"The library {self.folder} cannot be opened ({error}). Free some space, or choose another folder."
            ) from error
        self._sweep()
        self.refresh()

    # -- reading ------------------------------------------------------------------------------

    def search(self, query: Query = Query()) -> Page:  # noqa: B008 (frozen)
        """Rows that match, sorted, and how many there are in all."""
        rows, total = self._index.search(query)
        return Page(rows, total)

    def counts(self) -> Counts:
        counts = self._index.counts()
        return Counts(counts[Scope.ALL], counts[Scope.GALLERY], counts[Scope.MINE], counts[Scope.STARRED])

    def row(self, id: str) -> Row:
        """The table row of one sample. Raises LibraryError if there is none."""
        row = self._index.row(id)
        if row is None:
            raise self._unknown(id)
        return row

    def sample(self, id: str) -> Sample:
        """The sample, its record read anew. Raises LibraryError if there is none, RecordError if damaged."""
        return Sample.open(self._find(id))

    # -- making -------------------------------------------------------------------------------

    def create(self, record: SampleRecord) -> SampleWriter:
        """Begin a sample: its folder exists with ``record`` in it when this returns.

        Raises LibraryError for an id that exists, StorageError (nothing is left over).
        """
        with self._lock:
            if self._index.place(record.id) is not None or (self.folder / record.id).exists():
                raise LibraryError(f"There is a sample {record.id} already.")
            folder = create_folder(self.folder, record)
            self._changed(record)
            return self._writer(folder, record)

    def reopen(self, id: str) -> SampleWriter:
        """Go on writing one of the user's samples. Raises LibraryError if it is not the user's, not there
        or being written already."""
        with self._lock:
            folder = self._find(id)
            if folder.parent != self.folder:
                raise LibraryError(f"The sample {id} belongs to a gallery, which is read-only.")
            if id in self._open:
                raise LibraryError(f"The sample {id} is being made right now.")
            return self._writer(folder, read_record(folder))

    def _writer(self, folder: Path, record: SampleRecord) -> SampleWriter:
        writer = SampleWriter(folder, record, self._changed, self._closed)
        self._open.add(record.id)
        return writer

    def _closed(self, record: SampleRecord) -> None:
        with self._lock:
            self._open.discard(record.id)

    def _changed(self, record: SampleRecord) -> None:
        """A sample.json was written. A full disk must not stop what is being made: the index catches
        up at the next ``refresh``."""
        try:
            with self._lock:
                self._index.put([self._entry(self.folder, record)])
        except StorageError as error:
            log.warning("The sample %s is not in the search index yet: %s", record.id, error)

    # -- changing -----------------------------------------------------------------------------

    def star(self, ids: Iterable[str], starred: bool = True) -> None:
        """Star or unstar; gallery samples too (stars are kept in the user's folder)."""
        with self._lock:
            known = [id for id in ids if self._index.place(id) is not None]
            stars = self._stars | set(known) if starred else self._stars - set(known)
            self._write_stars(stars)
            self._index.star(known, starred)

    def rename(self, id: str, title: str) -> None:
        """Give one of the user's samples another title. Raises LibraryError."""
        title = " ".join(title.split())
        if not 0 < len(title) <= MAX_TITLE:
            raise LibraryError(f"A title needs 1 to {MAX_TITLE} characters.")
        with self._lock:
            folder = self._find(id)
            if folder.parent != self.folder:
                raise LibraryError("Songs of the gallery cannot be renamed.")
            if id in self._open:
                raise LibraryError("This song is still being made; rename it when it is finished.")
            self._changed(rewrite_record(folder, title=title))

    def delete(self, ids: Iterable[str], spare_starred: bool = False) -> Deletion:
        """Move samples to the bin. Samples of a gallery and samples being made are always spared.

        Raises StorageError if a folder cannot be moved; those before it are in the bin then.
        """
        deleted: list[str] = []
        spared: dict[str, str] = {}
        with self._lock:
            for id in dict.fromkeys(ids):
                place = self._index.place(id)
                if place is None:
                    spared[id] = "there is no such song"
                elif Path(place) != self.folder:
                    spared[id] = "it belongs to the gallery"
                elif id in self._open:
                    spared[id] = "it is being made"
                elif spare_starred and id in self._stars:
                    spared[id] = "it is starred"
                else:
                    self._to_bin(id)
                    deleted.append(id)
        return Deletion(tuple(deleted), spared)

    def _to_bin(self, id: str) -> None:
        try:
            (self.folder / BIN).mkdir(exist_ok=True)
            shutil.rmtree(self.folder / BIN / id, ignore_errors=True)
            os.rename(self.folder / id, self.folder / BIN / id)
            sync_folder(self.folder)
        except FileNotFoundError:
            pass  # another program deleted it first
        except OSError as error:
            raise storage_error(error, self.folder / id) from error
        self._index.remove([id])
        self._take_in(self.galleries, only=id)

    def undo(self, deletion: Deletion) -> None:
        """Take the samples of ``deletion`` out of the bin again. Raises LibraryError for those that are gone."""
        missing = []
        with self._lock:
            for id in deletion.ids:
                source = self.folder / BIN / id
                if not valid_id(id) or not source.is_dir() or (self.folder / id).exists():
                    missing.append(id)
                    continue
                try:
                    os.rename(source, self.folder / id)
                except OSError as error:
                    raise storage_error(error, self.folder / id) from error
            sync_folder(self.folder)
            self.refresh()
        if missing:
            raise LibraryError(f"{len(missing)} of {len(deletion.ids)} songs are not in the bin any more.")

    def empty_bin(self) -> None:
        """Delete for good what is in the bin; called when the program closes."""
        with self._lock:
            gone = {path.name for path in (self.folder / BIN).glob("*")}
            shutil.rmtree(self.folder / BIN, ignore_errors=True)
            kept = {id for id in self._stars if id not in gone or self._index.place(id) is not None}
            if kept != self._stars:
                self._write_stars(kept)

    def import_samples(self, source: Path) -> Imported:
        """Copy a sample folder, a folder of samples, or a zip of either into the library, after checking
        every file. Raises LibraryError if ``source`` is neither; StorageError (nothing half is left)."""
        try:
            ids, refused = take_in(source, self.folder, self._is_taken, self._lock)
        except RecordError as error:
            raise LibraryError(str(error)) from error
        self.refresh()
        return Imported(ids, refused)

    # -- keeping in order ---------------------------------------------------------------------

    def verify(self) -> tuple[Problem, ...]:
        """Read every file of every sample and report what does not fit."""
        found = []
        for place in (self.folder, *self.galleries):
            for folder in _sample_folders(place):
                found += [Problem(folder, message) for message in problems_of(folder)]
        return tuple(found)

    def refresh(self) -> None:
        """Take in samples that other programs added, changed or removed. Raises StorageError."""
        with self._lock:
            self._take_in((self.folder, *self.galleries))
            self._index.set_stars(self._stars)

    def reindex(self) -> None:
        """Throw the index away and build it from the folders."""
        with self._lock:
            self._index.clear()
            self.refresh()

    def close(self) -> None:
        self._index.close()

    # -- inside -------------------------------------------------------------------------------

    def _take_in(self, places: Sequence[Path], only: str | None = None) -> None:
        """Bring the index in line with ``places`` (with the one sample ``only``)."""
        known, entries, seen = self._index.stamps(), [], set()
        for place in places:
            for folder in _sample_folders(place):
                if folder.name in seen or (only is not None and folder.name != only):
                    continue
                try:
                    stamp = _stamp(folder)
                    if known.get(folder.name) != (str(place), stamp):
                        entries.append(self._entry(place, read_record(folder), stamp))
                    seen.add(folder.name)
                except (RecordError, OSError) as error:
                    log.warning("The sample %s is left out: %s", folder, error)
        if only is None:
            self._index.remove(set(known) - seen)
        self._index.put(entries)

    def _entry(self, place: Path, record: SampleRecord, stamp: str | None = None) -> Entry:
        stamp = _stamp(place / record.id) if stamp is None else stamp
        return Entry(record, str(place), stamp, record.id in self._stars, place == self.folder)

    def _find(self, id: str) -> Path:
        place = self._index.place(id) if valid_id(id) else None
        if place is None or not (Path(place) / id).is_dir():
            raise self._unknown(id)
        return Path(place) / id

    def _is_taken(self, id: str) -> bool:
        return self._index.place(id) is not None

    def _unknown(self, id: str) -> LibraryError:
        return LibraryError(f"There is no song {id[:80]!r} in the library; it may have been deleted.")

    def _read_stars(self) -> set[str]:
        path = self.folder / STARS_FILE
        try:
            stars = json.loads(path.read_bytes())
        except FileNotFoundError:
            return set()
        except (OSError, ValueError, RecursionError) as error:
            aside = path.with_suffix(".damaged")
            log.warning("%s cannot be read (%s); it is kept as %s.", path, error, aside.name)
            os.replace(path, aside)
            return set()
        return {id for id in stars if valid_id(id)} if isinstance(stars, list) else set()

    def _write_stars(self, stars: set[str]) -> None:
        write_json(self.folder / STARS_FILE, sorted(stars))
        self._stars = stars

    def _sweep(self) -> None:
        """Remove what killed programs left of unfinished writes; they were never part of a sample.

        Young ones are spared: another program may be writing them right now.
        """
        hidden = [*self.folder.glob(".new-*"), *self.folder.glob(".*.part"), *self.folder.glob("*/.*.part")]
        for left in hidden:
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime < ABANDONED_SECONDS:
                    continue
                if left.is_dir():
                    shutil.rmtree(left)
                else:
                    left.unlink()


def _sample_folders(place: Path) -> Iterator[Path]:
    """Folders inside ``place`` that may be samples, in the order of their names. Links are not followed."""
    try:
        entries = sorted((e.name, e.is_dir(follow_symlinks=False)) for e in os.scandir(place))
    except FileNotFoundError:
        return
    for name, is_folder in entries:
        if is_folder and valid_id(name) and (place / name / RECORD_FILE).exists():
            yield place / name


def _stamp(folder: Path) -> str:
    status = (folder / RECORD_FILE).stat()
    return f"{status.st_mtime_ns}:{status.st_size}:{status.st_ino}"
