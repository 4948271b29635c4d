"""Which character is sung at every code, and a small network that hears it in the codes.

A codebook that is trained on sound alone spends its codes on what is loud. Told what is sung, it keeps what tells
vowels and consonants apart, as codecs do that are taught by a speech model (Zhang et al. 2023, SpeechTokenizer,
section 3.3); here the teacher is the corpus' own timing.

Knows: the targets, the network, its loss. Does not know the VQ-VAE or its loop. The network serves training only and
is not part of a model.
"""

from __future__ import annotations

import string

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from explorer.training.corpus import CorpusSong

ALPHABET = string.ascii_lowercase + "'"
"""Class 0 is everything else: silence, spaces, digits."""
CLASSES = 1 + len(ALPHABET)
_CLASS = {character: number for number, character in enumerate(ALPHABET, 1)}


def sung_classes(song: CorpusSong, start: int, hop: int, codes: int, sample_rate: int) -> np.ndarray:
    """int64 [codes] the class that is sung at each code of a clip that begins at sample ``start``."""
    classes = np.zeros(codes, dtype=np.int64)
    for character in song.characters:
        first = round((character.start * sample_rate - start) / hop)
        last = round((character.end * sample_rate - start) / hop)
        if last > 0 and first < codes:
            classes[max(0, first) : max(0, last)] = _CLASS.get(character.text.lower(), 0)
    return classes


class Hearer(nn.Module):
    """Dilated convolutions over quantised codes, with a context of ±REACH codes."""

    DILATIONS = (1, 2, 4, 8)
    REACH = 2 * sum(DILATIONS) + 1

    def __init__(self, emb_width: int, width: int = 128) -> None:
        super().__init__()
        self.first = nn.Conv1d(emb_width, width, 3, padding=1)
        self.layers = nn.ModuleList([nn.Conv1d(width, width, 5, padding=2 * d, dilation=d) for d in self.DILATIONS])
        self.norms = nn.ModuleList([nn.GroupNorm(1, width) for _ in self.DILATIONS])
        self.last = nn.Conv1d(width, CLASSES, 1)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Quantised vectors [batch, emb_width, codes] → logits [batch, CLASSES, codes]."""
        x = self.first(codes)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = x + F.gelu(layer(norm(x)))
        logits: torch.Tensor = self.last(x)
        return logits

    def loss(self, codes: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy in nats over all codes; ``classes`` [batch, codes]."""
        return F.cross_entropy(self(codes).float(), classes)


def share_heard(logits: torch.Tensor, classes: torch.Tensor) -> tuple[int, int]:
    """How many codes of sung characters were heard right, and how many there are."""
    sung = classes > 0
    return int((logits.argmax(1)[sung] == classes[sung]).sum()), int(sung.sum())
