"""How one code is drawn from logits: temperature, filters, and noise that depends on nothing else.

Knows: top-k and nucleus filtering (Fan et al. 2018; Holtzman et al. 2020) and the Gumbel-max
trick. Does not know models. The noise is a function of (seed, level, position): chunking, batch
splitting, stopping and resuming cannot change which codes are drawn, and no global generator is
touched. Where this differs on purpose from the published code: top-p works (theirs fails on
current torch).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import torch

from explorer.jukebox.song import LevelSampling

NOISE_BLOCK = 64
"""Positions whose noise is drawn at once."""


def filter_logits(logits: torch.Tensor, top_k: int, top_p: float) -> torch.Tensor:
    """[..., bins] with everything outside the filter at −inf; ties with the k-th stay."""
    if top_k:
        kth = logits.topk(min(top_k, logits.shape[-1]), dim=-1).values[..., -1:]
        return logits.masked_fill(logits < kth, -math.inf)
    if top_p:
        ordered, order = logits.sort(dim=-1, descending=True)
        above = ordered.softmax(-1).cumsum(-1)
        # a code stays while those before it hold less than top_p, so the likeliest always stays
        outside = above - ordered.softmax(-1) >= top_p
        return logits.masked_fill(torch.zeros_like(outside).scatter(-1, order, outside), -math.inf)
    return logits


def gumbel_block(seed: int, level: int, block: int, bins: int) -> torch.Tensor:
    """Standard Gumbel noise [NOISE_BLOCK, bins] of one song's positions block·64 …, on the CPU."""
    key = hashlib.blake2b(f"{seed} {level} {block}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(key, "big") >> 1)
    exponential = torch.empty(NOISE_BLOCK, bins).exponential_(generator=generator)
    return -exponential.clamp_min(1e-30).log()


def gumbel_noise(seed: int, level: int, position: int, count: int, bins: int) -> torch.Tensor:
    """Noise [count, bins] of one song's positions from ``position`` on, cut from its blocks."""
    first = position // NOISE_BLOCK
    last = (position + count - 1) // NOISE_BLOCK
    blocks = torch.cat([gumbel_block(seed, level, block, bins) for block in range(first, last + 1)])
    begin = position - first * NOISE_BLOCK
    return blocks[begin : begin + count]


class Drawer:
    """Draws the codes of a batch of windows at one level and keeps how uncertain each draw was."""

    def __init__(
        self,
        sampling: LevelSampling,
        seeds: Sequence[int],
        level: int,
        positions: Sequence[int],
        device: torch.device,
    ) -> None:
        """``positions``: that of the first code to be drawn, one for each row as are the seeds."""
        self._positions = list(positions)
        self._sampling, self._seeds, self._level, self._device = sampling, seeds, level, device
        self._noise = torch.empty(0)
        self._row = 0
        self._pending: list[torch.Tensor] = []
        self._entropy: list[torch.Tensor] = []

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        """logits [rows, bins] → tokens [rows]; moves on by one position."""
        if self._row == len(self._noise):
            self._more_noise(logits.shape[-1])
        scaled = logits / self._sampling.temperature
        self._pending.append(scaled)
        if len(self._pending) == NOISE_BLOCK:
            self._measure()
        kept = filter_logits(scaled, self._sampling.top_k, self._sampling.top_p)
        self._row += 1
        return (kept + self._noise[self._row - 1]).argmax(-1)

    def _more_noise(self, bins: int) -> None:
        """Noise [n, rows, bins] up to the first row's next block, so that blocks are made once if rows agree."""
        count = NOISE_BLOCK - self._positions[0] % NOISE_BLOCK
        rows = [
            gumbel_noise(seed, self._level, position, count, bins)
            for seed, position in zip(self._seeds, self._positions, strict=True)
        ]
        self._noise, self._row = torch.stack(rows, dim=1).to(self._device), 0
        self._positions = [position + count for position in self._positions]

    def _measure(self) -> None:
        """Entropies of the waiting draws, many at once because each is many small operations."""
        if self._pending:
            logs = torch.stack(self._pending, dim=1).log_softmax(-1)
            self._entropy.append(-(logs.exp() * logs).sum(-1) / math.log(2))
            self._pending = []

    def entropy(self) -> torch.Tensor:
        """[rows, draws so far] bits, at the sampling temperature and before filtering; on the CPU."""
        self._measure()
        return torch.cat(self._entropy, dim=1).cpu()
