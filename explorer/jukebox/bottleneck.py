"""Vector quantisation: one codebook per level, trained by exponential moving averages.

Knows: nearest-code search, the codebook update with revival, and its metrics (Dhariwal et al.
2020, section 3 and appendix B.1; Razavi et al. 2019). Does not know the encoders around it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class CodebookMetrics:
    """How one update went; all scalars."""

    fit: torch.Tensor
    """Mean squared distance of a vector to its code."""
    entropy: torch.Tensor
    """Of the batch's code frequencies, in nats."""
    used_now: torch.Tensor
    """Codes that this batch used at least ``threshold`` times."""
    usage: torch.Tensor
    """Codes whose running count is at least ``threshold``."""
    change: torch.Tensor
    """Root mean square change of the codebook."""


@dataclass(frozen=True)
class CodebookState:
    """Codebook and running sums: k [codes, width], k_sum [codes, width], k_elem [codes]."""

    k: torch.Tensor
    k_sum: torch.Tensor
    k_elem: torch.Tensor


def update_codebook(
    state: CodebookState,
    x: torch.Tensor,
    codes: torch.Tensor,
    revival: torch.Tensor,
    mu: float = 0.99,
    threshold: float = 1.0,
) -> tuple[CodebookState, CodebookMetrics]:
    """One moving-average step.

    ``x`` [rows, width] are encoder outputs, ``codes`` [rows] their codes, ``revival`` [codes,
    width] the rows that replace codes whose running count falls below ``threshold``. As
    published, a revived code keeps its running sums.
    """
    n_codes = state.k.shape[0]
    counts = torch.bincount(codes, minlength=n_codes).to(x.dtype)
    sums = torch.zeros_like(state.k_sum).index_add_(0, codes, x)
    k_sum = mu * state.k_sum + (1 - mu) * sums
    k_elem = mu * state.k_elem + (1 - mu) * counts
    alive = (k_elem >= threshold).unsqueeze(1)
    k = torch.where(alive, k_sum / k_elem.unsqueeze(1), revival)
    p = counts / counts.sum()
    metrics = CodebookMetrics(
        fit=(x - state.k[codes]).pow(2).sum(1).mean(),
        entropy=-(p * (p + 1e-8).log()).sum(),
        used_now=(counts >= threshold).sum(),
        usage=alive.sum(),
        change=(k - state.k).norm() / k.numel() ** 0.5,
    )
    return CodebookState(k, k_sum, k_elem), metrics


class Codebook(nn.Module):
    """One level's codes. Buffer ``k`` [codes, width] is stored; the running sums are not."""

    k: torch.Tensor
    k_sum: torch.Tensor
    k_elem: torch.Tensor

    def __init__(self, codes: int, width: int) -> None:
        super().__init__()
        self.register_buffer("k", torch.zeros(codes, width))
        self.register_buffer("k_sum", torch.zeros(codes, width), persistent=False)
        self.register_buffer("k_elem", torch.zeros(codes), persistent=False)
        self.ready = False
        """Whether the running sums hold anything; set by ``start`` and ``restore``."""

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """[..., width] → [...] int64: the nearest code, the first one on ties."""
        return self.distances(x).argmin(-1)

    def distances(self, x: torch.Tensor) -> torch.Tensor:
        """[..., width] → [..., codes] squared distances."""
        return x.pow(2).sum(-1, keepdim=True) - 2 * x @ self.k.t() + self.k.pow(2).sum(1)

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        """[...] → [..., width]. Raises IndexError for a code that does not exist."""
        return F.embedding(codes, self.k)

    def start(self, x: torch.Tensor, generator: torch.Generator) -> None:
        """First batch of a training: codes are random rows of ``x`` [rows, width]."""
        self.k.copy_(self._random_rows(x, generator))
        self.k_sum.copy_(self.k)
        self.k_elem.fill_(1.0)
        self.ready = True

    def restore(self, k_elem: float) -> None:
        """Start running sums from a stored codebook, each code counted ``k_elem`` times."""
        self.k_elem.fill_(k_elem)
        self.k_sum.copy_(self.k * k_elem)
        self.ready = True

    def update(
        self, x: torch.Tensor, codes: torch.Tensor, generator: torch.Generator, mu: float, threshold: float
    ) -> CodebookMetrics:
        """One training step on ``x`` [rows, width] with its ``codes`` [rows]."""
        state, metrics = update_codebook(
            CodebookState(self.k, self.k_sum, self.k_elem), x, codes, self._random_rows(x, generator), mu, threshold
        )
        self.k.copy_(state.k)
        self.k_sum.copy_(state.k_sum)
        self.k_elem.copy_(state.k_elem)
        return metrics

    def _random_rows(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """``codes`` random rows of x; where there are too few they are tiled with a little noise."""
        codes, width = self.k.shape
        if x.shape[0] < codes:
            x = x.repeat(-(-codes // x.shape[0]), 1)
            noise = torch.randn(x.shape, generator=generator) * (0.01 / width**0.5)
            x = x + noise.to(x)
        order = torch.randperm(x.shape[0], generator=generator)[:codes]
        return x[order.to(x.device)]


class Bottleneck(nn.Module):
    """The codebooks of all levels, finest first, under their published name ``level_blocks``."""

    def __init__(self, levels: int, codes: int, width: int) -> None:
        super().__init__()
        self.level_blocks = nn.ModuleList([Codebook(codes, width) for _ in range(levels)])

    def level(self, level: int) -> Codebook:
        block = self.level_blocks[level]
        assert isinstance(block, Codebook)
        return block
