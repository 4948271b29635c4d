"""English words as phones: what the lexicon knows, and what spelling tells of the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.phones import CONSONANTS, PHONES, VOWELS
from explorer.pronunciation import _lexicon, _spelled, pronounce


@pytest.mark.parametrize(
    ("word", "phones"),
    [("paper", "pApəɹ"), ("boats", "bOts"), ("though", "ðO"), ("rain", "ɹAn"), ("i'm", "Im"), ("'twas", "twʌz"),
     ("dreamin'", "dɹimɪn"), ("a", "ə"), ("the", "ðə")],
)  # fmt: skip
def test_words_that_the_lexicon_knows(word: str, phones: str) -> None:
    assert pronounce(word) == phones


@pytest.mark.parametrize(
    ("word", "phones"),
    [("snade", "snAd"), ("trices", "tɹIsɪz"), ("blorf", "blɔɹf"), ("kreech", "kɹiʧ"), ("vummy", "vʌmi"),
     ("zoothe", "zuθɛ"), ("ñ", "ə"), ("мир", "ə")],
)  # fmt: skip
def test_other_words_are_read_by_their_spelling(word: str, phones: str) -> None:
    assert word not in _lexicon() and pronounce(word) == phones


@given(st.text("abcdefghijklmnopqrstuvwxyz'éß", min_size=1, max_size=12))
def test_every_word_has_phones_of_the_alphabet(word: str) -> None:
    phones = pronounce(word)
    assert phones and set(phones) <= set(PHONES)


def test_every_word_of_the_lexicon_is_written_in_the_alphabet() -> None:
    assert len(_lexicon()) > 120_000 and len(set(PHONES)) == len(VOWELS) + len(CONSONANTS)
    assert all(phones and set(phones) <= set(PHONES) for phones in _lexicon().values())


def test_spelling_tells_most_vowels_and_consonants_in_their_order() -> None:
    def kinds(phones: str) -> str:
        return "".join("V" if phone in VOWELS else "C" for phone in phones)

    words = sorted(_lexicon())[::50]
    right = sum(kinds(_spelled(word.replace("'", ""))) == kinds(_lexicon()[word]) for word in words)
    assert right / len(words) > 0.6
