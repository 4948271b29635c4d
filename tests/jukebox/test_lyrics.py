"""Lyrics become published token ids, and windows see the published stretch of them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from explorer.jukebox.config import Vocabulary
from explorer.jukebox.lyrics import PADDING, alphabet, lyric_window, tokenize, window_tokens
from explorer.transliteration import transliterate

vocabularies = st.sampled_from(list(Vocabulary))


def test_published_ids() -> None:
    def one(character: str, vocabulary: Vocabulary) -> tuple[int, ...]:
        return tokenize(character, vocabulary, transliterate).tokens

    v2, v3 = Vocabulary.V2, Vocabulary.V3
    assert one("A", v2) == one("A", v3) == (1,)
    assert (one("+", v2), one("'", v2), one(" ", v2), one("\n", v2)) == ((70,), (71,), (77,), (79,))
    assert (one("+", v3), one("'", v3), one(" ", v3), one("\n", v3)) == ((), (70,), (76,), (78,))
    assert (len(alphabet(v2)), len(alphabet(v3))) == (79, 78)


def test_backslash_is_a_new_line_and_unknown_signs_go() -> None:
    found = tokenize("a\\b\r\n{c}", Vocabulary.V3, transliterate)
    assert found.text == "a\nb\nc"
    assert found.characters == (0, 1, 2, 4, 6)
    assert set(found.dropped) == {"\r", "{", "}"}
    assert found.replaced == (("\\", "\n"),)


@given(st.text(max_size=200), vocabularies)
def test_tokens_spell_what_is_read_and_know_where_it_came_from(text: str, vocabulary: Vocabulary) -> None:
    found = tokenize(text, vocabulary, transliterate)
    letters = alphabet(vocabulary)
    assert "".join(letters[token - 1] for token in found.tokens) == found.text
    assert len(found.characters) == len(found.tokens)
    assert list(found.characters) == sorted(found.characters)
    touched = set(found.characters)
    for index, character in enumerate(text):
        assert (index in touched) == (character not in found.dropped)
    read = dict(found.replaced)
    assert found.text == "".join("" if c in found.dropped else read.get(c, c) for c in text)


@given(vocabularies, st.data())
def test_text_within_the_alphabet_stays_as_it_is(vocabulary: Vocabulary, data: st.DataObject) -> None:
    text = data.draw(st.text(alphabet(vocabulary), max_size=100))
    found = tokenize(text, vocabulary, transliterate)
    assert found.text == text and not found.replaced and not found.dropped
    assert found.characters == tuple(range(len(text)))


@given(st.text(max_size=50), vocabularies)
def test_reading_twice_changes_nothing_more(text: str, vocabulary: Vocabulary) -> None:
    once = tokenize(text, vocabulary, transliterate).text
    assert tokenize(once, vocabulary, transliterate).text == once


lengths = st.integers(1, 600 * 44100)


@given(st.integers(0, 5000), st.integers(1, 256).map(lambda n: 2 * n), lengths, lengths, lengths, st.booleans())
def test_a_window_is_a_stretch_of_the_lyrics(
    n_full: int, n_tokens: int, total: int, offset: int, window: int, single: bool
) -> None:
    assume(offset < total)
    found = lyric_window(n_full, n_tokens, total, offset, window, single)
    assert len(found) == n_tokens
    known = [index for index in found if index != PADDING]
    assert known == list(range(known[0], known[0] + len(known))) if known else True
    assert all(0 <= index < n_full for index in known)
    if n_full < n_tokens:  # all of them, behind the padding
        assert found == [PADDING] * (n_tokens - n_full) + list(range(n_full))
    else:
        assert len(known) == n_tokens


@given(st.integers(600, 5000), st.integers(0, 10**7), st.integers(1, 10**6))
def test_windows_never_move_back(n_full: int, offset: int, step: int) -> None:
    def first(at: int) -> int:
        return lyric_window(n_full, 512, 20_000_000, at, 1_048_576, True)[0]

    assert first(offset) <= first(offset + step)


@given(st.integers(600, 5000), st.integers(0, 19_000_000), st.integers(10**6, 26_000_000))
def test_single_and_double_precision_differ_by_one_character_at_most(n_full: int, offset: int, total: int) -> None:
    assume(offset < total)
    single, double = (lyric_window(n_full, 512, total, offset, 1_048_576, precise)[0] for precise in (True, False))
    assert abs(single - double) <= 1


@pytest.mark.parametrize(
    ("n_full", "total", "offset", "double"), [(3446, 12_428_125, 4_806_173, 1221), (2690, 15_650_285, 2_943_210, 339)]
)
def test_single_precision_really_is_single(n_full: int, total: int, offset: int, double: int) -> None:
    """Songs found by search in which the middle falls just below a whole character."""
    assert lyric_window(n_full, 512, total, offset, 1_048_576, single_precision=False)[0] == double
    assert lyric_window(n_full, 512, total, offset, 1_048_576, single_precision=True)[0] == double + 1


@pytest.mark.parametrize(("n_tokens", "total"), [(3, 100), (4, 0)])
def test_windows_that_cannot_be_are_refused(n_tokens: int, total: int) -> None:
    with pytest.raises(ValueError, match="even"):
        lyric_window(10, n_tokens, total, 0, 10, True)


def test_padding_reads_as_token_zero() -> None:
    assert window_tokens((5, 6, 7), [PADDING, 1, 2]) == [0, 6, 7]
