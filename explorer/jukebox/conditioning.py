"""What steers a prior: upper-level codes, labels and time, as embeddings.

Knows: the dilated convolutions of the upsamplers, embeddings of style, time and ground, and how the
published code turns seconds into bins (float32 throughout). Does not know names or text.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import nn

from explorer.jukebox.config import ConditionerConfig, LabelConfig
from explorer.jukebox.diction import SungRows
from explorer.jukebox.ground import CHORDS, KEYS, GroundRows, Habits
from explorer.jukebox.transformer import LayerNorm
from explorer.jukebox.tune import NOTES, TuneHabits, TuneRows
from explorer.jukebox.vqvae import ResidualUnit, residual_units


class ConditionerResiduals(nn.Module):
    """Residual units under the published name ``blocks``."""

    def __init__(self, units: list[ResidualUnit]) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*units)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.blocks(x)
        return y


class _Upsample(nn.Module):
    """First convolution and the up-sampling stages under the published name ``model``."""

    def __init__(self, config: ConditionerConfig, out: int, down_t: int, stride: int) -> None:
        super().__init__()
        scale = config.depth**-0.5 if config.res_scale else 1.0
        stages: list[nn.Module] = [nn.Conv1d(out, config.width, 3, padding=1)]
        for i in range(down_t):
            units = residual_units(
                config.width, config.depth, config.dilation_growth, config.dilation_cycle, 1.0, scale=scale
            )
            last = out if i == down_t - 1 else config.width
            stages.append(
                nn.Sequential(
                    ConditionerResiduals(units),
                    nn.ConvTranspose1d(config.width, last, 2 * stride, stride=stride, padding=stride // 2),
                )
            )
        self.model = nn.Sequential(*stages)


class Conditioner(nn.Module):
    """Codes of the level above, stretched to this level's rate."""

    def __init__(
        self, config: ConditionerConfig, codes: int, width: int, down_t: int, stride: int, init_scale: float
    ) -> None:
        super().__init__()
        self.x_emb = nn.Embedding(codes, width)
        nn.init.normal_(self.x_emb.weight, std=0.02 * init_scale)
        self.cond = _Upsample(config, width, down_t, stride)
        self.ln = LayerNorm(width)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """codes [batch, n] of the level above → [batch, n · factor, width]."""
        x = self.cond.model(self.x_emb(codes).transpose(1, 2)).transpose(1, 2)
        y: torch.Tensor = self.ln(x)
        return y


@dataclass(frozen=True)
class LabelBatch:
    """What the label conditioner receives for one window of every song; times in samples."""

    total_length: torch.Tensor
    """[batch] int64"""
    offset: torch.Tensor
    """[batch] int64: where the window begins in the imagined song"""
    window_length: int
    artist_ids: torch.Tensor
    """[batch, n] int64; -1 is an empty slot"""
    artist_weights: torch.Tensor
    """[batch, n] float32"""
    genre_ids: torch.Tensor
    genre_weights: torch.Tensor
    lyric_tokens: torch.Tensor | None = None
    """[batch, n_tokens] int64 of this window"""
    ground: GroundRows | None = None
    """Bars, keys and chords; None: told of no song"""
    tune: TuneRows | None = None
    """The notes that are sung; None: told of no song"""
    sung: SungRows | None = None
    """What is sung when, for a level that is told it; None: told of no song"""

    def to(self, device: torch.device) -> LabelBatch:
        kinds = torch.Tensor | GroundRows | TuneRows | SungRows
        movable = {k: v.to(device) for k, v in self.__dict__.items() if isinstance(v, kinds)}
        return dataclasses.replace(self, **movable)  # type: ignore[arg-type]


class _Embedding(nn.Module):
    """A table under the published name ``emb``."""

    def __init__(self, rows: int, width: int, std: float) -> None:
        super().__init__()
        self.emb = nn.Embedding(rows, width)
        nn.init.normal_(self.emb.weight, std=std)

    def weighted_sum(self, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """ids [batch, n] (-1 = empty) and weights [batch, n] → [batch, 1, width]."""
        rows = self.emb(ids.clamp_min(0))
        used = (weights * (ids >= 0)).to(rows.dtype)
        mixed: torch.Tensor = (rows * used.unsqueeze(-1)).sum(1, keepdim=True)
        return mixed


@dataclass(frozen=True)
class TimeBins:
    """Rows of the timing tables: total [batch, 1], absolute and relative [batch, n_ctx]."""

    total: torch.Tensor
    absolute: torch.Tensor
    relative: torch.Tensor


def time_bins(
    config: LabelConfig,
    sample_rate: int,
    n_ctx: int,
    total_length: torch.Tensor,
    offset: torch.Tensor,
    window_length: int,
) -> TimeBins:
    """Bins of total length, absolute and relative position, exactly as published (float32).

    Raises ValueError for times that the tables do not cover; ``labels`` reports those to users.
    """
    if config.t_bins is None:
        raise ValueError("this level has no timing tables")
    bins = config.t_bins
    total = total_length.view(-1, 1).float()
    start = offset.view(-1, 1).float()
    end = start + float(window_length)
    shortest, longest = config.min_seconds * sample_rate, config.max_seconds * sample_rate
    if bool((total < shortest).any()) or bool((total >= longest).any()):
        raise ValueError(f"the whole song must last {config.min_seconds:g} to {config.max_seconds:g} seconds")
    if bool((end > longest).any()) or bool((start >= total).any()):
        raise ValueError("a window must begin inside its song and end before the longest time")
    steps = torch.arange(n_ctx, device=total.device, dtype=torch.float32).view(1, -1)

    def interpolate(first: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        return first + (last - first) * steps / n_ctx

    def to_bin(value: torch.Tensor, low: float, high: float) -> torch.Tensor:
        return (bins * ((value - low) / (high - low))).floor().long()

    relative_end = (end / total).clamp(max=1.0)
    return TimeBins(
        total=to_bin(total, shortest, longest),
        absolute=to_bin(interpolate(start, end), 0.0, longest),
        relative=to_bin(interpolate(start / total, relative_end), 0.0, 1.0),
    )


class LabelConditioner(nn.Module):
    """Style (genre + artist) and, where the level has them, embeddings of time, bars, key, chords and tune."""

    def __init__(self, config: LabelConfig, sample_rate: int, n_ctx: int, width: int, init_scale: float) -> None:
        super().__init__()
        self.config, self.sample_rate, self.n_ctx = config, sample_rate, n_ctx
        std = 0.01 * init_scale
        self.bow_genre_emb = _Embedding(config.genres, width, std)
        self.artist_emb = _Embedding(config.artists, width, std)
        if config.t_bins is not None:
            self.total_length_emb = _Embedding(config.t_bins, width, std)
            self.absolute_pos_emb = _Embedding(config.t_bins, width, std)
            self.relative_pos_emb = _Embedding(config.t_bins, width, std)
        if config.bar_parts is not None:
            self.bar_emb = _Embedding(1 + config.bar_parts, width, std)
            self.key_emb = _Embedding(1 + KEYS, width, std)
            self.chord_emb = _Embedding(1 + CHORDS, width, std)
            self.habits = Habits(config.artists)
        if config.tune:
            self.note_emb = _Embedding(NOTES, width, std)
            self.tune_habits = TuneHabits(config.artists)

    def style(self, labels: LabelBatch) -> torch.Tensor:
        """[batch, 1, width]: weighted sum of artists plus weighted sum of genres."""
        artist = self.artist_emb.weighted_sum(labels.artist_ids, labels.artist_weights)
        return artist + self.bow_genre_emb.weighted_sum(labels.genre_ids, labels.genre_weights)

    def time(self, labels: LabelBatch) -> torch.Tensor | None:
        """[batch, n_ctx, width], or None for a level without timing tables."""
        if self.config.t_bins is None:
            return None
        bins = time_bins(
            self.config, self.sample_rate, self.n_ctx, labels.total_length, labels.offset, labels.window_length
        )
        total, absolute, relative = self.total_length_emb, self.absolute_pos_emb, self.relative_pos_emb
        summed: torch.Tensor = total.emb(bins.total) + absolute.emb(bins.absolute) + relative.emb(bins.relative)
        return summed

    def ground(self, labels: LabelBatch) -> torch.Tensor | None:
        """Bars, key and chords [batch, n_ctx, width], or None for a level that is not told them."""
        if self.config.bar_parts is None:
            return None
        rows = labels.ground or GroundRows.of([None] * len(labels.offset)).to(labels.offset.device)
        samples = self._samples(labels)
        parts = self.bar_emb.emb(rows.parts(samples, self.config.bar_parts))
        told: torch.Tensor = parts + self.chord_emb.emb(rows.chords_at(samples)) + self.key_emb.emb(rows.keys[:, None])
        return told

    def tune(self, labels: LabelBatch) -> torch.Tensor | None:
        """The note that is sung [batch, n_ctx, width], or None for a level that is not told it."""
        if not self.config.tune:
            return None
        rows = labels.tune or TuneRows.of([None] * len(labels.offset)).to(labels.offset.device)
        told: torch.Tensor = self.note_emb.emb(rows.notes_at(self._samples(labels)))
        return told

    def _samples(self, labels: LabelBatch) -> torch.Tensor:
        """float32 [batch, n_ctx]: where in the imagined whole song each code begins."""
        steps = torch.arange(self.n_ctx, device=labels.offset.device, dtype=torch.float32)
        return labels.offset.view(-1, 1).float() + steps * (labels.window_length / self.n_ctx)
