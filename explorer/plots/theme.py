"""Colours of the page, for figures that look like it.

Knows: the tokens and the two colour maps, linear in OKLab lightness. The page's player computes the
same maps in its own language. Does not know what is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from explorer.jukebox.config import Level

Colours = npt.NDArray[np.uint8]
"""[256, 3] red, green, blue."""


@dataclass(frozen=True)
class Theme:
    """Light or dark; the values are those of the page's style sheet."""

    dark: bool
    paper: str
    line: str
    field: str
    ink: str
    ink_2: str
    now: str
    levels: Mapping[Level, str]


LIGHT = Theme(
    False, "#fbfbf9", "#e2e2dc", "#85878c", "#17181b", "#50535a", "#bf3a0c",
    {Level.TOP: "#6d45c2", Level.MIDDLE: "#1c64ad", Level.BOTTOM: "#0a7263"},
)  # fmt: skip
DARK = Theme(
    True, "#131417", "#2b2d32", "#767981", "#ececea", "#b0b3b9", "#ff8152",
    {Level.TOP: "#b79bff", Level.MIDDLE: "#7ab4f7", Level.BOTTOM: "#57c8b2"},
)  # fmt: skip


@lru_cache(maxsize=2)
def _sequential(dark: bool) -> Colours:
    steps = [i / 255 for i in range(256)]
    if dark:
        return _table([(0.185 + 0.785 * t, 0.008 + 0.165 * _arch(t) ** 1.4, 284 + 154 * t) for t in steps])
    return _table([(0.978 - 0.80 * t, 0.005 + 0.17 * _arch(t) ** 1.7, 74 - 152 * t) for t in steps])


@lru_cache(maxsize=2)
def _diverging(dark: bool) -> Colours:
    rows = []
    for i in range(256):
        t = (i - 127.5) / 127.5
        k = abs(t)
        if dark:
            rows.append((0.2 + 0.6 * k, 0.15 * k, 245.0 if t < 0 else 50.0))
        else:
            rows.append((0.975 - 0.5 * k, 0.17 * k, 250.0 if t < 0 else 42.0))
    return _table(rows)


def colour_map(theme: Theme) -> Colours:
    """From the page's colour (-60 dB, 0) to ink or cream (0 dB, 1), [256, 3]."""
    return _sequential(theme.dark)


def difference_map(theme: Theme) -> Colours:
    """Blue (less) - page - orange (more), [256, 3]."""
    return _diverging(theme.dark)


def _arch(t: float) -> float:
    return max(0.0, math.sin(math.pi * t))


def _table(rows: list[tuple[float, float, float]]) -> Colours:
    return np.array([oklch(*row) for row in rows], dtype=np.uint8)


def oklch(lightness: float, chroma: float, hue: float) -> tuple[int, int, int]:
    """A colour of OKLab in polar coordinates (hue in degrees) as sRGB 0..255, clipped to what screens show."""
    angle = math.radians(hue)
    a, b = chroma * math.cos(angle), chroma * math.sin(angle)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
    return (
        _srgb(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
        _srgb(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
        _srgb(-0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short),
    )


def _srgb(linear: float) -> int:
    encoded = 12.92 * linear if linear <= 0.0031308 else 1.055 * float(linear) ** (1 / 2.4) - 0.055
    return math.floor(255 * min(1.0, max(0.0, encoded)) + 0.5)
