"""Packed matrix products against plain ones."""

from __future__ import annotations

import pytest
import torch

from explorer.jukebox import products
from explorer.jukebox.config import AttentionKind, Level
from explorer.jukebox.products import MANY_ROWS, WeightFormat, available, pack
from explorer.jukebox.rows import window_conditioning
from explorer.jukebox.song import Song
from tests.tiny import tiny_jukebox

PACKED = [format for format in WeightFormat if format is not WeightFormat.FLOAT32 and available(format)]
"""What this processor has; others than x86-64-v4 may lack bfloat16."""


@pytest.mark.parametrize("format", PACKED)
@pytest.mark.parametrize("rows", [1, 3, MANY_ROWS, 40])
def test_packed_products_are_close_and_alike_for_any_number_of_rows(format: WeightFormat, rows: int) -> None:
    generator = torch.Generator().manual_seed(rows)
    weight, bias = torch.randn(64, 96, generator=generator), torch.randn(96, generator=generator)
    x = torch.randn(rows, 64, generator=generator)
    exact = x @ weight + bias
    product = pack(weight, bias, format)
    close = product(x)
    assert close.dtype is (torch.float32 if format is WeightFormat.FLOAT16 else torch.bfloat16)
    assert float((close.float() - exact).norm() / exact.norm()) < 0.01
    alone = torch.cat([product(row[None]) for row in x]).float()
    assert float((alone - close.float()).norm() / exact.norm()) < 0.005
    without = pack(weight, None, format)(x).float()
    assert float((without + bias - exact).norm() / exact.norm()) < 0.01


def test_many_rows_are_widened_to_what_the_processor_has(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(1)
    weight, x = torch.randn(64, 96, generator=generator), torch.randn(MANY_ROWS, 64, generator=generator)
    product = pack(weight, torch.ones(96), WeightFormat.INT8)
    found = []
    for wide in (torch.float32, torch.bfloat16):
        monkeypatch.setattr(products, "_widened", lambda wide=wide: wide)
        found.append(product(x))
    assert all(y.dtype is torch.bfloat16 for y in found)
    torch.testing.assert_close(*found, atol=0.2, rtol=0.05)


def test_float32_is_not_packed() -> None:
    with pytest.raises(ValueError, match="not packed"):
        pack(torch.zeros(4, 4), None, WeightFormat.FLOAT32)


@pytest.mark.parametrize("format", PACKED)
@torch.inference_mode()
def test_a_packed_prior_says_nearly_the_same_and_can_be_unpacked(format: WeightFormat) -> None:
    jukebox = tiny_jukebox()
    prior = jukebox.prior(Level.TOP)
    assert AttentionKind.CROSS in prior.config.transformer.layout
    labels = [jukebox.describe(Song(lyrics="a tin whistle", seconds=1.0))[Level.TOP]]
    conditioning = window_conditioning(prior, labels, 0, None, jukebox.device)
    codes = torch.randint(0, 32, (1, 64), generator=torch.Generator().manual_seed(3))
    exact = prior(codes, conditioning).log_softmax(-1)
    prior.prior.pack(format)
    packed = prior(codes, conditioning).log_softmax(-1)
    assert not torch.equal(packed, exact)
    assert float((exact.exp() * (exact - packed)).sum(-1).mean()) < 0.01
    # step by step as in one pass, also with keys and values in bfloat16
    decoding = prior.sampler(conditioning, 1, 64, codes[:, :0], 16)
    seen: list[torch.Tensor] = []

    def follow(logits: torch.Tensor) -> torch.Tensor:
        seen.append(logits)
        return codes[:, len(seen) - 1]

    for _ in range(64):
        decoding.step(follow)
    steps = torch.stack(seen, dim=1).log_softmax(-1)
    assert float((exact.exp() * (exact - steps)).sum(-1).mean()) < 0.01
    prior.prior.pack(WeightFormat.FLOAT32)
    assert torch.equal(prior(codes, conditioning).log_softmax(-1), exact)
