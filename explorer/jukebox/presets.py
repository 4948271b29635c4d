"""The published configurations as data.

Knows: the released models (5b, 5b_lyrics, 1b_lyrics share a VQ-VAE and two upsamplers) and the
published presets for training smaller ones; sources are the paper's appendix B (Dhariwal et al.
2020) and the released models' option tables. Does not know: weights, or this project's own model
``pocket``, whose numbers stand in its folder.
"""

from __future__ import annotations

from explorer.jukebox.config import (
    ConditionerConfig,
    LabelConfig,
    LabelRules,
    LyricsConfig,
    LyricsPlacement,
    ModelConfig,
    PriorConfig,
    TransformerConfig,
    Vocabulary,
    VQVAEConfig,
)

SAMPLE_RATE = 44_100

VQVAE_RELEASED = VQVAEConfig()
"""Hops 8, 32, 128; 2048 codes of width 64; the bottom level is twice as wide and deep."""

_LABELS_V2 = LabelConfig(LabelRules.V2, genres=120, artists=4111, max_genres=5)


def _upsampler(res_scale: bool) -> PriorConfig:
    return PriorConfig(
        codes=2048,
        transformer=TransformerConfig(8192, 1920, 72, heads=1, attention_order=2, blocks=128, init_scale=0.4),
        labels=_LABELS_V2,
        conditioner=ConditionerConfig(1024, 16, dilation_growth=3, dilation_cycle=8, res_scale=res_scale),
    )


UPSAMPLER_BOTTOM = _upsampler(res_scale=False)
UPSAMPLER_MIDDLE = _upsampler(res_scale=True)

TOP_5B = PriorConfig(
    codes=2048,
    transformer=TransformerConfig(8192, 4800, 72, heads=8, attention_order=2, blocks=128, init_scale=0.1),
    labels=LabelConfig(
        LabelRules.V2, genres=120, artists=4111, max_genres=5, t_bins=128, min_seconds=60.0, max_seconds=600.0
    ),
    merged_decoder=True,
)

TOP_5B_LYRICS = PriorConfig(
    codes=2048,
    transformer=TransformerConfig(8192, 4800, 79, heads=8, attention_order=10, blocks=128, init_scale=0.1),
    labels=LabelConfig(
        LabelRules.V2, genres=120, artists=4111, max_genres=5, t_bins=128, min_seconds=23.8, max_seconds=600.0
    ),
    lyrics=LyricsConfig(
        LyricsPlacement.SEPARATE,
        n_tokens=512,
        vocabulary=Vocabulary.V2,
        loss_fraction=0.4,
        encoder=TransformerConfig(512, 1280, 18, heads=4, attention_order=2, blocks=32, init_scale=0.7),
    ),
    merged_decoder=True,
    alignment_layer=68,
    alignment_head=2,
)

TOP_1B_LYRICS = PriorConfig(
    codes=2048,
    transformer=TransformerConfig(6144, 2048, 72, heads=2, attention_order=12, blocks=64, init_scale=0.2),
    labels=LabelConfig(
        LabelRules.V3, genres=604, artists=7898, max_genres=1, t_bins=64, min_seconds=17.84, max_seconds=600.0
    ),
    lyrics=LyricsConfig(LyricsPlacement.MERGED, n_tokens=384, vocabulary=Vocabulary.V3, loss_fraction=0.4),
    alignment_layer=63,
    alignment_head=0,
)


def _released(name: str, top: PriorConfig) -> ModelConfig:
    return ModelConfig(name, SAMPLE_RATE, VQVAE_RELEASED, (UPSAMPLER_BOTTOM, UPSAMPLER_MIDDLE, top))


RELEASED: dict[str, ModelConfig] = {
    name: _released(name, top)
    for name, top in (("5b", TOP_5B), ("5b_lyrics", TOP_5B_LYRICS), ("1b_lyrics", TOP_1B_LYRICS))
}
"""The released models by name."""

PARAMETERS: dict[str, int] = {
    "vqvae": 1_485_763,
    "upsampler": 981_298_176,
    "5b": 5_060_452_800,
    "5b_lyrics": 5_640_506_800,
    "1b_lyrics": 942_643_200,
}
"""Published parameter counts (codebooks, which are buffers, not counted)."""

# ------------------------------------------------------------------------------ for training anew

SMALL_VQVAE = VQVAEConfig(
    downs_t=(5, 3), strides_t=(2, 2), emb_width=64, codes=1024, width=32, depth=4, multipliers=(1, 1)
)
"""Two levels at 22,050 Hz, hops 32 and 256."""

_SMALL_LABELS = LabelConfig(
    LabelRules.V3, genres=10, artists=100, max_genres=1, t_bins=64, min_seconds=60.0, max_seconds=600.0
)


def _small(
    n_ctx: int, depth: int, heads: int, order: int, labels: LabelConfig | None, lyrics: LyricsConfig | None = None
) -> PriorConfig:
    return PriorConfig(
        codes=1024,
        transformer=TransformerConfig(n_ctx, 1024, depth, heads, attention_order=order, blocks=64, init_scale=0.7),
        labels=labels,
        lyrics=lyrics,
    )


SMALL_PRIORS: dict[str, PriorConfig] = {
    "small_prior": _small(8192, 48, 1, 2, None),
    "small_labelled_prior": _small(8192, 48, 1, 2, _SMALL_LABELS),
    "small_single_enc_dec_prior": _small(
        6144, 48, 2, 12, _SMALL_LABELS, LyricsConfig(LyricsPlacement.MERGED, 384, Vocabulary.V3)
    ),
    "small_sep_enc_dec_prior": _small(
        6144,
        50,
        2,
        8,
        _SMALL_LABELS,
        LyricsConfig(
            LyricsPlacement.SEPARATE,
            384,
            Vocabulary.V3,
            encoder=TransformerConfig(384, 256, 9, heads=2, attention_order=2, blocks=32, init_scale=0.7),
        ),
    ),
    "small_upsampler": PriorConfig(
        codes=1024,
        transformer=TransformerConfig(8192, 1024, 48, heads=1, attention_order=2, blocks=64, init_scale=0.7),
        conditioner=ConditionerConfig(512, 16, dilation_growth=3, dilation_cycle=8),
    ),
}
"""The published presets for training, over the codes of SMALL_VQVAE."""
