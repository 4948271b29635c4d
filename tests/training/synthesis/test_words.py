"""The bank, pronunciations and lyrics."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.training.synthesis.bank import VERBS, bank, noun, verb
from explorer.training.synthesis.errors import SynthesisError
from explorer.training.synthesis.lyrics import (
    LONG,
    MEDIUM,
    SHORT,
    SPLITS,
    TRAIN,
    WORDS,
    Lyricist,
    spelled,
    split_of_line,
)
from explorer.training.synthesis.pronunciation import (
    CONSONANTS,
    VOWELS,
    line_syllables,
    plain,
    rhymes,
    stresses,
    syllable_count,
    syllables,
    word_phones,
)


def test_the_bank_has_two_thousand_words_and_every_phone() -> None:
    assert len(bank().base_words()) >= 2000
    sung = {phone for word in bank().words for phone in word_phones(word)}
    assert sung - set("ˈˌ") == VOWELS | CONSONANTS
    assert len(CONSONANTS) == 24 and all(syllables(word) for word in bank().words)


def test_every_phone_is_sung_in_words_to_learn_from() -> None:
    known = bank().words - bank().heldout
    assert {phone for word in known for phone in word_phones(word)} - set("ˈˌ") == VOWELS | CONSONANTS
    assert 40 <= len(bank().heldout) <= 200


def test_forms_of_words() -> None:
    assert verb("begin/began/begun!").forms == ("begin", "begins", "beginning", "began", "begun")
    assert verb("stop").forms == ("stop", "stops", "stopping", "stopped", "stopped")
    assert (
        verb("tie").participle == "tying" and verb("carry").past == "carried" and verb("go/went/gone").third == "goes"
    )
    assert noun("knife/knives")[1] == "knives" and noun("city")[1] == "cities" and noun("box")[1] == "boxes"
    assert {name + "ing" for name in VERBS} <= bank().slots.keys()


def test_rhymes_are_by_sound() -> None:
    assert rhymes("moon", "june") and rhymes("bear", "chair") and rhymes("night", "kite")
    assert not rhymes("cough", "through") and not rhymes("love", "move")
    assert not rhymes("knight", "night")  # the same sound is no rhyme


def test_syllables_and_stress() -> None:
    assert [s.nucleus for s in syllables("banana")] == ["ə", "æ", "ə"]
    assert syllable_count("hello banana?") == 5
    assert stresses("the river") == [False, True, False]
    with pytest.raises(SynthesisError, match="no pronunciation"):
        word_phones("qwertz")


def test_numbers_in_words() -> None:
    assert spelled(345) == "three hundred and forty five" and spelled(20) == "twenty"
    assert spelled(42_017) == "forty two thousand seventeen"


@given(seed=st.integers(0, 10_000), split=st.sampled_from(SPLITS), span=st.sampled_from((SHORT, MEDIUM, LONG)))
@settings(max_examples=30)
def test_sections_keep_to_their_split(seed: int, split: str, span: object) -> None:
    lines = Lyricist(Random(seed), split).section(seed % 2 == 0, 2, span)  # type: ignore[arg-type]
    assert len(lines) == 2
    for line in lines:
        assert split_of_line(line) == split
        assert line_syllables(line) and all(word in bank().words for word in plain(line))
        assert any(word in bank().heldout for word in plain(line)) == (split == WORDS)


def test_lyrics_are_varied() -> None:
    text = "\n".join("\n".join(Lyricist(Random(n), TRAIN).section(n % 3 == 0, 4, MEDIUM)) for n in range(150))
    words = set(plain(text))
    assert len(words) > 900 and "?" in text
    assert words & set(bank().slots["name"]) and words & set(bank().slots["number"])
    lengths = {len(line.split()) for line in text.split("\n")}
    assert {2, 3, 5, 7} <= lengths
