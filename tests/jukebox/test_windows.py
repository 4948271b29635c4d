"""Windows cover what is missing exactly once, whatever exists already."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.windows import plan_windows, window_starts


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
