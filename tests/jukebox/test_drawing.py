"""Filters keep what they should; noise depends on seed, level and position only."""

from __future__ import annotations

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.drawing import NOISE_BLOCK, Drawer, filter_logits, gumbel_block, gumbel_noise
from explorer.jukebox.song import LevelSampling

CPU = torch.device("cpu")


def test_top_k_keeps_ties() -> None:
    kept = filter_logits(torch.tensor([3.0, 2.0, 2.0, 1.0]), 2, 0.0).isfinite()
    assert kept.tolist() == [True, True, True, False]


@given(seed=st.integers(0, 1000), p=st.floats(0.01, 1.0))
def test_top_p_keeps_the_smallest_set_that_holds_p(seed: int, p: float) -> None:
    logits = torch.randn(40, generator=torch.Generator().manual_seed(seed))
    kept = filter_logits(logits, 0, p).isfinite()
    probabilities = logits.softmax(-1)
    assert float(probabilities[kept].sum()) >= p - 1e-5
    assert kept[logits.argmax()]
    without_last = float(probabilities[kept].sum() - probabilities[kept].min())
    assert without_last < p + 1e-5 or kept.sum() == 1
    assert logits[kept].min() >= logits[~kept].max() if (~kept).any() else True


def test_noise_is_a_function_of_its_arguments() -> None:
    state = torch.get_rng_state()
    a = gumbel_block(7, 2, 3, 50)
    torch.manual_seed(0)
    assert torch.equal(a, gumbel_block(7, 2, 3, 50))
    for other in (gumbel_block(8, 2, 3, 50), gumbel_block(7, 1, 3, 50), gumbel_block(7, 2, 4, 50)):
        assert not torch.equal(a, other)
    torch.set_rng_state(state)
    gumbel_block(7, 2, 3, 50)
    assert torch.equal(state, torch.get_rng_state())


def test_draws_follow_the_softmax() -> None:
    logits = torch.tensor([[1.0, 0.0, -1.0, 2.0]])
    drawer = Drawer(LevelSampling(temperature=0.7), [5], 2, [0], CPU)
    counts = torch.zeros(4)
    n = 6000
    for _ in range(n):
        counts[drawer(logits)] += 1
    expected = (logits[0] / 0.7).softmax(-1)
    # five standard deviations of a binomial count
    allowed = 5 * (expected * (1 - expected) / n).sqrt()
    assert ((counts / n - expected).abs() < allowed).all()
    entropy = float(-(expected * expected.log2()).sum())
    measured = drawer.entropy()
    assert measured.shape == (1, n)
    assert math.isclose(float(measured.mean()), entropy, rel_tol=1e-4)


@given(position=st.integers(0, 300), count=st.integers(1, 200))
def test_noise_from_anywhere_is_that_of_its_positions(position: int, count: int) -> None:
    blocks = torch.cat([gumbel_block(7, 1, block, 6) for block in range(8)])
    assert torch.equal(gumbel_noise(7, 1, position, count, 6), blocks[position : position + count])


@given(positions=st.lists(st.integers(0, 200), min_size=1, max_size=4))
def test_rows_at_different_positions_draw_what_each_draws_alone(positions: list[int]) -> None:
    seeds = [3 + i for i in range(len(positions))]
    together = Drawer(LevelSampling(), seeds, 1, positions, CPU)
    alone = [Drawer(LevelSampling(), [s], 1, [p], CPU) for s, p in zip(seeds, positions, strict=True)]
    logits = torch.zeros(len(positions), 9)
    for _ in range(NOISE_BLOCK + 9):
        assert together(logits).tolist() == [int(drawer(logits[:1])) for drawer in alone]
