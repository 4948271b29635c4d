"""For those who use the keyboard, a screen reader, little motion or strong contrast.

Direct checks of our own parts. axe-core looks too where JUKEBOX_AXE names its ``axe.min.js``: it is
under another licence and no part of this project.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from explorer.web.theme import DARK, LIGHT
from tests.ui.conftest import Server

AXE = os.environ.get("JUKEBOX_AXE", "")
TABS = ("explore", "create", "compare", "learn")
PARTS = "[id^=part-]"

NAMELESS = """() => {
  const unnamed = /^(presentation|rowgroup|row|gridcell|status|alert)$/;
  const name = e => e.getAttribute('aria-label') || e.innerText?.trim() || e.labels?.[0]?.innerText?.trim()
    || e.getAttribute('title') || document.getElementById(e.getAttribute('aria-labelledby'))?.innerText;
  return [...document.querySelectorAll('.jx :is(button, a[href], input, select, textarea, [role])')]
    .filter(e => e.checkVisibility() && !e.closest('[aria-hidden=true]') && !unnamed.test(e.getAttribute('role')))
    .filter(e => !name(e)).map(e => e.outerHTML.slice(0, 160));
}"""
"""Visible things one can operate, or that have a role, of which nothing says what they are."""

PICTURES = """() => [...document.querySelectorAll('.jx canvas')]
  .filter(e => e.checkVisibility() && !e.closest('[aria-hidden=true]'))
  .filter(e => e.getAttribute('role') !== 'img' || (e.getAttribute('aria-label') || '').length < 12)
  .map(e => e.outerHTML)"""
"""Plots without a sentence that says what they show."""

RING = """() => {
  const focused = document.activeElement, grid = focused.matches('.exgrid');
  const {outlineStyle, outlineWidth} = getComputedStyle(grid ? document.querySelector('.gbody') : focused);
  return [focused.outerHTML.slice(0, 120), outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2];
}"""
"""What has the focus, and whether a ring is around it (around the rows where the table has it)."""


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_tokens_have_contrast(tokens: dict[str, str]) -> None:
    for ground in ("paper", "raised", "sunken"):
        for text in ("ink", "ink-2", "ink-3", "now", "top", "middle", "bottom", "good", "warn", "bad"):
            assert contrast(tokens[text], tokens[ground]) >= 4.5, (text, ground)
        assert contrast(tokens["field"], tokens[ground]) >= 3, ground


@pytest.fixture(scope="module")
def song(server: Server) -> str:
    return server.make(lyrics="Lanterns over the harbour", seconds="2", seed="3")[0]


@pytest.fixture
def at(open_page: Callable[..., Page], song: str) -> Iterator[Callable[..., Page]]:
    """Opens a tab with everything in it that it can show."""

    def open_tab(tab: str, **options: Any) -> Page:
        page = open_page(f"/?song={song}#{tab}", **options)
        page.locator(".dock:not([hidden])").wait_for()
        if tab == "create":
            page.get_by_role("button", name="More choices").click()
            expect(page.locator(".fore tbody tr")).to_have_count(3)
        if tab == "compare":
            expect(page.locator(".measures tbody tr")).to_have_count(4)
        if tab == "learn":
            expect(page.locator(".costs tbody tr")).to_have_count(4)
        if tab == "explore" and page.locator(".dock.open").count():
            for view in ("chroma", "onsets"):
                page.get_by_role("button", name=view, exact=True).click()
                expect(page.get_by_role("img", name=re.compile(f"^{view.title()}, "))).to_be_visible()
        return page

    yield open_tab


@pytest.mark.parametrize("tab", TABS)
def test_everything_has_a_name_and_every_plot_a_sentence(at: Callable[..., Page], tab: str) -> None:
    page = at(tab)
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(PICTURES) == []
    assert page.locator(f"#tab-{tab} h1").count() == 1


@pytest.mark.parametrize("tab", TABS)
def test_focus_is_seen_wherever_it_goes(at: Callable[..., Page], tab: str) -> None:
    page = at(tab)
    page.locator(f"#tabs [role=tab][data-tab-id={tab}]").focus()
    for _ in range(14):
        page.keyboard.press("Tab")
        where, seen = page.evaluate(RING)
        assert seen, where


def test_the_whole_player_by_keyboard(at: Callable[..., Page]) -> None:
    page = at("explore")
    slider = page.get_by_role("slider", name="Place in the song")
    slider.focus()
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^2\.0 of 2\.0 seconds"))
    levels = page.get_by_role("radiogroup", name="Level to hear")
    levels.get_by_role("radio", name="bottom").focus()
    page.keyboard.press("ArrowLeft")
    expect(levels.get_by_role("radio", name="middle")).to_be_focused()
    expect(levels.get_by_role("radio", name="middle")).to_have_attribute("aria-checked", "true")
    page.keyboard.press("r")
    expect(page.get_by_role("dialog", name="Recipe")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(".trans [data-do=export]").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".trans [data-do=export]")).to_be_focused()


def test_little_motion_means_no_animation(at: Callable[..., Page]) -> None:
    page = at("explore")
    running = "() => document.getAnimations().filter(a => a.effect.target.closest('.jx')).length"
    page.locator(".exgrid").focus()
    page.keyboard.press("l")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert page.evaluate(running) == 0
    page.keyboard.press("Space")


@pytest.mark.skipif(not Path(AXE).is_file(), reason="JUKEBOX_AXE names no axe.min.js")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_no_serious_fault(at: Callable[..., Page], theme: str, width: int) -> None:
    for tab in TABS:
        page = at(tab, viewport={"width": width, "height": 900}, color_scheme=theme)
        page.add_script_tag(path=AXE)
        found = page.evaluate(f"axe.run('{PARTS}', {{resultTypes: ['violations']}})")["violations"]
        serious = [
            (fault["id"], node["html"][:160])
            for fault in found if fault["impact"] in ("serious", "critical") for node in fault["nodes"]
        ]  # fmt: skip
        assert serious == [], tab
        page.close()
