"""The figures: spectrograms of levels, their difference, attention on lyrics, codes, uncertainty.

Knows: what each picture shows and the one scale it is drawn on. Does not know where arrays come from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from explorer.audio.spectra import BANDS, FLOOR_DB, Spectrum, band_centres, band_of
from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.plots.plot import Plot, lane_label, legend_bar, mapped, narrowed, new_figure
from explorer.plots.theme import LIGHT, Theme, colour_map, difference_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]

DIFFERENCE_DB = 30.0
_MOST_COLUMNS = 4000
_HIGH_HZ = 4000.0
_MOST_LETTERS = 80


def spectrograms(levels: Mapping[Level, Spectrum], title: str = "", theme: Theme = LIGHT) -> Plot:
    """Levels one above the other (top first) on one time axis, one frequency axis, -60 to 0 dB.

    Raises ValueError if there is no level.
    """
    ordered = [level for level in SAMPLING_ORDER if level in levels]
    if not ordered:
        raise ValueError("no level to draw")
    figure, axes = new_figure(theme, len(ordered), 1.6, title)
    image = None
    for ax, level in zip(axes, ordered, strict=True):
        picture = levels[level]
        image = _lane(ax, picture.decibels, _duration(picture), mapped(colour_map(theme)), FLOOR_DB, 0.0)
        lane_label(ax, level.value, theme.levels[level])
    axes[0].set_xlim(0, max(_duration(levels[level]) for level in ordered))
    legend_bar(figure, image, axes, theme, "dB re full scale", [-60, -40, -20, 0])
    return Plot(figure, _spectrograms_text([(level.value, levels[level]) for level in ordered]))


def difference(one: Spectrum, other: Spectrum, names: tuple[str, str], title: str = "", theme: Theme = LIGHT) -> Plot:
    """``other`` minus ``one`` in dB, blue less, orange more, +-30 dB, over the time that both last.

    Raises ValueError if their frames are not equally far apart.
    """
    if one.sample_rate * other.hop != other.sample_rate * one.hop:
        raise ValueError("spectra with different frame rates cannot be subtracted")
    frames = min(one.values.shape[1], other.values.shape[1])
    change = other.decibels[:, :frames] - one.decibels[:, :frames]
    figure, axes = new_figure(theme, 1, 2.4, title)
    seconds = (frames - 1) / one.frames_per_second if frames > 1 else 1 / one.frames_per_second
    image = _lane(axes[0], change, seconds, mapped(difference_map(theme)), -DIFFERENCE_DB, DIFFERENCE_DB)
    lane_label(axes[0], f"{names[1]} \u2212 {names[0]}", theme.ink_2)
    legend_bar(figure, image, axes, theme, f"dB more in {names[1]}", [-30, -15, 0, 15, 30])
    low, high = _halves(change)
    text = (
        f"Difference of {names[1]} to {names[0]} over {seconds:.1f} s, \u00b130 dB: on average "
        f"{low:+.1f} dB below 4 kHz and {high:+.1f} dB above."
    )
    return Plot(figure, text)


def attention(
    weights: Array,
    letters: Sequence[str],
    seconds: float,
    times: Sequence[tuple[int, float, float]] = (),
    title: str = "",
    theme: Theme = LIGHT,
) -> Plot:
    """Which letter the top level looked at when: ``weights`` [codes, tokens] with time to the right and
    lyrics downwards, shade = share of attention from 0 to 1 (never rescaled).

    ``letters`` [tokens] stand at the left, ``times`` (column, start, end) are drawn as the path found.
    Raises ValueError if shapes do not fit.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[1] != len(letters) or not weights.size:
        raise ValueError(f"weights {weights.shape} do not fit {len(letters)} letters")
    tokens = len(letters)
    figure, axes = new_figure(theme, 1, min(9.0, max(2.5, tokens * 0.11)), title)
    ax = axes[0]
    image = ax.imshow(
        narrowed(weights.T, _MOST_COLUMNS), aspect="auto", origin="upper", extent=(0, seconds, tokens, 0),
        cmap=mapped(colour_map(theme)), vmin=0.0, vmax=1.0, interpolation="nearest",
    )  # fmt: skip
    for column, start, end in times:
        ax.plot([start, end], [column + 0.5, column + 0.5], color=theme.now, linewidth=1.2)
    step = math.ceil(tokens / _MOST_LETTERS)
    shown = list(range(0, tokens, step))
    ax.set_yticks([k + 0.5 for k in shown], [_visible("".join(letters[k : k + step])) for k in shown], parse_math=False)
    lane_label(ax, "lyrics", theme.ink_2)
    legend_bar(figure, image, axes, theme, "share of attention", [0, 0.5, 1])
    return Plot(figure, _attention_text(weights, letters, seconds))


def codes(levels: Mapping[Level, Array], seconds: float, codebook: int, title: str = "", theme: Theme = LIGHT) -> Plot:
    """Codes of each level [n] as shaded cells over ``seconds``: the number of a code has no meaning but
    identity, so equal shades are equal codes. Raises ValueError if there is no level."""
    ordered = [level for level in SAMPLING_ORDER if level in levels and len(levels[level])]
    if not ordered:
        raise ValueError("no codes to draw")
    figure, axes = new_figure(theme, len(ordered), 0.7, title)
    image, facts = None, []
    for ax, level in zip(axes, ordered, strict=True):
        row = np.asarray(levels[level])
        # Averaging codes would invent some: where there are too many to see, every n-th is drawn.
        drawn = row[:: math.ceil(len(row) / _MOST_COLUMNS)]
        image = ax.imshow(
            drawn[None], aspect="auto", extent=(0, seconds, 0, 1), cmap=mapped(colour_map(theme)),
            vmin=0, vmax=codebook - 1, interpolation="nearest",
        )  # fmt: skip
        ax.set_yticks([])
        lane_label(ax, level.value, theme.levels[level])
        facts.append(f"{len(row):,} at the {level.value} level ({len(np.unique(row)):,} different ones)")
    legend_bar(figure, image, axes, theme, "code", [0, codebook - 1])
    return Plot(figure, f"Codes of {seconds:.1f} s of sound: {_listed(facts)}, of {codebook:,} possible ones.")


def entropy(bits: Array, seconds: float, codebook: int, level: Level, title: str = "", theme: Theme = LIGHT) -> Plot:
    """Uncertainty with which each code of a level was drawn: ``bits`` [n], NaN where it was given, on the
    scale from 0 to log2(codebook)."""
    bits = np.asarray(bits, dtype=np.float64)
    figure, axes = new_figure(theme, 1, 1.2, title)
    ax, most = axes[0], math.log2(codebook)
    means, centres = _bins(bits, seconds)
    ax.fill_between(centres, means, color=theme.levels[level], alpha=0.35, linewidth=0)
    ax.plot(centres, means, color=theme.levels[level], linewidth=0.8)
    ax.set_xlim(0, seconds)
    ax.set_ylim(0, most)
    ax.set_yticks([0, most], ["0", f"{most:.0f}"])
    lane_label(ax, f"{level.value}, bits", theme.levels[level])
    drawn = bits[np.isfinite(bits)]
    if not len(drawn):
        return Plot(figure, f"No code of the {level.value} level was drawn; all were given.")
    text = (
        f"Uncertainty of the {level.value} level over {seconds:.1f} s: {drawn.mean():.1f} of {most:.0f} bits on "
        f"average, from {np.percentile(drawn, 5):.1f} to {np.percentile(drawn, 95):.1f} bits for nine in ten codes."
    )
    return Plot(figure, text)


def _lane(ax: Axes, decibels: Array, seconds: float, colours: Any, least: float, most: float) -> Any:
    """One spectrogram with its frequency axis."""
    image = ax.imshow(
        narrowed(decibels, _MOST_COLUMNS), aspect="auto", origin="lower", extent=(0, seconds, 0, BANDS),
        cmap=colours, vmin=least, vmax=most, interpolation="nearest",
    )  # fmt: skip
    ax.set_yticks([band_of(hz) for hz in (200, 500, 2000, 8000)], ["200 Hz", "500", "2 k", "8 k"])
    return image


def _duration(picture: Spectrum) -> float:
    return float(max(1, picture.values.shape[1] - 1) / picture.frames_per_second)


def _halves(decibels: Array) -> tuple[float, float]:
    """Mean below and above 4 kHz."""
    high = band_centres() >= _HIGH_HZ
    return float(decibels[~high].mean()), float(decibels[high].mean())


def _spectrograms_text(lanes: list[tuple[str, Spectrum]]) -> str:
    facts = []
    for name, picture in lanes:
        low, high = _halves(picture.decibels)
        facts.append(f"{name} {low:.0f} dB below and {high:.0f} dB above 4 kHz over {_duration(picture):.1f} s")
    return f"Spectrograms from 0 to 11 kHz on one scale from \u221260 to 0 dB; mean levels: {_listed(facts)}."


def _attention_text(weights: Array, letters: Sequence[str], seconds: float) -> str:
    followed = weights.argmax(axis=1)[weights.max(axis=1) > 0.1]
    if not len(followed):
        return f"Attention on {len(letters)} letters over {seconds:.1f} s: none is looked at for long."
    forward = float((np.diff(followed) >= 0).mean()) if len(followed) > 1 else 1.0
    return (
        f"Attention on {len(letters)} letters over {seconds:.1f} s: it moves from letter {followed[0] + 1} to "
        f"{followed[-1] + 1}, going forward or staying in {forward:.0%} of the steps."
    )


def _bins(bits: Array, seconds: float) -> tuple[Array, Array]:
    """Means of at most 1000 stretches (NaN where nothing was drawn) and their times."""
    count = max(1, min(1000, len(bits)))
    parts = np.array_split(bits, count)
    means = np.array([part[np.isfinite(part)].mean() if np.isfinite(part).any() else np.nan for part in parts])
    return means, (np.arange(count) + 0.5) * seconds / count


def _listed(facts: list[str]) -> str:
    return facts[0] if len(facts) == 1 else ", ".join(facts[:-1]) + " and " + facts[-1]


def _visible(letters: str) -> str:
    return letters.replace("\n", "\u21b5").replace(" ", "\u00b7")
