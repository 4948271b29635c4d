"""What happens while songs are sampled, in the order in which it happens.

Knows: the shapes of what is reported. Does not know: who listens, or any file.
Code tensors are int64 on the CPU; times of audio are in samples of the model's rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from explorer.jukebox.config import Level

if TYPE_CHECKING:
    from explorer.jukebox.alignment import Alignment
    from explorer.jukebox.sheet import LeadSheet


@dataclass(frozen=True)
class Planned:
    """Songs are made from nothing by a model that is told bars: comes before all else."""

    sheets: tuple[LeadSheet | None, ...]
    """What each song is told of its music."""


@dataclass(frozen=True)
class LevelStarted:
    """A level begins: how many windows it will take and how many codes are new in all of them."""

    level: Level
    windows: int
    new_codes: int
    length: int
    """Codes of the finished level, given ones included."""


@dataclass(frozen=True)
class Progress:
    """Some codes were drawn inside a window; nothing is finished yet and nothing need be kept."""

    level: Level
    window: int
    windows: int
    codes_done: int
    """New codes of this level so far, per song."""
    codes_total: int
    codes: torch.Tensor | None = None
    """[songs, n] all codes of this level so far, to be heard early; None while they have gaps."""


@dataclass(frozen=True)
class WindowDone:
    """A window is finished: ``codes[:, :stop]`` of this level will not change any more.

    Where several windows are sampled together (strands), they are reported together as one.
    """

    level: Level
    window: int
    """Counts from 0."""
    windows: int
    start: int
    """First code that this window made."""
    stop: int
    codes: torch.Tensor
    """[songs, stop] all codes of this level so far."""
    entropy: torch.Tensor
    """[songs, stop - start] bits of uncertainty with which each new code was drawn."""


@dataclass(frozen=True)
class Preview:
    """Newly decoded audio of one level, to be appended to what was reported before."""

    level: Level
    start: int
    """Sample at which ``audio`` begins; earlier samples from here on are replaced."""
    audio: torch.Tensor
    """[songs, samples] float32 in [-1, 1]."""


@dataclass(frozen=True)
class LevelDone:
    """A level is finished: its codes and its audio."""

    level: Level
    codes: torch.Tensor
    """[songs, codes]"""
    audio: torch.Tensor
    """[songs, samples] float32 in [-1, 1]."""


@dataclass(frozen=True)
class AlignmentDone:
    """When each lyric character is sung, one alignment per song; None for instrumentals."""

    alignments: tuple[Alignment | None, ...]


@dataclass(frozen=True)
class Finished:
    """Everything that was asked for is done."""

    codes: dict[Level, torch.Tensor]


Event = Planned | LevelStarted | Progress | WindowDone | Preview | LevelDone | AlignmentDone | Finished
