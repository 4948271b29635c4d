"""Reading the form: every message beside its field, every recipe back into it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from explorer.jukebox.config import Level
from explorer.jukebox.song import SEQUENTIAL, LevelSampling, SamplingOptions, Song
from explorer.library import Mode, new_record
from explorer.studio import JobMode, StudioError
from explorer.web.form import Reading, Typed, from_recipe, from_record, read
from tests.tiny import tiny_config

USUAL = SamplingOptions(LevelSampling(0.95), LevelSampling(0.8), LevelSampling(0.7))


def lost(token: str) -> Path:
    raise StudioError(f"{token} is gone")


def reading(**typed: Any) -> Reading:
    values = {"lyrics": "la la", "seconds": "6"} | typed
    return read(Typed.model_validate(values), "pocket", USUAL, 16, lost)


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"lyrics": " \n "}, "lyrics", "instrumental"),
        ({"lyrics": "x" * 100_000}, "lyrics", "20,000"),
        ({"seconds": "0"}, "seconds", "more than 0"),
        ({"seconds": "-1"}, "seconds", "more than 0"),
        ({"seconds": "inf"}, "seconds", "more than 0"),
        ({"seconds": "nan"}, "seconds", "more than 0"),
        ({"seconds": "1e300"}, "seconds", "600"),
        ({"seconds": "a while"}, "seconds", "number"),
        ({"seed": "1.5"}, "seed", "whole"),
        ({"seed": "9" * 40}, "seed", "whole"),
        ({"seed": "-3"}, "seed", "seed"),
        ({"takes": "0"}, "takes", "1 to 16"),
        ({"takes": "17"}, "takes", "1 to 16"),
        ({"total": "-2"}, "place", "imagined"),
        ({"offset": -2.0}, "place", "position"),
        ({"genre": "0.5 Pop / Jazz"}, "genre", "weight"),
        ({"artist": "0 A / 0 B"}, "artist", "more than 0"),
        ({"artist": "x" * 501}, "artist", "too long"),
        ({"sampling": {"middle": {"temperature": "0"}}}, "sampling", "Middle: The temperature"),
        ({"sampling": {"top": {"top_k": "5", "top_p": "0.5"}}}, "sampling", "not both"),
        ({"sampling": {"top": {"temperature": "nan"}}}, "sampling", "as a number"),
        ({"sampling": {"top": {"guidance": "99"}}}, "sampling", "Top: The guidance"),
        ({"prompt": {"token": "abc", "from": "0", "to": "1"}}, "prompt", "gone"),
        ({"mode": "continue"}, "form", "the sample to continue"),
    ],
)
def test_problems_stand_beside_their_field(typed: dict[str, Any], field: str, words: str) -> None:
    found = reading(**typed)
    assert words in found.problems[field]
    assert set(found.problems) == {field}
    assert found.request is None


def test_no_words_can_be_made_instrumental_with_one_press() -> None:
    fix = reading(lyrics="").fixes["lyrics"]
    assert reading(lyrics="", **fix["set"]).request is not None


def test_instrumental_keeps_the_words_out() -> None:
    request = reading(instrumental=True).request
    assert request is not None and request.song.lyrics == ""


def test_a_whole_form() -> None:
    found = reading(
        genre=" 0.5 Pop / 0.5 Jazz ",
        artist="A",
        seconds="7,5",
        seed="12",
        takes="3",
        total="60",
        offset=4.0,
        stop="middle",
        sampling={"top": {"temperature": "0.9", "top_k": "off", "top_p": "0.7"}},
    )
    request = found.request
    assert request is not None and not found.problems
    assert request.song == Song("0.5 Pop / 0.5 Jazz", "A", "la la", 7.5, 12, 60.0, 4.0)
    assert request.takes == 3 and request.mode is JobMode.GENERATE
    assert request.options == replace(USUAL, top=LevelSampling(0.9, 0, 0.7), stop_after=Level.MIDDLE)


def test_guidance_is_the_models_own_unless_it_is_typed_or_off() -> None:
    for typed, meant in (("", USUAL.top.guidance), ("2.5", 2.5), ("off", 1.0), ("1", 1.0)):
        request = reading(sampling={"top": {"guidance": typed}}).request
        assert request is not None and request.options.top.guidance == meant
        shown = from_recipe(request.song, request.options)["sampling"]["top"]["guidance"]
        assert shown == ("off" if meant == 1.0 else f"{meant:g}")


def test_an_empty_temperature_is_the_models_own() -> None:
    assert reading().options == USUAL
    request = reading(sampling={"middle": {"temperature": " ", "top_k": "5"}}).request
    assert request is not None and request.options == replace(USUAL, middle=LevelSampling(0.8, 5))


def test_windows_one_after_another_as_published() -> None:
    found = reading(sequential=True)
    assert found.request is not None and found.request.options.strands == SEQUENTIAL
    made = new_record("A", tiny_config(), song=Song(lyrics="la"), options=found.request.options)
    values, _ = from_record(made, "exact")
    assert values["sequential"] is True and from_record(record(), "exact")[0]["sequential"] is False


def test_half_an_emoji_does_not_stop_the_song() -> None:
    request = reading(lyrics="la \ud83d la").request
    assert request is not None and request.song.lyrics == "la ? la"


def record() -> Any:
    return new_record(
        "Paper boats",
        tiny_config(),
        song=Song("Pop", "A", "paper boats", 6.0, 7, 60.0, 2.0),
        options=SamplingOptions(top=LevelSampling(0.9, 5, 0.0), stop_after=Level.TOP),
    )


def test_exact_recipe_survives_the_form() -> None:
    values, said = from_record(record(), "exact")
    request = read(Typed.model_validate(values), "pocket", USUAL, 16, lost).request
    assert request is not None
    assert request.song == record().song
    assert request.options == record().options
    assert "Paper boats" in said


def test_a_song_that_went_on_begins_again_with_what_it_began_with() -> None:
    kept = replace(record(), mode=Mode.PRIMED, prompt_seconds=3.0)
    for mode in ("exact", "again"):
        values, said = from_record(kept, mode)
        request = read(Typed.model_validate(values), "pocket", USUAL, 16, lost).request
        assert request is not None and request.mode is JobMode.AGAIN and request.parent_sample == kept.id
        assert "begins with what that song began with" in said
    assert from_record(record(), "exact")[0]["mode"] == "generate"


def test_continue_upsample_and_style() -> None:
    kept = record()
    for mode in ("continue", "upsample"):
        values, _ = from_record(kept, mode)
        request = read(Typed.model_validate(values), "pocket", USUAL, 16, lost).request
        assert request is not None and request.mode.value == mode and request.parent_sample == kept.id
    assert from_record(kept, "style")[0]["lyrics"] == ""
    with pytest.raises(StudioError):
        from_record(kept, "sideways")
