"""Filters keep what they should; chance depends on seed, level and position only."""

from __future__ import annotations

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.drawing import CHANCE_BLOCK, CHANCES, Drawer, chance_block, chances, draw, filter_logits
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


def test_chance_is_a_function_of_its_arguments() -> None:
    state = torch.get_rng_state()
    a = chance_block(7, 2, 3)
    torch.manual_seed(0)
    assert torch.equal(a, chance_block(7, 2, 3))
    for other in (chance_block(8, 2, 3), chance_block(7, 1, 3), chance_block(7, 2, 4)):
        assert not torch.equal(a, other)
    torch.set_rng_state(state)
    chance_block(7, 2, 3)
    assert torch.equal(state, torch.get_rng_state())
    assert float(a.min()) >= 0 and float(a.max()) < 1


@given(total=st.floats(1e-3, 1e3), numerator=st.integers(CHANCES - 3, CHANCES - 1))
def test_the_greatest_chance_stays_inside(total: float, numerator: int) -> None:
    probabilities = torch.tensor([[0.25 * total, 0.0, 0.75 * total, 0.0, 0.0]])
    assert draw(probabilities, torch.tensor([numerator / CHANCES])).tolist() == [2]
    assert draw(probabilities, torch.tensor([0.0])).tolist() == [0]
    assert draw(probabilities.flip(1), torch.tensor([0.0])).tolist() == [2]


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
def test_chances_from_anywhere_are_those_of_their_positions(position: int, count: int) -> None:
    blocks = torch.cat([chance_block(7, 1, block) for block in range(8)])
    assert torch.equal(chances(7, 1, position, count), blocks[position : position + count])


@given(positions=st.lists(st.integers(0, 200), min_size=1, max_size=4))
def test_rows_at_different_positions_draw_what_each_draws_alone(positions: list[int]) -> None:
    seeds = [3 + i for i in range(len(positions))]
    together = Drawer(LevelSampling(), seeds, 1, positions, CPU)
    alone = [Drawer(LevelSampling(), [s], 1, [p], CPU) for s, p in zip(seeds, positions, strict=True)]
    logits = torch.zeros(len(positions), 9)
    for _ in range(CHANCE_BLOCK + 9):
        assert together(logits).tolist() == [int(drawer(logits[:1])) for drawer in alone]


@given(seed=st.integers(0, 100), k=st.sampled_from([0, 3]), p=st.sampled_from([0.0, 0.6]))
def test_what_is_filtered_out_is_never_drawn(seed: int, k: int, p: float) -> None:
    logits = 2 * torch.randn(3, 20, generator=torch.Generator().manual_seed(seed))
    drawer = Drawer(LevelSampling(top_k=k, top_p=0.0 if k else p), [seed, seed + 1, seed + 2], 0, [0, 5, 9], CPU)
    kept = filter_logits(logits, k, 0.0 if k else p).isfinite()
    for _ in range(50):
        assert kept[torch.arange(3), drawer(logits)].all()
