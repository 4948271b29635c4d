"""An exported library in a real browser, from the disk and from a plain web server: no program runs behind it."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from explorer.jukebox.config import Level
from explorer.library import Library, Query, Scope, SortKey
from explorer.web.export import export
from tests.songs import add_song, noise
from tests.ui.conftest import PATIENCE
from tests.ui.player_page import Watched, watch

SECONDS = 4.0
HOSTILE = '<img src=x onerror="window.stolen=1"><script>window.stolen=2</script> ${alert(1)}'
LISTENING = """
  window.states = [];
  document.addEventListener('jukebox:state', event => states.push({...event.detail, at: performance.now() / 1000}));
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) connect.call(this, window.ear = new AnalyserNode(this.context));
    return connect.call(this, target, ...rest);
  };
  window.loudness = () => {
    const sound = new Float32Array(2048);
    window.ear?.getFloatTimeDomainData(sound);
    return Math.max(...sound.map(Math.abs));
  };"""
"""What the player tells, and an ear at the loudspeaker."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    library = Library(tmp_path_factory.mktemp("exported") / "library")
    noises = {Level.TOP: noise(SECONDS, 1), Level.MIDDLE: noise(SECONDS, 2), Level.BOTTOM: noise(SECONDS, 3)}
    add_song(library, "song-boats", SECONDS, sounds=noises)
    add_song(library, "song-hostile", 1.0, lyrics=HOSTILE, title=HOSTILE, genre="<b>G</b>", artist="<i>A</i>")
    add_song(library, "song-facade", 1.5, lyrics="Naïve façade, Straße", title="Blue", genre="0.6 Jazz / 0.4 Soul")
    begun = {Level.TOP: noise(1.0, 4)}
    add_song(library, "song-begun", 2.0, lyrics="", title="Half", artist="Nobody", sounds=begun, finish=False)
    library.star(["song-facade"])
    yield library
    library.close()


@pytest.fixture(scope="module")
def folder(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(library, tmp_path_factory.mktemp("export") / "my page, 100 %").folder


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, folder: Path) -> Iterator[Open]:
    """``open_page(query="", root=address of the folder, **context options)``; afterwards all must have been clean."""
    watched: list[Watched] = []

    def open_one(query: str = "", root: str = folder.as_uri() + "/", **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}} | options)
        seen = watch(context.new_page(), root)
        watched.append(seen)
        seen.page.add_init_script(LISTENING)
        seen.page.goto(root + "index.html" + query)
        expect(seen.page.locator(".count")).to_contain_text("Listing")
        return seen.page

    yield open_one
    for seen in watched:
        seen.page.context.close()
    assert [seen.strangers for seen in watched] == [[]] * len(watched)
    assert [seen.complaints for seen in watched] == [[]] * len(watched)


def until(page: Page, condition: str) -> None:
    """Wait for it from outside: the page forbids the evaluation of text, and playwright's own waiting needs it."""
    end = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(20)


def titles(page: Page) -> list[str]:
    return page.locator(".tr .ti").all_text_contents()


def test_searching_and_sorting(open_page: Open, picture: Callable[[Page, str], None]) -> None:
    page = open_page()
    expect(page.locator(".count")).to_have_text("Listing 4 of 4 songs")
    box = page.get_by_label("Search Title or first line")
    page.keyboard.press("/")
    page.keyboard.type("NAIVE facade, stras")
    expect(box).to_have_value("NAIVE facade, stras")
    expect(page.locator(".count")).to_have_text("Listing 1 of 4 songs")
    assert titles(page) == ["Blue"]
    page.get_by_label("Search Genre").fill("reggae")
    expect(page.get_by_text("No song matches these searches.")).to_be_visible()
    page.get_by_role("button", name="Clear all searches").click()
    expect(page.locator(".tr")).to_have_count(4)
    page.get_by_role("button", name="Length", exact=True).click()
    expect(page.locator(".tr .ti").first).to_have_text("Paper boats on the rain")
    page.get_by_role("button", name="Length", exact=True).click()
    expect(page.locator(".tr .ti").last).to_have_text("Paper boats on the rain")
    picture(page, "exported")


@pytest.mark.parametrize(
    ("typed", "sort", "descending", "scope"),
    [
        ({}, "date", True, "all"),
        ({}, "title", False, "all"),
        ({}, "artist", True, "all"),
        ({}, "length", False, "starred"),
        ({"any": "pap rain"}, "genre", False, "all"),
        ({"any": "strasse"}, "date", True, "all"),
        ({"any": '"over, c'}, "date", True, "all"),
        ({"any": "!?"}, "temp", True, "all"),
        ({"title": "rain"}, "date", True, "all"),
        ({"genre": "jaz sou"}, "date", True, "all"),
        ({"temp": "0.9"}, "date", True, "all"),
        ({"temp": "9"}, "date", True, "all"),
        ({"length": "0:04"}, "date", True, "all"),
        ({"date": "2026-11"}, "model", True, "mine"),
        ({"artist": "nobody", "collection": "my lib"}, "date", True, "all"),
    ],
)
def test_the_page_searches_as_the_library_does(
    open_page: Open, library: Library, typed: dict[str, str], sort: str, descending: bool, scope: str
) -> None:
    query = {**typed, "sort": sort, "descending": str(descending).lower(), "scope": scope, "find": "song-boats"}
    page = open_page()
    answer = page.evaluate(
        "async query => (await fetch('/api/songs?' + new URLSearchParams(query))).json()", query | {"limit": "3"}
    )
    columns = {name: text for name, text in typed.items() if name != "any"}
    expected = library.search(Query(columns, typed.get("any", ""), Scope(scope), SortKey(sort), descending))
    assert [row["id"] for row in answer["rows"]] == [row.id for row in expected.rows][:3]
    assert answer["total"] == expected.total
    everything = library.search(Query(scope=Scope(scope), sort=SortKey(sort), descending=descending)).rows
    ids = [row.id for row in everything]
    assert answer["found"] == (ids.index("song-boats") if "song-boats" in ids else None)
    counts = library.counts()
    assert answer["counts"] == {"all": counts.all, "gallery": 0, "mine": counts.mine, "starred": counts.starred}


def test_plays_switches_levels_and_lights_the_words(open_page: Open, picture: Callable[[Page, str], None]) -> None:
    page = open_page("?song=song-boats", color_scheme="dark")
    row = page.locator("#row-song-boats")
    expect(row).to_have_attribute("aria-selected", "true")
    row.dblclick()
    until(page, "states.at(-1)?.playing && loudness() > 0.05")
    page.keyboard.press("1")
    until(page, "states.at(-1).level === 'top' && loudness() > 0.05")
    page.keyboard.press("2")
    until(page, "states.at(-1).level === 'middle' && states.at(-1).time > 1")
    steps = page.evaluate("states.filter(state => state.playing).map(state => state.time - state.at)")
    assert max(steps[1:]) - min(steps[1:]) < 0.1, "switching moved the place in the song"
    expect(page.locator(".lyr li.cur .c.at")).to_have_count(1)
    assert page.locator(".lyr .c.on").count() > 5
    picture(page, "exported-dark")
    page.keyboard.press("Space")
    until(page, "!states.at(-1).playing")
    page.get_by_role("button", name="over,").click()
    assert page.locator(".lyr .c.at").text_content() == "o"
    drawn = """canvas => new Set(new Uint32Array(
      canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""
    for canvas in page.locator(".lane[data-level] canvas, .lane.rib canvas, .attn canvas").all():
        assert canvas.evaluate(drawn) > 8
    assert page.evaluate("document.body.classList.contains('dark')")
    page.get_by_role("button", name="Light or dark").click()
    assert not page.evaluate("document.body.classList.contains('dark')")


def test_links_lead_to_songs(open_page: Open) -> None:
    page = open_page("?song=song-facade")
    expect(page.locator(".tr.sel .ti")).to_have_text("Blue")
    expect(page.locator(".trans .np .t span").first).to_have_text("Blue")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    id = (page.locator(".tr.sel").get_attribute("id") or "").removeprefix("row-")
    assert id != "song-facade" and page.url.endswith(f"?song={id}")
    gone = open_page("?song=song-gone")
    expect(gone.get_by_text("not in these libraries")).to_be_visible()
    expect(gone.locator(".tr")).to_have_count(4)


def test_words_of_people_are_never_markup(open_page: Open) -> None:
    page = open_page("?song=song-hostile")
    expect(page.locator(".tr.sel .ti")).to_have_text(HOSTILE)
    expect(page.locator(".lyr")).to_have_text(HOSTILE)
    page.keyboard.press("r")
    expect(page.locator(".pop.recipe")).to_contain_text("<b>G</b>")
    assert page.locator("img, .dock b:text('G')").count() == 0
    assert page.evaluate("window.stolen") is None


def test_nothing_is_offered_that_a_page_cannot_do(open_page: Open) -> None:
    page = open_page("?song=song-begun")
    expect(page.locator(".lane.lv-bottom .made")).to_have_text("bottom is not made yet")
    page.keyboard.press("r")
    assert page.locator(".pop.recipe .acts button").all_text_contents() == ["Copy recipe"]
    page.keyboard.press("Escape")
    page.keyboard.press("Delete")
    expect(page.get_by_text("cannot be deleted")).to_be_visible()
    expect(page.locator(".tr")).to_have_count(4)
    page.keyboard.press("?")
    assert "delete" not in (page.get_by_role("dialog", name="Keys").text_content() or "")


def test_stars_stay_in_the_browser(open_page: Open) -> None:
    page = open_page("?song=song-boats")
    expect(page.locator(".tr.sel")).to_have_id("row-song-boats")
    page.keyboard.press("s")
    expect(page.locator(".scope [data-key=starred]")).to_have_text("Starred2")
    page.reload()
    expect(page.locator(".scope [data-key=starred]")).to_have_text("Starred2")
    expect(page.locator(".dock [data-star][aria-pressed=true]").first).to_be_attached()


def test_sound_can_be_saved(open_page: Open, library: Library, tmp_path: Path) -> None:
    page = open_page("?song=song-boats")
    expect(page.locator(".trans .np .t span").first).to_have_text("Paper boats on the rain")
    page.locator(".trans [data-do=export]").click()
    with page.expect_download() as waiting:
        page.locator(".pop.exports [role=menuitem]", has_text="middle.flac").click()
    waiting.value.save_as(tmp_path / "saved.flac")
    original = library.sample("song-boats").audio_path(Level.MIDDLE)
    assert (tmp_path / "saved.flac").read_bytes() == original.read_bytes()


def test_phone(open_page: Open, picture: Callable[[Page, str], None]) -> None:
    page = open_page("?song=song-boats", viewport={"width": 390, "height": 844}, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_label("Search everything").fill("facade")
    expect(page.locator(".tr")).to_have_count(1)
    expect(page.get_by_text("AI-generated")).to_be_visible()
    picture(page, "exported-phone")
    page.locator(".trans .np").click()
    assert page.locator(".dock").evaluate("dock => [dock.offsetHeight, dock.scrollWidth]") == [844, 390]


def test_a_plain_web_server_will_do(open_page: Open, folder: Path) -> None:
    handler = partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            page = open_page(root=f"http://127.0.0.1:{server.server_port}/")
            page.locator("#row-song-boats").dblclick()
            until(page, "states.at(-1)?.playing && loudness() > 0.05")
        finally:
            server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


def test_a_missing_file_is_told(browser: Browser, library: Library, tmp_path: Path) -> None:
    page_folder = export(library, tmp_path / "page", "boats").folder
    (page_folder / "songs" / "song-boats" / "top.js").unlink()
    (page_folder / "songs" / "song-boats" / "attention.js").unlink()
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{page_folder.as_uri()}/index.html?song=song-boats")
    expect(page.locator(".lane.lv-top .fault")).to_contain_text("The file songs/song-boats/top.js cannot be read.")
    expect(page.locator(".dock .alert")).to_contain_text("Try again")
    page.keyboard.press("3")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    context.close()
