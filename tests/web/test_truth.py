"""The truth panel and the pickers, against a real (tiny) model."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch

from explorer.engine import Jukebox
from explorer.jukebox.config import Level
from explorer.jukebox.song import SamplingOptions, Song
from explorer.web.truth import describe, find_names
from tests.tiny import tiny_jukebox


@pytest.fixture(scope="module")
def engine() -> Jukebox:
    return tiny_jukebox()


def cells(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return dict(next(row["cells"] for row in answer["rows"] if row["name"] == name))


def test_known_names_show_their_ids(engine: Jukebox) -> None:
    answer = describe(engine, Song("Reggae", "harbour sound", "la la", 3.0), SamplingOptions(), False)
    assert cells(answer, "Genre")["top"] == {"text": "reggae, 1", "known": True}
    assert cells(answer, "Artist")["bottom"] == {"text": "Harbour Sound, 1", "known": True}
    assert cells(answer, "Words")["middle"]["text"] == "none"
    assert answer["notes"] == []


def test_unknown_is_said_once_for_all_levels(engine: Jukebox) -> None:
    answer = describe(engine, Song("reggae", "Harbor Sound", "la", 3.0), SamplingOptions(), False)
    assert cells(answer, "Artist")["top"]["known"] is False
    assert len(answer["notes"]) == 1 and "Harbour Sound" in answer["notes"][0]


def test_a_level_that_is_told_the_words_shows_them_and_what_it_cannot_read_is_said_once() -> None:
    song = Song("reggae", "", "lä la ☃", 3.0)
    answer = describe(tiny_jukebox(listener=8, diction=True), song, SamplingOptions(), False)
    assert cells(answer, "Words")["middle"] == cells(answer, "Words")["top"]
    assert [cells(answer, "Reads")[level]["text"] for level in ("top", "middle", "bottom")] == [
        "the words", "top codes and the words", "middle codes"
    ]  # fmt: skip
    alone = describe(tiny_jukebox(listener=8), song, SamplingOptions(), False)
    assert cells(alone, "Words")["middle"]["text"] == "none"
    assert answer["notes"] == alone["notes"] and answer["notes"]


def test_nothing_asked_is_not_a_warning(engine: Jukebox) -> None:
    answer = describe(engine, Song(lyrics="la", seconds=3.0), SamplingOptions(), False)
    assert cells(answer, "Artist")["top"]["known"] is None


def test_mixtures_show_weights(engine: Jukebox) -> None:
    answer = describe(engine, Song("0.75 reggae / 0.25 metal", "", "la", 3.0), SamplingOptions(), False)
    assert cells(answer, "Genre")["top"]["text"] == "0.75 reggae, 1\n0.25 metal, 3"


def test_windows_cover_the_song_and_walk_through_the_words(engine: Jukebox) -> None:
    words = " ".join(f"word{i}" for i in range(40))
    answer = describe(engine, Song("reggae", "", words, 3.0), SamplingOptions(), False)
    windows = answer["windows"]
    assert windows[0]["from"] == 0 and windows[-1]["to"] == pytest.approx(3.0, abs=0.02)
    assert all(a["from"] < b["from"] < a["to"] for a, b in itertools.pairwise(windows))
    places = [words.index(window["text"]) for window in windows]
    assert places == sorted(places) and places[0] < places[-1]


def test_instrumentals_have_no_windows(engine: Jukebox) -> None:
    assert describe(engine, Song("reggae", "", "", 3.0), SamplingOptions(), False)["windows"] == []


def test_names_are_found_by_beginnings_of_words_without_accents(engine: Jukebox) -> None:
    assert [n["name"] for n in find_names(engine, "artist", "nevoa")["names"]] == ["Café Névoa"]
    assert [n["name"] for n in find_names(engine, "artist", "CAF NEV")["names"]] == ["Café Névoa"]
    assert find_names(engine, "artist", "evoa")["total"] == 0
    assert find_names(engine, "genre", "")["total"] == 3


def test_names_say_which_levels_lack_them(engine: Jukebox) -> None:
    import dataclasses

    from explorer.jukebox.config import Level

    lists = dict(engine.lists)
    lists[Level.BOTTOM] = dataclasses.replace(lists[Level.BOTTOM], artists={"unknown": 0})
    lists[Level.MIDDLE] = lists[Level.BOTTOM]
    partial = tiny_jukebox()
    partial.lists = lists
    assert find_names(partial, "artist", "tin")["names"] == [
        {"name": "Tin Whistle", "note": "unknown to middle and bottom"}
    ]
    song = Song("reggae", "Tin Whistle", "la", 3.0)
    notes = describe(partial, song, SamplingOptions(), False)["notes"]
    assert len(notes) == 1 and notes[0].startswith("Middle and bottom: ")


def test_a_model_that_is_told_bars_shows_them_and_others_do_not(engine: Jukebox) -> None:
    song, told = Song("reggae", "Tin Whistle", "la", 3.0, seed=5), tiny_jukebox(bar_parts=12)
    habits = told.prior(Level.TOP).y_emb.habits
    habits.keys[3] = torch.eye(24)[16]
    habits.chords[3, :, :, 12] = 1.0
    answer = {row["name"]: row["cells"] for row in describe(told, song, SamplingOptions(), False)["rows"]}
    assert answer["Bars"]["top"]["text"] == "120 beats a minute\nE minor\nEm | Em"
    assert answer["Bars"]["middle"]["text"] == "not used"
    answer = {row["name"]: row["cells"] for row in describe(told, song, SamplingOptions(), True)["rows"]}
    assert answer["Bars"]["top"]["text"] == "by ear"
    assert "Bars" not in {row["name"] for row in describe(engine, song, SamplingOptions(), False)["rows"]}


def test_a_model_that_is_told_a_tune_shows_its_range_and_others_do_not(engine: Jukebox) -> None:
    song = Song("reggae", "Tin Whistle", "la di da", 6.0, seed=5)
    told = tiny_jukebox(listener=8, bar_parts=12, tune=True)
    sheet = told.lead_sheet(song)
    assert sheet is not None and sheet.notes is not None and len(sheet.notes) == 3
    answer = {row["name"]: row["cells"] for row in describe(told, song, SamplingOptions(), False)["rows"]}
    assert answer["Tune"]["top"]["text"] == sheet.range and " to " in sheet.range
    assert answer["Tune"]["bottom"]["text"] == "not used"
    answer = {row["name"]: row["cells"] for row in describe(told, song, SamplingOptions(), True)["rows"]}
    assert answer["Tune"]["top"]["text"] == "by ear"
    assert "Tune" not in {row["name"] for row in describe(engine, song, SamplingOptions(), False)["rows"]}
