"""The page's promises besides the first song: messages beside fields, keys, links, phones, escaping."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import Listening, Server

HOSTILE = '<img src=x onerror="document.title=1"> & "quotes" </textarea><script>document.title=2</script>'


@pytest.fixture(scope="session")
def songs(server: Server) -> list[str]:
    """Three short songs in the library, one of them with markup for its words. Made once, as the server is: where tests
    are shared out to processes, those of other files may come between these."""
    words = ("Zebra crossing at dawn", "Naïve façade, blue umbrella", HOSTILE)
    return [server.make(lyrics=text, seconds="1.5", seed=str(n), stop="top")[0] for n, text in enumerate(words)]


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


def test_sampling_begins_and_can_be_put_back_to_the_models_values(open_page: Callable[..., Page]) -> None:
    page = open_page("/#create")
    usual = page.evaluate("fetch('/api/form').then(answer => answer.json())")["sampling"]
    page.get_by_role("button", name="More choices").click()
    top, middle = page.get_by_label("temperature, top"), page.get_by_label("temperature, middle")
    expect(top).to_have_value(usual["top"]["temperature"])
    guidance = page.get_by_label("guidance, top")
    expect(guidance).to_have_value(usual["top"]["guidance"])
    top.fill("0.5")
    guidance.fill("3")
    page.get_by_label("top-k, middle").fill("40")
    page.get_by_role("button", name="The model's values").click()
    expect(guidance).to_have_value(usual["top"]["guidance"])
    expect(top).to_have_value(usual["top"]["temperature"])
    expect(middle).to_have_value(usual["middle"]["temperature"])
    expect(page.get_by_label("top-k, middle")).to_have_value("off")
    page.get_by_role("button", name="Undo").click()
    expect(top).to_have_value("0.5")


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
@pytest.mark.parametrize("tab", ["explore", "create", "compare", "learn"])
def test_phone_has_nothing_beside_the_screen(
    open_page: Callable[..., Page], picture: Callable[[Page, str], None], songs: list[str], tab: str, theme: str
) -> None:
    page = open_page(f"/#{tab}", viewport={"width": 390, "height": 844}, color_scheme=theme)
    if tab == "create":
        page.get_by_role("button", name="More choices").click()
        expect(page.locator(".fore tbody tr")).to_have_count(3)
    if tab == "compare":
        expect(page.locator(".measures tbody tr")).to_have_count(4)
    if tab == "learn":
        expect(page.locator(".costs tbody tr").first).to_be_visible()
    page.wait_for_function("document.documentElement.scrollWidth === 390")  # pictures may still be coming
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
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("Choose two that differ")).to_be_visible()
    other = page.get_by_role("combobox", name="Song B")
    other.fill("naive")
    page.get_by_role("option", name=re.compile("^Naïve")).first.click()
    expect(page.get_by_text("Above 3 kHz B has")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Difference of the two spectrograms"))).to_be_visible()
    picture(page, "compare-light")
    page.get_by_role("tab", name="Learn").click()
    expect(page.get_by_role("img", name=re.compile("codes of the top level as shaded cells"))).to_be_visible()
    expect(page.locator(".costs tbody tr")).to_have_count(2)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Your own recording").click()
    chooser.value.set_files({"name": "riff.wav", "mimeType": "audio/wav", "buffer": b"not sound at all " * 50})
    expect(page.get_by_text("riff.wav is not sound that can be read.")).to_be_visible()
    expect(page.locator(".costs tbody tr")).to_have_count(2)
    picture(page, "learn-light")


def test_several_songs_are_deleted_and_starred_ones_spared(open_page: Callable[..., Page], songs: list[str]) -> None:
    page = open_page()
    page.get_by_label("Search Title or first line").fill("zebra")
    expect(page.locator(".tr .ti").first).to_contain_text("Zebra")
    page.get_by_label("Search Title or first line").fill("")
    rows = {name: page.locator(".tr", has_text=name) for name in ("Zebra crossing", "Naïve façade")}
    page.get_by_role("button", name="Choose several").click()
    for row in rows.values():
        row.first.click()
    bar = page.get_by_role("toolbar", name="Songs that are chosen")
    expect(bar).to_contain_text("2 chosen")
    rows["Zebra crossing"].first.locator(".sb").click()
    expect(rows["Zebra crossing"].first.locator(".sb")).to_have_attribute("aria-pressed", "true")
    bar.get_by_role("button", name="Delete, starred ones are spared").click()
    toast = page.locator("#jx-toast")
    expect(toast).to_contain_text("1 song was deleted. 1 starred was spared.")
    expect(rows["Naïve façade"]).to_have_count(0)
    expect(rows["Zebra crossing"]).to_have_count(1)
    toast.get_by_role("button", name="Undo").click()
    expect(rows["Naïve façade"]).to_have_count(1)
    bar.get_by_role("button", name="All that are listed").click()
    expect(bar).to_contain_text(re.compile(r"\d+ chosen"))
    bar.get_by_role("button", name="Take the star away").click()
    expect(page.locator(".sb[aria-pressed=true]")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()


def test_a_message_does_not_take_away_what_may_still_be_undone(open_page: Callable[..., Page]) -> None:
    page = open_page()
    expect(page.locator(".count")).to_contain_text("song")
    page.evaluate(
        """async () => {
             const { toast } = await import('/ui/dom.js');
             window.done = [];
             toast('One was deleted.', 'Undo', () => done.push('one'));
             toast('A song is finished.', 'Play', () => done.push('play'));
             toast('First remark.');
             toast('Two was deleted.', 'Undo', () => done.push('two'));
             toast('Second remark.');
           }"""
    )
    lines = page.locator("#jx-toast .toast")
    expect(lines).to_have_text(["A song is finished.Play", "Two was deleted.Undo", "Second remark."])
    for button in ("Undo", "Play"):
        page.locator("#jx-toast").get_by_role("button", name=button).click()
    assert page.evaluate("done") == ["two", "play"]
    expect(lines).to_have_text(["Second remark."])


def test_a_recording_of_the_microphone_is_a_beginning(open_page: Callable[..., Page]) -> None:
    page = open_page("/#create", permissions=["microphone"])
    page.get_by_role("button", name="More choices").click()
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("button", name=re.compile("^Stop, [1-9]"))).to_be_visible()
    page.get_by_role("button", name=re.compile("^Stop, ")).click()
    expect(page.locator(".prompt-note")).to_contain_text("recording.wav")
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()
    page.get_by_role("button", name="Hear this part").click()
    expect(page.locator(".hear-prompt")).to_have_text("Stop")
    expect(page.locator(".hear-prompt")).to_have_text("Hear this part")


def test_who_looks_elsewhere_is_told_when_it_is_done(server: Server, open_page: Callable[..., Page]) -> None:
    page = open_page("/#create")
    page.evaluate(
        """() => {
             window.notes = 0;
             const start = OscillatorNode.prototype.start;
             OscillatorNode.prototype.start = function (...when) { window.notes += 1; return start.apply(this, when); };
             Object.defineProperty(document, 'hidden', {get: () => window.away === true});
           }"""
    )
    job = server.ask("/api/jobs", {"lyrics": "la la", "seconds": "30"})["job"]
    expect(page.get_by_role("region", name="Now making")).to_be_visible()
    page.get_by_label("chime when done").check()
    assert page.evaluate("notes") == 2, "one hears what one chooses"
    page.evaluate("window.away = true")
    server.ask(f"/api/jobs/{job}/cancel", {})
    expect(page).to_have_title("! Stopped · Jukebox Explorer")
    assert page.evaluate("notes") == 4
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page).to_have_title("Jukebox Explorer")


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
