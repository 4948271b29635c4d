"""How one code is drawn from logits: temperature, filters, and chance that depends on nothing else.

Knows: top-k and nucleus filtering (Fan et al. 2018; Holtzman et al. 2020) and drawing by inversion of the cumulative
distribution (Devroye 1986, section III.2): one random number a code, where noise on every logit would cost more than a
small model's products. Does not know models. The numbers are a function of (seed, level, position): chunking, batch
splitting, stopping and resuming cannot change which codes are drawn, and no global generator is touched. Where this
differs on purpose from the published code: top-p works (theirs fails on current torch).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import torch

from explorer.jukebox.song import LevelSampling

CHANCE_BLOCK = 64
"""Positions whose random numbers are made at once."""
CHANCES = 2**22
"""Random numbers are multiples of 1 / CHANCES: times a float32 total they stay below that total."""


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


def chance_block(seed: int, level: int, block: int) -> torch.Tensor:
    """Numbers in [0, 1) [CHANCE_BLOCK] for one song's positions block·64 …, on the CPU."""
    key = hashlib.blake2b(f"{seed} {level} {block}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(key, "big") >> 1)
    return torch.randint(CHANCES, (CHANCE_BLOCK,), generator=generator) / CHANCES


def chances(seed: int, level: int, position: int, count: int) -> torch.Tensor:
    """Numbers [count] of one song's positions from ``position`` on, cut from its blocks."""
    first = position // CHANCE_BLOCK
    last = (position + count - 1) // CHANCE_BLOCK
    blocks = torch.cat([chance_block(seed, level, block) for block in range(first, last + 1)])
    begin = position - first * CHANCE_BLOCK
    return blocks[begin : begin + count]


def draw(probabilities: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """[rows, bins] and [rows] in [0, 1) → [rows] the bin in which each share of the whole lies; never an empty one."""
    reached = probabilities.cumsum(-1)
    return torch.searchsorted(reached, reached[:, -1:] * chance.unsqueeze(1), right=True).squeeze(1)


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
        self._chances = torch.empty(0)
        self._step = 0
        self._pending: list[torch.Tensor] = []
        self._entropy: list[torch.Tensor] = []

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        """logits [rows, bins] → tokens [rows]; moves on by one position."""
        if self._step == len(self._chances):
            self._more_chances()
        logits = logits.float()
        if self._sampling.temperature != 1.0:
            logits = logits / self._sampling.temperature
        probabilities = logits.softmax(-1)
        self._pending.append(probabilities)
        if len(self._pending) == CHANCE_BLOCK:
            self._measure()
        if self._sampling.top_k or self._sampling.top_p:
            probabilities = filter_logits(logits, self._sampling.top_k, self._sampling.top_p).softmax(-1)
        self._step += 1
        return draw(probabilities, self._chances[self._step - 1])

    def _more_chances(self) -> None:
        """Numbers [CHANCE_BLOCK, rows] for the next positions."""
        rows = [
            chances(seed, self._level, position, CHANCE_BLOCK)
            for seed, position in zip(self._seeds, self._positions, strict=True)
        ]
        self._chances, self._step = torch.stack(rows, dim=1).to(self._device), 0
        self._positions = [position + CHANCE_BLOCK for position in self._positions]

    def _measure(self) -> None:
        """Entropies of the waiting draws, many at once because each is many small operations."""
        if self._pending:
            self._entropy.append(torch.special.entr(torch.stack(self._pending, dim=1)).sum(-1) / math.log(2))
            self._pending = []

    def entropy(self) -> torch.Tensor:
        """[rows, draws so far] bits, at the sampling temperature and before filtering; on the CPU."""
        self._measure()
        return torch.cat(self._entropy, dim=1).cpu()
