"""What a number format of the weights costs: how far what a model predicts with it is from float32.

Knows: next-code distributions along known codes, and two ways to compare them. Does not know which format is
chosen (``precision``) or how fast it is (``benchmark``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from explorer.jukebox.prior import Conditioning, Prior
from explorer.jukebox.products import WeightFormat, available


@dataclass(frozen=True)
class FormatCost:
    """One format against float32, over next-code distributions at temperature 1."""

    distributions: int
    divergence: float
    """Mean Kullback-Leibler divergence from float32's distributions, nats."""
    agreement: float
    """Share of the distributions whose likeliest code is float32's."""


@torch.inference_mode()
def format_costs(
    prior: Prior, conditioning: Conditioning, codes: torch.Tensor, kept: WeightFormat
) -> Mapping[WeightFormat, FormatCost]:
    """Every format that torch has here but float32, along ``codes`` [batch, n] of one window; afterwards the weights
    are read in the format ``kept``. Prompts are run code by code, as songs are drawn."""
    costs: dict[WeightFormat, FormatCost] = {}
    try:
        prior.prior.pack(WeightFormat.FLOAT32)
        exact = _log_probabilities(prior, conditioning, codes)
        for format in WeightFormat:
            if format is WeightFormat.FLOAT32 or not available(format):
                continue
            prior.prior.pack(format)
            other = _log_probabilities(prior, conditioning, codes)
            divergence = (exact.exp() * (exact - other)).sum(-1)
            agreement = (exact.argmax(-1) == other.argmax(-1)).float()
            costs[format] = FormatCost(divergence.numel(), float(divergence.mean()), float(agreement.mean()))
    finally:
        prior.prior.pack(kept)
    return costs


def _log_probabilities(prior: Prior, conditioning: Conditioning, codes: torch.Tensor) -> torch.Tensor:
    """[batch, n, bins] float64, of each of ``codes`` given those before it."""
    batch, count = codes.shape
    tokens = codes + prior.config.bins - prior.config.codes  # a merged model's codes come after its lyric ids
    decoding = prior.sampler(conditioning, batch, count, codes[:, :0], 256)
    found: list[torch.Tensor] = []

    def known(logits: torch.Tensor) -> torch.Tensor:
        found.append(logits.double().log_softmax(-1))
        return tokens[:, len(found) - 1]

    for _ in range(count):
        decoding.step(known)
    return torch.stack(found, dim=1)
