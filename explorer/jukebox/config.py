"""Shapes and hyperparameters of a Jukebox model as frozen dataclasses.

Knows: every number that decides which tensors a model has and how they are connected.
Does not know: files, devices, tensors. Published values stand in ``presets``; the facts behind
the fields are those of the paper (Dhariwal et al. 2020, appendix B) and of the released models.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any


class ConfigError(ValueError):
    """A configuration that no model can have; the message names the field."""


class Level(StrEnum):
    """One of the three resolutions of a model. The names are used everywhere outside this package."""

    BOTTOM = "bottom"
    MIDDLE = "middle"
    TOP = "top"

    @property
    def index(self) -> int:  # type: ignore[override]  # str.index is of no use to a level
        """0 for bottom (finest), 1 for middle, 2 for top (coarsest)."""
        return LEVELS.index(self)


LEVELS: tuple[Level, ...] = (Level.BOTTOM, Level.MIDDLE, Level.TOP)
"""Levels in the order of their index: finest first."""

SAMPLING_ORDER: tuple[Level, ...] = (Level.TOP, Level.MIDDLE, Level.BOTTOM)
"""Levels in the order in which they are sampled."""


class AttentionKind(IntEnum):
    """Which keys a position may see; the numbers are those of the published checkpoints' orders."""

    DENSE = 0
    ROW = 1
    COLUMN = 2
    PREVIOUS_ROW = 3
    SUMMARY = 4
    SUMMARY_SPREAD = 5
    CROSS = 6
    PRIME = 7


def attention_layout(order: int, depth: int) -> tuple[AttentionKind, ...]:
    """Attention kind of each of ``depth`` layers for one of the published layer orders 0..12.

    Raises ConfigError for an unknown order. Source: the published orders; 10 is 5b_lyrics,
    12 is 1b_lyrics, 2 is every other released model.
    """
    factored = (1, 2, 3)
    if order in (11, 12):
        special = (6, 6, 0) if order == 11 else (7, 7, 0)
        kinds = [special[(d // 16) % 3] if d % 16 == 15 else factored[d % 3] for d in range(depth)]
        return tuple(AttentionKind(k) for k in kinds)
    patterns: dict[int, tuple[int, ...]] = {
        0: (0,),
        1: (1, 2),
        2: factored,
        3: (1, 4),
        4: (1, 5),
        5: (1, 4, 1, 1),
        6: (1, 2, 3, 6),
        7: factored * 5 + (6,),
        8: factored * 3 + (6,),
        9: (1, 2, 3, 0),
        10: factored * 3 + (factored * 3 + (6,)) * 7,
    }
    if order not in patterns:
        raise ConfigError(f"attention_order {order} is unknown; use 0 to 12")
    pattern = patterns[order]
    return tuple(AttentionKind(pattern[d % len(pattern)]) for d in range(depth))


@dataclass(frozen=True)
class VQVAEConfig:
    """Three (or any number of) independent encoders and decoders, one per level, finest first."""

    downs_t: tuple[int, ...] = (3, 2, 2)
    strides_t: tuple[int, ...] = (2, 2, 2)
    emb_width: int = 64
    codes: int = 2048
    width: int = 32
    depth: int = 4
    multipliers: tuple[int, ...] = (2, 1, 1)
    dilation_growth: int = 3
    dilation_cycle: int | None = None
    m_conv: float = 1.0

    def __post_init__(self) -> None:
        if not len(self.downs_t) == len(self.strides_t) == len(self.multipliers):
            raise ConfigError("downs_t, strides_t and multipliers must have one entry per level")
        for stride in self.strides_t:
            if stride < 2 or stride % 2:
                raise ConfigError(f"strides_t must be even, got {stride}")

    @property
    def levels(self) -> int:
        return len(self.downs_t)

    def factor(self, level: int) -> int:
        """Samples (level 0) or codes of the finer level that one step of this level's own block spans."""
        return int(self.strides_t[level] ** self.downs_t[level])

    def hop(self, level: int) -> int:
        """Audio samples per code of ``level``."""
        hop = 1
        for below in range(level + 1):
            hop *= self.factor(below)
        return hop

    def _dilations(self, level: int) -> list[int]:
        depth = self.depth * self.multipliers[level]
        cycle = self.dilation_cycle or depth
        return [self.dilation_growth ** (j % cycle) for j in range(depth)]

    def encoder_reach(self, level: int) -> int:
        """Codes of ``level`` whose samples, on either side, can change one code."""
        reach, rate = 0, 1
        for block in range(level + 1):
            for _ in range(self.downs_t[block]):
                reach += self.strides_t[block] * rate
                rate *= self.strides_t[block]
                reach += sum(self._dilations(level)) * rate
            reach += rate
        return reach // self.hop(level) + 1

    def decoder_reach(self, level: int) -> int:
        """Codes of ``level`` on either side that can change the audio of one code."""
        dilations = self._dilations(level)
        reach, rate = 0.0, 1
        for block in range(level, -1, -1):
            reach += 1 / rate
            for _ in range(self.downs_t[block]):
                reach += (sum(dilations) + 1) / rate
                rate *= self.strides_t[block]
        return int(reach + 1 / rate) + 1


@dataclass(frozen=True)
class TransformerConfig:
    """A stack of Jukebox blocks over ``n_ctx`` positions (lyrics included where they are merged)."""

    n_ctx: int
    width: int
    depth: int
    heads: int
    attention_order: int
    blocks: int
    m_attn: float = 0.25
    m_mlp: float = 1.0
    res_scale: bool = False
    zero_out: bool = False
    init_scale: float = 1.0
    spread: int | None = None

    def __post_init__(self) -> None:
        if self.state_width % self.heads:
            raise ConfigError(f"attention width {self.state_width} is not divisible by {self.heads} heads")
        if self.n_ctx % self.blocks:
            raise ConfigError(f"n_ctx {self.n_ctx} is not divisible by {self.blocks} blocks")

    @property
    def state_width(self) -> int:
        """Width of queries, keys and values."""
        return int(self.m_attn * self.width)

    @property
    def hidden_width(self) -> int:
        return int(self.m_mlp * self.width)

    @property
    def block_length(self) -> int:
        return self.n_ctx // self.blocks

    @property
    def layout(self) -> tuple[AttentionKind, ...]:
        return attention_layout(self.attention_order, self.depth)


@dataclass(frozen=True)
class ConditionerConfig:
    """The dilated convolutions that stretch the codes of the level above to this level's rate."""

    width: int
    depth: int
    dilation_growth: int = 3
    dilation_cycle: int | None = 8
    res_scale: bool = False


class LabelRules(StrEnum):
    """How names become ids: the published second or third version, or the lists of our own models.

    ``own`` looks names up like v3 but blind to case and surrounding white space.
    """

    V2 = "v2"
    V3 = "v3"
    OWN = "own"


@dataclass(frozen=True)
class LabelConfig:
    """Genre, artist and (top level only) time conditioning.

    ``everywhere`` adds the style to every position; the published models tell it at the first one only. ``bar_parts``:
    into how many parts a bar is cut for a level that is told its bars, key and chords (see ``ground``). None, as
    published: none is told. ``tune``: whether it is also told which note is sung (see ``tune``).
    """

    rules: LabelRules
    genres: int
    artists: int
    max_genres: int
    t_bins: int | None = None
    min_seconds: float = 0.0
    max_seconds: float = 600.0
    everywhere: bool = False
    bar_parts: int | None = None
    tune: bool = False

    def __post_init__(self) -> None:
        if self.bar_parts is not None and self.bar_parts < 1:
            raise ConfigError(f"a bar has at least one part, not {self.bar_parts}")
        if self.tune and self.bar_parts is None:
            raise ConfigError("a level that is told no chords cannot be told a tune")


class LyricsPlacement(StrEnum):
    MERGED = "merged"
    """Lyric tokens precede the music in one sequence (1b_lyrics)."""
    SEPARATE = "separate"
    """A lyric encoder of its own, read by cross-attention layers (5b_lyrics)."""


class Vocabulary(StrEnum):
    """Lyric alphabets; v3 lacks the plus sign, so later ids differ."""

    V2 = "v2"
    V3 = "v3"


@dataclass(frozen=True)
class LyricsConfig:
    placement: LyricsPlacement
    n_tokens: int
    vocabulary: Vocabulary
    loss_fraction: float = 0.4
    encoder: TransformerConfig | None = None
    listener: int | None = None
    """Width of the network by which the model keeps its place in the lyrics (see ``following``). None, as published:
    the lyric layers look at all lyrics in sight alike."""

    def __post_init__(self) -> None:
        if self.listener is not None and (self.listener < 1 or self.placement is LyricsPlacement.MERGED):
            raise ConfigError("a listener needs a width, and a separate lyric encoder")
        if self.n_tokens % 2:
            raise ConfigError(f"n_tokens must be even (a window takes half on both sides), got {self.n_tokens}")
        if (self.encoder is None) != (self.placement is LyricsPlacement.MERGED):
            raise ConfigError("a lyric encoder is needed exactly where lyrics are separate")

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids, padding (0) included."""
        return 80 if self.vocabulary is Vocabulary.V2 else 79


@dataclass(frozen=True)
class DictionConfig:
    """How an upsampler is told what is sung at each of its codes (see ``diction``): every letter as a vector of
    ``width`` that knows ``reach`` letters on either side."""

    vocabulary: Vocabulary
    width: int
    reach: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.reach < 0:
            raise ConfigError("diction needs a width, and a reach that is not negative")


@dataclass(frozen=True)
class PriorConfig:
    """One autoregressive model over the codes of one level.

    ``transformer.n_ctx`` counts music positions only; merged lyric tokens come on top
    (``sequence`` is the stack that really runs).
    """

    codes: int
    transformer: TransformerConfig
    labels: LabelConfig | None = None
    conditioner: ConditionerConfig | None = None
    lyrics: LyricsConfig | None = None
    merged_decoder: bool = False
    alignment_layer: int | None = None
    alignment_head: int | None = None
    diction: DictionConfig | None = None
    """None, as published: the words are told to the top level only."""

    def __post_init__(self) -> None:
        if self.labels is not None and self.labels.tune and not self.follows:
            raise ConfigError("a level that does not know its place in the lyrics cannot be told a tune")

    @property
    def vocabulary(self) -> Vocabulary | None:
        """Of the words that this level is told; None where it is told none."""
        told = self.lyrics or self.diction
        return None if told is None else told.vocabulary

    @property
    def follows(self) -> bool:
        """Whether the model keeps its place in the lyrics."""
        return self.lyrics is not None and self.lyrics.listener is not None

    @property
    def n_ctx(self) -> int:
        """Music codes in one window."""
        return self.transformer.n_ctx

    @property
    def merged_lyrics(self) -> bool:
        return self.lyrics is not None and self.lyrics.placement is LyricsPlacement.MERGED

    @property
    def prefix(self) -> int:
        """Lyric tokens that precede the music in the same sequence."""
        return self.lyrics.n_tokens if self.lyrics and self.merged_lyrics else 0

    @property
    def bins(self) -> int:
        """Rows of the token embedding: codes, and lyric ids where both share one sequence."""
        return self.codes + (self.lyrics.vocabulary_size if self.lyrics and self.merged_lyrics else 0)

    @property
    def sequence(self) -> TransformerConfig:
        """The stack with the merged lyrics counted in."""
        if not self.prefix:
            return self.transformer
        total = self.transformer.n_ctx + self.prefix
        return dataclasses.replace(self.transformer, n_ctx=total)


MAX_GUIDANCE = 20.0
"""Beyond this only the codes are left that a name makes likelier the most."""


@dataclass(frozen=True)
class ModelConfig:
    """A whole model: one VQ-VAE and one prior per level."""

    name: str
    sample_rate: int
    vqvae: VQVAEConfig
    priors: tuple[PriorConfig, PriorConfig, PriorConfig]
    """Bottom, middle, top."""
    hop_fraction: tuple[float, float, float] = (0.5, 0.5, 0.125)
    """Step of the sampling windows in windows: bottom, middle, top."""
    default_seconds: float | None = None
    """Imagined length of a whole song where the recipe names none; None: as long as what is sampled."""
    strands: tuple[int, int, int] = (1, 1, 1)
    """Stretches of a song that are sampled together: bottom, middle, top (always 1). 1 is the published way."""
    temperature: tuple[float, float, float] = (0.98, 0.98, 0.98)
    """Of a recipe that names none: bottom, middle, top. The published samples were made with values around 0.98."""
    guidance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Of a recipe that names none: bottom, middle, top. 1, none, is the published way."""

    def __post_init__(self) -> None:
        if not all(0 < temperature <= 10 for temperature in self.temperature):
            raise ConfigError("temperatures must be above 0 and at most 10")
        if not all(0 <= guidance <= MAX_GUIDANCE for guidance in self.guidance):
            raise ConfigError(f"guidance must be 0 to {MAX_GUIDANCE:g}")
        top = self.prior(Level.TOP)
        for prior in self.priors:
            if prior.diction is not None and not (top.follows and prior.vocabulary is top.vocabulary):
                raise ConfigError("diction needs a top level of the same vocabulary that knows its place in the lyrics")
        if min(self.strands) < 1 or self.strands[-1] != 1:
            raise ConfigError("strands must be at least 1, and 1 for the top level")

    def hop(self, level: Level) -> int:
        """Audio samples per code."""
        return self.vqvae.hop(level.index)

    def prior(self, level: Level) -> PriorConfig:
        return self.priors[level.index]

    def upsampling(self, level: Level) -> int:
        """Codes of ``level`` per code of the level above."""
        return self.vqvae.factor(level.index + 1)


def to_dict(config: Any) -> dict[str, Any]:
    """A configuration as JSON-ready nested dictionaries (enums as their values)."""
    return dataclasses.asdict(config)


def model_config_from_dict(data: dict[str, Any]) -> ModelConfig:
    """The inverse of ``to_dict``. Raises ConfigError naming the field that does not fit."""
    return typing.cast(ModelConfig, _build(ModelConfig, data, "config"))


def _build(wanted: Any, value: Any, where: str) -> Any:
    """``value`` from JSON as the annotated type ``wanted``; ``where`` names it in errors."""
    origin = typing.get_origin(wanted)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        inner = [t for t in typing.get_args(wanted) if t is not type(None)]
        return _build(inner[0], value, where)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"{where} must be a list")
        kinds = typing.get_args(wanted)
        if len(kinds) == 2 and kinds[1] is Ellipsis:
            kinds = (kinds[0],) * len(value)
        if len(kinds) != len(value):
            raise ConfigError(f"{where} must have {len(kinds)} entries, has {len(value)}")
        return tuple(_build(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True)))
    if dataclasses.is_dataclass(wanted):
        if not isinstance(value, dict):
            raise ConfigError(f"{where} must be an object")
        hints = typing.get_type_hints(wanted)
        unknown = sorted(set(value) - set(hints))
        if unknown:
            raise ConfigError(f"{where} has unknown entries: {', '.join(unknown)}")
        try:
            return wanted(**{k: _build(hints[k], v, f"{where}.{k}") for k, v in value.items()})  # type: ignore[operator]
        except TypeError as error:
            raise ConfigError(f"{where} is incomplete: {error}") from error
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        try:
            return wanted(value)
        except ValueError as error:
            raise ConfigError(f"{where}: {error}") from error
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise ConfigError(f"{where} must be {wanted.__name__}, is {value!r}")
    return value
