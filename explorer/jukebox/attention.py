"""The eight attention kinds of Jukebox: over whole sequences, and step by step from caches.

Knows: which keys a position sees (Child et al. 2019 for the factored kinds; Dhariwal et al. 2020,
appendix A.2), and what each kind must remember to go on. Does not know weights, tokens or windows.

Shapes: queries, keys and values are [batch, heads, time, head width]. Positions count from the
beginning of the sequence, merged lyrics included. B is the block length.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from explorer.jukebox.config import AttentionKind

MANY_HEADS = 64
"""Heads of all rows from which on one query each is attended for product by product on a CPU."""


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Scaled dot-product attention with a float32 softmax; ``mask`` is True where a key is seen, or is added to the
    scores."""
    many = q.shape[2] == 1 and q.shape[0] * q.shape[1] >= MANY_HEADS and q.device.type == "cpu"
    if q.requires_grad or many:
        return _attend_in_parts(q, k, v, mask)
    out: torch.Tensor = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return out


def attend_causally(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """``attend`` where query i sees keys 0 … i."""
    if q.requires_grad:
        return _attend_in_parts(q, k, v, causal_mask(q.shape[2], k.shape[2], 0, q.device))
    out: torch.Tensor = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return out


def _attend_in_parts(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """``attend`` product by product. On CPUs the fused one's way back takes several times as long, where rows are as
    short as ours, and for one query each of many rows it goes from row to row instead of doing them together."""
    scores = _masked(q * float(q.shape[-1] ** -0.5) @ k.transpose(-1, -2), mask)
    return scores.softmax(-1, dtype=torch.float32).to(v.dtype) @ v


def _masked(scores: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Scores [..., queries, keys] under a ``mask`` as in ``attend``."""
    if mask is None:
        return scores
    return scores + mask if mask.dtype.is_floating_point else scores.masked_fill(~mask, -1e9)


def attention_weights(q: torch.Tensor, k: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """Softmax weights [batch, heads, queries, keys] in float32; ``mask`` as in ``attend``."""
    scores = (q.float() @ k.float().transpose(-1, -2)) * float(q.shape[-1] ** -0.5)
    return _masked(scores, mask).softmax(-1)


def causal_mask(queries: int, keys: int, first_query: int, device: torch.device) -> torch.Tensor:
    """[queries, keys] True where key j is at or before query position first_query + i."""
    i = torch.arange(queries, device=device).unsqueeze(1) + first_query
    return torch.arange(keys, device=device).unsqueeze(0) <= i


def attend_sequence(
    kind: AttentionKind,
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    block_length: int,
    prime_keys: int,
    spread: int | None,
    lyric_bias: torch.Tensor | None = None,
) -> torch.Tensor:
    """Attention of a whole sequence from its first position; returns the shape of ``q``.

    For CROSS, ``k`` and ``v`` are the encoder's, and ``lyric_bias`` is added to the scores. A length that is not a
    multiple of the block is padded at the end, which no earlier position can see.
    """
    time = q.shape[2]
    match kind:
        case AttentionKind.CROSS:
            return attend(q, k, v, None if lyric_bias is None else lyric_bias.to(q.dtype))
        case AttentionKind.DENSE:
            return attend_causally(q, k, v)
        case AttentionKind.PRIME:
            keys = min(prime_keys, time)
            mask = causal_mask(time, keys, 0, q.device)
            return attend(q, k[:, :, :keys], v[:, :, :keys], mask)
    missing = -time % block_length
    if missing:
        q, k, v = (F.pad(x, (0, 0, 0, missing)) for x in (q, k, v))
    batch, heads, padded, width = q.shape
    blocks = padded // block_length
    # each is [batch, heads, blocks, B, width]
    q, k, v = (x.reshape(batch, heads, blocks, block_length, width) for x in (q, k, v))
    match kind:
        case AttentionKind.ROW:
            out = attend_causally(_rows(q), _rows(k), _rows(v)).view(batch, heads, blocks, block_length, width)
        case AttentionKind.COLUMN:
            q, k, v = (x.transpose(2, 3) for x in (q, k, v))
            out = (
                attend_causally(_rows(q), _rows(k), _rows(v))
                .view(batch, heads, block_length, blocks, width)
                .transpose(2, 3)
            )
        case AttentionKind.PREVIOUS_ROW:
            k, v = (F.pad(x[:, :, :-1], (0, 0, 0, 0, 1, 0)) for x in (k, v))
            out = attend(_rows(q), _rows(k), _rows(v)).view(batch, heads, blocks, block_length, width)
        case _:
            last = 1 if kind is AttentionKind.SUMMARY else spread or 1
            k, v = (F.pad(x[:, :, :-1, -last:], (0, 0, 0, 0, 1, 0)).flatten(2, 3) for x in (k, v))
            rows = torch.arange(blocks, device=q.device)
            mask = rows.repeat_interleave(last).unsqueeze(0) <= rows.repeat_interleave(block_length).unsqueeze(1)
            out = attend(q.flatten(2, 3), k, v, mask).view(batch, heads, blocks, block_length, width)
    return out.reshape(batch, heads, padded, width)[:, :, :time]


def _rows(x: torch.Tensor) -> torch.Tensor:
    """[batch, heads, rows, length, width] → [batch · heads · rows, 1, length, width]."""
    return x.flatten(0, 2).unsqueeze(1)


class LayerCache:
    """What one layer must remember to go on: only the keys and values that it can still see.

    Preallocated; contiguous where it is read. Positions must be fed in order, and one feed must
    not cross a block boundary (``Transformer.extend`` sees to that).
    """

    def __init__(
        self,
        kind: AttentionKind,
        batch: int,
        heads: int,
        width: int,
        length: int,
        block_length: int,
        prime_keys: int,
        spread: int | None,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        """``width`` is the head width, ``length`` the most positions that will be fed."""
        self.kind = kind
        self._lyric_bias: torch.Tensor | None = None
        self.block_length = block_length
        self.spread = 1 if kind is AttentionKind.SUMMARY else spread or 1
        blocks = -(-length // block_length)
        shape = {
            AttentionKind.DENSE: (batch, heads, length, width),
            AttentionKind.ROW: (batch, heads, block_length, width),
            AttentionKind.COLUMN: (batch, heads, block_length, blocks, width),
            AttentionKind.PREVIOUS_ROW: (2, batch, heads, block_length, width),
            AttentionKind.PRIME: (batch, heads, min(prime_keys, length), width),
            AttentionKind.SUMMARY: (batch, heads, 1 + blocks, width),
            AttentionKind.SUMMARY_SPREAD: (batch, heads, (1 + blocks) * self.spread, width),
        }.get(kind)
        if shape is None:
            self.keys = self.values = torch.empty(0)
        else:
            self.keys = torch.zeros(shape, dtype=dtype, device=device)
            self.values = torch.zeros(shape, dtype=dtype, device=device)

    def set_encoder(self, k: torch.Tensor, v: torch.Tensor) -> None:
        """CROSS only: the encoder's keys and values, fixed for the window."""
        self.keys, self.values = k, v

    def set_lyric_bias(self, lyric_bias: torch.Tensor) -> None:
        """CROSS only, after ``set_encoder``: what is added to the scores of all positions [batch, heads, length, lyric
        tokens]."""
        self._lyric_bias = lyric_bias.to(self.keys.dtype)

    @property
    def bytes(self) -> int:
        return 2 * self.keys.numel() * self.keys.element_size()

    def extend(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, position: int) -> torch.Tensor:
        """Remember n new positions [batch, heads, n, width] and return their attention output."""
        n = q.shape[2]
        row, column = divmod(position, self.block_length)
        match self.kind:
            case AttentionKind.CROSS:
                bias = None if self._lyric_bias is None else self._lyric_bias[:, :, position : position + n]
                return attend(q, self.keys, self.values, bias)
            case AttentionKind.DENSE | AttentionKind.PRIME:
                fits = max(0, min(n, self.keys.shape[2] - position))
                if fits:
                    self.keys[:, :, position : position + fits] = k[:, :, :fits]
                    self.values[:, :, position : position + fits] = v[:, :, :fits]
                seen = min(position + n, self.keys.shape[2])
                mask = None if n == 1 else causal_mask(n, seen, position, q.device)
                return attend(q, self.keys[:, :, :seen], self.values[:, :, :seen], mask)
            case AttentionKind.ROW:
                self.keys[:, :, column : column + n] = k
                self.values[:, :, column : column + n] = v
                seen = column + n
                mask = None if n == 1 else causal_mask(n, seen, column, q.device)
                return attend(q, self.keys[:, :, :seen], self.values[:, :, :seen], mask)
            case AttentionKind.COLUMN:
                self.keys[:, :, column : column + n, row] = k
                self.values[:, :, column : column + n, row] = v
                k = self.keys[:, :, column : column + n, : row + 1]
                v = self.values[:, :, column : column + n, : row + 1]
                if n == 1:
                    return attend(q, k[:, :, 0], v[:, :, 0])
                return attend(q.unsqueeze(3), k, v).squeeze(3)
            case AttentionKind.PREVIOUS_ROW:
                self.keys[row % 2, :, :, column : column + n] = k
                self.values[row % 2, :, :, column : column + n] = v
                if row == 0:
                    return torch.zeros_like(q)
                return attend(q, self.keys[(row - 1) % 2], self.values[(row - 1) % 2])
            case _:
                seen = (row + 1) * self.spread
                out = attend(q, self.keys[:, :, :seen], self.values[:, :, :seen])
                # positions among the block's last `spread` become visible to the next block
                first = max(column, self.block_length - self.spread)
                if column + n > first:
                    slot = seen + first - (self.block_length - self.spread)
                    count = column + n - first
                    self.keys[:, :, slot : slot + count] = k[:, :, first - column :]
                    self.values[:, :, slot : slot + count] = v[:, :, first - column :]
                return out
