"""The embedded model ``pocket`` as data: its shape and the settings of the runs that make it.

The architecture is the published one with small numbers. Measured reasons for the numbers stand in
the model card (assets/models/pocket/README.md), with those settings of the shipped weights that were others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

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
from explorer.training.corpus import CorpusSong
from explorer.training.listening import ListenerTraining
from explorer.training.prior import PriorTraining
from explorer.training.vqvae import VQVAETraining

SAMPLE_RATE = 22_050

VQVAE_CONFIG = VQVAEConfig(
    downs_t=(1, 1, 1),
    strides_t=(8, 2, 6),
    emb_width=32,
    codes=2048,
    width=96,
    depth=4,
    multipliers=(1, 1, 1),
)
"""Hops 8, 16 and 96: at 22.05 kHz two thirds of the bits per second of the published top level. One wide
stride a level instead of several narrow ones: the residual stacks then run at the codes' rate, not
at the audio's, which is what makes training on two cores possible."""

VQVAE_TRAINING = {
    Level.TOP: VQVAETraining(
        Level.TOP,
        steps=36000,
        batch=3,
        clip_samples=16896,
        recons=0.5,
        mel=1.0,
        hearing=2.0,
        evaluate_every=2500,
        precision="bfloat16",
    ),
    Level.MIDDLE: VQVAETraining(
        Level.MIDDLE, steps=4000, batch=2, clip_samples=16384, spectral=2.0, precision="bfloat16"
    ),
    Level.BOTTOM: VQVAETraining(
        Level.BOTTOM, steps=6000, batch=2, clip_samples=16384, spectral=2.0, precision="bfloat16"
    ),
}

LISTENER_TRAINING = ListenerTraining(steps=2500, precision="bfloat16")

PRIOR_TRAINING = {
    Level.TOP: PriorTraining(
        Level.TOP,
        steps=6000,
        batch=4,
        workers=1,
        guided_attention=1.0,
        recognition=0.2,
        lead=0.0,
        misheard=0.3,
        precision="bfloat16",
        evaluate_every=1000,
    ),
    Level.MIDDLE: PriorTraining(
        Level.MIDDLE,
        steps=6000,
        batch=4,
        workers=1,
        precision="bfloat16",
        evaluate_every=1000,
    ),
    Level.BOTTOM: PriorTraining(
        Level.BOTTOM, steps=6000, batch=4, workers=1, precision="bfloat16", evaluate_every=1000
    ),
}


def label_lists(songs: Iterable[CorpusSong]) -> LabelLists:
    """The corpus' genres and artists in alphabetical order; 0 is unknown."""
    songs = list(songs)
    genres = ["unknown", *sorted({song.genre for song in songs})]
    artists = ["unknown", *sorted({song.artist for song in songs})]
    return LabelLists({name: i for i, name in enumerate(artists)}, {name: i for i, name in enumerate(genres)})


def model_config(lists: LabelLists) -> ModelConfig:
    """The whole model for a corpus with these labels."""
    names = len(lists.genres), len(lists.artists)
    styles = LabelConfig(LabelRules.OWN, *names, max_genres=1)
    everywhere = replace(styles, everywhere=True)
    # twelve parts of a beat have room for triplets and for quarters
    times = replace(everywhere, t_bins=64, min_seconds=4.0, max_seconds=64.0, bar_parts=48, tune=True)
    words = TransformerConfig(
        n_ctx=192, width=128, depth=4, heads=2, attention_order=0, blocks=6, m_attn=0.5, m_mlp=2.0, init_scale=2.0
    )
    lyrics = LyricsConfig(LyricsPlacement.SEPARATE, 192, Vocabulary.V3, loss_fraction=0.1, encoder=words, listener=192)
    codes = VQVAE_CONFIG.codes
    # attention order 6 reads the lyrics in every fourth layer; the second of these tells the alignment
    top = PriorConfig(codes, _stack(1536, 9, 4, 6, 64), times, None, lyrics, alignment_layer=7, alignment_head=0)
    conditioner = ConditionerConfig(width=128, depth=4, dilation_growth=3, dilation_cycle=4)
    diction = DictionConfig(Vocabulary.V3, width=128, reach=4)
    middle = PriorConfig(codes, _stack(1152, 6, 2, 2, 32), everywhere, conditioner, diction=diction)
    bottom = PriorConfig(codes, _stack(1024, 6, 2, 2, 32), everywhere, conditioner)
    return ModelConfig(
        "pocket",
        SAMPLE_RATE,
        VQVAE_CONFIG,
        (bottom, middle, top),
        hop_fraction=(0.5, 0.5, 0.5),
        strands=(64, 32, 1),
        temperature=(0.7, 0.75, 0.7),
        guidance=(1.0, 3.0, 2.0),
    )


def _stack(n_ctx: int, depth: int, heads: int, order: int, block: int) -> TransformerConfig:
    return TransformerConfig(n_ctx, 256, depth, heads, order, n_ctx // block, m_attn=0.5, m_mlp=2.0, init_scale=1.5)


def all_levels(lists: LabelLists) -> dict[Level, LabelLists]:
    return dict.fromkeys(LEVELS, lists)
