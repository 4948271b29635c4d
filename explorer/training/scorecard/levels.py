"""What a model's levels are worth by themselves: reconstruction, and bits per code on held-out songs.

Knows: which figures there are and over which songs. Their definitions: ``vqvae.evaluate_level`` and
``prior.evaluate_prior``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from explorer.checkpoints.folder import load_config, load_lists, load_part
from explorer.jukebox.config import SAMPLING_ORDER
from explorer.jukebox.prior import Prior
from explorer.jukebox.vqvae import VQVAE
from explorer.training.codes import CorpusCodes
from explorer.training.corpus import Corpus
from explorer.training.examples import ExampleMaker
from explorer.training.prior import evaluate_prior
from explorer.training.vqvae import evaluate_level


def load_vqvae(folder: Path) -> VQVAE:
    """The autoencoder of a model folder in float32. Raises CheckpointError."""
    vqvae = load_part(folder, "vqvae", load_config(folder), torch.float32)
    assert isinstance(vqvae, VQVAE)
    return vqvae


def reconstruction_figures(vqvae: VQVAE, corpus: Corpus, say: Callable[[str], None]) -> dict[str, Any]:
    """level → figures of its reconstruction."""
    found = {}
    for level in SAMPLING_ORDER:
        say(f"{level}: reconstruction")
        found[level.value] = evaluate_level(vqvae, corpus, level)
    return found


def code_figures(folder: Path, codes: CorpusCodes, windows_per_song: int, say: Callable[[str], None]) -> dict[str, Any]:
    """level → bits per code with right and with shuffled labels and lyrics."""
    config, lists = load_config(folder), load_lists(folder)
    found = {}
    for level in SAMPLING_ORDER:
        say(f"{level}: bits per code")
        prior = load_part(folder, level.value, config, torch.float32)
        assert isinstance(prior, Prior)
        maker = ExampleMaker(codes, prior, level, lists[level], 0.0)
        found[level.value] = evaluate_prior(prior, maker, windows_per_song)
    return found
