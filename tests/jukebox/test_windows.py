"""Windows, alone and in waves, cover what is missing exactly once, whatever exists already."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.windows import STRAND_WINDOWS, Window, plan_waves, plan_windows, window_starts


@given(
    length=st.integers(1, 2000),
    n_ctx=st.integers(8, 300),
    fraction=st.floats(0.13, 1.0),
    share=st.floats(0, 1),
)
def test_every_missing_code_is_sampled_once_and_in_order(
    length: int, n_ctx: int, fraction: float, share: float
) -> None:
    have = int(share * length)
    position = have
    for window in plan_windows(length, n_ctx, fraction, have):
        assert window.new == position < window.stop <= length
        assert 0 <= window.start <= window.new and window.stop - window.start <= n_ctx
        position = window.stop
    assert position == length


@given(length=st.integers(1, 2000), n_ctx=st.integers(8, 300), fraction=st.floats(0.13, 1.0), cut=st.floats(0, 1))
def test_an_interruption_after_any_window_changes_no_later_window(
    length: int, n_ctx: int, fraction: float, cut: float
) -> None:
    whole = plan_windows(length, n_ctx, fraction, 0)
    done = int(cut * len(whole))
    have = whole[done - 1].stop if done else 0
    assert plan_windows(length, n_ctx, fraction, have) == whole[done:]


def test_the_published_example() -> None:
    # 150 codes in windows of 96 with half a window's step: the last one is moved back to fit
    assert window_starts(150, 96, 0.5) == (0, 48, 54)
    assert window_starts(96, 96, 0.5) == (0,)
    assert window_starts(40, 96, 0.5) == (0,)


def test_a_step_below_one_code_is_refused() -> None:
    with pytest.raises(ValueError, match="less than one code"):
        window_starts(100, 8, 0.1)


PLANS = {
    "length": st.integers(1, 3000),
    "n_ctx": st.integers(8, 200),
    "fraction": st.floats(0.13, 1.0),
    "share": st.floats(0, 1),
    "strands": st.integers(1, 9),
}
"""Arguments of ``plan_waves``; ``share`` is how much exists already, or is done before a stop."""


@given(**PLANS)
def test_waves_cover_every_missing_code_once(
    length: int, n_ctx: int, fraction: float, share: float, strands: int
) -> None:
    have = int(share * length)
    position = have
    for wave in plan_waves(length, n_ctx, fraction, have, strands):
        assert wave.new == position < wave.stop <= length
        position = wave.stop
        drawn: list[int] = []
        for windows in wave.rounds:
            assert 1 <= len(windows) <= strands
            # one batch needs equally many given codes in every row
            assert len({window.new - window.start for window in windows}) == 1
            for window in windows:
                assert window.stop - window.start <= n_ctx
                known = set(drawn) | set(range(have if wave.new == have else wave.new))
                assert set(range(window.start, window.new)) <= known
                drawn += range(window.new, window.stop)
        assert sorted(drawn) == list(range(wave.new, wave.stop))
    assert position == length


@given(**PLANS)
def test_an_interruption_after_any_wave_changes_no_later_wave(
    length: int, n_ctx: int, fraction: float, share: float, strands: int
) -> None:
    whole = plan_waves(length, n_ctx, fraction, 0, strands)
    done = int(share * len(whole))
    have = whole[done - 1].stop if done else 0
    assert plan_waves(length, n_ctx, fraction, have, strands) == whole[done:]


def test_a_strand_sees_nothing_before_it() -> None:
    (wave,) = plan_waves(300, 64, 0.5, 0, 4)
    size = STRAND_WINDOWS * 64
    assert wave.rounds[0] == (Window(0, 0, 64), Window(size, size, size + 64), Window(2 * size, 2 * size, 300))
    assert wave.rounds[1] == (Window(32, 64, 96), Window(size + 32, size + 64, size + 96))


def test_a_strand_that_has_begun_is_finished_alone() -> None:
    first, second = plan_waves(512, 64, 0.5, 140, 4)
    assert (first.new, first.stop) == (140, 256) and all(len(windows) == 1 for windows in first.rounds)
    assert (second.new, second.stop) == (256, 512) and len(second.rounds[0]) == 2
