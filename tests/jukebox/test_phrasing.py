"""Plans by phones: every letter has its time, consonants stay short, vowels fill the song and fall on its beats."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.ground import Ground
from explorer.jukebox.phones import PhoneLengths, Word, spoken_words
from explorer.jukebox.phrasing import CONSONANTS, phrase
from tests.jukebox.planning import HOP, IDS, LETTERS, known_lengths, said, spoken

GAPS = torch.full((len(LETTERS) + 1,), 20.0)


@pytest.fixture(scope="module")
def lengths() -> PhoneLengths:
    return known_lengths(60.0, 12.0)


LYRICS = st.text("atexh' ,\n", max_size=60)


@given(LYRICS)
def test_words_are_runs_of_letters(lyrics: str) -> None:
    words = spoken_words([IDS[character] for character in lyrics], LETTERS, said)
    texts = [lyrics[word.first : word.first + word.letters] for word in words]
    assert texts == [run for run in lyrics.replace(",", " ").split() if run.strip("'")]
    assert [word.phones for word in words] == [said(text) for text in texts]


def test_signs_that_the_model_cannot_read_are_no_letters() -> None:
    assert spoken_words([IDS["a"], 0, IDS["B"]], LETTERS, said) == (Word(0, 1, "ɑ"), Word(2, 1, "b"))


@given(lyrics=LYRICS, seed=st.integers(0, 2**40), begun=st.integers(0, 60), first=st.floats(0.0, 900.0))
def test_what_is_left_of_the_lyrics_follows_the_last_token_that_has_begun(
    lengths: PhoneLengths, lyrics: str, seed: int, begun: int, first: float
) -> None:
    begun = min(begun, len(lyrics))
    plan = phrase(spoken(lyrics, 4000), lengths, GAPS, seed, HOP, begun, first)
    assert plan.ends.shape == (1 + len(lyrics) - begun,)
    assert (plan.ends.diff() >= 0).all() and float(plan.ends[0]) >= first - 1e-6
    assert all(word.first >= begun - 1 for word in plan.words)


def test_consonants_stay_short_and_vowels_fill_the_song(lengths: PhoneLengths) -> None:
    lyrics = "tate tate tate tate"
    for codes in (700, 1000):
        for seed in range(5):
            plan = phrase(spoken(lyrics, codes), lengths, GAPS, seed, HOP, 0, 0.0)
            assert float(plan.ends[-1]) == pytest.approx(0.95 * codes)
            letters = dict(zip(range(1, 20), plan.ends.diff().tolist(), strict=True))
            sung = [letters[i] for i in range(1, 20) if lyrics[i - 1] in "ae"]
            silent = [letters[i] for i in range(1, 20) if lyrics[i - 1] == "t"]
            assert max(silent) < 30 < min(sung)
    vowels = [sum(plan.ends.diff()[i] for i in range(19) if lyrics[i] in "ae") for plan in (
        phrase(spoken(lyrics, codes), lengths, GAPS, 3, HOP, 0, 0.0) for codes in (700, 1000))]  # fmt: skip
    assert vowels[1] > 1.4 * vowels[0]


def test_letters_share_the_phones_of_their_word(lengths: PhoneLengths) -> None:
    plan = phrase(spoken("ax", 400), lengths, GAPS, 0, HOP, 0, 0.0)  # said as three phones: vowel, k, s
    (word,) = plan.words
    vowel_ends = float(plan.ends[1])  # the letter a has half of three phones: the vowel and half of the k
    assert word.vowels[0] == pytest.approx(float(plan.ends[0]))
    assert word.end == pytest.approx(float(plan.ends[2])) and word.vowels[0] < vowel_ends < word.end


@given(
    lyrics=st.text("tae ,\n", min_size=1, max_size=60), seed=st.integers(0, 99), beat=st.integers(30, 300),
    zero=st.integers(-500, 500),
)  # fmt: skip
def test_vowels_begin_on_beats_and_consonants_leave_room(
    lengths: PhoneLengths, lyrics: str, seed: int, beat: int, zero: int
) -> None:
    free, song = spoken(lyrics, 3000), spoken(lyrics, 3000, Ground(4.0 * beat * HOP, zero * HOP, 0))
    plan = phrase(song, lengths, GAPS, seed, HOP, 0, 0.0)
    vowels = [vowel for word in plan.words for vowel in word.vowels]
    unmoved = [vowel for word in phrase(free, lengths, GAPS, seed, HOP, 0, 0.0).words for vowel in word.vowels]
    assert len(vowels) == len(unmoved) and all(a < b for a, b in pairwise(vowels))
    step = beat / 2
    while step > beat / 64 and any(min((v - zero) % step, -(v - zero) % step) > 1e-6 for v in vowels):
        step /= 2
    assert step > beat / 64
    for word, following in pairwise(plan.words):
        if word.vowels and following.vowels:
            # what is sung behind the last vowel of a word takes no more than its share of the time to the next
            assert word.end - word.vowels[-1] <= following.vowels[0] - word.vowels[-1] + 1e-6
    assert 0 < CONSONANTS < 1
