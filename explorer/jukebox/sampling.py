"""Sampling of one level: windows, conditioning of each, and an iterator of events.

Knows: how the published code walks over a song (jukebox fact sheet, section e), and how to sample
several stretches of a song as one batch (``windows``). Does not know files, names of models, or the
other levels; ``explorer.engine`` chains the levels. One call serves every mode: from scratch,
primed, continued and resumed differ only in which codes are given.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from explorer.jukebox.conditioning import LabelBatch
from explorer.jukebox.config import Level
from explorer.jukebox.drawing import NOISE_BLOCK, Drawer
from explorer.jukebox.events import LevelStarted, Progress, WindowDone
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.lyrics import lyric_window, window_tokens
from explorer.jukebox.prior import Conditioning, Prior
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


def window_labels(prior: Prior, labels: Sequence[SongLabels], start: int) -> LabelBatch:
    """What every song's window from code ``start`` on receives, lyric stretch included."""
    config, offset = prior.config, start * prior.hop
    tokens = None
    if config.lyrics is not None:
        rows = [window_tokens(song.lyric_tokens, window_lyric_indices(prior, song, start)) for song in labels]
        tokens = torch.tensor(rows, dtype=torch.int64)
    artist_ids, artist_weights = _padded([song.artists for song in labels])
    genre_ids, genre_weights = _padded([song.genres for song in labels])
    return LabelBatch(
        total_length=torch.tensor([song.total_length for song in labels]),
        offset=torch.tensor([song.offset + offset for song in labels]),
        window_length=prior.window_length,
        artist_ids=artist_ids,
        artist_weights=artist_weights,
        genre_ids=genre_ids,
        genre_weights=genre_weights,
        lyric_tokens=tokens,
    )


def window_lyric_indices(prior: Prior, song: SongLabels, start: int) -> list[int]:
    """Indices into the song's lyric tokens that the window from code ``start`` on sees; −1 is padding."""
    assert prior.config.lyrics is not None
    return lyric_window(
        len(song.lyric_tokens),
        prior.config.lyrics.n_tokens,
        song.total_length,
        song.offset + start * prior.hop,
        prior.window_length,
        single_precision=True,
    )


def _padded(rows: Sequence[Sequence[tuple[int, float]]]) -> tuple[torch.Tensor, torch.Tensor]:
    """(ids, weights) [songs, n] of ragged rows; empty slots are −1."""
    n = max(1, *(len(row) for row in rows))
    ids = [[i for i, _ in row] + [-1] * (n - len(row)) for row in rows]
    weights = [[w for _, w in row] + [0.0] * (n - len(row)) for row in rows]
    return torch.tensor(ids, dtype=torch.int64), torch.tensor(weights, dtype=torch.float32)


def window_conditioning(
    prior: Prior,
    labels: Sequence[SongLabels],
    start: int,
    upper: torch.Tensor | None,
    device: torch.device,
) -> Conditioning:
    """Conditioning of the window from code ``start`` on; ``upper`` holds the whole level above."""
    batch = window_labels(prior, labels, start).to(device) if prior.config.labels is not None else None
    piece = None
    if prior.config.conditioner is not None:
        if upper is None:
            raise ValueError("an upsampler needs the codes of the level above")
        first = start // prior.upsampling
        piece = upper[:, first : first + prior.config.n_ctx // prior.upsampling].to(device)
    return prior.condition(batch, piece)


Chooser = Callable[[torch.Tensor], torch.Tensor]
"""Logits [rows, bins] → tokens [rows]."""


def sample_window(
    prior: Prior,
    conditioning: Conditioning,
    prompt: torch.Tensor,
    count: int,
    choose: Chooser,
    chunk: int,
) -> Iterator[torch.Tensor]:
    """Yield ``count`` codes [rows] one after another behind ``prompt`` [rows, n]."""
    decoding = prior.sampler(conditioning, prompt.shape[0], prompt.shape[1] + count, prompt, chunk)
    for _ in range(count):
        yield decoding.step(choose)


def sample_level(prior: Prior, task: LevelTask, device: torch.device) -> Iterator[LevelStarted | Progress | WindowDone]:
    """Sample one level wave by wave; a wave is one window unless the task asks for strands.

    Raises ValueError where the level above is too short. Stopping between events loses nothing that
    a WindowDone has reported.
    """
    have = task.given.shape[1]
    waves = plan_waves(task.length, prior.config.n_ctx, task.hop_fraction, have, task.strands)
    if task.upper is not None and task.upper.shape[1] * prior.upsampling < task.length:
        raise ValueError(f"{task.length} codes need {-(-task.length // prior.upsampling)} of the level above")
    codes = torch.zeros(len(task.labels), task.length, dtype=torch.int64)
    codes[:, :have] = task.given[:, : task.length]
    total = max(0, task.length - have)
    yield LevelStarted(task.level, len(waves), total, task.length)
    done = 0
    for number, wave in enumerate(waves):
        entropy = torch.zeros(len(task.labels), wave.stop - wave.new)
        # one window of all songs in one batch grows without gaps: its beginning can be heard already
        grows = len(wave.rounds) == len(wave.rounds[0]) == 1 and len(task.labels) <= task.max_batch
        for drawn in _sample_wave(prior, task, wave, codes, entropy, device):
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
    prior: Prior, task: LevelTask, wave: Wave, codes: torch.Tensor, entropy: torch.Tensor, device: torch.device
) -> Iterator[int]:
    """Fill ``codes[:, new:stop]`` and ``entropy``; yields how many codes of all songs are drawn so far."""
    done = 0
    for windows in wave.rounds:
        rows = [_Row(song, window) for song in range(len(task.labels)) for window in windows]
        for first in range(0, len(rows), task.max_batch):
            batch = rows[first : first + task.max_batch]
            drawer = Drawer(
                task.sampling,
                [task.seeds[row.song] for row in batch],
                task.level.index,
                [row.window.new for row in batch],
                device,
            )
            for steps in _draw_rows(prior, task, batch, codes, drawer, device):
                yield done + sum(min(steps, row.size) for row in batch)
            done += sum(row.size for row in batch)
            for row, bits in zip(batch, drawer.entropy(), strict=True):
                begin = row.window.new - wave.new
                entropy[row.song, begin : begin + row.size] = bits[: row.size]


def _draw_rows(
    prior: Prior, task: LevelTask, rows: Sequence[_Row], codes: torch.Tensor, drawer: Drawer, device: torch.device
) -> Iterator[int]:
    """Fill the rows' parts of ``codes``; yields the number of steps done every NOISE_BLOCK steps.

    Rows that end with the level earlier than others draw on into nothing. Codes stay on the device
    until a block is full: no synchronisation per code on accelerators.
    """
    total = max(row.size for row in rows)
    # not held across a yield: the caller's own mode must not change while this generator rests
    with torch.inference_mode():
        conditioning = _stacked([_row_conditioning(prior, task, row, device) for row in rows])
        prompt = torch.stack([codes[row.song, row.window.start : row.window.new] for row in rows]).to(device)
        steps = sample_window(prior, conditioning, prompt, total, drawer, task.chunk)
    done = 0
    while done < total:
        count = min(NOISE_BLOCK, total - done)
        with torch.inference_mode():
            block = torch.stack([next(steps) for _ in range(count)], dim=1).cpu()
        for row, drawn in zip(rows, block, strict=True):
            fits = max(0, min(count, row.size - done))
            codes[row.song, row.window.new + done : row.window.new + done + fits] = drawn[:fits]
        done += count
        yield done


def _row_conditioning(prior: Prior, task: LevelTask, row: _Row, device: torch.device) -> Conditioning:
    upper = None if task.upper is None else task.upper[row.song : row.song + 1]
    return window_conditioning(prior, [task.labels[row.song]], row.window.start, upper, device)


def _stacked(rows: Sequence[Conditioning]) -> Conditioning:
    """Conditionings of one row each as one batch."""

    def cat(name: str) -> torch.Tensor | None:
        parts = [getattr(row, name) for row in rows]
        return None if parts[0] is None else torch.cat(parts)

    return Conditioning(**{field.name: cat(field.name) for field in dataclasses.fields(Conditioning)})
