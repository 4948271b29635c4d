"""The player in a real browser, on synthetic songs: what is heard, what is shown, and that they agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from explorer.jukebox.config import Level
from explorer.jukebox.sheet import LeadSheet
from explorer.library import Library
from tests.songs import LYRICS, add_song, alignment_for, noise, tune, write_level
from tests.ui.player_page import Watched, served, watch

SECONDS = 4.0
SHEET = LeadSheet(
    "Eb minor", 1.5, 3, -0.5, ("Ebm", "Abm Gb", "Bb7", "Ebm"), ((0.25, 0.75, 63), (0.75, 1.5, 66), (2.0, 3.5, 58))
)
HOSTILE = '<img src=x onerror="window.stolen=1"><script>window.stolen=2</script> ${alert(1)} {{x}}'
ALL_HERE = """() => player.sample && ['top', 'middle', 'bottom'].every(level => !player.sample.levels[level]
  || (player.audio.levels.has(level) && player.lanes.rows.get(level).spectrum))"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    library = Library(tmp_path_factory.mktemp("songs") / "library")
    add_song(library, "song-one", SECONDS)
    noises = {Level.TOP: noise(SECONDS, 1), Level.MIDDLE: noise(SECONDS, 2), Level.BOTTOM: noise(SECONDS, 3)}
    add_song(library, "song-noise", SECONDS, sounds=noises)
    add_song(library, "song-hostile", 1.0, lyrics=HOSTILE, title=HOSTILE, genre="<b>G</b>", artist="<i>A</i>")
    add_song(library, "song-read", 2.0, lyrics="", title="A recording", original=tune(2.0, 30))
    add_song(library, "song-told", SECONDS, sheet=SHEET)
    add_song(library, "song-quiet", 1.0, lyrics="", title="Instrumental")
    yield library
    library.close()


@pytest.fixture(scope="module")
def address(library: Library) -> Iterator[str]:
    with served(library) as url:
        yield url


@pytest.fixture
def watched(browser: Browser, address: str) -> Iterator[Watched]:
    """A fresh page with the player; afterwards it must have complained of nothing and asked nobody else."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    seen = watch(context.new_page(), address)
    seen.page.goto(address)
    seen.page.wait_for_function("window.player")
    seen.page.mouse.click(700, 300)  # browsers play nothing before a person has pressed something
    yield seen
    context.close()
    assert seen.strangers == []
    assert seen.complaints == []


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


def load(page: Page, id: str, **detail: Any) -> None:
    page.evaluate(
        "detail => document.dispatchEvent(new CustomEvent('jukebox:load', {detail}))",
        {"id": id, "play": False, **detail},
    )
    page.wait_for_function("id => player.sample?.id === id", arg=id)
    page.wait_for_function(ALL_HERE)


def test_switching_and_growing_are_exact_to_the_sample(page: Page) -> None:
    """The same code as in the player, rendered offline: what comes out is compared with what was put in."""
    result = page.evaluate("probes.renderOffline()")
    for level in ("top", "middle", "bottom"):
        assert result[level]["worst"] < 1e-6, (level, result)
        assert result[level]["gain"] == pytest.approx(1, abs=1e-6)
    for time, position in result["positions"].items():
        assert position == pytest.approx(float(time) - 0.03 + 0.5, abs=0.004)


def test_live_switch_keeps_place_and_gain(page: Page) -> None:
    """Recorded from the running player: each block of sound is found again in the level that should be heard."""
    load(page, "song-noise", level="bottom")
    blocks = page.evaluate("probes.recordSwitches()")
    assert [block["level"] for block in blocks] == ["bottom", "middle", "top", "bottom"]
    assert [block["said"] for block in blocks] == sorted(block["said"] for block in blocks)
    for block in blocks:
        assert abs(block["milliseconds"]) <= 20, blocks
        assert block["gain"] == pytest.approx(1, abs=1e-3), blocks


def test_playhead_and_letters_follow_the_sound(page: Page) -> None:
    load(page, "song-one", level="top")
    frames = page.evaluate("probes.followPlaying()")
    letters = alignment_for(LYRICS, SECONDS).characters
    assert len(frames) > 20 and frames[-1]["to"] > 1.5
    for frame in frames:
        assert frame["from"] - 0.02 <= frame["head"] <= frame["to"] + 0.02, frame
        lowest = sum(letter.start <= frame["from"] - 0.1 for letter in letters)
        highest = sum(letter.start <= frame["to"] + 0.1 for letter in letters)
        assert lowest <= frame["lit"] <= highest, frame


def test_seeking_by_click_drag_keys_word_and_map(page: Page) -> None:
    load(page, "song-one")
    slider = page.locator(".over")
    box = slider.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 100)
    assert page.evaluate("player.time") == pytest.approx(2.0, abs=0.01)
    assert slider.get_attribute("aria-valuetext") == "2.0 of 4.0 seconds, bottom level"
    slider.press("ArrowLeft")
    assert page.evaluate("player.time") == pytest.approx(1.0, abs=0.01)
    slider.press("End")
    assert page.evaluate("player.time") == pytest.approx(4.0, abs=0.01)
    slider.press("Home")
    assert page.evaluate("player.time") == 0
    page.mouse.move(box["x"] + 10, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 100, steps=4)
    page.mouse.up()
    assert page.evaluate("player.time") == pytest.approx(3.0, abs=0.01)
    word = next(w for w in alignment_for(LYRICS, SECONDS).words if LYRICS[w.start_index : w.end_index] == "over,")
    page.get_by_role("button", name="over,").click()
    assert page.evaluate("player.time") == pytest.approx(word.start, abs=0.002)
    assert page.locator(".lyr .c.at").text_content() == "o"
    area = page.locator(".attn").bounding_box()
    assert area
    page.mouse.click(area["x"] + area["width"] / 4, area["y"] + 20)
    assert page.evaluate("player.time") == pytest.approx(1.0, abs=0.03)
    assert page.locator(".attn .v").evaluate("v => parseFloat(v.style.left)") == pytest.approx(25, abs=1)


def test_keys_act_and_rest_while_typing(page: Page) -> None:
    load(page, "song-one", level="bottom")
    page.keyboard.press("1")
    assert page.evaluate("player.level") == "top"
    page.locator("#field").click()
    page.keyboard.type("2 l[3")
    assert page.evaluate("[player.level, player.loopOn, player.audio.playing]") == ["top", False, False]
    page.locator("#field").evaluate("field => field.blur()")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("[")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("]")
    assert page.evaluate("player.audio.loop") == pytest.approx([1.0, 2.0], abs=0.01)
    assert page.locator("[data-is=loop]").text_content() == "1.0 – 2.0 s"
    page.keyboard.press("l")
    assert page.evaluate("player.audio.loop") is None
    page.keyboard.press("Space")
    page.wait_for_function("player.audio.playing")
    page.keyboard.press("Space")
    assert page.evaluate("player.audio.playing") is False
    page.keyboard.press("p")
    assert page.locator(".dock .body").is_hidden()
    page.keyboard.press("r")
    assert page.locator(".pop.recipe").is_visible()
    page.keyboard.press("Escape")
    assert page.locator(".pop.recipe").is_hidden()


def test_shift_drag_loops_a_region(page: Page) -> None:
    load(page, "song-one")
    box = page.locator(".over").bounding_box()
    assert box
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 90)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.375, box["y"] + 90, steps=3)
    page.mouse.up()
    page.keyboard.up("Shift")
    assert page.evaluate("player.audio.loop") == pytest.approx([1.0, 1.5], abs=0.01)
    times = page.evaluate("probes.goRound()")
    assert min(times) >= 0.99 and max(times) <= 1.51
    assert any(b < a for a, b in pairwise(times)), "it never went round"


def test_a_recording_is_seen_and_heard_beside_its_levels(page: Page) -> None:
    load(page, "song-read")
    page.wait_for_function("player.audio.levels.has('original') && player.lanes.rows.get('original').spectrum")
    assert page.locator(".lanes button.gutter b").all_text_contents() == ["Original", "Top", "Middle", "Bottom"]
    page.keyboard.press("0")
    assert page.evaluate("[player.level, player.audio.level]") == ["original", "original"]
    load(page, "song-one")
    assert page.evaluate("player.level") == "bottom", "the choice was for that song only"
    assert page.locator(".lanes button.gutter").count() == 3


def test_rows_can_be_switched_on_and_follow_the_level(page: Page) -> None:
    load(page, "song-one", level="top")
    chroma = page.get_by_role("img", name="Chroma, top level", exact=False)
    assert page.locator(".lane.view:visible").count() == 0
    page.get_by_role("button", name="chroma").click()
    chroma.wait_for()
    page.get_by_role("button", name="onsets").click()
    page.get_by_role("img", name="Onsets, top level", exact=False).wait_for()
    page.keyboard.press("2")
    page.get_by_role("img", name="Chroma, middle level", exact=False).wait_for()
    label = page.get_by_role("img", name="Onsets, middle level", exact=False).get_attribute("aria-label") or ""
    assert int(label.split(": ")[1].split()[0]) >= 6, "the tune has a stroke every half second"
    page.get_by_role("button", name="chroma").click()
    page.get_by_role("button", name="onsets").click()
    assert page.locator(".lane.view:visible").count() == 0


def test_a_song_shows_what_it_was_told(page: Page) -> None:
    load(page, "song-told")
    sheet = page.get_by_role("img", name="Lead sheet", exact=False)
    sheet.wait_for()
    label = sheet.get_attribute("aria-label") or ""
    assert "120 beats a minute; E♭ minor; chords E♭m, A♭m G♭, B♭7, E♭m; 3 notes to sing from B♭3 to G♭4" in label
    assert page.get_by_text("E♭ minor, 120").is_visible()
    box = sheet.bounding_box()
    assert box
    for seconds, words in ((0.5, "chord E♭m, sing E♭4"), (1.9, "chord G♭"), (3.0, "chord B♭7, sing B♭3")):
        page.mouse.move(box["x"] + box["width"] * seconds / SECONDS, box["y"] + box["height"] / 2)
        assert page.locator(".readout").inner_text().split("   ")[1] == words
    drawn = page.evaluate("""async sheet => {
        const { layOut } = await import('/ui/player/sheet.js');
        return layOut(sheet, 4, 400, 53);
    }""", SHEET.__dict__)  # fmt: skip
    assert drawn["bars"] == [100, 250], "a bar that began before the song is not drawn in it"
    assert [chord["text"] for chord in drawn["chords"]] == ["E♭m", "A♭m", "G♭", "B♭7"]
    first, second, last = drawn["notes"]
    assert (first["x"], last["x"]) == (25, 200) and second["y"] < first["y"] < last["y"], "higher notes stand higher"
    assert last["y"] + last["height"] <= 53 and second["y"] >= 13
    page.get_by_role("button", name="chroma").click()
    page.get_by_role("img", name="with the notes that were to be sung outlined", exact=False).wait_for()
    load(page, "song-one")
    assert not page.get_by_text("Lead sheet").is_visible(), "it was told nothing"


def test_pointing_at_one_picture_shows_the_place_in_the_others(page: Page) -> None:
    load(page, "song-one")
    lanes, area = page.locator(".over").bounding_box(), page.locator(".attn").bounding_box()
    assert lanes and area
    # From the sound to the letter that is sung there.
    page.mouse.move(lanes["x"] + lanes["width"] / 2, lanes["y"] + 120)
    sung = [c for c in alignment_for(LYRICS, SECONDS).characters if c.start <= 2.0][-1]
    assert page.locator(".lyr .c.pt").text_content() == LYRICS[sung.index]
    assert page.locator(".attn .ghost.down").evaluate("e => parseFloat(e.style.left)") == pytest.approx(50, abs=0.5)
    # From the map to the sound, with the weight there.
    page.mouse.move(area["x"] + area["width"] / 4, area["y"] + 3)
    assert page.locator(".xh").evaluate("e => parseFloat(e.style.left)") == pytest.approx(25, abs=0.6)
    assert page.locator(".lyr .c.pt").text_content() == "P"
    caption = page.locator("[data-is=caption]").text_content() or ""
    assert caption.startswith(("0:01.0", "0:00.9")) and "“P”" in caption and caption.endswith(("0.00", "0.70"))
    page.mouse.move(10, 10)
    assert page.locator(".xh").is_hidden() and page.locator(".lyr .c.pt").count() == 0
    assert page.locator("[data-is=caption]").text_content() == "click a word to hear it"


def test_growing_song_goes_on_at_the_same_sample(page: Page, library: Library) -> None:
    started = {Level.TOP: tune(8.0, 3), Level.MIDDLE: noise(4.0, 2)}
    writer = add_song(library, "song-grow", 8.0, sounds=started, finish=False)
    load(page, "song-grow", level="middle")
    assert (page.locator(".lane.lv-middle .made").text_content() or "").startswith("middle to here, 0:0")
    assert page.locator(".lane.lv-bottom .made").text_content() == "bottom is not made yet"
    write_level(writer, Level.MIDDLE, noise(8.0, 2), done=True)
    write_level(writer, Level.BOTTOM, noise(1.0, 3), done=False)
    page.evaluate("player.play()")
    page.wait_for_function("player.time > 0.3")
    places = page.evaluate("probes.growWhilePlaying()")
    page.wait_for_function("player.audio.levels.has('bottom')")
    drift = [song - clock for clock, song in places]
    assert max(drift) - min(drift) < 0.001, "growing moved the place in the song"
    assert page.evaluate("[player.audio.playing, player.audio.levelEnd('middle')]") == [
        True,
        pytest.approx(8, abs=0.01),
    ]
    page.evaluate("player.seek(4.5)")
    page.wait_for_function("player.time > 4.7 && player.audio.playing")
    assert page.locator(".lane.lv-middle .made").count() == 0
    assert (page.locator(".lane.lv-bottom .made").text_content() or "").startswith("bottom to here, 0:0")
    # The bottom level is behind us: it stops and says so, and no other level is put in its place.
    page.evaluate("player.setLevel('bottom')")
    page.wait_for_function("!player.audio.playing")
    assert "bottom level ends here for now" in (page.locator("#jx-toast").text_content() or "")
    assert page.evaluate("player.level") == "bottom"
    writer.close()


def test_text_of_people_is_never_markup(page: Page) -> None:
    load(page, "song-hostile")
    page.keyboard.press("r")
    assert page.evaluate("window.stolen") is None
    assert page.locator(".dock img, .dock script, .dock b:text('G')").count() == 0
    assert HOSTILE in (page.locator(".trans .np .t span").first.text_content() or "")
    assert (page.locator(".lyr").text_content() or "").strip() == HOSTILE
    assert "<b>G</b>" in (page.locator(".pop.recipe").text_content() or "")


def test_songs_without_words_and_songs_that_are_gone(watched: Watched) -> None:
    page = watched.page
    load(page, "song-quiet")
    assert page.locator(".lyr").text_content() == "No words were given to this song."
    page.evaluate("document.dispatchEvent(new CustomEvent('jukebox:load', {detail: {id: 'nobody', play: true}}))")
    page.wait_for_function("!document.querySelector('.dock .alert').hidden")
    alert = page.locator(".dock .alert").text_content() or ""
    assert "not in the library any more" in alert and "What was shown before is kept" in alert
    assert page.evaluate("player.sample.id") == "song-quiet"
    # The browser itself notes the 404 in its console; that is the only complaint.
    assert all("404" in text for text in watched.complaints)
    watched.complaints.clear()


def test_exports_hold_the_alignment(page: Page, tmp_path: Path) -> None:
    load(page, "song-one")
    files = {}
    for label, kind in [("Lyrics", "LRC"), ("Subtitles", "VTT"), ("Every character", "JSON"), ("Attention map", "SVG")]:
        page.locator(".trans [data-do=export]").click()
        with page.expect_download() as waiting:
            page.locator(".pop.exports [role=menuitem]", has_text=label).filter(has_text=kind).click()
        target = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(target)
        files[kind] = target.read_text(encoding="utf-8")
    alignment = alignment_for(LYRICS, SECONDS)
    lines = [line for line in files["LRC"].splitlines() if line.startswith("[0")]
    assert len(lines) == 3 and lines[0].startswith("[00:00.25]<00:00.25>Paper <00:00.")
    assert lines[2].endswith("slow") and "café" in lines[2] and "😀" in lines[2]
    assert files["VTT"].startswith("WEBVTT\n\n") and files["VTT"].count(" --> ") == 3
    characters = json.loads(files["JSON"])["characters"]
    assert [c["text"] for c in characters] == [LYRICS[c.index] for c in alignment.characters]
    assert characters[5]["start"] == pytest.approx(alignment.characters[5].start, abs=1e-3)
    assert files["SVG"].startswith("<svg") and "data:image/png" in files["SVG"]


def test_phone_bar_opens_to_a_sheet(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, reduced_motion="reduce")
    seen = watch(context.new_page(), address)
    page = seen.page
    page.goto(address)
    page.wait_for_function("window.player")
    load(page, "song-one")
    assert page.locator(".dock .trans").evaluate("bar => bar.offsetHeight") == 64
    page.locator(".trans .np").click()
    assert page.locator(".dock").evaluate("dock => [dock.offsetHeight, dock.scrollWidth]") == [844, 390]
    assert page.locator(".lane canvas").first.evaluate("canvas => canvas.clientWidth") > 200
    page.get_by_role("button", name="Close the player").click()
    assert page.locator(".dock .body").is_hidden()
    assert (seen.strangers, seen.complaints) == ([], [])
    context.close()


def test_play_may_be_pressed_before_the_sound_is_there(page: Page) -> None:
    pressed = """async () => {
      player.load({ id: 'song-noise' });
      while (player.sample?.id !== 'song-noise') await new Promise((done) => setTimeout(done));
      const early = !player.audio.levelEnd();
      player.play();
      return early;
    }"""
    assert page.evaluate(pressed), "the sound was there already"
    page.wait_for_function("player.audio.playing && player.time > 0.1")
