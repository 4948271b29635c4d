"""Windows, alone and in waves, cover what is missing exactly once, whatever exists already."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.windows import Wave, Window, plan_waves, plan_windows, window_starts


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
        assert 1 <= len(wave.windows) <= strands
        # one batch needs equally many given codes in every row
        assert len({window.new - window.start for window in wave.windows}) == 1
        for window in wave.windows:
            assert 0 <= window.start <= window.new <= window.stop <= window.start + n_ctx
            assert window.new == window.start or window.start < wave.new
            drawn += range(window.new, window.stop)
        assert drawn == list(range(wave.new, wave.stop))
        assert wave.steps <= n_ctx
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
    (wave,) = plan_waves(150, 64, 0.5, 0, 4)
    assert wave.windows == (Window(0, 0, 64), Window(64, 64, 128), Window(128, 128, 150))


def test_waves_share_strands_evenly() -> None:
    assert [len(wave.windows) for wave in plan_waves(5 * 64, 64, 0.5, 0, 4)] == [3, 2]
    assert [len(wave.windows) for wave in plan_waves(8 * 64 + 1, 64, 0.5, 0, 4)] == [3, 3, 3]


def test_a_strand_that_has_begun_is_finished_alone() -> None:
    first, second = plan_waves(512, 64, 0.5, 300, 8)
    assert first == Wave(300, 320, (Window(256, 300, 320),))
    assert (second.new, second.stop) == (320, 512) and len(second.windows) == 3
