"""Packed matrix products against plain ones."""

from __future__ import annotations

import warnings

import pytest
import torch

from explorer.jukebox.config import AttentionKind, Level
from explorer.jukebox.products import WeightFormat, available, pack
from explorer.jukebox.rows import window_conditioning
from explorer.jukebox.song import Song
from tests.tiny import tiny_jukebox

PACKED = [format for format in WeightFormat if format is not WeightFormat.FLOAT32 and available(format)]
"""What this processor has; others than x86-64-v4 may lack bfloat16."""


@pytest.mark.parametrize("format", PACKED)
@pytest.mark.parametrize("rows", [1, 3, 12, 40])
def test_packed_products_are_close_and_alike_for_any_number_of_rows(format: WeightFormat, rows: int) -> None:
    generator = torch.Generator().manual_seed(rows)
    weight, bias = torch.randn(64, 96, generator=generator), torch.randn(96, generator=generator)
    x = torch.randn(rows, 64, generator=generator)
    exact = x @ weight + bias
    product = pack(weight, bias, format)
    close = product(x)
    assert close.dtype is (torch.bfloat16 if format is WeightFormat.BFLOAT16 else torch.float32)
    assert float((close.float() - exact).norm() / exact.norm()) < 0.01
    alone = torch.cat([product(row[None]) for row in x]).float()
    # 8-bit inputs share one scale, so a row alone is rounded otherwise
    alike = 0.015 if format is WeightFormat.INT8 else 0.005
    assert float((alone - close.float()).norm() / exact.norm()) < alike
    without = pack(weight, None, format)(x).float()
    assert float((without + bias - exact).norm() / exact.norm()) < 0.01


@pytest.mark.skipif(not available(WeightFormat.INT8), reason="this processor has no products of 8-bit numbers")
def test_int8_weights_stay_in_their_range() -> None:
    # the largest numbers that there are: 16-bit sums of pairs, which older processors have, would be cut off
    weight = torch.ones(256, 8)
    y = pack(weight, torch.zeros(8), WeightFormat.INT8)(torch.ones(1, 256))
    torch.testing.assert_close(y, torch.full((1, 8), 256.0), rtol=0.01, atol=0.0)


@pytest.mark.skipif(not available(WeightFormat.INT8), reason="this processor has no products of 8-bit numbers")
def test_packing_int8_says_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pack(torch.eye(64), None, WeightFormat.INT8)


def test_int8_is_not_offered_without_vnni(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    assert not available(WeightFormat.INT8)


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
