"""Songs as files that a page can read from a disk: scripts that hold one value each.

Knows: what the program's server would answer about a song, and how it is divided into files: the
record, one file per level or recording (sound, pictures, uncertainty), the attention.
Does not know: the page, or where the files go.

Sound is the FLAC as it is, in base64: Web Audio gets no samples from an audio file on a disk, only
from bytes that a script has. Arrays are as ``pictures`` packs them, deflated. Everything is written in
ASCII, so that no browser can mistake the encoding.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from explorer.jukebox.config import Level
from explorer.library import Library, RecordError, Row, Sample
from explorer.library.record import MINE
from explorer.library.sample import CODES_FILE
from explorer.web import media, pictures
from explorer.web.routes.songs import row_json


def list_file(rows: Sequence[dict[str, Any]], made: str) -> bytes:
    """The list of songs; ``made`` is the ISO time of the export."""
    return _script("songs", {"made": made, "songs": rows})


def list_row(row: Row, sample: Sample) -> dict[str, Any]:
    """What the table shows of a song, and what its search reads besides."""
    shown = {**row_json(row, making=False), "created": row.created, "lyrics": sample.record.song.lyrics}
    if row.collection == MINE:
        shown["meaning"] = ""  # it speaks of the machine of whoever made the song
    return shown


def song_files(library: Library, sample: Sample) -> dict[str, bytes]:
    """Files of one song: name in the export -> content.

    Raises RecordError or AudioError for a damaged file, RecordError also where nothing can be heard.
    """
    id = sample.record.id
    record = media.describe(library, sample)
    if not record["levels"]:
        raise RecordError("there is no sound of it yet")
    values: dict[str, Any] = {}
    for name in record["levels"]:
        values[name] = _sound(sample.audio_path(Level(name))) | {"entropy": _entropy(sample, Level(name))}
    if record["original"] is not None:
        values[media.ORIGINAL] = _sound(sample.original_path())
    if record["alignment"] is not None:
        values["attention"] = {"attention": _packed(pictures.attention_array(sample))}
    values["record"] = {"record": record, "files": list(values)}
    return {f"songs/{id}/{name}.js": _script(f"{id}/{name}", value) for name, value in values.items()}


def _sound(path: Path) -> dict[str, Any]:
    """A sound with its pictures."""
    views = {name: _packed(make(path)) for name, make in pictures.VIEWS.items()}
    return {
        "sound": b64encode(path.read_bytes()).decode(),
        "spectrum": _packed(pictures.spectrum_array(path)),
    } | views


def _entropy(sample: Sample, level: Level) -> str | None:
    known = (sample.folder / CODES_FILE).is_file()
    return _packed(pictures.entropy_array(sample, level)) if known else None


def _packed(array: bytes) -> str:
    return b64encode(zlib.compress(array, 9)).decode()


def _script(name: str, value: Any) -> bytes:
    text = json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'(self.jukebox ??= {{}})["{name}"] = {text};\n'.encode("ascii")
