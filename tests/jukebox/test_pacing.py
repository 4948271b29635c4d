"""Places: every character has its time, in order, drawn from the seed; what exists is heard, and the words fill the
song."""

from __future__ import annotations

import copy
import dataclasses
import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.following import Listener, heard_places
from explorer.jukebox.ground import Ground
from explorer.jukebox.pacing import planned_lines, planned_places
from explorer.jukebox.phones import PhoneLengths
from tests.jukebox.planning import HOP, IDS, known_lengths, spoken, untrained_listener

LYRICS = st.text("atexh' ,\n", max_size=60)


@pytest.fixture(scope="module")
def lengths() -> PhoneLengths:
    return known_lengths(60.0, 12.0)


@pytest.fixture(scope="module")
def listener() -> Listener:
    listener = untrained_listener(30)
    listener.moves[0] = 1 / 1000
    return listener


@given(
    lyrics=LYRICS, codes=st.integers(20, 4000), seed=st.integers(0, 2**40), beat=st.none() | st.integers(30, 300),
    zero=st.integers(-500, 500),
)  # fmt: skip
def test_places_only_go_on_and_end_with_the_lyrics(
    listener: Listener, lengths: PhoneLengths, lyrics: str, codes: int, seed: int, beat: int | None, zero: int
) -> None:
    ground = None if beat is None else Ground(4.0 * beat * HOP, zero * HOP, 0)
    song = spoken(lyrics, codes, ground)
    places = planned_places(listener, lengths, song, seed, codes, HOP)
    assert places.shape == (codes,) and places.dtype == torch.int64
    assert (places[1:] >= places[:-1]).all() and int(places[-1]) <= len(lyrics)
    assert torch.equal(places, planned_places(listener, lengths, song, seed, codes, HOP))
    stretch = dataclasses.replace(song, offset=codes // 3 * HOP)
    part = planned_places(listener, lengths, stretch, seed, codes // 2, HOP)
    assert torch.equal(part, places[codes // 3 : codes // 3 + codes // 2]), "a stretch is planned as the whole"


def test_lines_have_the_syllables_of_their_vowels(listener: Listener, lengths: PhoneLengths) -> None:
    song = spoken("tate ate\nt't\nahe", 2000)
    one, two = planned_lines(listener, lengths, song, 4, HOP, IDS["\n"])
    assert (len(one.syllables), len(two.syllables)) == (4, 2), "no syllable, no line"
    places = planned_places(listener, lengths, song, 4, 2000, HOP)
    for line, first in ((one, 0), (two, 13)):
        begin, end = line.syllables[0][0] / HOP, line.syllables[-1][1] / HOP
        assert int(places[int(begin) + 2]) >= first + 1 and int(places[int(end) + 2]) >= first + len(line.tokens)


@given(lyrics=LYRICS, codes=st.integers(200, 4000), seed=st.integers(0, 2**40))
def test_lines_are_sung_where_their_letters_have_their_places(
    listener: Listener, lengths: PhoneLengths, lyrics: str, codes: int, seed: int
) -> None:
    song = spoken(lyrics, codes)
    places = planned_places(listener, lengths, song, seed, 4 * codes, HOP)
    lines = planned_lines(listener, lengths, song, seed, HOP, IDS["\n"])
    first = 0
    for text in lyrics.split("\n"):
        if lines and lines[0].tokens == tuple(IDS[character] for character in text):
            syllables = lines.pop(0).syllables
            assert all(a[1] == b[0] for a, b in pairwise(syllables))
            begin, end = syllables[0][0] / HOP, syllables[-1][1] / HOP
            sung = places[math.ceil(begin) + 1 : max(int(end) - 1, 0)].tolist()
            assert not sung or first < sung[0] <= sung[-1] <= first + len(text)
        first += len(text) + 1
    assert not lines, "lines without a syllable are left out, and no others"


def test_seeds_draw_other_lengths(listener: Listener, lengths: PhoneLengths) -> None:
    song = spoken("paper boats on the morning rain", 1500)
    one, two = (planned_places(listener, lengths, song, seed, 1500, HOP) for seed in (1, 2))
    assert not torch.equal(one, two)


def test_words_fill_the_song_as_far_as_haste_and_drawl_allow(listener: Listener, lengths: PhoneLengths) -> None:
    lyrics = "paper boats on the morning rain" * 2
    # some 1,700 codes as they are in the corpus: they fit in 2,200 and in 2,700, not in 400, nor to the end of 9,000
    for codes in (2200, 2700):
        for seed in range(9):
            places = planned_places(listener, lengths, spoken(lyrics, codes), seed, codes, HOP)
            assert int(places[int(0.96 * codes)]) == len(lyrics) and int(places[codes // 2]) < 0.9 * len(lyrics)
    short = planned_places(listener, lengths, spoken(lyrics, 400), 0, 400, HOP)
    assert 5 < int(short[-1]) < 40
    drawled = planned_places(listener, lengths, spoken(lyrics, 9000), 0, 9000, HOP)
    assert int(drawled[4500]) == len(lyrics)


def test_a_short_song_does_not_wait_long_for_its_first_word(listener: Listener, lengths: PhoneLengths) -> None:
    first = [
        int((planned_places(listener, lengths, spoken("paper boats", 600), seed, 600, HOP) > 0).float().argmax())
        for seed in range(20)
    ]
    assert sum(first) / len(first) < 0.3 * 600


@given(
    lyrics=st.text("atex \n", min_size=1, max_size=60), given_codes=st.integers(1, 300), more=st.integers(0, 400),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_a_song_that_goes_on_is_heard_first_and_planned_from_there(
    listener: Listener, lengths: PhoneLengths, lyrics: str, given_codes: int, more: int, seed: int
) -> None:
    prompt = torch.randint(32, (given_codes,), generator=torch.Generator().manual_seed(seed))
    song = spoken(lyrics, given_codes + more)
    places = planned_places(listener, lengths, song, seed, given_codes + more, HOP, prompt)
    assert places.shape == (given_codes + more,)
    assert torch.equal(places[:given_codes], heard_places(listener, song, prompt))
    assert (places[1:] >= places[:-1]).all() and int(places[-1]) <= len(lyrics)
    assert not more or int(places[given_codes]) - int(places[given_codes - 1]) <= 1 + len(lyrics) // 3


def test_what_is_left_of_the_lyrics_fills_what_is_left_of_the_song(listener: Listener, lengths: PhoneLengths) -> None:
    deaf = copy.deepcopy(listener)  # where the prompt has come to is then told by lengths alone
    torch.nn.init.zeros_(deaf.last.weight)
    torch.nn.init.zeros_(deaf.last.bias)
    deaf.moves[0] = 1 / 30
    song = spoken("paper boats on the morning rain" * 2, 2400)
    prompt = torch.zeros(600, dtype=torch.int64)
    for seed in range(5):
        places = planned_places(deaf, lengths, song, seed, 2400, HOP, prompt)
        assert 10 < int(places[599]) < 30 and int(places[int(0.96 * 2400)]) == 62


def test_slow_syllables_prefer_beats(listener: Listener, lengths: PhoneLengths) -> None:
    lyrics, codes, beat = "paper boats on the morning rain", 2000, 60
    on_beat = steps = 0
    for seed in range(20):
        song = spoken(lyrics, codes, Ground(4.0 * beat * HOP, 0.0, 0))
        lines = planned_lines(listener, lengths, song, seed, HOP, IDS["\n"])
        begins = [begin / HOP for line in lines for begin, _ in line.syllables]
        assert all(min(v % (beat / 2), -v % (beat / 2)) <= 1 for v in begins)
        on_beat += sum(min(v % beat, -v % beat) <= 1 for v in begins)
        steps += len(begins)
    assert on_beat / steps > 0.6
