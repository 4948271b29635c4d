"""A figure with its text alternative, and the axes all figures share.

Knows: sizes, fonts, how a figure becomes PNG or SVG. Does not know what is drawn.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from explorer.plots.theme import Colours, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

WIDTH = 10.0
"""Inches."""


@dataclass(frozen=True)
class Plot:
    """``figure`` and the one sentence that says what is to be seen in it."""

    figure: Figure
    text: str

    def png(self, dpi: int = 144) -> bytes:
        return self._saved("png", dpi=dpi, metadata={"Software": "Jukebox Explorer", "Description": self.text})

    def svg(self) -> bytes:
        return self._saved("svg", metadata={"Date": None, "Description": self.text})

    def _saved(self, format: str, **options: Any) -> bytes:
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format=format, facecolor=self.figure.get_facecolor(), **options)
        return buffer.getvalue()


def new_figure(theme: Theme, rows: int, row_inches: float, title: str = "") -> tuple[Figure, list[Axes]]:
    """A figure with ``rows`` axes one above the other on one time axis."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, rows * row_inches + 0.9), layout="constrained", facecolor=theme.paper)
    grid = figure.subplots(rows, 1, sharex=True, squeeze=False)
    axes = [row[0] for row in grid]
    for ax in axes:
        ax.set_facecolor(theme.paper)
        ax.tick_params(colors=theme.ink_2, labelsize=8, color=theme.field)
        for side, spine in ax.spines.items():
            spine.set_color(theme.field)
            spine.set_visible(side in ("left", "bottom"))
    axes[-1].set_xlabel("seconds", color=theme.ink_2, fontsize=9)
    if title:
        # Titles are the user's words: a dollar sign is no formula.
        figure.suptitle(title, color=theme.ink, fontsize=11, parse_math=False)
    return figure, axes


def mapped(colours: Colours) -> ListedColormap:
    from matplotlib.colors import ListedColormap

    return ListedColormap(colours.astype(np.float64) / 255)


def legend_bar(figure: Figure, image: Any, axes: list[Axes], theme: Theme, label: str, ticks: list[float]) -> None:
    """The colour scale at the right of ``axes``."""
    bar = figure.colorbar(image, ax=axes, fraction=0.025, pad=0.01, aspect=30, ticks=ticks)
    bar.set_label(label, color=theme.ink_2, fontsize=9)
    bar.ax.tick_params(colors=theme.ink_2, labelsize=8)
    bar.outline.set_edgecolor(theme.field)


def lane_label(ax: Axes, name: str, colour: str) -> None:
    ax.set_ylabel(name, color=colour, fontsize=9, fontweight="bold", parse_math=False)


def narrowed(image: npt.NDArray[Any], most: int) -> npt.NDArray[Any]:
    """``image`` [rows, columns] with at most ``most`` columns: neighbours are averaged, nothing is left out."""
    columns = image.shape[1]
    if columns <= most:
        return image
    edges = np.linspace(0, columns, most + 1).astype(int)
    sums = np.add.reduceat(image.astype(np.float64), edges[:-1], axis=1)
    return np.asarray(sums / np.diff(edges))
