"""What the player fetches: a sample's record, its sound, and the pictures of it (``pictures``).

Knows: the addresses and what browsers may keep. Reads samples through ``explorer.library`` only, so
an address can name nothing else on the disk.
Does not know: what is in a picture, the page, or how samples are made.

Every answer carries an ETag and is asked about again
each time, because samples grow while they are made; only sound under the address of its present
version (``?v=``) is kept without asking.
"""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from explorer.audio.files import AudioError, inspect
from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.library import Library, LibraryError, RecordError, Sample
from explorer.library.sample import ALIGNMENT_FILE, CODES_FILE
from explorer.web.meanings import COLLECTIONS
from explorer.web.pictures import VIEWS, attention_array, entropy_array, spectrum_array

T = TypeVar("T")

MAX_CACHED = 64
"""Arrays kept in memory between requests."""
ORIGINAL = "original"
"""Name of the recording that a reconstruction was made from, where the page names levels."""
_CHUNK = 1 << 16


def routes(library: Library) -> APIRouter:
    """Routes of ``/api/samples/{id}...`` and ``/media/{id}/{level}.flac`` for the samples of ``library``.

    Unknown ids, levels and files are 404, damaged ones 422; both with {"message", "detail"}.
    """
    router = APIRouter()
    arrays = _ArrayCache()

    @router.get("/api/samples/{id}")
    def record(id: str, request: Request) -> Response:
        sample = _open(library, id)
        body = json.dumps(describe(library, sample), ensure_ascii=False, allow_nan=False)
        return _answer(request, body.encode("utf-8", "surrogatepass"), "application/json")

    @router.get("/api/samples/{id}/spectrum/{level}")
    def spectrum_of(id: str, level: str, request: Request) -> Response:
        path = sound_path(_open(library, id), level)
        return _array(request, arrays, ("spectrum", path), path, lambda: spectrum_array(path))

    @router.get("/api/samples/{id}/attention")
    def attention_of(id: str, request: Request) -> Response:
        sample = _open(library, id)
        path = sample.folder / ALIGNMENT_FILE
        if not path.is_file():
            raise _missing("This song has no alignment of lyrics to sound.")
        return _array(request, arrays, ("attention", path), path, lambda: attention_array(sample))

    @router.get("/api/samples/{id}/entropy/{level}")
    def entropy_of(id: str, level: str, request: Request) -> Response:
        sample, name = _open(library, id), _level(level)
        if name not in sample.record.levels:
            raise _missing(f"This song has no {name.value} level (yet).")
        path = sample.folder / CODES_FILE
        if not path.is_file():
            raise _missing("This song has no codes, so nothing is known about their uncertainty.")
        return _array(request, arrays, ("entropy", level, path), path, lambda: entropy_array(sample, name))

    @router.get("/api/samples/{id}/{view}/{level}")
    def view_of(id: str, view: str, level: str, request: Request) -> Response:
        if view not in VIEWS:
            raise _missing("There is no such picture of a song.")
        path = sound_path(_open(library, id), level)
        return _array(request, arrays, (view, path), path, lambda: VIEWS[view](path))

    @router.api_route("/media/{id}/{level}.flac", methods=["GET", "HEAD"])
    def sound(id: str, level: str, request: Request) -> Response:
        return _send_file(request, sound_path(_open(library, id), level), "audio/flac")

    return router


# ---- the record --------------------------------------------------------------------------------


def describe(library: Library, sample: Sample) -> dict[str, Any]:
    """The record as the page gets it; ``duration`` is the time axis, ``seconds`` what can be heard."""
    record = sample.record
    finished = record.state.value == "finished"
    row = library.row(record.id)
    levels: dict[str, dict[str, Any]] = {}
    for level in SAMPLING_ORDER:
        if level not in record.levels:
            continue
        made = record.levels[level]
        try:
            path = sample.audio_path(level)
        except RecordError:
            continue  # no sound yet, or none that may be read: the page shows that the level is not there
        levels[level.value] = {
            "seconds": made.seconds,
            "finished": made.finished,
            "url": f"/media/{record.id}/{level.value}.flac?v={_version(path.stat())}",
            "bytes": path.stat().st_size,
            "codes_per_second": record.codes_per_second(level),
            "kbit_per_second": record.kbit_per_second(level),
            "sampling_seconds": made.sampling_seconds,
        }
    notes = list(record.notes)
    alignment = _or_note(lambda: _alignment(sample), notes)
    sheet = _or_note(sample.sheet, notes)
    heard: float = max((entry["seconds"] for entry in levels.values()), default=0.0)
    return {
        "id": record.id,
        "title": record.title,
        "genre": record.song.genre,
        "artist": record.song.artist,
        "collection": record.collection,
        "meaning": COLLECTIONS.get(record.collection, ""),
        "model": record.model,
        "sample_rate": record.sample_rate,
        "seconds": heard,
        "duration": heard if finished else max(heard, record.song.seconds),
        "state": record.state.value,
        "created": record.created,
        "device": record.device,
        "licence": record.licence,
        "mode": record.mode.value,
        "parent": record.parent,
        "prompt_seconds": record.prompt_seconds,
        "notes": notes,
        "starred": row.starred,
        "mine": row.mine,
        "recipe": record.recipe,
        "levels": levels,
        "original": _original(sample),
        "lyrics": record.song.lyrics,
        "alignment": alignment,
        "sheet": None if sheet is None else asdict(sheet),
    }


def _or_note(read: Callable[[], T | None], notes: list[str]) -> T | None:
    """What ``read`` gives; of a damaged file None, and a note that says so."""
    try:
        return read()
    except RecordError as error:
        notes.append(str(error))
        return None


def _original(sample: Sample) -> dict[str, Any] | None:
    """The recording that was reconstructed, described as a level; None where there is none."""
    try:
        path = sample.original_path()
        seconds = inspect(path).seconds
    except (RecordError, AudioError):
        return None
    rate = sample.record.sample_rate
    return {
        "seconds": seconds,
        "finished": True,
        "url": f"/media/{sample.record.id}/{ORIGINAL}.flac?v={_version(path.stat())}",
        "bytes": path.stat().st_size,
        "codes_per_second": rate,
        "kbit_per_second": rate * 16 / 1000,
        "sampling_seconds": 0.0,
    }


def _alignment(sample: Sample) -> dict[str, Any] | None:
    alignment = sample.alignment()
    if alignment is None:
        return None

    def rounded(*times: float) -> list[float]:
        return [round(float(t), 4) for t in times]

    def spans(items: Any) -> list[list[float]]:
        return [[s.start_index, s.end_index, *rounded(s.start, s.end, s.confidence)] for s in items]

    return {
        "characters": [[c.index, *rounded(c.start, c.end, c.confidence)] for c in alignment.characters],
        "words": spans(alignment.words),
        "lines": spans(alignment.lines),
        "confidence": round(float(alignment.confidence), 4),
    }


# ---- arrays ------------------------------------------------------------------------------------


class _ArrayCache:
    """Packed arrays by what they show and the version of the file they were made from."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], tuple[str, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[object, ...], version: str, make: Callable[[], bytes]) -> bytes:
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == version:
                self._kept.move_to_end(key)
                return kept[1]
        data = make()
        with self._lock:
            self._kept[key] = (version, data)
            self._kept.move_to_end(key)
            while len(self._kept) > MAX_CACHED:
                self._kept.popitem(last=False)
        return data


def _array(
    request: Request, arrays: _ArrayCache, key: tuple[object, ...], path: Path, make: Callable[[], bytes]
) -> Response:
    """The array made from ``path``, or 304 when the browser has that version already."""
    try:
        version = _version(path.stat())
        tag = f'"{version}"'
        if _has(request, tag):
            return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-cache"})
        data = arrays.get(key, version, make)
    except FileNotFoundError as error:
        raise _missing("This part of the song is not there (any more).") from error
    except ValueError as error:
        raise HTTPException(422, detail=str(error)) from error
    return Response(data, media_type="application/octet-stream", headers={"ETag": tag, "Cache-Control": "no-cache"})


# ---- finding and sending -----------------------------------------------------------------------


def _missing(message: str) -> HTTPException:
    return HTTPException(404, detail=message)


def _open(library: Library, id: str) -> Sample:
    try:
        return library.sample(id)
    except LibraryError as error:
        raise _missing(str(error)) from error
    except RecordError as error:
        raise HTTPException(422, detail=str(error)) from error


def _level(name: str) -> Level:
    try:
        return Level(name)
    except ValueError as error:
        raise _missing("There are the levels top, middle and bottom.") from error


def sound_path(sample: Sample, level: str) -> Path:
    """The file of a level, or of the recording a reconstruction was made from. Raises HTTPException 404."""
    if level == ORIGINAL:
        try:
            return sample.original_path()
        except RecordError as error:
            raise _missing("This song was not made from a recording.") from error
    name = _level(level)
    try:
        return sample.audio_path(name)
    except RecordError as error:
        raise _missing(f"This song has no sound of the {name.value} level (yet).") from error


def _version(stat: os.stat_result) -> str:
    return f"{stat.st_mtime_ns:x}-{stat.st_size:x}"


def _has(request: Request, tag: str) -> bool:
    """Whether the browser says that it has this version."""
    wanted = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    return tag in wanted or "*" in wanted


def _answer(request: Request, body: bytes, kind: str) -> Response:
    tag = f'"{sha256(body).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if _has(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


def _send_file(request: Request, path: Path, kind: str) -> Response:
    """``path``, whole or the one range that was asked for.

    The file is opened before it is measured: it may be replaced by a longer one at any time, and
    then this answer still is one consistent version.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115 (closed by the stream)
    except OSError as error:
        raise _missing("This sound is not there (any more).") from error
    stat = os.fstat(file.fileno())
    version, size = _version(stat), stat.st_size
    tag = f'"{version}"'
    kept = request.query_params.get("v") == version
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=31536000, immutable" if kept else "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if _has(request, tag):
        file.close()
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range")
    if asked and request.headers.get("if-range", tag) != tag:
        asked = None
    try:
        span = _parse_range(asked, size)
    except ValueError:
        file.close()
        return JSONResponse(
            {"detail": "The sound has no such part."}, 416, headers={**headers, "Content-Range": f"bytes */{size}"}
        )
    start, stop = span if span else (0, size)
    if span:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    headers["Content-Length"] = str(stop - start)
    status = 206 if span else 200
    if request.method == "HEAD":
        file.close()
        return Response(status_code=status, headers=headers, media_type=kind)
    return StreamingResponse(_pieces(file, start, stop), status, headers=headers, media_type=kind)


def _parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """(first byte, byte after the last) of a Range header; None: send all.

    Forms that are not understood and several ranges at once are answered with the whole file, as
    HTTP allows. Raises ValueError for a range outside the file.
    """
    if not header or not header.startswith("bytes=") or "," in header:
        return None
    first, dash, last = header.removeprefix("bytes=").strip().partition("-")
    digits = (first or "0") + (last or "0")
    if not dash or not (digits.isascii() and digits.isdigit()) or not (first or last):
        return None
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
    if start >= stop:
        raise ValueError(header)
    return start, stop


def _pieces(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = stop - start
        while left > 0 and (piece := file.read(min(_CHUNK, left))):
            left -= len(piece)
            yield piece
