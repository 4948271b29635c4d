"""What a newcomer does: open, pick, type, generate, look, listen, reload, cancel."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.ui.conftest import Listening, Server

DRAWN = """canvas => {
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data, seen = new Set();
  for (let i = 0; i < data.length; i += 4 * 97) seen.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
  return seen.size;
}"""
"""How many different colours a canvas shows (of every 97th pixel)."""

LINES = "Paper boats on the morning rain,\none for the river and one for the train,"


def pick(page: Page, field: str, typed: str) -> str:
    """Choose the first suggestion that begins like ``typed`` with the keyboard; returns the name taken."""
    box = page.get_by_role("combobox", name=field)
    box.fill("")
    box.press_sequentially(typed)
    option = page.get_by_role("listbox").get_by_role("option").first
    expect(option).to_have_text(re.compile(f"^{re.escape(typed)}", re.IGNORECASE))
    name = option.locator("span").inner_text()
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value(name)
    return name


def generate(page: Page, seconds: str) -> None:
    page.get_by_role("textbox", name="Lyrics").fill(LINES)
    page.get_by_role("textbox", name="Length").fill(seconds)
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_role("region", name="Now making")).to_be_visible()


def windows_done(page: Page) -> int:
    bars = page.get_by_role("progressbar")
    return sum(int(bar.get_attribute("aria-valuenow") or 0) for bar in bars.all())


def test_first_song(server: Server, open_page: Callable[..., Page], picture: Callable[[Page, str], None]) -> None:
    page = open_page()
    expect(page.locator(".count")).to_contain_text("Listing")
    page.get_by_role("tab", name="Create").click()
    first = page.evaluate("fetch('/api/names?kind=genre').then(r => r.json())")["names"][-1]["name"]
    pick(page, "Genre", first[:3])
    page.get_by_role("combobox", name="Artist").click()
    options = page.get_by_role("listbox").get_by_role("option")
    options.first.click()
    expect(page.locator(".truth")).to_contain_text(page.get_by_role("combobox", name="Genre").input_value())
    expect(page.locator(".fore tbody tr")).to_have_count(3)
    generate(page, server.seconds)

    # The first window of the top level is enough to hear something.
    dock = page.get_by_role("complementary", name="Player")
    expect(dock).to_be_visible()
    expect(dock.locator(".trans .tag")).to_have_text("being made")
    listening = Listening(page)
    page.get_by_role("button", name="Play what is there").click()
    listening.wait()
    page.wait_for_function("() => document.querySelector('.dock .clock b').textContent !== '0:00.0'")

    # The job belongs to the server: a reload finds it again, not begun anew.
    page.reload()
    page.get_by_role("tab", name="Create").click()
    job = page.get_by_role("region", name="Now making")
    made = page.locator(".create .made")
    expect(job.or_(made).filter(visible=True).first).to_be_visible()
    expect(made).to_be_visible(timeout=180_000)
    expect(job).to_be_hidden()
    # The song has measured this machine, and nothing need be typed for the forecast to say so.
    expect(page.locator(".fore tfoot")).not_to_contain_text("not measured")
    picture(page, "create-light")

    # All three levels and the alignment, in the player below the table.
    listening = Listening(page)
    page.get_by_role("button", name="Play take 1").click()
    listening.wait()
    page.get_by_role("tab", name="Explore").click()
    for level in ("top", "middle", "bottom"):
        lane = page.get_by_role("img", name=re.compile(f"^Spectrogram, {level} level"))
        expect(lane).to_be_visible()
        page.wait_for_function(f"canvas => ({DRAWN})(canvas) > 20", arg=lane.element_handle())
    attention = page.locator(".attn canvas")
    page.wait_for_function(f"canvas => ({DRAWN})(canvas) > 10", arg=attention.element_handle())
    picture(page, "explore-light")


def test_cancel_keeps_what_is_finished_and_resumes(server: Server, open_page: Callable[..., Page]) -> None:
    page = open_page("/#create")
    generate(page, "30")
    page.wait_for_function(
        "() => [...document.querySelectorAll('[role=progressbar]')].some(bar => Number(bar.ariaValueNow) > 0)"
    )
    before = windows_done(page)
    page.get_by_role("button", name="Cancel", exact=True).click()
    stopped = page.get_by_role("region", name="Waiting and stopped")
    expect(stopped).to_contain_text("kept")
    page.reload()
    expect(stopped.get_by_role("button", name="Resume").first).to_be_visible()
    stopped.get_by_role("button", name="Resume").first.click()
    expect(page.get_by_role("region", name="Now making")).to_be_visible()
    page.wait_for_function(
        """before => [...document.querySelectorAll('[role=progressbar]')]
               .reduce((sum, bar) => sum + Number(bar.ariaValueNow), 0) >= before""",
        arg=before,
    )
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(stopped.get_by_role("button", name="Resume").first).to_be_visible()
    stopped.get_by_role("button", name=re.compile("^Remove")).first.click()
    expect(stopped).to_be_hidden()


def test_a_second_tab_follows_the_same_job(server: Server, open_page: Callable[..., Page]) -> None:
    first = open_page("/#create")
    second = open_page("/#create")
    generate(first, "30")
    expect(second.get_by_role("region", name="Now making")).to_be_visible()
    second.get_by_role("button", name="Cancel", exact=True).click()
    expect(first.get_by_role("region", name="Waiting and stopped")).to_contain_text("Cancelled")
    first.get_by_role("button", name=re.compile("^Remove")).first.click()
