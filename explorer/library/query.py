"""What can be asked of the library, and one line of its answer.

Knows: columns, scopes and how typed words become a full-text expression.
Does not know: the database.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

COLUMNS = ("model", "collection", "genre", "artist", "temp", "title", "length", "date")
"""Columns of the table, each with a search box; "title" searches the lyrics too."""


class Scope(StrEnum):
    ALL = "all"
    GALLERY = "gallery"
    MINE = "mine"
    STARRED = "starred"


class SortKey(StrEnum):
    MODEL = "model"
    COLLECTION = "collection"
    GENRE = "genre"
    ARTIST = "artist"
    TEMP = "temp"
    TITLE = "title"
    LENGTH = "length"
    DATE = "date"


@dataclass(frozen=True)
class Query:
    """A search. Every box narrows; inside a box every word must be the beginning of a word there.

    ``columns`` maps names of ``COLUMNS`` to what was typed (empty: not in use). ``anywhere`` is one
    box over all columns and the lyrics. Blind to case and accents.
    """

    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    anywhere: str = ""
    scope: Scope = Scope.ALL
    sort: SortKey = SortKey.DATE
    descending: bool = True
    limit: int = 200
    offset: int = 0

    def __post_init__(self) -> None:
        unknown = sorted(set(self.columns) - set(COLUMNS))
        if unknown:
            raise ValueError(f"There is no column {', '.join(unknown)}; there are {', '.join(COLUMNS)}.")
        if self.limit < 0 or self.offset < 0:
            raise ValueError("limit and offset must be 0 or more.")


@dataclass(frozen=True)
class Row:
    """One sample in the table."""

    id: str
    model: str
    collection: str
    genre: str
    artist: str
    temp: float
    """Temperature of the top level."""
    title: str
    seconds: float
    created: str
    """ISO 8601, UTC; its first ten characters are the date shown."""
    state: str
    """"partial" or "finished"."""
    starred: bool
    mine: bool
    """False: from a gallery, which is read-only."""
    instrumental: bool


def fold(text: str) -> str:
    """``text`` without case and accents, so that "Céline" and "CELINE" are the same."""
    # by way of capitals: the dotless i has the same one as i
    decomposed = unicodedata.normalize("NFKD", text.upper().casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def clock(seconds: float) -> str:
    """Seconds as shown in the table: "1:05"."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def match_expression(query: Query) -> str | None:
    """``query`` as an FTS5 expression over folded text; None: nothing was typed that has letters or digits."""
    parts = []
    for column, typed in query.columns.items():
        names = "{title lyrics}" if column == "title" else column
        parts += [f"{names} : {term}" for term in _terms(typed)]
    parts += _terms(query.anywhere)
    return " AND ".join(f"({part})" for part in parts) or None


def _terms(typed: str) -> list[str]:
    """Words as quoted prefixes. A word with punctuation ("0.98") becomes a phrase inside FTS5.

    Words without any letter or digit mean nothing to the index and are left out.
    """
    words = fold(typed).replace("\0", " ").replace('"', " ").split()
    return [f'"{word}" *' for word in words if any(c.isalnum() for c in word)]
