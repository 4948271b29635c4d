"""Every attention kind against its definition, and step by step against whole sequences."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.jukebox.attention import MANY_HEADS, LayerCache, attend, attend_sequence
from explorer.jukebox.config import AttentionKind, ConfigError, attention_layout

B, PRIME, SPREAD = 4, 6, 2
KINDS = [kind for kind in AttentionKind if kind is not AttentionKind.CROSS]


def seen_keys(kind: AttentionKind, i: int) -> list[int]:
    """Positions that position i sees; −1 is a zero key with a zero value."""
    row = i // B
    earlier_rows = range(row)
    match kind:
        case AttentionKind.DENSE:
            return list(range(i + 1))
        case AttentionKind.ROW:
            return [j for j in range(i + 1) if j // B == row]
        case AttentionKind.COLUMN:
            return [j for j in range(i + 1) if j % B == i % B]
        case AttentionKind.PREVIOUS_ROW:
            return [-1] * B if row == 0 else [j for j in range(i + 1) if j // B == row - 1]
        case AttentionKind.SUMMARY:
            return [-1] + [r * B + B - 1 for r in earlier_rows]
        case AttentionKind.SUMMARY_SPREAD:
            return [-1] * SPREAD + [r * B + B - SPREAD + s for r in earlier_rows for s in range(SPREAD)]
        case AttentionKind.PRIME:
            return list(range(min(i + 1, PRIME)))
    raise AssertionError(kind)


def by_definition(kind: AttentionKind, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    out = torch.zeros_like(q)
    zero = torch.zeros_like(k[:, :, 0])
    for i in range(q.shape[2]):
        keys = seen_keys(kind, i)
        ks = torch.stack([k[:, :, j] if j >= 0 else zero for j in keys], dim=2)
        vs = torch.stack([v[:, :, j] if j >= 0 else zero for j in keys], dim=2)
        weights = ((q[:, :, i : i + 1] * ks).sum(-1) * q.shape[-1] ** -0.5).softmax(-1)
        out[:, :, i] = (weights.unsqueeze(-1) * vs).sum(2)
    return out


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("time", [1, B, 3 * B, 3 * B + 1])
def test_whole_sequences_follow_the_definition(kind: AttentionKind, time: int) -> None:
    generator = torch.Generator().manual_seed(time)
    q, k, v = (torch.randn(2, 3, time, 5, generator=generator) for _ in range(3))
    got = attend_sequence(kind, q, k, v, B, PRIME, SPREAD)
    torch.testing.assert_close(got, by_definition(kind, q, k, v), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(sizes=st.lists(st.integers(1, B), min_size=1, max_size=9), seed=st.integers(0, 99))
def test_steps_of_any_size_give_the_whole_sequence(kind: AttentionKind, sizes: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    time = sum(sizes)
    q, k, v = (torch.randn(2, 2, time, 4, generator=generator) for _ in range(3))
    cache = LayerCache(kind, 2, 2, 4, time, B, PRIME, SPREAD, torch.float32, torch.device("cpu"))
    outputs, position = [], 0
    for size in sizes:
        while size:  # a feed must stay inside a block
            n = min(size, B - position % B)
            piece = slice(position, position + n)
            outputs.append(cache.extend(q[:, :, piece], k[:, :, piece], v[:, :, piece], position))
            position, size = position + n, size - n
    whole = attend_sequence(kind, q, k, v, B, PRIME, SPREAD)
    torch.testing.assert_close(torch.cat(outputs, dim=2), whole, atol=1e-5, rtol=1e-5)


def test_caches_hold_only_what_can_still_be_seen() -> None:
    def numbers(kind: AttentionKind) -> int:
        return LayerCache(kind, 1, 1, 8, 64, B, PRIME, SPREAD, torch.float32, torch.device("cpu")).keys.numel()

    assert numbers(AttentionKind.ROW) == B * 8
    assert numbers(AttentionKind.PREVIOUS_ROW) == 2 * B * 8
    assert numbers(AttentionKind.PRIME) == PRIME * 8
    assert numbers(AttentionKind.DENSE) == numbers(AttentionKind.COLUMN) == 64 * 8


def test_published_layouts() -> None:
    cross = [d for d, k in enumerate(attention_layout(10, 79)) if k is AttentionKind.CROSS]
    assert cross == [18, 28, 38, 48, 58, 68, 78]
    merged = attention_layout(12, 72)
    assert [d for d, k in enumerate(merged) if k is AttentionKind.PRIME] == [15, 31, 63]
    assert [d for d, k in enumerate(merged) if k is AttentionKind.DENSE] == [47]
    with pytest.raises(ConfigError):
        attention_layout(13, 4)


@pytest.mark.parametrize("bias", [False, True])
def test_one_query_of_many_rows_is_attended_for_as_that_of_one(bias: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    rows = MANY_HEADS // 2
    q, k, v = (torch.randn(rows, 2, time, 8, generator=generator) for time in (1, 20, 20))
    mask = torch.randn(rows, 2, 1, 20, generator=generator) if bias else None
    together = attend(q, k, v, mask)
    apart = [
        attend(q[i : i + 1], k[i : i + 1], v[i : i + 1], None if mask is None else mask[i : i + 1]) for i in range(rows)
    ]
    torch.testing.assert_close(together, torch.cat(apart), atol=1e-5, rtol=1e-5)
