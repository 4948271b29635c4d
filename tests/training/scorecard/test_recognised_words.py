"""Word errors against the right and a wrong text."""

from __future__ import annotations

import pytest

from explorer.training.scorecard.words import (
    Listened,
    WordErrors,
    fitted,
    summarise_words,
    word_errors,
)

TEXTS = ["one two three four", "red green blue black", "sun moon star sky"]


def test_songs_that_sing_their_words_are_understood() -> None:
    pytest.importorskip("jiwer")
    found = word_errors([Listened(text, text.split()) for text in TEXTS])
    assert [(e.right, e.wrong, e.understood) for e in found] == [(0.0, 1.0, True)] * 3
    assert summarise_words(found) == {"clips": 3, "median_right": 0.0, "median_wrong": 1.0, "understood": 1.0}


def test_songs_that_mumble_or_sing_other_words_are_not() -> None:
    pytest.importorskip("jiwer")
    mumbled = word_errors([Listened(text, []) for text in TEXTS])
    assert [(e.right, e.wrong, e.understood) for e in mumbled] == [(1.0, 1.0, False)] * 3
    swapped = word_errors([Listened(text, TEXTS[(i + 1) % 3].split()) for i, text in enumerate(TEXTS)])
    assert all(e.right == 1.0 and e.wrong < 0.1 and not e.understood for e in swapped)


def test_the_wrong_lyrics_are_never_the_own_ones() -> None:
    pytest.importorskip("jiwer")
    same = [Listened(TEXTS[0], TEXTS[0].split()) for _ in range(3)]
    assert word_errors(same) == []
    (first, *_) = word_errors([*same, Listened(TEXTS[1], [])])
    assert first.wrong == 1.0


def test_clips_with_hardly_a_word_say_nothing() -> None:
    assert word_errors([Listened("one two", ["one"]), Listened("", [])]) == []
    assert summarise_words([])["understood"] is None


def test_clearly_is_a_tenth() -> None:
    assert WordErrors(0.89, 1.0).understood and not WordErrors(0.95, 1.0).understood


def test_other_lyrics_are_cut_or_repeated_to_as_many_words() -> None:
    assert fitted("One two\nthree", 2) == "one two"
    assert fitted("One two\nthree", 5) == "one two three one two"
