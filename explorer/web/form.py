"""What was typed into the form, read and judged field by field.

Knows: the form's fields, which messages belong beside which field, and how a form becomes a job
request and a recipe a form. Does not know: HTTP, models, the queue.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.jukebox.labels import parse_blend
from explorer.jukebox.song import SEQUENTIAL, LevelSampling, SamplingOptions, Song, SongError
from explorer.library import SampleRecord
from explorer.studio import JobMode, JobRequest, PromptAudio, StudioError

WORDLESS = {"label": "Make it instrumental", "set": {"instrumental": True}}


class LevelTyped(BaseModel):
    """One row of the sampling table, as typed."""

    temperature: str = ""
    top_k: str = "off"
    top_p: str = "off"
    guidance: str = ""


class PromptTyped(BaseModel):
    """An uploaded file and the part of it to use, as typed."""

    token: str
    name: str = ""
    start: str = Field("0", alias="from")
    stop: str = Field("", alias="to")


class Typed(BaseModel):
    """The form as the page sends it: text, exactly as it stands in the fields."""

    genre: str = ""
    artist: str = ""
    lyrics: str = ""
    instrumental: bool = False
    seconds: str = "12"
    seed: str = "0"
    takes: str = "1"
    total: str = ""
    offset: float = 0.0
    stop: Level = Level.BOTTOM
    mode: JobMode = JobMode.GENERATE
    parent: str | None = None
    sampling: dict[Level, LevelTyped] = Field(default_factory=dict)
    sequential: bool = False
    prompt: PromptTyped | None = None


@dataclass
class Reading:
    """What a form means. ``song`` is there as soon as every field can be read, ``request`` only
    where nothing stands against starting; ``problems`` maps fields to messages, ``fixes`` fields
    to a change that one press makes."""

    song: Song | None = None
    options: SamplingOptions = field(default_factory=SamplingOptions)
    takes: int = 1
    request: JobRequest | None = None
    problems: dict[str, str] = field(default_factory=dict)
    fixes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def attempt(self, name: str, read: Callable[[], Any], otherwise: Any) -> Any:
        """``read()``, or ``otherwise`` with the reason noted beside the field ``name``."""
        try:
            return read()
        except (SongError, StudioError) as error:
            self.problems.setdefault(name, str(error))
            return otherwise


def read(typed: Typed, model: str, usual: SamplingOptions, max_takes: int, upload: Callable[[str], Path]) -> Reading:
    """Judge every field; ``usual`` has temperature and guidance of fields that are empty, ``upload`` gives the file of
    a token and raises StudioError for a lost one."""
    reading = Reading()
    genre = reading.attempt("genre", lambda: _blend(typed.genre), "")
    artist = reading.attempt("artist", lambda: _blend(typed.artist), "")
    words = "" if typed.instrumental else _clean(typed.lyrics)
    lyrics = reading.attempt("lyrics", lambda: Song(lyrics=words).lyrics, None)
    if lyrics is not None and not lyrics.strip() and not typed.instrumental:
        reading.problems["lyrics"] = "Write some words to sing, or make it instrumental."
        reading.fixes["lyrics"] = WORDLESS
    seconds = reading.attempt("seconds", lambda: Song(seconds=_decimal(typed.seconds, "length")).seconds, None)
    seed = reading.attempt("seed", lambda: Song(seed=_whole(typed.seed, "seed")).seed, None)
    takes = reading.attempt("takes", lambda: _takes(typed.takes, max_takes), None)
    total = reading.attempt("place", lambda: _total(typed.total), None)
    offset = reading.attempt("place", lambda: Song(offset_seconds=typed.offset).offset_seconds, 0.0)
    reading.options = reading.attempt("sampling", lambda: _options(typed, usual), usual)
    if None in (lyrics, seconds, seed, takes):
        return reading
    reading.takes = takes
    reading.song = Song(
        genre=genre,
        artist=artist,
        lyrics=lyrics,
        seconds=seconds,
        seed=seed,
        total_seconds=total,
        offset_seconds=offset,
    )
    prompt = reading.attempt("prompt", lambda: _prompt(typed.prompt, upload), None)
    if not reading.problems:
        reading.request = reading.attempt("form", lambda: _request(reading, typed, model, prompt), None)
    return reading


def _request(reading: Reading, typed: Typed, model: str, prompt: PromptAudio | None) -> JobRequest:
    assert reading.song is not None
    mode = JobMode.PRIMED if prompt else typed.mode
    if mode is JobMode.PRIMED and not prompt:
        mode = JobMode.GENERATE
    given = mode in (JobMode.CONTINUE, JobMode.UPSAMPLE, JobMode.AGAIN)
    return JobRequest(
        song=reading.song,
        options=reading.options,
        model=model,
        takes=reading.takes,
        prompt=prompt,
        parent_sample=typed.parent if given else None,
        mode=mode,
    )


def _clean(text: str) -> str:
    """Half characters (a cut emoji) cannot be stored; they become a question mark."""
    return text.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")


def _blend(text: str) -> str:
    text = _clean(text).strip()
    if len(text) > 500:
        raise SongError("This name is too long: at most 500 characters.")
    parse_blend(text)
    return text


def _decimal(text: str, what: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise SongError(f"Write the {what} in seconds as a number, like 12.") from None


def _whole(text: str, what: str) -> int:
    digits = text.strip()
    if not (digits.removeprefix("-").isascii() and digits.removeprefix("-").isdecimal()) or len(digits) > 30:
        raise SongError(f"Write the {what} as a whole number.")
    return int(digits)


def _takes(text: str, most: int) -> int:
    takes = _whole(text, "number of takes")
    if not 1 <= takes <= most:
        raise SongError(f"1 to {most} takes can be made at once, not {takes}.")
    return takes


def _total(text: str) -> float | None:
    if not text.strip():
        return None
    return Song(total_seconds=_decimal(text, "imagined length")).total_seconds


def _options(typed: Typed, usual: SamplingOptions) -> SamplingOptions:
    levels: dict[str, LevelSampling] = {}
    for level in SAMPLING_ORDER:
        row = typed.sampling.get(level, LevelTyped())
        try:
            off, own = ("", "off"), usual.level(level)
            levels[level.value] = LevelSampling(
                temperature=_number(row.temperature.strip() or str(own.temperature), "temperature"),
                top_k=0 if row.top_k.strip().lower() in off else _whole(row.top_k, "top-k"),
                top_p=0.0 if row.top_p.strip().lower() in off else _number(row.top_p, "top-p"),
                guidance=_guidance(row.guidance.strip().lower() or str(own.guidance)),
            )
        except SongError as error:
            raise SongError(f"{level.value.capitalize()}: {error}") from error
    strands = SEQUENTIAL if typed.sequential else {}
    return SamplingOptions(**levels, stop_after=typed.stop, strands=strands)  # type: ignore[arg-type]


def _guidance(text: str) -> float:
    return 1.0 if text == "off" else _number(text, "guidance")


def _number(text: str, what: str) -> float:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        raise SongError(f"Write the {what} as a number.") from None
    if not math.isfinite(value):
        raise SongError(f"Write the {what} as a number.")
    return value


def _prompt(typed: PromptTyped | None, upload: Callable[[str], Path]) -> PromptAudio | None:
    if typed is None:
        return None
    start = _decimal(typed.start, "beginning of the part to use")
    stop = _decimal(typed.stop, "end of the part to use") if typed.stop.strip() else None
    return PromptAudio(upload(typed.token), start, stop)


# ------------------------------------------------------------------------------ recipes into forms


def from_record(record: SampleRecord, mode: str) -> tuple[dict[str, Any], str]:
    """A sample's recipe as form values, and a sentence that says what was brought in.

    ``mode``: exact, again (new seed), style (no words), continue, upsample. Raises StudioError for
    any other.
    """
    form = from_recipe(record.song, record.options)
    name = f"“{record.title}”"
    begun = ""
    if mode in ("exact", "again") and record.went_on:
        form |= {"parent": record.id, "mode": JobMode.AGAIN.value}
        begun = " It begins with what that song began with."
    if mode == "exact":
        return form, f"The whole recipe of {name} is in the form, its seed too.{begun}"
    if mode == "again":
        return form, f"The recipe of {name} is in the form, with a new seed.{begun}"
    if mode == "style":
        return form | {"lyrics": "", "instrumental": False}, f"The style of {name} is in the form; write new words."
    parent = {"parent": record.id, "mode": mode}
    if mode == "continue":
        longer = f"{math.ceil(record.seconds) + 10}"
        return form | parent | {"seconds": longer}, f"The new song goes on where {name} ends, up to {longer} s."
    if mode == "upsample":
        return form | parent | {"stop": Level.BOTTOM.value}, f"Middle and bottom of {name} will be made."
    raise StudioError("A recipe can be used exactly, again, for its style, to continue or to upsample.")


def from_recipe(song: Song, options: SamplingOptions) -> dict[str, Any]:
    """A recipe as form values."""
    return {
        "genre": song.genre,
        "artist": song.artist,
        "lyrics": song.lyrics,
        "instrumental": song.instrumental,
        "seconds": f"{song.seconds:g}",
        "seed": str(song.seed),
        "takes": "1",
        "total": "" if song.total_seconds is None else f"{song.total_seconds:g}",
        "offset": song.offset_seconds,
        "stop": options.stop_after.value,
        "mode": JobMode.GENERATE.value,
        "parent": None,
        "sampling": sampling_form(options),
        "sequential": options.strands == SEQUENTIAL,
    }


def sampling_form(options: SamplingOptions) -> dict[str, dict[str, str]]:
    """The sampling table as form values."""
    return {level.value: _level_form(options.level(level)) for level in SAMPLING_ORDER}


def _level_form(sampling: LevelSampling) -> dict[str, str]:
    values = dataclasses.asdict(sampling)
    off = {"top_k": 0, "top_p": 0.0, "guidance": 1.0}
    return {name: "off" if value == off.get(name) else f"{value:g}" for name, value in values.items()}
