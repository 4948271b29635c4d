"""Sampling of one level: windows, which of them together, and an iterator of events.

Knows: how the published code walks over a song (jukebox fact sheet, section e), and how to sample
several stretches of a song as one batch (``windows``). Does not know files, names of models, or the
other levels; ``explorer.engine`` chains the levels. One call serves every mode: from scratch,
primed, continued and resumed differ only in which codes are given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from explorer.jukebox.config import Level
from explorer.jukebox.diction import SungRows, begins_of
from explorer.jukebox.events import LevelStarted, Progress, WindowDone
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.prior import Prior
from explorer.jukebox.rows import RowBatch, draw_rows
from explorer.jukebox.song import LevelSampling
from explorer.jukebox.windows import Wave, Window, plan_waves


@dataclass(frozen=True)
class LevelTask:
    """One level of a batch of songs. Code tensors are int64 on the CPU."""

    level: Level
    labels: Sequence[SongLabels]
    seeds: Sequence[int]
    given: torch.Tensor
    """[songs, n] codes that exist already, n from 0 to ``length``."""
    length: int
    """Codes of the finished level."""
    upper: torch.Tensor | None
    """[songs, m] codes of the level above, for upsamplers."""
    hop_fraction: float
    sampling: LevelSampling
    max_batch: int
    chunk: int
    strands: int = 1
    """Stretches of each song that are sampled together; 1 is the published way."""
    places: torch.Tensor | None = None
    """[songs, length] how many tokens of its lyrics each song has begun at each code, for a level that is told it."""


@dataclass(frozen=True)
class Drawn:
    """The next codes of one of several batches, or, last, how uncertain its draws were."""

    batch: int
    codes: torch.Tensor | None
    """[rows, count] of the positions behind those reported before."""
    entropy: torch.Tensor | None = None
    """[rows, steps] bits"""
    first: int = 0
    """Draws before ``codes``."""


class Crew(Protocol):
    """Whoever draws batches of rows. Who draws a batch does not change its codes."""

    @property
    def size(self) -> int:
        """Into how many batches rows are shared out; always the same, since a batch's size can touch the last bits."""

    def start(self) -> None:
        """Get ready to draw; returns at once."""

    def wait(self) -> None:
        """Return when all who were started are ready."""

    def close(self) -> None:
        """Give back what ``start`` took."""

    def draw(self, prior: Prior, batches: Sequence[RowBatch]) -> Iterator[Drawn]:
        """Draw all batches, in any order; a batch may begin again from its first code."""


class Alone:
    """Draws one batch after another in this thread."""

    size = 1

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def start(self) -> None: ...

    def wait(self) -> None: ...

    def close(self) -> None: ...

    def draw(self, prior: Prior, batches: Sequence[RowBatch]) -> Iterator[Drawn]:
        for number, batch in enumerate(batches):
            yield from draw_one(prior, number, batch, self.device)


def draw_one(prior: Prior, number: int, batch: RowBatch, device: torch.device) -> Iterator[Drawn]:
    """Draw one batch in this thread, reported as batch ``number``."""
    blocks = draw_rows(prior, batch, device)
    first = 0
    while True:
        try:
            codes = next(blocks)
        except StopIteration as end:
            yield Drawn(number, None, end.value)
            return
        yield Drawn(number, codes, first=first)
        first += codes.shape[1]


def sample_level(prior: Prior, task: LevelTask, crew: Crew) -> Iterator[LevelStarted | Progress | WindowDone]:
    """Sample one level wave by wave; a wave is one window unless the task asks for strands.

    Raises ValueError where the level above is too short, or where the level needs its songs' places in their lyrics and
    the task has none. Stopping between events loses nothing that a WindowDone has reported.
    """
    have = task.given.shape[1]
    waves = plan_waves(task.length, prior.config.n_ctx, task.hop_fraction, have, task.strands)
    if task.upper is not None and task.upper.shape[1] * prior.upsampling < task.length:
        raise ValueError(f"{task.length} codes need {-(-task.length // prior.upsampling)} of the level above")
    if task.places is None and (prior.config.follows or prior.config.diction is not None):
        raise ValueError("this level must be told its songs' places in their lyrics")
    codes = torch.zeros(len(task.labels), task.length, dtype=torch.int64)
    codes[:, :have] = task.given[:, : task.length]
    total = max(0, task.length - have)
    yield LevelStarted(task.level, len(waves), total, task.length)
    done = 0
    for number, wave in enumerate(waves):
        entropy = torch.zeros(len(task.labels), wave.stop - wave.new)
        # one window of all songs in one batch grows without gaps: its beginning can be heard already
        grows = len(wave.windows) == 1 and len(task.labels) <= task.max_batch
        for drawn in _sample_wave(prior, task, wave, codes, entropy, crew):
            steps = drawn // len(task.labels)
            heard = codes[:, : wave.new + steps].clone() if grows else None
            yield Progress(task.level, number, len(waves), done + steps, total, heard)
        done += wave.stop - wave.new
        yield WindowDone(
            task.level, number, len(waves), wave.new, wave.stop, codes[:, : wave.stop].clone(), entropy
        )  # fmt: skip


@dataclass(frozen=True)
class _Row:
    """One window of one song: a row of a batch."""

    song: int
    window: Window

    @property
    def size(self) -> int:
        return self.window.stop - self.window.new


def _sample_wave(
    prior: Prior,
    task: LevelTask,
    wave: Wave,
    codes: torch.Tensor,
    entropy: torch.Tensor,
    crew: Crew,
) -> Iterator[int]:
    """Fill ``codes[:, new:stop]`` and ``entropy``; yields how many codes of all songs are drawn so far."""
    rows = [_Row(song, window) for song in range(len(task.labels)) for window in wave.windows]
    size = min(task.max_batch, -(-len(rows) // crew.size))
    parts = [rows[first : first + size] for first in range(0, len(rows), size)]
    steps = [0] * len(parts)
    for drawn in crew.draw(prior, [_batch(prior, task, part, codes) for part in parts]):
        part = parts[drawn.batch]
        if drawn.codes is not None:
            _place(codes, part, drawn.codes, drawn.first)
            steps[drawn.batch] = max(steps[drawn.batch], drawn.first + drawn.codes.shape[1])
            yield sum(min(n, row.size) for n, rows in zip(steps, parts, strict=True) for row in rows)
        elif drawn.entropy is not None:
            for row, bits in zip(part, drawn.entropy, strict=True):
                begin = row.window.new - wave.new
                entropy[row.song, begin : begin + row.size] = bits[: row.size]


def _place(codes: torch.Tensor, rows: Sequence[_Row], block: torch.Tensor, first: int) -> None:
    """Write the rows' draws ``first`` … [rows, count] where they belong; what is behind a row's end is dropped."""
    for row, drawn in zip(rows, block, strict=True):
        fits = max(0, min(len(drawn), row.size - first))
        codes[row.song, row.window.new + first : row.window.new + first + fits] = drawn[:fits]


def _batch(prior: Prior, task: LevelTask, rows: Sequence[_Row], codes: torch.Tensor) -> RowBatch:
    """The rows with all that their codes depend on."""
    pieces: list[torch.Tensor] = []
    if prior.config.conditioner is not None:
        if task.upper is None:
            raise ValueError("an upsampler needs the codes of the level above")
        count = prior.config.n_ctx // prior.upsampling
        firsts = [row.window.start // prior.upsampling for row in rows]
        pieces = [task.upper[row.song, first : first + count] for row, first in zip(rows, firsts, strict=True)]
    return RowBatch(
        level=task.level,
        labels=tuple(task.labels[row.song] for row in rows),
        seeds=tuple(task.seeds[row.song] for row in rows),
        starts=tuple(row.window.start for row in rows),
        sizes=tuple(row.size for row in rows),
        prompt=torch.stack([codes[row.song, row.window.start : row.window.new] for row in rows]),
        upper=torch.nn.utils.rnn.pad_sequence(pieces, batch_first=True) if pieces else None,
        upper_lengths=tuple(len(piece) for piece in pieces),
        sampling=task.sampling,
        chunk=task.chunk,
        places=_in_sight(task.places, rows) if task.places is not None and prior.config.follows else None,
        sung=_sung(task.places, prior, task, rows) if task.places is not None else (),
    )


def _sung(places: torch.Tensor, prior: Prior, task: LevelTask, rows: Sequence[_Row]) -> tuple[SungRows, ...]:
    """What is sung in each row's window, for a level that is told it."""
    diction = prior.config.diction
    if diction is None:
        return ()
    told = []
    for row in rows:
        tokens = task.labels[row.song].lyric_tokens
        begins = begins_of(places[row.song], len(tokens))
        whole = SungRows.of(tokens, begins, row.window.start, prior.config.n_ctx, task.length)
        told.append(whole.near(diction.reach))
    return tuple(told)


def _in_sight(places: torch.Tensor, rows: Sequence[_Row]) -> torch.Tensor:
    """[rows, n] of ``places`` [songs, length], as long as the longest row; behind a shorter one's end they stay."""
    pieces = [places[row.song, row.window.start : row.window.stop] for row in rows]
    longest = max(len(piece) for piece in pieces)
    return torch.stack([torch.cat([piece, piece[-1:].expand(longest - len(piece))]) for piece in pieces])
