"""A sequence of tokens through a Transformer, with embeddings in front and a head behind.

Knows: how inputs are shifted, where conditioning is added, and the published parameter names.
Does not know what the tokens mean; ``prior`` does.
"""

from __future__ import annotations

import torch
from torch import nn

from explorer.jukebox.attention import LayerCache
from explorer.jukebox.config import AttentionKind, TransformerConfig
from explorer.jukebox.products import PackedProduct, WeightFormat, pack
from explorer.jukebox.transformer import Reading, Transformer


class _Positions(nn.Module):
    """Learned position table under the published name ``pos_emb``."""

    def __init__(self, n_ctx: int, width: int, std: float) -> None:
        super().__init__()
        self.pos_emb = nn.Parameter(torch.empty(n_ctx, width).normal_(std=std))


class Autoregressive(nn.Module):
    """Token model: the input at position t is the token at t − 1 plus position and conditioning.

    ``labelled``: position 0 receives a given start embedding, otherwise a learned one.
    ``head`` False leaves out the output layer (the lyric encoder). ``tied``: the head's weights
    are the embedding's. ``add_again``: conditioning is added once more before the head.
    """

    def __init__(
        self,
        config: TransformerConfig,
        bins: int,
        labelled: bool,
        head: bool = True,
        tied: bool = True,
        add_again: bool = True,
        prime_tokens: int = 0,
    ) -> None:
        super().__init__()
        scale = config.init_scale
        self.config, self.bins, self.add_again, self.tied = config, bins, add_again, tied
        self.x_emb = nn.Embedding(bins, config.width)
        nn.init.normal_(self.x_emb.weight, std=0.02 * scale)
        self.pos_emb = _Positions(config.n_ctx, config.width, 0.01 * scale)
        if not labelled:
            self.start_token = nn.Parameter(torch.empty(1, config.width).normal_(std=0.01 * scale))
        self.transformer = Transformer(config, prime_tokens)
        self._packed_head: PackedProduct | None = None
        if head:
            self.x_out = nn.Linear(config.width, bins, bias=False)
            if tied:
                self.x_out.weight = self.x_emb.weight

    def inputs(
        self, tokens: torch.Tensor, start: torch.Tensor | None, conditioning: torch.Tensor | None
    ) -> torch.Tensor:
        """Whole-sequence inputs [batch, time, width] for tokens [batch, time].

        ``start`` [batch, 1, width] stands at position 0 (None: the learned start token);
        ``conditioning`` [batch, time, width] is added everywhere.
        """
        first = self.start_token.expand(tokens.shape[0], 1, -1) if start is None else start
        x = torch.cat([first, self.x_emb(tokens[:, :-1])], dim=1)
        x = x + self.pos_emb.pos_emb[: tokens.shape[1]]
        return x if conditioning is None else x + conditioning

    def forward(
        self,
        tokens: torch.Tensor,
        start: torch.Tensor | None,
        conditioning: torch.Tensor | None,
        encoder: torch.Tensor | None = None,
        reading: Reading | None = None,
        lyric_bias: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Teacher-forced hidden states [batch, time, width] (float32), ready for ``head``."""
        hidden = self.transformer(self.inputs(tokens, start, conditioning), encoder, reading, lyric_bias)
        return self.conditioned(hidden, conditioning)

    def conditioned(self, hidden: torch.Tensor, conditioning: torch.Tensor | None) -> torch.Tensor:
        """What the stack put out, as the head takes it: float32, conditioning added again where the model does."""
        hidden = hidden.float()
        return hidden + conditioning if self.add_again and conditioning is not None else hidden

    def head(self, hidden: torch.Tensor) -> torch.Tensor:
        """[..., width] → logits [..., bins]."""
        if self._packed_head is not None:
            return self._packed_head(hidden).float()
        y: torch.Tensor = self.x_out(hidden)
        return y

    def pack(self, format: WeightFormat) -> None:
        """Read the weights of the stack and of the head in ``format`` from now on; the embeddings stay as they are."""
        self.transformer.pack(format)
        exact = format is WeightFormat.FLOAT32
        self._packed_head = None if exact else pack(self.x_out.weight.detach().t(), None, format)


class Decoding:
    """One batch of sequences being extended: caches and conditioning, apart from the weights."""

    def __init__(
        self,
        model: Autoregressive,
        batch: int,
        length: int,
        start: torch.Tensor | None,
        conditioning: torch.Tensor | None,
        encoder: torch.Tensor | None = None,
    ) -> None:
        """Room for ``length`` positions; ``conditioning`` [batch, ≥ length, width]."""
        self.model = model
        self.batch = batch
        self.position = 0
        self._start = start
        self._conditioning = conditioning
        self.caches: list[LayerCache] = model.transformer.start(batch, length, encoder)

    def follow(self, lyric_bias: torch.Tensor) -> None:
        """Add ``lyric_bias`` [batch, heads, length, lyric tokens] to the scores of the lyric layers."""
        for cache in self.caches:
            if cache.kind is AttentionKind.CROSS:
                cache.set_lyric_bias(lyric_bias)

    def prefill(self, tokens: torch.Tensor, chunk: int) -> None:
        """Run known tokens [batch, n], at most ``chunk`` at once; afterwards ``position`` is n.

        Runs the inputs of positions 0 … n − 1, so the next ``step`` gives the logits at n.
        """
        n = tokens.shape[1]
        for first in range(0, n, chunk):
            last = min(n, first + chunk)
            x = self._inputs(tokens[:, max(0, first - 1) : last - 1], first, last)
            self.model.transformer.extend(x, self.caches, first)
        self.position = n

    def step(self, previous: torch.Tensor | None) -> torch.Tensor:
        """Logits [batch, bins] at the next position, given the token [batch] before it."""
        t = self.position
        tokens = torch.empty(self.batch, 0) if previous is None else previous.unsqueeze(1)
        x = self._inputs(tokens, t, t + 1)
        hidden = self.model.transformer.extend(x, self.caches, t)
        here = None if self._conditioning is None else self._conditioning[:, t : t + 1]
        self.position = t + 1
        return self.model.head(self.model.conditioned(hidden, here)[:, 0])

    def _inputs(self, tokens: torch.Tensor, first: int, last: int) -> torch.Tensor:
        """Inputs of positions first … last − 1 from the tokens before each of them."""
        model = self.model
        if first == 0:
            start = model.start_token.expand(self.batch, 1, -1) if self._start is None else self._start
            x = start if last == 1 else torch.cat([start, model.x_emb(tokens)], dim=1)
        else:
            x = model.x_emb(tokens)
        x = x + model.pos_emb.pos_emb[first:last]
        return x if self._conditioning is None else x + self._conditioning[:, first:last]
