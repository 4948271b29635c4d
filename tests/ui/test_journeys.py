"""Three people and what they come for: Lena is curious, Marco makes music, Dr. Ito does research.

As far as a small model goes: what takes hours or a large accelerator is shortened, every step is done.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from explorer.audio.files import AudioFormat, audio_bytes, read_recipe
from explorer.jukebox.song import recipe_from_dict
from explorer.library import Library
from explorer.library.sample import read_codes
from tests.songs import RATE, tune
from tests.ui.conftest import ROOT, Listening, Server
from tests.ui.test_newcomer import DRAWN

Keep = Callable[[Page, str], None]
WORDS = "Lanterns over the harbour\nlow and slow"
DROP = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0)), files = new DataTransfer();
  files.items.add(new File([bytes], name));
  const how = {dataTransfer: files, bubbles: true, cancelable: true}, place = document.querySelector('.count');
  for (const kind of ['dragover', 'drop']) place.dispatchEvent(new DragEvent(kind, how));
}"""


def drop(page: Page, name: str, content: bytes) -> None:
    """Let a file fall somewhere on the page that is no field for files."""
    page.evaluate(DROP, [name, b64encode(content).decode()])


def place(page: Page) -> float:
    """Where the player is in the song, in seconds, as it tells other parts."""
    value = page.locator(".dock .over").get_attribute("aria-valuenow")
    return float(value or 0)


def riff(seconds: float) -> bytes:
    return audio_bytes(tune(seconds, 12), RATE, format=AudioFormat.WAV)


@pytest.fixture(scope="module")
def song(server: Server) -> str:
    """One whole song with words."""
    return server.make(lyrics=WORDS, seconds="3", seed="11")[0]


def test_lena_understands_three_levels_by_ear(
    server: Server, open_page: Callable[..., Page], song: str, picture: Keep
) -> None:
    page = open_page()
    expect(page.locator(".count")).to_contain_text(re.compile(r"Listing \d+ of \d+ song"))
    page.get_by_label("Search Title or first line").fill("lanterns over")
    expect(page.locator(".tr .ti").first).to_have_text("Lanterns over the harbour")
    page.keyboard.press("ArrowDown")
    listening = Listening(page)
    page.keyboard.press("Space")
    listening.wait()

    # Levels change under one playhead; a loop keeps the short song going meanwhile.
    page.keyboard.press("l")
    page.evaluate("window.places = []; document.addEventListener('jukebox:state', e => places.push(e.detail))")
    for key, level in (("1", "top"), ("2", "middle"), ("3", "bottom")):
        page.keyboard.press(key)
        expect(page.get_by_role("radio", name=level, exact=True).first).to_have_attribute("aria-checked", "true")
    told = page.evaluate("places")
    assert [state["level"] for state in told if state["playing"]], told
    assert all(state["playing"] for state in told), told
    page.keyboard.press("Space")

    # Why does it sing here? The map, and a word that can be heard.
    attention = page.locator(".attn canvas")
    page.wait_for_function(f"canvas => ({DRAWN})(canvas) > 10", arg=attention.element_handle())
    word = page.locator(".lyr button.wd").last
    start = float(word.get_attribute("data-start") or -1)
    word.hover()
    expect(page.locator(".lanes .xh")).to_be_visible()
    word.click()
    expect(page.locator(".dock .over")).to_have_attribute("aria-valuenow", re.compile(rf"^{start:.1f}"))
    picture(page, "lena-attention")

    # The tour, on the same song.
    page.get_by_role("tab", name="Learn").click()
    page.get_by_role("button", name="Attention shows where it reads").click()
    page.get_by_role("button", name="See and hear it").click()
    expect(page.locator(".dock .body")).to_be_visible()
    picture(page, "lena-tour")
    page.get_by_role("button", name="Pause").click()

    # Her own words in the same style.
    page.get_by_role("tab", name="Explore").click()
    page.locator(".exgrid").focus()
    page.keyboard.press("r")
    page.get_by_role("button", name="Same style, new lyrics").click()
    expect(page.locator("#c-lyrics")).to_be_focused()
    page.keyboard.type("My very own words")
    page.get_by_role("textbox", name="Length").fill("1.5")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator(".create .made")).to_contain_text("Same again", timeout=180_000)

    # A link that leads back to the song.
    page.get_by_role("tab", name="Explore").click()
    page.get_by_label("Search Title or first line").fill("my very own")
    page.locator(".tr .ti", has_text="My very own words").first.click()
    other = open_page(page.url[len(server.address) :].split("#")[0])
    expect(other.locator(".tr.sel .ti")).to_have_text("My very own words")


def test_marco_never_loses_a_take(
    server: Server, open_page: Callable[..., Page], picture: Keep, tmp_path: Path
) -> None:
    artists = server.ask("/api/names?kind=artist")["names"]
    known = next(entry["name"] for entry in artists if entry["name"].isascii() and len(entry["name"]) > 8)
    page = open_page("/#create")
    page.get_by_role("textbox", name="Lyrics").fill(WORDS)
    page.get_by_role("combobox", name="Artist").fill(known[:4] + known[5:])
    expect(page.locator(".notes")).to_contain_text("Similar names it knows")
    expect(page.locator(".notes")).to_contain_text(known)
    page.get_by_role("combobox", name="Artist").fill(known)
    page.get_by_role("button", name="More choices").click()
    expect(page.locator(".fore tfoot")).to_contain_text("1 take")
    expect(page.locator(".fit")).to_contain_text("Fits")

    # A riff, trimmed on the waveform, in the middle of an imagined song.
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a file").click()
    chooser.value.set_files({"name": "riff.wav", "mimeType": "audio/wav", "buffer": riff(4.0)})
    expect(page.locator(".prompt-note")).to_contain_text("riff.wav, 4.0 s")
    box = page.locator(".wave").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20, steps=3)
    page.mouse.up()
    expect(page.get_by_label("Use from, seconds")).to_have_value("1.0")
    expect(page.get_by_label("Use to, seconds")).to_have_value("2.0")
    page.get_by_label("Length of the imagined song in seconds").fill("40")
    page.get_by_role("slider", name="Start of this piece in the imagined song").press("PageDown")
    expect(page.locator(".tl .tx")).to_have_text(re.compile("^0:10 "))

    # Four short takes of the sketch; the best one gets a star and goes on.
    page.get_by_role("textbox", name="Length", exact=True).fill("2")
    page.get_by_role("textbox", name="Takes").fill("4")
    page.locator(".stop [data-level=top]").click()
    page.locator("#c-seed").fill("42")
    picture(page, "marco-form")
    page.get_by_role("button", name="Generate").click()
    made = page.locator(".create .made")
    expect(made.locator(".take")).to_have_count(4, timeout=180_000)
    listening = Listening(page)
    made.get_by_role("button", name="Play take 3").click()
    listening.wait()
    made.get_by_role("button", name="Star take 3").click()
    expect(made.get_by_role("button", name="Star take 3")).to_have_attribute("aria-pressed", "true")
    picture(page, "marco-takes")
    made.get_by_role("button", name="Keep starred only").click()
    expect(page.get_by_text("3 takes were deleted, starred ones were spared.")).to_be_visible()
    expect(made.locator(".take:visible")).to_have_count(1)
    page.locator("#jx-toast").get_by_role("button", name="Undo").click()
    expect(made.locator(".take:visible")).to_have_count(4)
    made.get_by_role("button", name="Play take 3").click()
    made.get_by_role("button", name="Upsample this").click()
    expect(page.locator(".from")).to_contain_text("Middle and bottom")
    page.locator(".stop [data-level=bottom]").click()
    page.get_by_role("textbox", name="Takes").fill("1")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_role("region", name="Now making")).to_be_visible()

    # Keepers wait in the queue; he closes the lid and finds them made.
    for seed in ("1", "2"):
        server.ask("/api/jobs", {"lyrics": WORDS, "seconds": "1.5", "seed": seed, "stop": "top"})
    page.close()
    morning = open_page("/#create")
    morning.wait_for_function(
        "() => fetch('/api/jobs').then(r => r.json()).then(({jobs}) => jobs.every(job => job.state === 'finished'))",
        timeout=180_000,
    )
    finished = [job for job in server.jobs() if job["mode"] == "upsample"]
    assert len(finished) == 1

    # The sound carries its recipe: dropped on the page it brings the whole form back.
    page = open_page(f"/?song={finished[0]['sample_ids'][0]}")
    page.get_by_role("button", name="Export").first.click()
    with page.expect_download() as waiting:
        page.get_by_role("menuitem", name="bottom.flac").click()
    file = tmp_path / "keeper.flac"
    waiting.value.save_as(file)
    recipe = read_recipe(file)
    assert recipe is not None
    song, _ = recipe_from_dict({name: recipe[name] for name in ("song", "sampling")})
    page.get_by_role("tab", name="Create").click()
    page.get_by_role("textbox", name="Lyrics").fill("something else")
    page.locator("#c-seed").evaluate("field => { field.value = '999' }")
    page.get_by_role("tab", name="Explore").click()
    drop(page, "keeper.flac", file.read_bytes())
    expect(page.get_by_role("textbox", name="Lyrics")).to_have_value(WORDS)
    expect(page.locator("#c-seed")).to_have_value(str(song.seed))
    expect(page.get_by_role("combobox", name="Artist")).to_have_value(known)
    page.get_by_role("button", name="Begin with its sound instead").click()
    expect(page.get_by_role("textbox", name="Lyrics")).to_have_value("something else")
    expect(page.locator(".prompt-note")).to_contain_text("keeper.flac")


def test_dr_ito_measures_and_repeats(
    server: Server, open_page: Callable[..., Page], song: str, picture: Keep, tmp_path: Path
) -> None:
    page = open_page("/#learn")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Your own recording").click()
    chooser.value.set_files({"name": "clip.wav", "mimeType": "audio/wav", "buffer": riff(7.0)})
    expect(page.get_by_text("It is in your library too.")).to_be_visible()
    for level in ("top", "middle", "bottom"):
        expect(page.get_by_role("img", name=re.compile(f"codes of the {level} level as shaded cells"))).to_be_visible()
        expect(page.get_by_role("img", name=re.compile(f"Use of the {level} codebook"))).to_be_visible()
    expect(page.locator(".costs thead")).to_contain_text("distance to the recording")
    for row in page.locator(".costs tbody tr").all()[1:]:
        expect(row).to_contain_text(re.compile(r"\d dB"))
    picture(page, "ito-learn")

    # The recording and its levels on one axis and one colour scale.
    page.get_by_role("tab", name="Explore").click()
    page.locator(".tr .ti", has_text="clip").first.click()
    expect(page.get_by_role("img", name=re.compile("^Spectrogram, original level"))).to_be_visible()
    for view in ("chroma", "onsets"):
        page.get_by_role("button", name=view, exact=True).click()
        expect(page.get_by_role("img", name=re.compile(f"^{view.title()}, "))).to_be_visible()
    picture(page, "ito-rows")
    page.get_by_role("tab", name="Compare").click()
    page.get_by_role("combobox", name="Song A").fill("clip")
    page.get_by_role("option", name=re.compile("^clip")).first.click()
    page.get_by_role("radiogroup", name="Level of A").get_by_role("radio", name="original").click()
    page.get_by_role("combobox", name="Song B").fill("clip")
    page.get_by_role("option", name=re.compile("^clip")).first.click()
    page.get_by_role("button", name="Add a sound").click()
    expect(page.locator(".measures thead th")).to_have_count(3)
    expect(page.get_by_role("img", name=re.compile("^Spectrogram of [ABC], clip"))).to_have_count(3)
    page.get_by_label("Sound of which A is taken away").select_option("2")
    expect(page.locator(".pair")).to_have_text("C minus A")
    with page.expect_download() as waiting:
        page.locator(".cmp [data-save=svg]").click()
    assert waiting.value.suggested_filename == "clip-compared.svg"
    picture(page, "ito-compare")

    # Blind listening, all trials, and the choices as a table.
    blind = page.get_by_role("region", name="Blind listening")
    blind.get_by_role("button", name="Begin").click()
    for trial in range(1, 13):
        expect(blind).to_contain_text(f"trial {trial} of 12")
        page.keyboard.press("y")
        expect(blind.get_by_role("button", name="Y playing")).to_be_visible()
        blind.get_by_role("button", name="Prefer Y" if trial < 12 else "No difference").click()
    expect(blind).to_contain_text("no difference once")
    picture(page, "ito-blind")
    with page.expect_download() as waiting:
        blind.get_by_role("button", name="Save 12 choices as CSV").click()
    waiting.value.save_as(tmp_path / "blind.csv")
    rows = list(csv.DictReader((tmp_path / "blind.csv").read_text().splitlines()))
    assert [row["choice"] for row in rows] == ["Y"] * 11 + ["none"]
    assert all(row["chosen_id"] == row["y_id"] and row["chosen_level"] == row["y_level"] for row in rows[:11])
    assert {row["x_level"] for row in rows} | {row["y_level"] for row in rows} <= {
        "original",
        "top",
        "middle",
        "bottom",
    }
    assert all(float(row["x_gain_db"]) <= 0 and float(row["y_gain_db"]) <= 0 for row in rows)

    # The recipe repeated on the command line gives the same codes.
    if server.library is None or server.model is None:
        return
    command = [sys.executable, "-m", "explorer", "generate", "--model", server.model, "--precision", "float32"]
    command += ["--recipe", str(server.library / song / "sample.json"), "--out", str(tmp_path / "again")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    library = Library(tmp_path / "again")
    (row,) = library.search().rows
    codebook = library.sample(row.id).record.codebook
    again, before = (read_codes(folder, codebook) for folder in (tmp_path / "again" / row.id, server.library / song))
    library.close()
    assert again.keys() == before.keys() and all(again[level].equal(before[level]) for level in again)
