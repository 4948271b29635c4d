"""The stack of Jukebox blocks.

Knows: the block's arithmetic and its published parameter names. Does not know tokens, labels or
sampling. Activations are [batch, time, width].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from explorer.jukebox.attention import LayerCache, attend_sequence, attention_weights, causal_mask
from explorer.jukebox.config import AttentionKind, TransformerConfig
from explorer.jukebox.products import PackedProduct, WeightFormat, pack

Reading = Callable[[int, torch.Tensor, torch.Tensor], torch.Tensor]
"""Looks on while layers read the lyrics: given the layer, what goes into it [batch, time, width] and its softmax
weights [batch, heads, time, keys], it returns the weights to use."""
WeightsReading = Callable[[torch.Tensor], torch.Tensor]
"""``Reading`` of one layer: its softmax weights → the weights to use."""
LYRIC_KINDS = (AttentionKind.CROSS, AttentionKind.PRIME)


class Conv1D(nn.Module):
    """x·w + b with ``w`` stored [in, out]; runs in the dtype of its input, or in that of ``packed`` where it is set."""

    packed: PackedProduct | None = None
    """The weights as sampling reads them; ``w`` and ``b`` are then not read, and may be gone."""

    def __init__(self, n_in: int, n_out: int, std: float) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.empty(n_in, n_out).normal_(std=std) if std else torch.zeros(n_in, n_out))
        self.b = nn.Parameter(torch.zeros(n_out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] → [..., out]."""
        if self.packed is not None:
            return self.packed(x)
        y = torch.addmm(self.b.to(x.dtype), x.reshape(-1, x.shape[-1]), self.w.to(x.dtype))
        return y.view(*x.shape[:-1], -1)

    def pack(self, format: WeightFormat, before: float = 1.0, after: float = 1.0) -> None:
        """Read the weights in ``format`` from now on, for inputs that come multiplied by ``before`` and outputs that go
        multiplied by ``after``."""
        if format is WeightFormat.FLOAT32:
            self.packed = None
            return
        self.packed = pack(self.w.detach() * (after / before), self.b.detach() * after, format)


class LayerNorm(nn.LayerNorm):
    """Layer normalisation that always computes in float32."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dtype is self.weight.dtype is torch.float32:
            return torch.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        y = F.layer_norm(x.float(), self.normalized_shape, self.weight.float(), self.bias.float(), self.eps)
        return y.to(x.dtype)


GELU = 1.702
"""σ(GELU·x) comes close to the normal distribution."""


def quick_gelu(x: torch.Tensor) -> torch.Tensor:
    """x·σ(1.702 x) (Hendrycks & Gimpel 2016)."""
    return x * torch.sigmoid(GELU * x)


class MLP(nn.Module):
    def __init__(self, config: TransformerConfig, zero_out: bool) -> None:
        super().__init__()
        std = 0.02 * config.init_scale
        self.c_fc = Conv1D(config.width, config.hidden_width, std)
        self.c_proj = Conv1D(config.hidden_width, config.width, 0.0 if zero_out else std)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.c_fc.forward(x)
        # packed weights have the gelu's factor in them, and SiLU is one operation where quick_gelu is three
        y: torch.Tensor = self.c_proj.forward(quick_gelu(hidden) if self.c_fc.packed is None else F.silu(hidden))
        return y

    def pack(self, format: WeightFormat) -> None:
        """x·σ(1.702 x) is SiLU(1.702 x) / 1.702."""
        self.c_fc.pack(format, after=GELU)
        self.c_proj.pack(format, before=GELU)


class Attention(nn.Module):
    """One layer's projections around one attention kind."""

    def __init__(self, config: TransformerConfig, kind: AttentionKind, prime_tokens: int, zero_out: bool) -> None:
        super().__init__()
        self.kind = kind
        self.heads = config.heads
        self.head_width = config.state_width // config.heads
        self.block_length = config.block_length
        self.spread = config.spread
        # as published: whole blocks of `blocks` positions, so the first music codes are seen too
        self.prime_keys = (prime_tokens // config.blocks + 1) * config.blocks
        state, std = config.state_width, 0.02 * config.init_scale
        cross = kind is AttentionKind.CROSS
        self.c_attn = Conv1D(config.width, state if cross else 3 * state, std)
        if cross:
            self.c_enc_kv = Conv1D(config.width, 2 * state, std)
        self.c_proj = Conv1D(state, config.width, 0.0 if zero_out else std)

    def _split(self, x: torch.Tensor, parts: int) -> list[torch.Tensor]:
        """[batch, time, parts · state] → ``parts`` tensors [batch, heads, time, head width]."""
        batch, time, width = x.shape
        y = x.view(batch, time, parts, self.heads, width // parts // self.heads).permute(2, 0, 3, 1, 4)
        return list(y.unbind(0))

    def _qkv(self, x: torch.Tensor, encoder: torch.Tensor | None) -> list[torch.Tensor]:
        if self.kind is AttentionKind.CROSS:
            if encoder is None:
                raise ValueError("a cross-attention layer needs the lyric encoder's output")
            return self._split(self.c_attn(x), 1) + self.encoder_kv(encoder)
        return self._split(self.c_attn(x), 3)

    def encoder_kv(self, encoder: torch.Tensor) -> list[torch.Tensor]:
        """Keys and values [batch, heads, lyric tokens, head width] of a CROSS layer."""
        return self._split(self.c_enc_kv(encoder.to(self.c_attn.w.dtype)), 2)

    @property
    def cache_dtype(self) -> torch.dtype:
        """Of queries, keys and values in decoding. Beside packed weights float32: processors attend to the few keys of
        one step four times as fast in it as in bfloat16, and more exactly."""
        return self.c_attn.w.dtype if self.c_attn.packed is None else torch.float32

    def forward(
        self,
        x: torch.Tensor,
        encoder: torch.Tensor | None,
        reading: WeightsReading | None = None,
        lyric_bias: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Whole sequence [batch, time, width] → the same; ``reading`` may change a lyric layer's weights."""
        q, k, v = self._qkv(x, encoder)
        if reading is not None:
            weights = reading(self._weights(q, k, lyric_bias))
            return self._merge(weights.to(v.dtype) @ v[:, :, : weights.shape[3]])
        y = attend_sequence(self.kind, q, k, v, self.block_length, self.prime_keys, self.spread, lyric_bias)
        return self._merge(y)

    def weights(
        self, x: torch.Tensor, encoder: torch.Tensor | None, lyric_bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Softmax weights [batch, heads, time, keys] of a CROSS or PRIME layer."""
        q, k, _ = self._qkv(x, encoder)
        return self._weights(q, k, lyric_bias)

    def _weights(self, q: torch.Tensor, k: torch.Tensor, lyric_bias: torch.Tensor | None) -> torch.Tensor:
        if self.kind is AttentionKind.CROSS:
            return attention_weights(q, k, lyric_bias)
        if self.kind is not AttentionKind.PRIME:
            raise ValueError(f"layer kind {self.kind.name} does not attend to lyrics")
        keys = min(self.prime_keys, k.shape[2])
        return attention_weights(q, k[:, :, :keys], causal_mask(q.shape[2], keys, 0, q.device))

    def start(self, batch: int, length: int, encoder: torch.Tensor | None) -> LayerCache:
        """An empty cache for up to ``length`` positions; a CROSS layer's holds the keys and values of ``encoder``
        [batch, lyric tokens, width]. Raises ValueError where that is missing."""
        weight = self.c_attn.w
        cache = LayerCache(
            self.kind, batch, self.heads, self.head_width, length, self.block_length, self.prime_keys, self.spread,
            self.cache_dtype, weight.device,
        )  # fmt: skip
        if self.kind is AttentionKind.CROSS:
            if encoder is None:
                raise ValueError("a cross-attention layer needs the lyric encoder's output")
            cache.set_encoder(*(part.to(self.cache_dtype) for part in self.encoder_kv(encoder)))
        return cache

    def extend(self, x: torch.Tensor, cache: LayerCache, position: int) -> torch.Tensor:
        """New positions [batch, n, width] → the same, remembering them in ``cache``."""
        y = self.c_attn.forward(x).to(self.cache_dtype)
        if self.kind is AttentionKind.CROSS:
            (q,) = self._split(y, 1)
            return self._merge(cache.extend(q, q, q, position))
        q, k, v = self._split(y, 3)
        return self._merge(cache.extend(q, k, v, position))

    def _merge(self, y: torch.Tensor) -> torch.Tensor:
        return self.c_proj.forward(y.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """a = Attn(LN0(x)); m = MLP(LN1(x + a)); x + a + m.

    Parts are run by ``forward``, not by a call: around the small products of one step a call costs a tenth of the time.
    """

    def __init__(self, config: TransformerConfig, kind: AttentionKind, prime_tokens: int) -> None:
        super().__init__()
        # as published, cross-attention blocks start as the identity
        zero_out = config.zero_out or kind is AttentionKind.CROSS
        self.attn = Attention(config, kind, prime_tokens, zero_out)
        self.ln_0 = LayerNorm(config.width)
        self.mlp = MLP(config, zero_out)
        self.ln_1 = LayerNorm(config.width)
        self.scale = 1.0 / config.depth if config.res_scale else 1.0

    def products(self) -> list[Conv1D]:
        """The block's matrix products, in the order of their use."""
        return [part for part in self.modules() if isinstance(part, Conv1D)]

    def pack(self, format: WeightFormat) -> None:
        """Read the weights of all products in ``format`` from now on."""
        for product in self.attn.children():
            assert isinstance(product, Conv1D)
            product.pack(format)
        self.mlp.pack(format)

    def _rest(self, x: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        if self.scale == 1.0:
            x = x + a
            return x + self.mlp.forward(self.ln_1.forward(x))
        return x + self.scale * (a + self.mlp.forward(self.ln_1.forward(x + a)))

    def forward(
        self,
        x: torch.Tensor,
        encoder: torch.Tensor | None,
        reading: WeightsReading | None = None,
        lyric_bias: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return self._rest(x, self.attn.forward(self.ln_0.forward(x), encoder, reading, lyric_bias))

    def extend(self, x: torch.Tensor, cache: LayerCache, position: int) -> torch.Tensor:
        return self._rest(x, self.attn.extend(self.ln_0.forward(x), cache, position))


class Transformer(nn.Module):
    """``depth`` blocks under the published name ``_attn_mods``; no final normalisation."""

    def __init__(self, config: TransformerConfig, prime_tokens: int = 0) -> None:
        super().__init__()
        self.config = config
        self._attn_mods = nn.ModuleList([Block(config, kind, prime_tokens) for kind in config.layout])

    @property
    def blocks(self) -> Sequence[Block]:
        return self._attn_mods  # type: ignore[return-value]

    def forward(
        self,
        x: torch.Tensor,
        encoder: torch.Tensor | None = None,
        reading: Reading | None = None,
        lyric_bias: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Whole sequence [batch, time, width] → the same, in the dtype of the weights.

        ``lyric_bias`` [batch, heads, time, lyric tokens] is added to the scores of CROSS layers (see ``following``).
        """
        x = x.to(self.dtype)
        for number, block in enumerate(self.blocks):
            if reading is not None and block.attn.kind in LYRIC_KINDS:
                x = block(x, encoder, partial(reading, number, x), lyric_bias)
            else:
                x = block(x, encoder, None, lyric_bias)
        return x

    def layer_weights(
        self,
        x: torch.Tensor,
        layer: int,
        encoder: torch.Tensor | None = None,
        lyric_bias: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Softmax weights [batch, heads, time, keys] of one layer; later layers do not run."""
        x = x.to(self.dtype)
        for block in self.blocks[:layer]:
            x = block(x, encoder, None, lyric_bias)
        target = self.blocks[layer]
        return target.attn.weights(target.ln_0(x), encoder, lyric_bias)

    @property
    def dtype(self) -> torch.dtype:
        return self.blocks[0].attn.c_attn.w.dtype

    def pack(self, format: WeightFormat) -> None:
        """Read all weights of the blocks in ``format`` from now on. What is between the products stays as it is."""
        for block in self.blocks:
            block.pack(format)

    def start(self, batch: int, length: int, encoder: torch.Tensor | None = None) -> list[LayerCache]:
        """Empty caches, one per layer (``Attention.start``), for up to ``length`` positions."""
        return [block.attn.start(batch, length, encoder) for block in self.blocks]

    def extend(self, x: torch.Tensor, caches: Sequence[LayerCache], position: int) -> torch.Tensor:
        """New positions [batch, n, width] from ``position`` on → the same; fed block by block."""
        x = x.to(self.dtype)
        length = self.config.block_length
        end = position + x.shape[1]
        if position // length == (end - 1) // length:
            return self._extend_inside(x, caches, position)
        outputs, first = [], position
        while first < end:
            last = min(end, (first // length + 1) * length)
            outputs.append(self._extend_inside(x[:, first - position : last - position], caches, first))
            first = last
        return torch.cat(outputs, dim=1)

    def _extend_inside(self, x: torch.Tensor, caches: Sequence[LayerCache], position: int) -> torch.Tensor:
        for block, cache in zip(self.blocks, caches, strict=True):
            x = block.extend(x, cache, position)
        return x
