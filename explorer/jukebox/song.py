"""What is asked of a model: a song and how to sample it.

Knows: the recipe's fields and which values make no sense for any model.
Does not know: any particular model, its label lists or its window lengths; ``labels`` checks a
song against those.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from explorer.jukebox.config import LEVELS, MAX_GUIDANCE, Level, ModelConfig

MAX_LYRICS = 20_000
"""Characters of lyrics accepted in one song: far more than ten minutes of singing."""

MAX_SECONDS = 600.0
"""Longest song of any published model, and a bound on what one job may occupy."""


MAX_STRANDS = 64
"""Stretches of one level sampled together: beyond this a batch gains nothing on any machine."""


class SongError(ValueError):
    """A song that cannot be made; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Song:
    """One song as asked for. Times are seconds of audio.

    ``genre`` and ``artist`` are a name or a weighted mixture as the published explorer wrote it,
    "0.5 Pop / 0.5 Jazz"; an empty name is the unknown label. Empty ``lyrics`` ask for an
    instrumental. ``seconds`` is how much audio to make, ``total_seconds`` how long the imagined
    whole song is (None: the model's default), ``offset_seconds`` where in it the audio begins.
    """

    genre: str = ""
    artist: str = ""
    lyrics: str = ""
    seconds: float = 12.0
    seed: int = 0
    total_seconds: float | None = None
    offset_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not (isinstance(self.seconds, int | float) and math.isfinite(self.seconds) and self.seconds > 0):
            raise SongError(f"The length must be more than 0 seconds, not {self.seconds!r}.")
        if self.seconds > MAX_SECONDS:
            raise SongError(f"The length must be at most {MAX_SECONDS:.0f} seconds, not {self.seconds:g}.")
        if len(self.lyrics) > MAX_LYRICS:
            raise SongError(
                f"The lyrics have {len(self.lyrics):,} characters; at most {MAX_LYRICS:,} can be used. Shorten them."
            )
        if self.total_seconds is not None and not (
            math.isfinite(self.total_seconds) and 0 < self.total_seconds <= MAX_SECONDS
        ):
            raise SongError(f"The imagined whole song must last 0 to {MAX_SECONDS:.0f} seconds.")
        if not (math.isfinite(self.offset_seconds) and 0 <= self.offset_seconds < MAX_SECONDS):
            raise SongError(f"The position in the song must be 0 to {MAX_SECONDS:.0f} seconds.")
        if not 0 <= self.seed < 2**63:
            raise SongError("The seed must be a whole number from 0 to 9223372036854775807.")

    @property
    def instrumental(self) -> bool:
        return not self.lyrics.strip()


@dataclass(frozen=True)
class LevelSampling:
    """How codes are drawn at one level: guidance, softmax temperature, then top-k or top-p (not both).

    ``guidance`` (``guidance.py``) is how far names, words, ground and the level above are followed: 1 as the model has
    learnt, above it more.
    """

    temperature: float = 0.98
    top_k: int = 0
    top_p: float = 0.0
    guidance: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and 0 < self.temperature <= 10):
            raise SongError(f"The temperature must be above 0 and at most 10, not {self.temperature!r}.")
        if not (math.isfinite(self.guidance) and 0 <= self.guidance <= MAX_GUIDANCE):
            raise SongError(f"The guidance must be 0 to {MAX_GUIDANCE:g} (1 is off), not {self.guidance!r}.")
        if self.top_k < 0 or not 0 <= self.top_p <= 1:
            raise SongError("top-k must be 0 (off) or more, and top-p from 0 (off) to 1.")
        if self.top_k and self.top_p:
            raise SongError("Choose top-k or top-p, not both.")

    @property
    def runs(self) -> int:
        """How often each song is run for a code: guidance needs it with nothing told, too."""
        return 1 if self.guidance == 1.0 else 2


SEQUENTIAL: Mapping[Level, int] = {Level.MIDDLE: 1, Level.BOTTOM: 1}
"""``strands`` of a song whose upsampled levels are made one window after another, as published."""


@dataclass(frozen=True)
class SamplingOptions:
    """How a song is sampled; together with the Song this is the recipe.

    ``stop_after`` is the last level that is sampled. ``hop_fraction`` overrides the model's window
    steps, ``strands`` into how many stretches sampled together an upsampled level is cut (1: none, as
    published). ``max_batch`` splits what is sampled together (and does not change the codes). ``chunk``
    is the number of prompt codes run at once before sampling (does not change the codes either).
    """

    top: LevelSampling = field(default_factory=LevelSampling)
    middle: LevelSampling = field(default_factory=LevelSampling)
    bottom: LevelSampling = field(default_factory=LevelSampling)
    stop_after: Level = Level.BOTTOM
    hop_fraction: Mapping[Level, float] = field(default_factory=dict)
    strands: Mapping[Level, int] = field(default_factory=dict)
    max_batch: int = 32
    chunk: int = 256

    def __post_init__(self) -> None:
        if self.max_batch < 1 or self.chunk < 1:
            raise SongError("max_batch and chunk must be at least 1.")
        for level, fraction in self.hop_fraction.items():
            if not 0 < fraction <= 1:
                raise SongError(f"The window step of the {level} level must be above 0 and at most 1.")
        for level, strands in self.strands.items():
            if not 1 <= strands <= MAX_STRANDS or (level is Level.TOP and strands > 1):
                raise SongError(f"strands must be 1 to {MAX_STRANDS} at the middle and bottom level, 1 at the top.")

    def level(self, level: Level) -> LevelSampling:
        sampling: LevelSampling = getattr(self, level.value)
        return sampling


def usual_sampling(config: ModelConfig) -> SamplingOptions:
    """What a recipe for this model says about sampling where nothing else is wished."""
    bottom, middle, top = (
        LevelSampling(temperature, guidance=guidance)
        for temperature, guidance in zip(config.temperature, config.guidance, strict=True)
    )
    return SamplingOptions(top, middle, bottom)


def recipe_to_dict(song: Song, options: SamplingOptions) -> dict[str, Any]:
    """A recipe as JSON-ready dictionaries: {"song": ..., "sampling": ...}."""
    sampling = asdict(options)
    sampling["hop_fraction"] = {str(k.value): v for k, v in options.hop_fraction.items()}
    sampling["strands"] = {str(k.value): v for k, v in options.strands.items()}
    sampling["stop_after"] = options.stop_after.value
    return {"song": asdict(song), "sampling": sampling}


def recipe_from_dict(data: Any) -> tuple[Song, SamplingOptions]:
    """The inverse of ``recipe_to_dict`` for untrusted data. Raises SongError naming the field."""
    if not isinstance(data, dict) or not isinstance(data.get("song"), dict):
        raise SongError("This is not a recipe: it has no song.")
    song = Song(**_checked(Song, data["song"]))
    given = dict(data.get("sampling") or {})
    levels: dict[str, Any] = {}
    for level in LEVELS:
        raw = given.pop(level.value, None)
        if raw is not None:
            levels[level.value] = LevelSampling(**_checked(LevelSampling, raw))
    try:
        if "stop_after" in given:
            given["stop_after"] = Level(given["stop_after"])
        if "hop_fraction" in given:
            given["hop_fraction"] = {Level(k): float(v) for k, v in dict(given["hop_fraction"]).items()}
        if "strands" in given:
            given["strands"] = {Level(k): operator.index(v) for k, v in dict(given["strands"]).items()}
    except (TypeError, ValueError) as error:
        raise SongError(f"The recipe names something that does not exist: {error}.") from error
    known = {f.name for f in fields(SamplingOptions)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise SongError(f"The recipe has unknown entries: {', '.join(map(str, unknown))}.")
    for name in ("max_batch", "chunk"):
        if name in given and (not isinstance(given[name], int) or isinstance(given[name], bool)):
            raise SongError(f"{name} must be a whole number.")
    return song, SamplingOptions(**levels, **given)


_PLAIN: dict[str, tuple[type, ...]] = {"str": (str,), "float": (int, float), "int": (int,)}


def _checked(cls: type[Any], raw: Any) -> dict[str, Any]:
    """The entries of ``raw`` if they are fields of ``cls`` with plain values of the annotated kind."""
    if not isinstance(raw, dict):
        raise SongError(f"The recipe's {cls.__name__} must be an object.")
    kinds = {f.name: str(f.type) for f in fields(cls)}
    for name, value in raw.items():
        if name not in kinds:
            raise SongError(f"The recipe has an unknown entry: {name}.")
        base = kinds[name].removesuffix(" | None")
        if value is None and base != kinds[name]:
            continue
        if not isinstance(value, _PLAIN[base]) or isinstance(value, bool):
            raise SongError(f"The recipe's {name} must be {base}, not {value!r}.")
    return raw
