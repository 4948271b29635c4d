"""What is known about one sample: the content of its ``sample.json``.

Knows: the schema, and how to check a file that somebody else wrote.
Does not know: folders, audio, the index.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from explorer import __version__
from explorer.jukebox.config import SAMPLING_ORDER, Level, ModelConfig
from explorer.jukebox.song import SamplingOptions, Song, SongError, recipe_from_dict, recipe_to_dict

SCHEMA = 1
ORIGIN = "AI-generated"
MINE = "My library"
"""Collection of what is made on this machine."""

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{2,62})[a-z0-9]")
_RESERVED = {"index", "stars"}
MAX_TITLE = 200
_MAX_TEXT = 2_000
_MAX_SECONDS = 3_600.0
_MAX_CODES = 2**28


class RecordError(ValueError):
    """A sample.json that cannot be used; the message names the entry."""


class SampleState(StrEnum):
    PARTIAL = "partial"
    """Being made, or stopped on the way: what exists so far is there and playable."""
    FINISHED = "finished"


class Mode(StrEnum):
    """How the sample came about."""

    GENERATE = "generate"
    PRIMED = "primed"
    """Begins with a recording."""
    CONTINUE = "continue"
    """Goes on from another sample (``parent``)."""
    UPSAMPLE = "upsample"
    """Middle and bottom made for the top codes of ``parent``."""
    RECONSTRUCT = "reconstruct"
    """A recording through the autoencoder: nothing was composed."""


@dataclass(frozen=True)
class LevelRecord:
    """What exists of one level. ``codes`` counts finished codes, ``seconds`` is the audio they last."""

    codes: int = 0
    seconds: float = 0.0
    finished: bool = False
    windows_done: int = 0
    windows: int = 0
    """Windows in all; 0 where nothing was sampled (reconstructions)."""
    sampling_seconds: float = 0.0
    """Wall-clock time spent on this level so far."""


@dataclass(frozen=True)
class SampleRecord:
    """One sample as its ``sample.json`` says. ``song`` and ``options`` are the recipe."""

    id: str
    title: str
    model: str
    sample_rate: int
    song: Song
    options: SamplingOptions
    created: str
    """ISO 8601, UTC, to the second: "2026-11-22T10:39:52Z"."""
    collection: str = MINE
    mode: Mode = Mode.GENERATE
    state: SampleState = SampleState.PARTIAL
    levels: Mapping[Level, LevelRecord] = field(default_factory=dict)
    """Only the levels that were begun."""
    hops: Mapping[Level, int] = field(default_factory=dict)
    """Audio samples per code of each level of the model."""
    codebook: int = 2048
    """Codes the model has per level: bits per code = log2 of it."""
    weights: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each weight file: file name -> hexadecimal digest."""
    engine_version: str = ""
    device: str = ""
    formats: Mapping[Level, str] = field(default_factory=dict)
    """Number format of each level's weights: with it the same codes can be drawn again."""
    licence: str = ""
    job: str | None = None
    """Job that made (or makes) it; takes of one job share it."""
    take: int = 1
    parent: str | None = None
    """Id of the sample it continues or upsamples."""
    prompt_seconds: float = 0.0
    """How much of the beginning was given and not composed."""
    notes: tuple[str, ...] = ()
    """What the listener should know: unknown artist, dropped characters ..."""

    def __post_init__(self) -> None:
        if not valid_id(self.id):
            raise RecordError(f"{self.id[:80]!r} cannot be the id of a sample.")

    @property
    def recipe(self) -> dict[str, Any]:
        """{"song": ..., "sampling": ...} as plain JSON values."""
        return recipe_to_dict(self.song, self.options)

    @property
    def went_on(self) -> bool:
        """Whether more than the recipe is needed to make it again: the prompt, or the codes that were upsampled."""
        return self.mode is Mode.UPSAMPLE or self.prompt_seconds > 0

    @property
    def seconds(self) -> float:
        """Length of what can be heard: of the longest level (0.0: nothing yet)."""
        return max((level.seconds for level in self.levels.values()), default=0.0)

    @property
    def finest(self) -> Level | None:
        """The finest level that can be heard; None while there is nothing."""
        heard = [level for level in SAMPLING_ORDER if level in self.levels and self.levels[level].seconds > 0]
        return heard[-1] if heard else None

    def codes_per_second(self, level: Level) -> float:
        return self.sample_rate / self.hops[level]

    def kbit_per_second(self, level: Level) -> float:
        return self.codes_per_second(level) * math.log2(self.codebook) / 1000


def valid_id(id: str) -> bool:
    """Whether ``id`` can be the name of a sample folder: 4 to 64 small letters, digits and inner hyphens."""
    return isinstance(id, str) and _ID.fullmatch(id) is not None


def new_id(moment: datetime) -> str:
    """An id that sorts by time and that no other sample has: "20261122-103952-3fa29c41"."""
    return f"{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def default_title(song: Song) -> str:
    """The first sung line, or "Instrumental"."""
    for line in song.lyrics.splitlines():
        if line.strip():
            return line.strip().rstrip(",;:.")[:120] or "…"
    return "Instrumental"


def new_record(title: str, config: ModelConfig, song: Song, options: SamplingOptions, **entries: Any) -> SampleRecord:
    """A record for a sample of the model ``config`` that begins now, with a new id.

    An empty ``title`` becomes the first sung line. ``entries`` are further fields of SampleRecord
    (weights, licence, job, take, collection ...).
    """
    moment = datetime.now(UTC)
    entries.setdefault("id", new_id(moment))
    entries.setdefault("engine_version", __version__)
    entries.setdefault("created", moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return SampleRecord(
        title=title.strip()[:MAX_TITLE] or default_title(song),
        model=config.name,
        sample_rate=config.sample_rate,
        hops={level: config.hop(level) for level in SAMPLING_ORDER},
        codebook=config.vqvae.codes,
        song=song,
        options=options,
        **entries,
    )


def record_to_json(record: SampleRecord) -> dict[str, Any]:
    """The content of sample.json."""
    return {
        "schema": SCHEMA,
        "id": record.id,
        "title": record.title,
        "collection": record.collection,
        "created": record.created,
        "origin": ORIGIN,
        "licence": record.licence,
        "mode": record.mode.value,
        "state": record.state.value,
        "recipe": record.recipe,
        "model": {
            "name": record.model,
            "sample_rate": record.sample_rate,
            "codebook": record.codebook,
            "hops": {level.value: hop for level, hop in record.hops.items()},
            "weights": dict(record.weights),
        },
        "engine_version": record.engine_version,
        "device": record.device,
        "formats": {level.value: name for level, name in record.formats.items()},
        "levels": {
            level.value: {
                "codes": state.codes,
                "seconds": state.seconds,
                "finished": state.finished,
                "windows_done": state.windows_done,
                "windows": state.windows,
                "sampling_seconds": state.sampling_seconds,
            }
            for level, state in record.levels.items()
        },
        "job": record.job,
        "take": record.take,
        "parent": record.parent,
        "prompt_seconds": record.prompt_seconds,
        "notes": list(record.notes),
    }


def record_from_json(data: Any) -> SampleRecord:
    """The inverse of ``record_to_json`` for data that anybody may have written.

    Raises RecordError naming the entry that does not fit. Entries that are unknown are ignored, so
    that later versions may add some; a newer ``schema`` is refused.
    """
    top = _object(data, "sample.json")
    schema = _number(top, "schema", int, 1, 2**31)
    if schema > SCHEMA:
        raise RecordError(
            f"This sample was made by a newer version (schema {schema}; this program knows {SCHEMA}). "
            "Update the program to open it."
        )
    if top.get("origin") != ORIGIN:
        raise RecordError(f'The entry "origin" must be "{ORIGIN}".')
    try:
        song, options = recipe_from_dict(top.get("recipe"))
    except SongError as error:
        raise RecordError(f"The recipe cannot be used: {error}") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise RecordError(f"The recipe is not well formed: {error}") from error
    model = _object(top.get("model"), "model")
    hops = _levels(model.get("hops", {}), "hops")
    id = _text(top, "id")
    return SampleRecord(
        id=id,
        title=_text(top, "title"),
        collection=_text(top, "collection"),
        created=_moment(top),
        licence=_text(top, "licence", ""),
        mode=_choice(top, "mode", Mode),
        state=_choice(top, "state", SampleState),
        song=song,
        options=options,
        model=_text(model, "name"),
        sample_rate=_number(model, "sample_rate", int, 1_000, 768_000),
        codebook=_number(model, "codebook", int, 2, 2**24),
        hops={level: _number(hops, level.value, int, 1, 2**20) for level in map(Level, hops)},
        weights={
            str(name)[:_MAX_TEXT]: _text(model["weights"], name)
            for name in _object(model.get("weights", {}), "weights")
        },
        engine_version=_text(top, "engine_version", ""),
        device=_text(top, "device", ""),
        formats={Level(name): _text(top["formats"], name) for name in _levels(top.get("formats", {}), "formats")},
        levels={Level(name): _level(value, name) for name, value in _levels(top.get("levels", {}), "levels").items()},
        job=_optional_text(top, "job"),
        take=_number(top, "take", int, 1, 10_000, 1),
        parent=_optional_id(top, "parent"),
        prompt_seconds=_number(top, "prompt_seconds", float, 0, _MAX_SECONDS, 0.0),
        notes=_notes(top.get("notes", [])),
    )


def _level(value: Any, name: str) -> LevelRecord:
    entry = _object(value, name)
    finished = entry.get("finished", False)
    if not isinstance(finished, bool):
        raise RecordError(f'"finished" of {name} must be true or false.')
    return LevelRecord(
        codes=_number(entry, "codes", int, 0, _MAX_CODES),
        seconds=_number(entry, "seconds", float, 0, _MAX_SECONDS),
        finished=finished,
        windows_done=_number(entry, "windows_done", int, 0, _MAX_CODES, 0),
        windows=_number(entry, "windows", int, 0, _MAX_CODES, 0),
        sampling_seconds=_number(entry, "sampling_seconds", float, 0, 1e9, 0.0),
    )


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RecordError(f'"{name}" must be an object.')
    if len(value) > 1_000:
        raise RecordError(f'"{name}" has too many entries.')
    return value


def _levels(value: Any, name: str) -> dict[str, Any]:
    entries = _object(value, name)
    unknown = sorted(set(entries) - {level.value for level in Level})
    if unknown:
        raise RecordError(f'"{name}" names levels that do not exist: {", ".join(unknown)[:200]}.')
    return {level.value: entries[level.value] for level in SAMPLING_ORDER if level.value in entries}


_N = TypeVar("_N", int, float)
_E = TypeVar("_E", bound=StrEnum)


def _number(
    entries: dict[str, Any], name: str, kind: type[_N], least: float, most: float, default: _N | None = None
) -> _N:
    value: Any = entries.get(name, default)
    fits = isinstance(value, int) or (kind is float and isinstance(value, float))
    if not fits or isinstance(value, bool) or not least <= value <= most:
        raise RecordError(f'"{name}" must be a number from {least:g} to {most:g}, not {str(value)[:80]}.')
    return kind(value)


def _text(entries: dict[str, Any], name: str, default: str | None = None) -> str:
    value = entries.get(name, default)
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise RecordError(f'"{name}" must be a text of at most {_MAX_TEXT} characters.')
    return value


def _optional_text(entries: dict[str, Any], name: str) -> str | None:
    return None if entries.get(name) is None else _text(entries, name)


def _optional_id(entries: dict[str, Any], name: str) -> str | None:
    value = _optional_text(entries, name)
    if value is not None and not valid_id(value):
        raise RecordError(f'"{name}" is not the id of a sample.')
    return value


def _moment(entries: dict[str, Any]) -> str:
    value = _text(entries, "created")
    try:
        datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError as error:
        raise RecordError('"created" must be a time like 2026-11-22T10:39:52Z.') from error
    return value


def _choice(entries: dict[str, Any], name: str, kind: type[_E]) -> _E:
    value: Any = entries.get(name)
    try:
        return kind(value)
    except ValueError as error:
        raise RecordError(f'"{name}" must be one of {", ".join(kind)}, not {str(value)[:80]}.') from error


def _notes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > 1_000 or not all(isinstance(n, str) for n in value):
        raise RecordError('"notes" must be a list of texts.')
    return tuple(note[:_MAX_TEXT] for note in value)
