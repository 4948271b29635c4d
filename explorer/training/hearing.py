"""The student of ``teacher``: a small network that tells from the top codes what a speech recogniser hears.

Knows: the network and its loss. Does not know the VQ-VAE or its loop. The network serves training only and is not part
of a model: its gradient is what makes the encoder keep a voice.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from explorer.training.teacher import DIMENSIONS


class Hearer(nn.Module):
    """Dilated convolutions over quantised codes; each target is heard in a context of ±31 codes."""

    DILATIONS = (1, 2, 4, 8)

    def __init__(self, emb_width: int, width: int = 128) -> None:
        super().__init__()
        self.first = nn.Conv1d(emb_width, width, 3, padding=1)
        self.layers = nn.ModuleList([nn.Conv1d(width, width, 5, padding=2 * d, dilation=d) for d in self.DILATIONS])
        self.norms = nn.ModuleList([nn.GroupNorm(1, width) for _ in self.DILATIONS])
        self.last = nn.Conv1d(width, DIMENSIONS, 1)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Quantised vectors [batch, emb_width, codes] → what is heard [batch, codes, DIMENSIONS]."""
        x = self.first(codes)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = x + F.gelu(layer(norm(x)))
        heard: torch.Tensor = self.last(x).transpose(1, 2)
        return heard

    def loss(self, codes: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean squared error against ``targets`` [batch, codes, DIMENSIONS]; 1 for a network that hears nothing."""
        return F.mse_loss(self(codes).float(), targets)
