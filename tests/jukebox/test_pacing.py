"""Plans: every character has its time, in order, drawn from the seed, and the words fill the song."""

from __future__ import annotations

import copy
import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.following import Listener, heard_places, sounds
from explorer.jukebox.ground import Ground
from explorer.jukebox.pacing import _syllables, planned_lines, planned_places
from tests.jukebox.planning import HOP, IDS, LETTERS, song_of, untrained_listener


@pytest.fixture(scope="module")
def listener() -> Listener:
    listener = untrained_listener(30)
    listener.moves[0] = 1 / 1000
    return listener


@given(lyrics=st.text("abc \n", max_size=80), codes=st.integers(1, 3000), seed=st.integers(0, 2**40))
def test_places_only_go_on_and_end_with_the_lyrics(listener: Listener, lyrics: str, codes: int, seed: int) -> None:
    places = planned_places(listener, song_of(lyrics, codes), seed, codes, HOP)
    assert places.shape == (codes,) and places.dtype == torch.int64
    assert places[0] == 0 or lyrics
    assert (places[1:] >= places[:-1]).all() and int(places[-1]) <= len(lyrics)
    again = planned_places(listener, song_of(lyrics, codes), seed, codes, HOP)
    assert torch.equal(places, again)


@given(lyrics=st.text("abe \n", max_size=60), beat=st.none() | st.integers(20, 200), seed=st.integers(0, 2**40))
def test_lines_are_planned_as_places_are(listener: Listener, lyrics: str, beat: int | None, seed: int) -> None:
    song = song_of(lyrics, 3000)
    if beat is not None:
        song = dataclasses.replace(song, ground=Ground(4.0 * beat * HOP, 0.0, 0))
    lines = planned_lines(listener, song, seed, HOP, IDS["\n"])
    texts = ["".join(LETTERS[token - 1] for token in line.tokens) for line in lines]
    assert texts == [line for line in lyrics.split("\n") if set(line) & set("abe") and _vowels(line)]
    places = planned_places(listener, song, seed, 3000, HOP)
    for line in lines:
        assert len(line.syllables) == len(_vowels("".join(LETTERS[token - 1] for token in line.tokens)))
        for (begin, end), (after, _) in zip(
            line.syllables, (*line.syllables[1:], (line.syllables[-1][1], 0)), strict=True
        ):
            assert begin <= end == after
    begins = [begin / HOP for line in lines for begin, _ in line.syllables]
    assert begins == sorted(begins)
    # a syllable begins where its vowel does: at the code before, fewer tokens have begun
    vowels = iter(_syllables([sounds(LETTERS)[token] for token in song.lyric_tokens]))
    for begin, vowel in zip(begins, vowels, strict=True):
        code = math.ceil(begin)
        if 1 <= code < 3000:
            assert int(places[code]) > vowel and (
                begin == code or int(places[code - 1]) <= vowel or places[code - 1] == 0
            )


def _vowels(text: str) -> list[int]:
    return _syllables([sounds(LETTERS)[IDS[character]] for character in text])


def test_seeds_draw_other_lengths(listener: Listener) -> None:
    song = song_of("paper boats on the morning rain", 1500)
    one, two = (planned_places(listener, song, seed, 1500, HOP) for seed in (1, 2))
    assert not torch.equal(one, two)


def test_words_fill_the_song_as_far_as_haste_and_drawl_allow(listener: Listener) -> None:
    lyrics = "paper boats on the morning rain" * 2
    # 62 tokens of about 30 codes: they fit in 2,200 codes and in 2,700, but not in 400, and not to the end of 9,000
    for codes in (2200, 2700):
        for seed in range(9):
            places = planned_places(listener, song_of(lyrics, codes), seed, codes, HOP)
            assert int(places[int(0.96 * codes)]) == len(lyrics) and int(places[codes // 2]) < 0.9 * len(lyrics)
    short = planned_places(listener, song_of(lyrics, 400), 0, 400, HOP)
    assert 5 < int(short[-1]) < 40
    drawled = planned_places(listener, song_of(lyrics, 9000), 0, 9000, HOP)
    assert int(drawled[4500]) == len(lyrics)


def test_a_short_song_does_not_wait_long_for_its_first_word(listener: Listener) -> None:
    first = [
        int((planned_places(listener, song_of("paper boats", 600), seed, 600, HOP) > 0).float().argmax())
        for seed in range(20)
    ]
    assert sum(first) / len(first) < 0.3 * 600


def test_a_stretch_of_a_longer_song_is_planned_as_the_whole(listener: Listener) -> None:
    whole = song_of("paper boats on the morning rain", 2000)
    stretch = dataclasses.replace(whole, offset=700 * HOP)
    assert torch.equal(
        planned_places(listener, stretch, 5, 600, HOP), planned_places(listener, whole, 5, 2000, HOP)[700:1300]
    )


@given(
    lyrics=st.text("abc \n", min_size=1, max_size=60), given_codes=st.integers(1, 300), more=st.integers(0, 400),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_a_song_that_goes_on_is_heard_first_and_planned_from_there(
    listener: Listener, lyrics: str, given_codes: int, more: int, seed: int
) -> None:
    prompt = torch.randint(32, (given_codes,), generator=torch.Generator().manual_seed(seed))
    song = song_of(lyrics, given_codes + more)
    places = planned_places(listener, song, seed, given_codes + more, HOP, prompt)
    assert places.shape == (given_codes + more,)
    assert torch.equal(places[:given_codes], heard_places(listener, song, prompt))
    assert (places[1:] >= places[:-1]).all() and int(places[-1]) <= len(lyrics)
    assert not more or int(places[given_codes]) - int(places[given_codes - 1]) <= 1 + len(lyrics) // 3


def test_what_is_left_of_the_lyrics_fills_what_is_left_of_the_song(listener: Listener) -> None:
    deaf = copy.deepcopy(listener)  # where the prompt has come to is then told by lengths alone
    torch.nn.init.zeros_(deaf.last.weight)
    torch.nn.init.zeros_(deaf.last.bias)
    deaf.moves[0] = 1 / 30
    song = song_of("paper boats on the morning rain" * 2, 2400)
    prompt = torch.zeros(600, dtype=torch.int64)
    for seed in range(5):
        places = planned_places(deaf, song, seed, 2400, HOP, prompt)
        assert 10 < int(places[599]) < 30 and int(places[int(0.96 * 2400)]) == 62


@pytest.mark.parametrize(
    ("words", "marked"),
    [
        ("made", "m-de"), ("the boats", "th- b-ats"), ("rain over", "r-in -v-r"), ("queue", "q-eue"), ("'tis", "'t-s"),
        ("paper lane\nhe", "p-p-r l-ne\nh-"), ("hm", "hm"), ("", ""),
    ],
)  # fmt: skip
def test_a_syllable_begins_with_each_run_of_vowels(words: str, marked: str) -> None:
    alphabet_sounds = sounds(LETTERS)
    found = _syllables([alphabet_sounds[IDS[character]] for character in words])
    assert found == [i for i, character in enumerate(marked) if character == "-"]


@given(
    lyrics=st.text("abe cd\n", min_size=1, max_size=80), codes=st.integers(50, 3000), seed=st.integers(0, 99),
    beat=st.integers(20, 200), first=st.integers(-300, 300),
)  # fmt: skip
def test_syllables_begin_on_beats_or_between_them(
    listener: Listener, lyrics: str, codes: int, seed: int, beat: int, first: int
) -> None:
    free = song_of(lyrics, codes)
    song = dataclasses.replace(free, ground=Ground(4.0 * beat * HOP, first * HOP, 0))
    places = planned_places(listener, song, seed, codes, HOP)
    assert (places[1:] >= places[:-1]).all() and int(places[-1]) <= len(lyrics)
    begins = [int((places > i).float().argmax()) if bool((places > i).any()) else None for i in range(len(lyrics))]
    alphabet_sounds = sounds(LETTERS)
    vowels = [
        begin
        for i in _syllables([alphabet_sounds[IDS[character]] for character in lyrics])
        if (begin := begins[i]) is not None
    ]
    assert vowels == sorted(set(vowels))
    # a place is told from the first code on that lies behind it
    step = beat / 2
    while step > 1 and not all(min((v - first) % step, step - (v - first) % step) <= 1 for v in vowels):
        step /= 2
    assert step > 1 or len(vowels) > 1


def test_slow_syllables_prefer_beats_and_stay_near_their_plan(listener: Listener) -> None:
    lyrics, codes, beat = "paper boats on the morning rain", 2000, 60
    free = song_of(lyrics, codes)
    song = dataclasses.replace(free, ground=Ground(4.0 * beat * HOP, 0.0, 0))
    on_beat = steps = 0
    for seed in range(20):
        one, two = (planned_places(listener, labels, seed, codes, HOP) for labels in (free, song))
        assert (one - two).abs().max() <= 6
        vowels = [int((two > i).float().argmax()) for i in (1, 3, 7, 12, 17, 20, 23, 28)]
        assert all(v % (beat // 2) <= 1 for v in vowels)
        on_beat += sum(v % beat <= 1 for v in vowels)
        steps += len(vowels)
    assert on_beat / steps > 0.6
