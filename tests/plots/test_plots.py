"""Figures: fixed scales, no global state, a sentence that says what is there."""

from __future__ import annotations

import io
import sys
import threading
import xml.dom.minidom
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from explorer import plots
from explorer.audio.spectra import spectrum
from explorer.jukebox.config import Level
from explorer.plots.plot import narrowed
from explorer.plots.theme import colour_map, difference_map, oklch

RATE = 22_050
TIME = np.arange(2 * RATE) / RATE
LOW = (0.5 * np.sin(2 * np.pi * 440 * TIME)).astype(np.float32)
FULL = (LOW + np.random.default_rng(0).normal(0, 0.1, len(LOW))).astype(np.float32)
PICTURES = {Level.BOTTOM: spectrum(FULL, RATE), Level.TOP: spectrum(LOW, RATE)}


def every_plot(theme: plots.Theme) -> dict[str, plots.Plot]:
    weights = np.eye(8).repeat(10, axis=0)
    return {
        "spectrograms": plots.spectrograms(PICTURES, "Cost: $5 and $6 \\frac", theme),
        "difference": plots.difference(PICTURES[Level.TOP], PICTURES[Level.BOTTOM], ("top", "bottom"), theme=theme),
        "attention": plots.attention(weights, list("pay $1_$"), 2.0, [(0, 0.0, 0.25)], theme=theme),
        "codes": plots.codes({Level.TOP: np.arange(300), Level.BOTTOM: np.arange(9000) % 7}, 2.0, 2048, theme=theme),
        "entropy": plots.entropy(np.linspace(0, 11, 500), 2.0, 2048, Level.TOP, theme=theme),
    }


@pytest.mark.parametrize("theme", [plots.LIGHT, plots.DARK], ids=["light", "dark"])
def test_every_figure_is_exported_with_its_sentence(theme: plots.Theme) -> None:
    for name, plot in every_plot(theme).items():
        image = matplotlib.image.imread(io.BytesIO(plot.png(60)))
        assert image.shape[1] == 600, name
        paper = tuple(int(theme.paper[k : k + 2], 16) / 255 for k in (1, 3, 5))
        assert np.allclose(image[0, 0, :3], paper, atol=0.01)
        assert len(np.unique(image.reshape(-1, image.shape[2]), axis=0)) > 10, name
        if not theme.dark:
            xml.dom.minidom.parseString(plot.svg())
        assert plot.text.endswith(".") and len(plot.text) > 30


def test_pyplot_is_never_used() -> None:
    every_plot(plots.LIGHT)
    assert "matplotlib.pyplot" not in sys.modules


def images(plot: plots.Plot) -> list[Any]:
    return [image for ax in plot.figure.axes for image in ax.get_images()]


def test_scales_do_not_follow_the_clip() -> None:
    quiet = {level: spectrum(wave * 0.001, RATE) for level, wave in ((Level.TOP, LOW), (Level.BOTTOM, FULL))}
    for pictures in (PICTURES, quiet):
        assert {image.get_clim() for image in images(plots.spectrograms(pictures))} == {(-60.0, 0.0)}
    lanes = images(plots.difference(PICTURES[Level.TOP], PICTURES[Level.BOTTOM], ("a", "b")))
    assert lanes[0].get_clim() == (-30.0, 30.0)
    assert images(plots.attention(np.full((5, 3), 0.01), list("abc"), 1.0))[0].get_clim() == (0.0, 1.0)


def test_levels_stand_in_order_on_one_time_axis() -> None:
    plot = plots.spectrograms({**PICTURES, Level.MIDDLE: spectrum(LOW[:RATE], RATE)})
    lanes = plot.figure.axes[:3]
    assert [ax.get_ylabel() for ax in lanes] == ["top", "middle", "bottom"]
    assert all(ax.get_xlim() == pytest.approx((0.0, 2.0), abs=0.02) for ax in lanes)
    assert lanes[1].get_images()[0].get_extent()[1] == pytest.approx(1.0, abs=0.02)


def test_sentences_state_what_was_measured() -> None:
    text = plots.difference(spectrum(FULL, RATE), spectrum(FULL / 10, RATE), ("loud", "quiet")).text
    assert "loud" in text and "\u00b130 dB" in text
    # wherever both are above the floor, a tenth is 20 dB less
    change = spectrum(FULL / 10, RATE).decibels - spectrum(FULL, RATE).decibels
    assert f"{change[108:].mean():+.1f} dB above" in text
    forward = np.eye(6).repeat(4, axis=0)
    assert "from letter 1 to 6, going forward or staying in 100%" in plots.attention(forward, list("abcdef"), 1.0).text
    assert "from letter 6 to 1" in plots.attention(forward[::-1], list("abcdef"), 1.0).text
    assert "none is looked at" in plots.attention(np.full((5, 3), 0.01), list("abc"), 1.0).text
    assert "9,000 at the bottom level (7 different ones)" in every_plot(plots.LIGHT)["codes"].text
    assert "5.5 of 11 bits" in every_plot(plots.LIGHT)["entropy"].text
    given = plots.entropy(np.full(10, np.nan), 1.0, 2048, Level.TOP)
    assert "all were given" in given.text and given.png(50)


def test_wrong_shapes_are_errors() -> None:
    with pytest.raises(ValueError, match="no level"):
        plots.spectrograms({})
    with pytest.raises(ValueError, match="no codes"):
        plots.codes({Level.TOP: np.zeros(0)}, 1.0, 2048)
    with pytest.raises(ValueError, match="do not fit"):
        plots.attention(np.zeros((5, 3)), list("ab"), 1.0)
    with pytest.raises(ValueError, match="frame rates"):
        plots.difference(spectrum(LOW, RATE), spectrum(LOW, 16_000), ("a", "b"))


def test_colour_maps_run_evenly_from_the_page_to_ink() -> None:
    for theme, first, last in ((plots.LIGHT, 240, 60), (plots.DARK, 30, 225)):
        colours = colour_map(theme).astype(int)
        luminance = colours @ np.array([0.2126, 0.7152, 0.0722])
        steps = np.diff(luminance)
        assert ((steps <= 0.6) if first > last else (steps >= -0.6)).all()
        assert (luminance[0] > first) == (first > last)
        assert (luminance[-1] < last) == (first > last)
        middle = difference_map(theme)[127].astype(int)
        paper = [int(theme.paper[k : k + 2], 16) for k in (1, 3, 5)]
        assert np.abs(middle - paper).max() < 8
        blue, orange = difference_map(theme)[0].astype(int), difference_map(theme)[255].astype(int)
        assert blue[2] > blue[0] and orange[0] > orange[2]
    assert oklch(1.0, 0.0, 0.0) == (255, 255, 255)
    assert oklch(0.0, 0.0, 0.0) == (0, 0, 0)


def test_long_songs_are_averaged_and_not_thinned_out() -> None:
    picture = np.zeros((2, 10_000))
    picture[:, 5001] = 10.0
    narrow = narrowed(picture, 1000)
    assert narrow.shape == (2, 1000)
    assert narrow[0].max() == pytest.approx(1.0)
    assert narrow.mean() == pytest.approx(picture.mean())


def test_figures_may_be_made_in_several_threads() -> None:
    failures: list[BaseException] = []

    def draw() -> None:
        try:
            plots.spectrograms(PICTURES).png(40)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=draw) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
