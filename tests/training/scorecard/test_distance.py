"""Fréchet distances of sets whose distance is known."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.training.scorecard.distance import equal_shares, frechet_distance, piece_means


def rows(count: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, width))


def test_equal_sets_have_none() -> None:
    some = rows(50, 8, 0)
    assert frechet_distance(some, some) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(some, some[::-1]) == pytest.approx(0, abs=1e-9)


def test_a_shift_counts_by_its_square() -> None:
    some = rows(50, 8, 0)
    assert frechet_distance(some, some + 0.5) == pytest.approx(8 * 0.25)


def test_a_wider_spread_counts_by_the_difference_of_deviations() -> None:
    some = rows(500, 1, 0)
    some = (some - some.mean()) / some.std(ddof=1)
    assert frechet_distance(some, 3 * some) == pytest.approx(4.0)


def test_it_is_that_of_the_matrix_root() -> None:
    from scipy.linalg import sqrtm

    a, b = rows(60, 5, 1) @ rows(5, 5, 2), rows(70, 5, 3) @ rows(5, 5, 4) + 1
    left, right = np.cov(a.T), np.cov(b.T)
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(left + right - 2 * sqrtm(left @ right).real)
    assert frechet_distance(a, b) == pytest.approx(expected)
    assert frechet_distance(b, a) == pytest.approx(expected)


def test_fewer_rows_than_columns_are_no_problem() -> None:
    some = rows(10, 100, 0)
    assert frechet_distance(some, some + 1) == pytest.approx(100.0)
    with pytest.raises(ValueError, match="two rows"):
        frechet_distance(some[:1], some)


def test_shares_are_equal_and_keep_pairs() -> None:
    a, b, c = rows(30, 2, 0), rows(30, 2, 1), rows(12, 2, 2)
    cut = equal_shares([a, b, c])
    assert [len(part) for part in cut] == [12, 12, 12] and np.array_equal(cut[2], c)
    places = [int(np.flatnonzero((a == row).all(axis=1))[0]) for row in cut[0]]
    assert np.array_equal(cut[1], b[places]) and len(set(places)) == 12 and places == sorted(places)


def test_a_piece_is_the_mean_of_two_seconds_and_a_rest_is_left_out() -> None:
    states = np.repeat([[1.0, 2.0], [3.0, 6.0], [100.0, 100.0]], [20, 20, 19], axis=0)
    states[0] += 10
    np.testing.assert_allclose(piece_means(states, 10), [[1.5, 2.5], [3.0, 6.0]])
    assert piece_means(states[:19], 10).shape == (0, 2)
