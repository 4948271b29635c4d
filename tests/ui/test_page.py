"""The page's promises besides the first song: messages beside fields, keys, links, phones, escaping."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import Listening, Server

HOSTILE = '<img src=x onerror="document.title=1"> & "quotes" </textarea><script>document.title=2</script>'


@pytest.fixture(scope="module")
def songs(server: Server) -> list[str]:
    """Three short songs in the library, one of them with markup for its words."""
    words = ("Zebra crossing at dawn", "Naïve façade, blue umbrella", HOSTILE)
    started = [
        server.ask("/api/jobs", {"lyrics": text, "seconds": "1.5", "seed": str(seed), "stop": "top"})["job"]
        for seed, text in enumerate(words)
    ]
    end = time.monotonic() + 180
    while time.monotonic() < end:
        jobs = {job["id"]: job for job in server.jobs()}
        states = [jobs[job]["state"] for job in started]
        if all(state == "finished" for state in states):
            return [jobs[job]["sample_ids"][0] for job in started]
        assert not {"failed", "cancelled"} & set(states), [jobs[job]["message"] for job in started]
        time.sleep(0.3)
    pytest.fail("the songs were not made in time")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("lyrics", "", "Write some words"),
        ("lyrics", "la " * 33_334, "at most 20,000"),
        ("seconds", "0", "more than 0"),
        ("seconds", "-5", "more than 0"),
        ("seconds", "1e9", "at most 600"),
        ("seconds", "nan", "more than 0"),
        ("seconds", "twelve", "as a number"),
        ("genre", "0.5 reggae / jazz / ", "0.5 Pop / 0.5 Jazz"),
        ("takes", "99", "1 to 16 takes"),
        ("seed", "-1", "seed must be"),
    ],
)
def test_bad_input_is_told_beside_the_field(
    open_page: Callable[..., Page], field: str, value: str, message: str
) -> None:
    page = open_page("/#create")
    expect(page.locator(".fore tbody tr")).to_have_count(3)
    if field in ("takes", "seed"):
        page.get_by_role("button", name="More choices").click()
    page.locator(f"#create-form [name={field}]").fill(value)
    note = page.locator(f".err[data-for={field}]")
    expect(note).to_contain_text(message)
    page.get_by_role("button", name="Generate").click()
    expect(note).to_contain_text(message)
    expect(page.get_by_role("region", name="Now making")).to_be_hidden()
    expect(page.locator(f"#create-form [name={field}]")).to_have_value(value)


def test_what_the_model_cannot_read_is_told(open_page: Callable[..., Page]) -> None:
    page = open_page("/#create")
    page.get_by_role("textbox", name="Lyrics").fill("la 😀 한글")
    page.get_by_role("combobox", name="Artist").fill("Nobody Ever Heard Of")
    notes = page.locator(".notes")
    expect(notes).to_contain_text("😀")
    expect(notes).to_contain_text("한")
    expect(notes).to_contain_text("Nobody Ever Heard Of")
    expect(page.locator(".truth")).to_contain_text("unknown, 0")


def test_a_text_file_is_not_sound(open_page: Callable[..., Page]) -> None:
    page = open_page("/#create")
    page.get_by_role("button", name="More choices").click()
    page.get_by_role("textbox", name="Lyrics").fill("these words stay")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a file").click()
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    chooser.value.set_files({"name": "riff.wav", "mimeType": "audio/wav", "buffer": b"not sound at all " * 50})
    expect(page.locator(".err[data-for=prompt]")).to_contain_text("riff.wav")
    expect(page.get_by_role("textbox", name="Lyrics")).to_have_value("these words stay")
    assert not failed


def test_words_are_shown_as_words(open_page: Callable[..., Page], songs: list[str]) -> None:
    page = open_page(f"/?song={songs[2]}")
    expect(page.locator(".tr.sel .ti")).to_contain_text("<img src=x onerror")
    expect(page.get_by_role("complementary", name="Player").locator(".np .t").first).to_be_attached()
    assert page.locator("img[src=x]").count() == 0
    assert "Jukebox" in page.title()


def test_search_is_blind_to_accents_and_reads_lyrics(open_page: Callable[..., Page], songs: list[str]) -> None:
    page = open_page()
    page.get_by_label("Search Title or first line").fill("NAIVE facade")
    expect(page.locator(".count")).to_contain_text("Listing 1 of")
    page.get_by_label("Search Title or first line").fill("xyzzy")
    expect(page.get_by_text("No song matches these searches.")).to_be_visible()
    page.get_by_role("button", name="Clear all searches").click()
    expect(page.locator(".tr").first).to_be_visible()


def test_keys(open_page: Callable[..., Page], songs: list[str]) -> None:
    page = open_page()
    expect(page.locator(".tr.sel")).to_have_count(1)
    first = page.locator(".tr.sel").get_attribute("id")
    page.keyboard.press("j")
    expect(page.locator(".tr.sel")).not_to_have_id(first or "")
    page.keyboard.press("k")
    expect(page.locator(".tr.sel")).to_have_id(first or "")
    listening = Listening(page)
    page.keyboard.press("Enter")
    listening.wait()
    page.keyboard.press("s")
    expect(page.locator(".tr.sel .sb")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("s")
    expect(page.locator(".tr.sel .sb")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("/")
    page.keyboard.type("jjj")
    expect(page.get_by_label("Search Title or first line")).to_have_value("jjj")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_link_to_a_song_that_is_gone(open_page: Callable[..., Page], songs: list[str]) -> None:
    page = open_page("/?song=gone-gone-gone")
    expect(page.get_by_text("not in these libraries")).to_be_visible()
    expect(page.locator(".tr").first).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("tab", ["explore", "create"])
def test_phone_has_nothing_beside_the_screen(
    open_page: Callable[..., Page], picture: Callable[[Page, str], None], songs: list[str], tab: str, theme: str
) -> None:
    page = open_page(f"/#{tab}", viewport={"width": 390, "height": 844}, color_scheme=theme)
    if tab == "create":
        page.get_by_role("button", name="More choices").click()
        expect(page.locator(".fore tbody tr")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    panel = page.locator(f"#tab-{tab}")
    assert panel.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    expect(page.locator("body.dark")).to_have_count(int(theme == "dark"))
    picture(page, f"phone-{tab}-{theme}")


def test_pictures_in_the_dark(
    open_page: Callable[..., Page], picture: Callable[[Page, str], None], songs: list[str]
) -> None:
    page = open_page("/", color_scheme="dark")
    expect(page.get_by_role("img", name=re.compile("^Spectrogram, top level"))).to_be_visible()
    picture(page, "explore-dark")
    page.get_by_role("tab", name="Create").click()
    page.get_by_role("button", name="More choices").click()
    expect(page.locator(".fore tbody tr")).to_have_count(3)
    picture(page, "create-dark")
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("body.dark")).to_have_count(0)


def test_compare_and_learn(
    open_page: Callable[..., Page], picture: Callable[[Page, str], None], songs: list[str]
) -> None:
    page = open_page(f"/?song={songs[0]}#compare")
    expect(page.locator(".measures tbody tr")).to_have_count(4)
    expect(page.get_by_role("combobox", name="Song A")).to_have_value(re.compile("^Zebra"))
    expect(page.get_by_text("A and B are the same sound.")).to_be_visible()
    other = page.get_by_role("combobox", name="Song B")
    other.fill("naive")
    page.get_by_role("option", name=re.compile("^Naïve")).first.click()
    expect(page.get_by_text("Above 3 kHz B has")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Difference of the two spectrograms"))).to_be_visible()
    picture(page, "compare-light")
    page.get_by_role("tab", name="Learn").click()
    expect(page.get_by_role("img", name=re.compile("codes of the top level as shaded cells"))).to_be_visible()
    expect(page.locator(".costs tbody tr")).to_have_count(2)
    picture(page, "learn-light")


def test_other_programs_can_make_find_and_read_songs(server: Server) -> None:
    from gradio_client import Client

    client = Client(server.address, verbose=False)
    steps = list(client.submit("", "", "one two three", 1.5, 3, api_name="/generate"))
    assert steps[-1]["state"] == "finished"
    assert [level["state"] for level in steps[-1]["levels"]] == ["finished"] * 3
    found = client.predict("three two", 10, api_name="/songs")
    assert found[0]["id"] == steps[-1]["sample_ids"][0]
    song = client.predict(found[0]["id"], api_name="/song")
    assert song["recipe"]["song"]["seed"] == 3
    assert set(song["files"]) == {"top", "middle", "bottom"}
