"""How a prior learns to read the lyrics: its lyric heads are guided to the character that is sung, and led to it.

Knows: the losses on attention and the mixing of attention with the truth, from the corpus' exact character times. Does
not know the loop or where the times come from (``examples``). Guiding attention in training is due to Tachibana et al.
2018 (section 4.2); here the truth is known, so that it need not be guessed from a diagonal.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from explorer.jukebox.config import PriorConfig
from explorer.jukebox.following import tokens_ahead
from explorer.training.examples import Batch

LEADING_ENDS = 0.7
"""Share of the steps after which attention is not led any more."""


class Reader:
    """Looks on in one training pass (``Reading`` of the stack).

    Every layer that reads lyrics is guided. The alignment layer is also led, ``lead`` of the way (0 to 1): where a
    character is sung, that much of its weights is replaced by the truth, so that the layers behind it learn what
    characters sound like before the model finds them by itself. Earlier layers are not led: they would give the
    answer away.
    ``recogniser`` maps what goes into the alignment layer to the character that is sung.
    """

    def __init__(self, batch: Batch, config: PriorConfig, lead: float, recogniser: torch.nn.Linear | None) -> None:
        self.batch, self.config, self.lead, self.recogniser = batch, config, lead, recogniser
        self.guides: list[torch.Tensor] = []
        """Guidance losses of the layers so far, in nats."""
        self.aligned = batch.codes.new_zeros((), dtype=torch.float32)
        """That of the alignment head alone."""
        self.recognition = batch.codes.new_zeros((), dtype=torch.float32)

    def __call__(self, layer: int, hidden: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        config, prefix = self.config, self.config.prefix
        music = weights[:, :, prefix:]
        losses = guided_attention_losses(music, self.batch, config)
        self.guides.append(losses.mean())
        if layer != config.alignment_layer:
            return weights
        assert config.alignment_head is not None and self.batch.sung is not None
        self.aligned = losses[config.alignment_head]
        if self.recogniser is not None:
            self.recognition = recognition_loss(self.recogniser, hidden[:, prefix:], self.batch)
        if self.lead == 0.0:
            return weights
        target = targets(self.batch.sung, config.transformer.heads, config.alignment_head, music.shape[3])
        truth = F.one_hot(target, music.shape[3]).to(music.dtype)
        share = self.lead * (self.batch.sung >= 0).to(music.dtype)[:, None, :, None]
        led = torch.lerp(music, truth, share)
        return led if prefix == 0 else torch.cat([weights[:, :, :prefix], led], dim=2)

    @property
    def guide(self) -> torch.Tensor:
        """Mean over all layers and heads that read lyrics, in nats."""
        return torch.stack(self.guides).mean()


def leading(share: float, step: int, steps: int) -> float:
    """How far attention is led at ``step``: from ``share`` down to nothing, in a straight line."""
    return share * max(0.0, 1.0 - step / (LEADING_ENDS * steps))


def targets(sung: torch.Tensor, heads: int, alignment_head: int, columns: int) -> torch.Tensor:
    """[batch, heads, time] the column that each head shall read at each code; anything where none is sung.

    The key of column j has read the tokens up to j − 1, so the alignment head's is the column after the sung one.
    """
    ahead = tokens_ahead(heads, alignment_head).to(sung.device)
    return (sung[:, None] + 1 + ahead[:, None]).clamp(0, columns - 1)


def guided_attention_losses(weights: torch.Tensor, batch: Batch, config: PriorConfig) -> torch.Tensor:
    """[heads] −log of a layer's attention around what each head shall read, in nats; 0 where nothing is sung.

    ``weights`` [batch, heads, time, keys]. Neighbouring columns count too, since character times are good to about
    50 ms only.
    """
    assert config.alignment_head is not None and batch.sung is not None
    heads, columns = weights.shape[1], weights.shape[3]
    target = targets(batch.sung, heads, config.alignment_head, columns)
    # a column of nothing on either side: what lies outside is not counted twice
    padded = F.pad(weights, (1, 1))
    near = sum(padded.gather(3, (target + shift).unsqueeze(3)).squeeze(3) for shift in (0, 1, 2))
    assert isinstance(near, torch.Tensor)
    sung = (batch.sung >= 0)[:, None].to(near.dtype)
    total: torch.Tensor = -(near.clamp_min(1e-6).log() * sung).sum((0, 2)) / sung.sum().clamp_min(1.0)
    return total


def recognition_loss(recogniser: torch.nn.Linear, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Cross-entropy of the sung character in nats, from ``hidden`` [batch, time, width]; 0 where nothing is sung."""
    assert batch.sung is not None and batch.labels.lyric_tokens is not None
    tokens = batch.labels.lyric_tokens.gather(1, batch.sung.clamp_min(0))
    tokens = torch.where(batch.sung >= 0, tokens, -1)
    logits = recogniser(hidden).float().flatten(0, 1)
    total = F.cross_entropy(logits, tokens.flatten(), ignore_index=-1, reduction="sum")
    return total / (tokens >= 0).sum().clamp_min(1)
