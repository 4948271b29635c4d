"""Windows sampled as one batch: what decides their codes, and how these are drawn.

Knows: the conditioning of each window, and drawing codes block by block. A batch holds all that its codes
depend on besides the weights, so that it can be drawn by another process. Does not know how a song is cut into
windows (``windows``) or which windows go together (``sampling``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import torch

from explorer.jukebox.conditioning import LabelBatch
from explorer.jukebox.config import Level
from explorer.jukebox.diction import SungRows
from explorer.jukebox.drawing import CHANCE_BLOCK, Drawer
from explorer.jukebox.following import place_bias
from explorer.jukebox.ground import GroundRows
from explorer.jukebox.guidance import guided, untold
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.lyrics import lyric_window, window_tokens
from explorer.jukebox.prior import NOT_TOLD, Conditioning, Prior
from explorer.jukebox.song import LevelSampling
from explorer.jukebox.tune import TuneRows


@dataclass(frozen=True)
class RowBatch:
    """One window of a song for each row. Code tensors are int64 on the CPU."""

    level: Level
    labels: tuple[SongLabels, ...]
    seeds: tuple[int, ...]
    starts: tuple[int, ...]
    """First code in sight of each row."""
    sizes: tuple[int, ...]
    """Codes to draw for each row; the rows draw together until the longest is done."""
    prompt: torch.Tensor
    """[rows, n] codes in sight that exist already."""
    upper: torch.Tensor | None
    """[rows, m] codes of the level above that the windows see, for upsamplers; rows are as long as the longest."""
    upper_lengths: tuple[int, ...]
    """How many of each row's ``upper`` codes exist."""
    sampling: LevelSampling
    chunk: int
    places: torch.Tensor | None = None
    """int64 [rows, n + steps] for a prior that follows its lyrics: how many tokens have begun at each code in sight."""
    sung: tuple[SungRows, ...] = ()
    """For a prior that is told what is sung: one for each row, as long as a whole window."""

    @property
    def steps(self) -> int:
        return max(self.sizes)


def draw_rows(prior: Prior, rows: RowBatch, device: torch.device) -> Generator[torch.Tensor, None, torch.Tensor]:
    """Yield the next codes of all rows [rows, ≤ CHANCE_BLOCK] until ``steps`` are drawn; return how uncertain
    each was: [rows, steps] bits.

    Rows that are shorter than others draw on into nothing. Codes stay on the device until a block
    is full: no synchronisation per code on accelerators.
    """
    new, count = rows.prompt.shape[1], len(rows.labels)
    drawer = Drawer(rows.sampling, rows.seeds, rows.level.index, [start + new for start in rows.starts], device)
    choose: Callable[[torch.Tensor], torch.Tensor] = drawer
    if rows.sampling.runs == 2:
        rows, choose = _with_untold(rows), guided(drawer, rows.sampling.guidance)
    # not held across a yield: the caller's own mode must not change while this generator rests
    with torch.inference_mode():
        conditioning = _stacked([_conditioning(prior, rows, row, device) for row in range(len(rows.labels))])
        if rows.places is not None:
            bias = window_lyric_bias(prior, rows.labels, rows.starts, rows.places)
            conditioning = dataclasses.replace(conditioning, lyric_bias=bias.to(device))
        decoding = prior.sampler(conditioning, len(rows.labels), new + rows.steps, rows.prompt.to(device), rows.chunk)
    done = 0
    while done < rows.steps:
        steps = min(CHANCE_BLOCK, rows.steps - done)
        with torch.inference_mode():
            block = torch.stack([decoding.step(choose)[:count] for _ in range(steps)], dim=1).cpu()
        done += steps
        yield block.clone()
    return drawer.entropy().clone()


def _with_untold(rows: RowBatch) -> RowBatch:
    """All rows, and behind them all once more with only times told: no names, no words, no ground, no level above."""

    def twice(value: torch.Tensor | None) -> torch.Tensor | None:
        return None if value is None else torch.cat([value, value])

    return dataclasses.replace(
        rows,
        labels=rows.labels + tuple(untold(song) for song in rows.labels),
        seeds=rows.seeds * 2,
        starts=rows.starts * 2,
        sizes=rows.sizes * 2,
        prompt=rows.prompt.repeat(2, 1),
        upper=None if rows.upper is None else torch.cat([rows.upper, torch.full_like(rows.upper, NOT_TOLD)]),
        upper_lengths=rows.upper_lengths * 2,
        places=twice(rows.places),
        sung=rows.sung + tuple(SungRows.none(row.places.shape[1]) for row in rows.sung),
    )


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
        ground=GroundRows.of([song.ground for song in labels]),
        tune=TuneRows.of([song.tune for song in labels]),
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


def tokens_before(prior: Prior, song: SongLabels, start: int) -> int:
    """How many tokens of a song lie before the columns of the window from code ``start`` on; below 0 where the first
    columns are padding."""
    assert prior.config.lyrics is not None
    return window_lyric_indices(prior, song, start)[-1] + 1 - prior.config.lyrics.n_tokens


def window_lyric_bias(
    prior: Prior, songs: Sequence[SongLabels], starts: Sequence[int], places: torch.Tensor
) -> torch.Tensor:
    """``Conditioning.lyric_bias`` of windows from the codes ``starts`` on, where the places [songs, n] are known."""
    config = prior.config
    assert config.lyrics is not None and config.alignment_head is not None
    before = torch.tensor([tokens_before(prior, song, start) for song, start in zip(songs, starts, strict=True)])
    return place_bias(places, before, config.lyrics.n_tokens, config.transformer.heads, config.alignment_head)


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


def _conditioning(prior: Prior, rows: RowBatch, row: int, device: torch.device) -> Conditioning:
    labels = None
    if prior.config.labels is not None:
        labels = window_labels(prior, [rows.labels[row]], rows.starts[row])
        if rows.sung:
            labels = dataclasses.replace(labels, sung=rows.sung[row])
        labels = labels.to(device)
    upper = None if rows.upper is None else rows.upper[row : row + 1, : rows.upper_lengths[row]].to(device)
    return prior.condition(labels, upper)


def _stacked(rows: Sequence[Conditioning]) -> Conditioning:
    """Conditionings of one row each as one batch."""

    def cat(name: str) -> torch.Tensor | None:
        parts = [getattr(row, name) for row in rows]
        return None if parts[0] is None else torch.cat(parts)

    return Conditioning(**{field.name: cat(field.name) for field in dataclasses.fields(Conditioning)})
