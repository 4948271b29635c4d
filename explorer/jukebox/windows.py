"""Which windows a level is sampled in.

Knows: the published stepping of overlapping windows. Does not know tensors. Where this differs on
purpose from the published code: the length of a song shorter than one window counts all codes, as
that of longer songs does (theirs counts only new ones there).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """Codes [start, stop) are in sight; [new, stop) are sampled, the rest is given."""

    start: int
    new: int
    stop: int


def window_starts(length: int, n_ctx: int, hop_fraction: float) -> tuple[int, ...]:
    """First code of every window over ``length`` codes; the last one is moved back to fit.

    A song shorter than a window has one, at 0. Raises ValueError for a step below one code.
    """
    if length <= n_ctx:
        return (0,)
    step = int(hop_fraction * n_ctx)
    if step < 1:
        raise ValueError(f"hop fraction {hop_fraction} of {n_ctx} codes is less than one code")
    starts = list(range(0, length - n_ctx + step, step))
    starts[-1] = length - n_ctx
    return tuple(starts)


def plan_windows(length: int, n_ctx: int, hop_fraction: float, have: int) -> tuple[Window, ...]:
    """The windows that still have something to sample when ``have`` codes exist already.

    Together their [new, stop) cover [have, length) exactly once and in order.
    """
    windows = []
    for start in window_starts(length, n_ctx, hop_fraction):
        stop = min(length, start + n_ctx)
        if stop > have:
            windows.append(Window(start, max(start, have), stop))
            have = stop
    return tuple(windows)
