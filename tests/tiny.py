"""A model small enough for tests: the real architecture with random weights, never shipped."""

from __future__ import annotations

import torch

from explorer.checkpoints.folder import new_module
from explorer.engine import Jukebox
from explorer.jukebox.config import (
    LEVELS,
    ConditionerConfig,
    DictionConfig,
    LabelConfig,
    LabelRules,
    Level,
    LyricsConfig,
    LyricsPlacement,
    ModelConfig,
    PriorConfig,
    TransformerConfig,
    Vocabulary,
    VQVAEConfig,
)
from explorer.jukebox.labels import LabelLists
from explorer.jukebox.tune import STEPS
from explorer.precision import Precision

GENRES = {"unknown": 0, "reggae": 1, "a cappella": 2, "metal": 3}
ARTISTS = {"unknown": 0, "Harbour Sound": 1, "Café Névoa": 2, "Tin Whistle": 3}


def tiny_config(
    merged: bool = False,
    name: str = "tiny",
    listener: int | None = None,
    bar_parts: int | None = None,
    diction: bool = False,
    tune: bool = False,
) -> ModelConfig:
    """Hops 16, 32, 128 at 8 kHz; windows of 1.0 s at the top, 0.5 s middle, 0.26 s bottom."""
    labels = LabelConfig(LabelRules.OWN, len(GENRES), len(ARTISTS), 1)
    top_labels = LabelConfig(
        LabelRules.OWN,
        len(GENRES),
        len(ARTISTS),
        1,
        t_bins=16,
        min_seconds=0.5,
        max_seconds=60.0,
        bar_parts=bar_parts,
        tune=tune,
    )
    encoder = TransformerConfig(n_ctx=16, width=16, depth=2, heads=2, attention_order=0, blocks=4, m_attn=0.5)
    lyrics = LyricsConfig(
        LyricsPlacement.MERGED if merged else LyricsPlacement.SEPARATE,
        n_tokens=16,
        vocabulary=Vocabulary.V3,
        encoder=None if merged else encoder,
        listener=listener,
    )
    conditioner = ConditionerConfig(width=16, depth=2)
    upsampler = TransformerConfig(n_ctx=128, width=16, depth=3, heads=1, attention_order=2, blocks=8, m_attn=0.5)
    top_order, top_depth, layer = (12, 16, 15) if merged else (6, 4, 3)
    top = TransformerConfig(
        n_ctx=64, width=16, depth=top_depth, heads=2, attention_order=top_order, blocks=8, m_attn=0.5
    )
    return ModelConfig(
        name=name,
        sample_rate=8000,
        vqvae=VQVAEConfig(
            downs_t=(1, 1, 1), strides_t=(16, 2, 4), emb_width=8, codes=32, width=8, depth=2, multipliers=(1, 1, 1)
        ),
        priors=(
            PriorConfig(32, upsampler, labels, conditioner),
            PriorConfig(
                32, upsampler, labels, conditioner, diction=DictionConfig(Vocabulary.V3, 8, 2) if diction else None
            ),
            PriorConfig(32, top, top_labels, None, lyrics, alignment_layer=layer, alignment_head=1),
        ),
        hop_fraction=(0.5, 0.5, 0.25),
    )


def tiny_jukebox(
    merged: bool = False,
    seed: int = 0,
    listener: int | None = None,
    bar_parts: int | None = None,
    diction: bool = False,
    tune: bool = False,
) -> Jukebox:
    """Random weights large enough that every input changes what is drawn."""
    config = tiny_config(merged, listener=listener, bar_parts=bar_parts, diction=diction, tune=tune)
    generator = torch.Generator().manual_seed(seed)
    vqvae = new_module(config, "vqvae", "cpu")
    priors = {level: new_module(config, level.value, "cpu") for level in LEVELS}
    with torch.no_grad():
        for module in (vqvae, *priors.values()):
            for parameter in module.parameters():
                parameter.normal_(std=0.3, generator=generator)
        if tune:
            priors[Level.TOP].y_emb.tune_habits.steps.fill_(1 / STEPS)  # type: ignore[operator, union-attr]
        for book in vqvae.bottleneck.level_blocks:
            book.k.normal_(generator=generator)  # type: ignore[operator, union-attr]
    for module in (vqvae, *priors.values()):
        module.eval().requires_grad_(False)
    lists = dict.fromkeys(LEVELS, LabelLists(ARTISTS, GENRES))
    precision = Precision(torch.float32, "tests")
    return Jukebox(config, vqvae, priors, lists, torch.device("cpu"), precision)
