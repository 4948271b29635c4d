"""What is asked of the studio and what it writes down about it.

Knows: a job's request, its states and its durable record (one JSON file per job, replaced
atomically). Does not know: threads, the engine, or how samples are stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.jukebox.song import SamplingOptions, Song, SongError, recipe_from_dict, recipe_to_dict

SCHEMA = 1


class StudioError(ValueError):
    """A request that the studio cannot accept; the message says why and what to do."""


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """The program ended while the job ran; found at the next start."""

    @property
    def active(self) -> bool:
        """Waiting or running: something will still happen by itself."""
        return self in (JobState.WAITING, JobState.RUNNING)

    @property
    def resumable(self) -> bool:
        return self in (JobState.CANCELLED, JobState.FAILED, JobState.INTERRUPTED)


class JobMode(StrEnum):
    GENERATE = "generate"
    """From nothing but the song."""
    PRIMED = "primed"
    """Goes on from audio that the user hands in; all three levels of it are kept."""
    CONTINUE = "continue"
    """Goes on from a sample of a library."""
    UPSAMPLE = "upsample"
    """Makes the missing finer levels of a sample."""
    AGAIN = "again"
    """Goes on once more from what a sample went on from: its prompt, or the top level that was upsampled."""


_NEEDS = {
    JobMode.GENERATE: "A new song starts from nothing: choose another mode to use audio or a sample.",
    JobMode.PRIMED: "Choose the audio to go on from.",
    JobMode.CONTINUE: "Choose the sample to continue.",
    JobMode.UPSAMPLE: "Choose one sample or one audio file to upsample.",
    JobMode.AGAIN: "Choose the sample to make again.",
}


@dataclass(frozen=True)
class PromptAudio:
    """Audio to go on from: a file and the part of it to use, in seconds (``stop`` None: to its end)."""

    path: Path
    start: float = 0.0
    stop: float | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or (self.stop is not None and self.stop <= self.start):
            raise StudioError("The part of the audio to use must end after it begins.")


@dataclass(frozen=True)
class JobRequest:
    """One run of the engine. ``song.seconds`` is the length of the whole result, given part included.

    Takes are the same song with the seeds ``song.seed``, ``song.seed + 1``, ...; they are sampled
    as one batch. PRIMED needs ``prompt``; CONTINUE and AGAIN need ``parent_sample``, the id of a sample
    in the library; UPSAMPLE needs one of both and takes the song's length from it. Raises
    StudioError where these do not fit together.
    """

    song: Song
    options: SamplingOptions = field(default_factory=SamplingOptions)
    model: str = "pocket"
    takes: int = 1
    prompt: PromptAudio | None = None
    parent_sample: str | None = None
    mode: JobMode = JobMode.GENERATE
    title: str = ""
    """Shown in lists; empty: made from the song."""

    def __post_init__(self) -> None:
        if self.takes < 1:
            raise StudioError(f"At least 1 take must be made, not {self.takes}.")
        prompt, parent = self.prompt is not None, self.parent_sample is not None
        fits = {
            JobMode.GENERATE: not prompt and not parent,
            JobMode.PRIMED: prompt and not parent,
            JobMode.CONTINUE: parent and not prompt,
            JobMode.UPSAMPLE: prompt != parent,
            JobMode.AGAIN: parent and not prompt,
        }
        if not fits[self.mode]:
            raise StudioError(_NEEDS[self.mode])

    @property
    def songs(self) -> tuple[Song, ...]:
        """One song per take. Raises SongError where the last seed would be too large."""
        return tuple(replace(self.song, seed=self.song.seed + take) for take in range(self.takes))

    @property
    def display_title(self) -> str:
        """The title, or the first line of the lyrics, or genre and artist."""
        first = next((line.strip() for line in self.song.lyrics.splitlines() if line.strip()), "")
        style = ", ".join(name for name in (self.song.genre, self.song.artist) if name)
        return (self.title.strip() or first or (f"Instrumental: {style}" if style else "Untitled"))[:120]


@dataclass(frozen=True)
class LevelProgress:
    """How far one level is, over all runs of the job."""

    windows_done: int = 0
    windows: int = 0
    """0 while not known."""
    codes_done: int = 0
    """New codes per take in finished windows."""
    codes: int = 0
    """New codes per take in all; 0 while not known."""
    given: int = 0
    """Codes that were handed in by a prompt or a parent."""
    kept_seconds: float = 0.0
    """Audio whose codes are on disk, given ones included."""
    sampling_seconds: float = 0.0
    """Time spent on the finished windows."""
    finished: bool = False


@dataclass(frozen=True)
class JobRecord:
    """Everything that must survive the end of the program."""

    id: str
    request: JobRequest
    state: JobState
    created: str
    order: int
    """Place in the queue among the waiting: lower runs first."""
    sample_ids: tuple[str, ...] = ()
    levels: dict[Level, LevelProgress] = field(default_factory=lambda: dict.fromkeys(SAMPLING_ORDER, LevelProgress()))
    message: str = ""
    preview_seconds: float | None = None
    elapsed: float = 0.0

    def with_level(self, level: Level, **changes: Any) -> JobRecord:
        """A copy in which fields of one level's record are replaced."""
        return replace(self, levels={**self.levels, level: replace(self.levels[level], **changes)})


def record_to_dict(record: JobRecord) -> dict[str, Any]:
    """A record as JSON-ready dictionaries."""
    request = record.request
    prompt = request.prompt
    return {
        "schema": SCHEMA,
        "id": record.id,
        "state": record.state.value,
        "created": record.created,
        "order": record.order,
        "request": {
            **recipe_to_dict(request.song, request.options),
            "model": request.model,
            "takes": request.takes,
            "mode": request.mode.value,
            "title": request.title,
            "parent_sample": request.parent_sample,
            "prompt": prompt and {"path": str(prompt.path), "start": prompt.start, "stop": prompt.stop},
        },
        "sample_ids": list(record.sample_ids),
        "levels": {level.value: vars(entry) for level, entry in record.levels.items()},
        "message": record.message,
        "preview_seconds": record.preview_seconds,
        "elapsed": record.elapsed,
    }


def record_from_dict(data: Any) -> JobRecord:
    """The inverse of ``record_to_dict``. Raises StudioError for anything that is not a record."""
    try:
        if data["schema"] != SCHEMA:
            raise StudioError(f"The job record has version {data['schema']}; this program reads {SCHEMA}.")
        raw = data["request"]
        song, options = recipe_from_dict({"song": raw["song"], "sampling": raw["sampling"]})
        prompt = raw["prompt"]
        request = JobRequest(
            song=song,
            options=options,
            model=str(raw["model"]),
            takes=int(raw["takes"]),
            prompt=prompt and PromptAudio(Path(prompt["path"]), prompt["start"], prompt["stop"]),
            parent_sample=raw["parent_sample"],
            mode=JobMode(raw["mode"]),
            title=str(raw["title"]),
        )
        return JobRecord(
            id=str(data["id"]),
            request=request,
            state=JobState(data["state"]),
            created=str(data["created"]),
            order=int(data["order"]),
            sample_ids=tuple(map(str, data["sample_ids"])),
            levels={Level(name): LevelProgress(**entry) for name, entry in data["levels"].items()},
            message=str(data["message"]),
            preview_seconds=data["preview_seconds"],
            elapsed=float(data["elapsed"]),
        )
    except (KeyError, TypeError, SongError) as error:
        raise StudioError(f"The job record cannot be read: {error}.") from error
