"""Sampling of one level: windows, conditioning of each, and an iterator of events.

Knows: how the published code walks over a song (jukebox fact sheet, section e). Does not know
files, names of models, or the other levels; ``explorer.engine`` chains the levels. One call serves
every mode: from scratch, primed, continued and resumed differ only in which codes are given.
"""

from __future__ import annotations

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
from explorer.jukebox.windows import Window, plan_windows


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
"""Logits [songs, bins] → tokens [songs]."""


def sample_window(
    prior: Prior,
    conditioning: Conditioning,
    prompt: torch.Tensor,
    count: int,
    choose: Chooser,
    chunk: int,
) -> Iterator[torch.Tensor]:
    """Yield ``count`` codes [songs] one after another behind ``prompt`` [songs, n]."""
    decoding = prior.sampler(conditioning, prompt.shape[0], prompt.shape[1] + count, prompt, chunk)
    for _ in range(count):
        yield decoding.step(choose)


def sample_level(prior: Prior, task: LevelTask, device: torch.device) -> Iterator[LevelStarted | Progress | WindowDone]:
    """Sample one level window by window.

    Raises ValueError where the level above is too short. Stopping between events loses nothing that
    a WindowDone has reported.
    """
    have = task.given.shape[1]
    windows = plan_windows(task.length, prior.config.n_ctx, task.hop_fraction, have)
    if task.upper is not None and task.upper.shape[1] * prior.upsampling < task.length:
        raise ValueError(f"{task.length} codes need {-(-task.length // prior.upsampling)} of the level above")
    codes = torch.zeros(len(task.labels), task.length, dtype=torch.int64)
    codes[:, :have] = task.given[:, : task.length]
    total = max(0, task.length - have)
    yield LevelStarted(task.level, len(windows), total, task.length)
    done = 0
    for number, window in enumerate(windows):
        entropies = []
        size = window.stop - window.new
        for first in range(0, len(task.labels), task.max_batch):
            songs = slice(first, first + task.max_batch)
            share = len(task.labels[songs]) / len(task.labels)
            drawer = Drawer(task.sampling, task.seeds[songs], task.level.index, window.new, device)
            for steps in _window_codes(prior, task, window, songs, codes, drawer, device):
                before = size * first // len(task.labels)
                yield Progress(task.level, number, len(windows), done + before + int(steps * share), total)
            entropies.append(drawer.entropy())
        done += size
        yield WindowDone(
            task.level, number, len(windows), window.new, window.stop,
            codes[:, : window.stop].clone(), torch.cat(entropies),
        )  # fmt: skip


def _window_codes(
    prior: Prior,
    task: LevelTask,
    window: Window,
    songs: slice,
    codes: torch.Tensor,
    drawer: Drawer,
    device: torch.device,
) -> Iterator[int]:
    """Fill ``codes[songs, new:stop]``; yields the number of steps done every NOISE_BLOCK steps.

    Codes stay on the device until a block is full: no synchronisation per code on accelerators.
    """
    # not held across a yield: the caller's own mode must not change while this generator rests
    with torch.inference_mode():
        upper = None if task.upper is None else task.upper[songs]
        conditioning = window_conditioning(prior, task.labels[songs], window.start, upper, device)
        prompt = codes[songs, window.start : window.new].to(device)
        steps = sample_window(prior, conditioning, prompt, window.stop - window.new, drawer, task.chunk)
    position = window.new
    while position < window.stop:
        count = min(NOISE_BLOCK, window.stop - position)
        with torch.inference_mode():
            block = torch.stack([next(steps) for _ in range(count)], dim=1)
            codes[songs, position : position + count] = block.cpu()
        position += count
        yield position - window.new
