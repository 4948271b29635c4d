"""A lead sheet as ``sheet.json``.

Knows: the file's entries, and how to read such a file from a stranger. Does not know where sheets come from.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from explorer.durable import write_json
from explorer.jukebox.sheet import LeadSheet
from explorer.library.record import RecordError

_MOST = 20_000
"""Bars, and notes: of songs longer than any that can be made."""
_MOST_SECONDS = 1e5
_MOST_TEXT = 40


def write_sheet(path: Path, sheet: LeadSheet) -> None:
    """Replace ``path``. Raises StorageError."""
    write_json(path, asdict(sheet))


def read_sheet(path: Path) -> LeadSheet:
    """The sheet in ``path``. Raises RecordError for anything that is not one."""
    try:
        data = json.loads(path.read_bytes())
        return LeadSheet(
            key=_text(data["key"]),
            bar=_seconds(data["bar"], above=0.0),
            beats=_whole(data["beats"], 1, 64),
            first=_seconds(data["first"], above=-_MOST_SECONDS),
            chords=tuple(_text(chord) for chord in _row(data["chords"])),
            notes=None if data["notes"] is None else tuple(_note(note) for note in _row(data["notes"])),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordError(f"{path.name} is no lead sheet ({type(error).__name__}: {str(error)[:80]}).") from error


def _row(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MOST:
        raise ValueError(f"not a list of at most {_MOST:,} entries")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise ValueError(f"not a text of at most {_MOST_TEXT} characters")
    return value


def _seconds(value: Any, above: float) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not (math.isfinite(value) and above < value < _MOST_SECONDS):
        raise ValueError(f"a time that is none: {str(value)[:40]}")
    return float(value)


def _whole(value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"not a whole number from {least} to {most}: {str(value)[:40]}")
    return value


def _note(value: Any) -> tuple[float, float, int]:
    begin, end, midi = value
    return _seconds(begin, -_MOST_SECONDS), _seconds(end, -_MOST_SECONDS), _whole(midi, 0, 127)
