"""Which windows a level is sampled in, and which of them together.

Knows: the published stepping of overlapping windows, and strands: stretches of an upsampled level
that are sampled at the same time, each as if the level began there. Does not know tensors. Where this differs on
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


@dataclass(frozen=True)
class Wave:
    """What is sampled before anything is reported: codes [new, stop) of a level.

    Its windows are sampled as one batch. They have equally many given codes and differ in length only where the level
    ends.
    """

    new: int
    stop: int
    windows: tuple[Window, ...]

    @property
    def steps(self) -> int:
        """Codes drawn one after another: a wave takes as long as its longest window."""
        return max(window.stop - window.new for window in self.windows)


def plan_waves(length: int, n_ctx: int, hop_fraction: float, have: int, strands: int) -> tuple[Wave, ...]:
    """The waves that still have something to sample when ``have`` codes exist already.

    ``strands`` = 1 is the published way: every wave is one window, and windows overlap. More cut the level into strands
    of one window each, without overlap, of which at most so many are sampled together. Where a strand begins does not
    depend on ``have``; one that has begun already is finished alone. The waves cover [have, length)
    exactly once and in order.
    """
    if strands == 1:
        windows = plan_windows(length, n_ctx, hop_fraction, have)
        return tuple(Wave(window.new, window.stop, (window,)) for window in windows)
    count = -(-length // n_ctx)
    # waves of equally many strands: a last one of a few would take as long as the others
    together = -(-count // -(-count // strands)) * n_ctx
    waves = []
    for first in range(0, length, together):
        starts = range(first, min(length, first + together), n_ctx)
        windows = tuple(Window(start, max(start, have), min(length, start + n_ctx)) for start in starts)
        windows = tuple(window for window in windows if window.new < window.stop)
        if windows and windows[0].new > windows[0].start:
            waves.append(Wave(windows[0].new, windows[0].stop, windows[:1]))
            windows = windows[1:]
        if windows:
            waves.append(Wave(windows[0].new, windows[-1].stop, windows))
    return tuple(waves)
