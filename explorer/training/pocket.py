"""The embedded model ``pocket`` as data: its shape and the settings of the runs that made it.

The architecture is the published one with small numbers. Measured reasons for the numbers stand in
the model card (assets/models/pocket/README.md).
"""

from __future__ import annotations

from explorer.jukebox.config import Level, VQVAEConfig
from explorer.training.vqvae import VQVAETraining

SAMPLE_RATE = 22_050

VQVAE_CONFIG = VQVAEConfig(
    downs_t=(1, 1, 1),
    strides_t=(8, 2, 4),
    emb_width=32,
    codes=2048,
    width=96,
    depth=4,
    multipliers=(1, 1, 1),
)
"""Hops 8, 16 and 64: at 22.05 kHz the bits per second of the published top and middle levels. One wide
stride a level instead of several narrow ones: the residual stacks then run at the codes' rate, not
at the audio's, which is what makes training on two cores possible."""

VQVAE_TRAINING = {
    Level.TOP: VQVAETraining(Level.TOP, steps=1800, batch=4, clip_samples=16384),
    Level.MIDDLE: VQVAETraining(Level.MIDDLE, steps=1800, batch=4, clip_samples=16384),
    Level.BOTTOM: VQVAETraining(Level.BOTTOM, steps=1800, batch=4, clip_samples=16384),
}
