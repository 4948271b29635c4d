"""How much memory and disk a run needs, from the shapes of the model.

Knows: weights, caches and the largest intermediate of decoding. Does not know: what is free, or
what to do about it. Figures are upper estimates of the large items; small ones are covered by
``OVERHEAD``.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from explorer.checkpoints.folder import new_module
from explorer.engine import DECODE_CHUNK
from explorer.jukebox.config import SAMPLING_ORDER, Level, ModelConfig

OVERHEAD = 300 * 2**20
"""The interpreter, torch itself, the page and the library's index."""

FLAC_BYTES = 2
"""Per sample at most: 16 bits before compression."""

CODE_BYTES = 4
"""Per code: the code and the entropy with which it was drawn."""


@lru_cache(maxsize=8)
def parameters(config: ModelConfig) -> tuple[int, int]:
    """Numbers in the VQ-VAE and in all priors together."""
    vqvae = sum(tensor.numel() for tensor in new_module(config, "vqvae").state_dict().values())
    # parameters() counts tied tables once, as they are in memory
    priors = sum(p.numel() for level in SAMPLING_ORDER for p in new_module(config, level.value).parameters())
    return vqvae, priors


def weight_bytes(config: ModelConfig, dtype: torch.dtype) -> int:
    """All weights resident: the VQ-VAE in float32, the priors in ``dtype``."""
    vqvae, priors = parameters(config)
    return 4 * vqvae + dtype.itemsize * priors


def cache_bytes(config: ModelConfig, level: Level, batch: int, dtype: torch.dtype) -> int:
    """Keys, values and conditioning of one window of ``batch`` songs."""
    prior = config.prior(level)
    stack = prior.sequence
    per_position = 2 * stack.depth * stack.state_width + stack.width + prior.bins
    return batch * stack.n_ctx * per_position * dtype.itemsize


def decode_bytes(config: ModelConfig, samples: int, batch: int) -> int:
    """The widest feature maps of one decoder at its finest rate, a few of them alive at once."""
    vqvae = config.vqvae
    width = max(vqvae.width * m for m in vqvae.multipliers)
    at_once = min(samples, DECODE_CHUNK)
    return 4 * 4 * batch * at_once * max(1, width // min(vqvae.strides_t[0], width))


def audio_bytes(samples: int, batch: int) -> int:
    """Waveforms of three levels as float32, held while they are written."""
    return 2 * 4 * 3 * batch * samples


def disk_bytes(config: ModelConfig, samples: int, takes: int, stop_after: Level) -> int:
    """Largest size of the finished sample folders, plus one file being replaced."""
    levels = SAMPLING_ORDER[: SAMPLING_ORDER.index(stop_after) + 1]
    per_take = sum(FLAC_BYTES * samples + CODE_BYTES * samples // config.hop(level) for level in levels)
    return takes * (per_take + 2**16) + FLAC_BYTES * samples
