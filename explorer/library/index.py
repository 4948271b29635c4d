"""The search index: an SQLite file that may be deleted at any time.

Knows: one table of rows and one full-text table over folded text. Does not know folders on disk
beyond their names; ``library`` fills it from ``sample.json`` files.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from explorer.durable import StorageError
from explorer.library.query import Query, Row, Scope, SortKey, clock, fold, match_expression
from explorer.library.record import SampleRecord

log = logging.getLogger(__name__)

_VERSION = 1
"""Raised with every change of the tables: an index of another version is thrown away."""

_TABLES = """
CREATE TABLE samples (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, place TEXT NOT NULL, stamp TEXT NOT NULL,
    model TEXT NOT NULL, collection TEXT NOT NULL, genre TEXT NOT NULL, artist TEXT NOT NULL, temp REAL NOT NULL,
    title TEXT NOT NULL, seconds REAL NOT NULL, created TEXT NOT NULL, state TEXT NOT NULL,
    starred INTEGER NOT NULL, mine INTEGER NOT NULL, instrumental INTEGER NOT NULL,
    model_key TEXT NOT NULL, collection_key TEXT NOT NULL, genre_key TEXT NOT NULL, artist_key TEXT NOT NULL,
    title_key TEXT NOT NULL
);
CREATE INDEX by_created ON samples (created, number);
CREATE VIRTUAL TABLE words USING fts5 (
    model, collection, genre, artist, temp, title, lyrics, length, date, tokenize = "unicode61", prefix = '1 2 3'
);
"""

_ORDER = {
    SortKey.MODEL: "model_key",
    SortKey.COLLECTION: "collection_key",
    SortKey.GENRE: "genre_key",
    SortKey.ARTIST: "artist_key",
    SortKey.TEMP: "temp",
    SortKey.TITLE: "title_key",
    SortKey.LENGTH: "seconds",
    SortKey.DATE: "created",
}
_SCOPES = {Scope.ALL: "1", Scope.GALLERY: "NOT mine", Scope.MINE: "mine", Scope.STARRED: "starred"}
_ROW = "id, model, collection, genre, artist, temp, title, seconds, created, state, starred, mine, instrumental"


@dataclass(frozen=True)
class Entry:
    """One sample as the index keeps it. ``place`` is the folder that holds the sample folder;
    ``stamp`` changes when its sample.json does."""

    record: SampleRecord
    place: str
    stamp: str
    starred: bool
    mine: bool


class Index:
    """The tables in ``path``; one connection, one lock, any thread.

    A damaged or outdated file is replaced by an empty one: it is a cache. Changes raise StorageError
    when there is no room.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            self._connection = self._connect()
        except sqlite3.DatabaseError as error:
            log.warning("The search index %s cannot be used (%s); it is built anew.", path, error)
            self._remove_files()
            self._connection = self._connect()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def clear(self) -> None:
        """Throw everything away and begin with empty tables."""
        with self._lock:
            self._connection.close()
            self._remove_files()
            self._connection = self._connect()

    def put(self, entries: Iterable[Entry]) -> None:
        """Add or replace entries, all or none."""
        with self._writing():
            for entry in entries:
                self._put(entry)

    def remove(self, ids: Iterable[str]) -> None:
        with self._writing():
            for id in ids:
                self._remove(id)

    def star(self, ids: Iterable[str], starred: bool) -> None:
        with self._writing():
            self._connection.executemany("UPDATE samples SET starred = ? WHERE id = ?", [(starred, id) for id in ids])

    def set_stars(self, ids: Iterable[str]) -> None:
        """Star exactly ``ids``."""
        with self._writing():
            self._connection.execute("UPDATE samples SET starred = 0 WHERE starred")
            self._connection.executemany("UPDATE samples SET starred = 1 WHERE id = ?", [(id,) for id in ids])

    def stamps(self) -> dict[str, tuple[str, str]]:
        """id -> (place, stamp) of everything in the index."""
        with self._lock:
            found = self._connection.execute("SELECT id, place, stamp FROM samples")
            return {id: (place, stamp) for id, place, stamp in found}

    def place(self, id: str) -> str | None:
        """The folder that holds the sample folder ``id``; None: unknown."""
        with self._lock:
            found = self._connection.execute("SELECT place FROM samples WHERE id = ?", (_storable(id),)).fetchone()
        return None if found is None else str(found[0])

    def row(self, id: str) -> Row | None:
        with self._lock:
            found = self._connection.execute(f"SELECT {_ROW} FROM samples WHERE id = ?", (_storable(id),)).fetchone()
        return None if found is None else _row(found)

    def search(self, query: Query) -> tuple[tuple[Row, ...], int]:
        """The rows asked for, and how many match in all."""
        where, values = _SCOPES[query.scope], []
        expression = match_expression(query)
        if expression is not None:
            where += " AND number IN (SELECT rowid FROM words WHERE words MATCH ?)"
            values.append(_storable(expression))
        way = "DESC" if query.descending else "ASC"
        # Equal keys: newest first, and always in the same order, so that pages do not overlap.
        order = f"{_ORDER[query.sort]} {way}, created DESC, number DESC"
        with self._lock:
            found = self._connection.execute(
                f"SELECT {_ROW} FROM samples WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",
                [*values, query.limit, query.offset],
            ).fetchall()
            total = query.offset + len(found)
            if (
                len(found) == query.limit or not found
            ):  # otherwise this is the last page, and counting would be double work
                total = self._connection.execute(f"SELECT count(*) FROM samples WHERE {where}", values).fetchone()[0]
        return tuple(_row(values) for values in found), int(total)

    def counts(self) -> Mapping[Scope, int]:
        columns = ", ".join(f"coalesce(sum({condition}), 0)" for condition in _SCOPES.values())
        with self._lock:
            found = self._connection.execute(f"SELECT {columns} FROM samples").fetchone()
        return dict(zip(_SCOPES, found, strict=True))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """All changes inside, or none and a StorageError."""
        try:
            with self._lock, self._connection:
                yield
        except sqlite3.OperationalError as error:
            raise StorageError(
                f"The search index could not be written ({error}). No song is lost. Free some space and try again.",
                self._path,
                full="full" in str(error),
            ) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False, timeout=30)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # a cache need not survive a power cut
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise sqlite3.DatabaseError(f"version {version}")
            if version == 0:
                connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;")
            connection.execute("SELECT count(*) FROM samples").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _remove_files(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _remove(self, id: str) -> None:
        found = self._connection.execute("SELECT number FROM samples WHERE id = ?", (_storable(id),)).fetchone()
        if found is not None:
            self._connection.execute("DELETE FROM words WHERE rowid = ?", found)
            self._connection.execute("DELETE FROM samples WHERE number = ?", found)

    def _put(self, entry: Entry) -> None:
        self._remove(entry.record.id)
        row = row_of(entry)
        values = {
            **{name: getattr(row, name) for name in _ROW.split(", ")},
            "place": entry.place,
            "stamp": entry.stamp,
            **{f"{name}_key": fold(getattr(row, name)) for name in ("model", "collection", "genre", "artist", "title")},
        }
        cursor = self._connection.execute(
            f"INSERT INTO samples ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
            [_storable(value) if isinstance(value, str) else value for value in values.values()],
        )
        texts = {
            "model": row.model,
            "collection": row.collection,
            "genre": row.genre,
            "artist": row.artist,
            "temp": f"{row.temp:g}",
            "title": row.title,
            "lyrics": entry.record.song.lyrics,
            "length": clock(row.seconds),
            "date": row.created[:10],
        }
        self._connection.execute(
            f"INSERT INTO words (rowid, {', '.join(texts)}) VALUES ({', '.join('?' * (len(texts) + 1))})",
            [cursor.lastrowid, *(_storable(fold(text)) for text in texts.values())],
        )


def row_of(entry: Entry) -> Row:
    """The table row of an entry. Partial samples show the length they will have."""
    record = entry.record
    return Row(
        id=record.id,
        model=record.model,
        collection=record.collection,
        genre=record.song.genre,
        artist=record.song.artist,
        temp=record.options.top.temperature,
        title=record.title,
        seconds=record.seconds or float(record.song.seconds),
        created=record.created,
        state=record.state.value,
        starred=entry.starred,
        mine=entry.mine,
        instrumental=record.song.instrumental,
    )


def _row(values: tuple[object, ...]) -> Row:
    *rest, starred, mine, instrumental = values
    return Row(*rest, bool(starred), bool(mine), bool(instrumental))  # type: ignore[arg-type, call-arg]


def _storable(text: str) -> str:
    """SQLite takes no lone surrogates, which text typed on the page can hold."""
    return text.encode("utf-8", "replace").decode()
