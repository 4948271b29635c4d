"""Phones' lengths come out of the letters' times as they went in."""

from __future__ import annotations

import math
from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.phones import PHONES, PhoneLengths
from explorer.training.corpus import Character, CorpusSong
from explorer.training.phones import FEWEST, count_phones, phone_seconds
from explorer.training.synthesis.labels import timed_lyrics
from explorer.training.synthesis.speech import Phone


@given(lengths=st.lists(st.floats(0.01, 1.0), min_size=1, max_size=8), more=st.integers(0, 5))
def test_what_the_letters_tell_is_what_was_sung(lengths: list[float], more: int) -> None:
    ends = [sum(lengths[: i + 1]) for i in range(len(lengths))]
    phones = [Phone("t", False, end - length, end, 0, 0) for end, length in zip(ends, lengths, strict=True)]
    word = "a" * (len(lengths) + more)
    characters, _ = timed_lyrics([word], [phones], 100.0)
    letters = torch.tensor([start for _, start, _ in characters] + [characters[-1][2]], dtype=torch.float64)
    found = phone_seconds(letters, len(lengths))
    assert found is not None
    # milliseconds are rounded, and equations spread what that costs
    assert found.tolist() == pytest.approx(lengths, abs=0.02)


def test_letters_that_cannot_tell_are_left_out() -> None:
    assert phone_seconds(torch.tensor([0.0, 0.1, 0.2]), 3) is None
    # five letters of one long and three short lengths are no two phones
    assert phone_seconds(torch.tensor([0.0, 0.5, 0.51, 0.9, 0.91]), 2) is None


def test_lengths_are_those_of_the_songs() -> None:
    random = Random(1)
    characters: list[Character] = []
    words = []
    now = 0.0
    for _ in range(2 * FEWEST):
        for letter in "ta ":
            length = {"t": 0.05, "a": random.choice([0.2, 0.8]), " ": 0.0}[letter]
            characters.append(Character(letter, now, now + length))
            now += length
        words.append("ta")
    lyrics = " ".join(words) + " "
    song = CorpusSong("x", "folk", "A", "sung", lyrics, tuple(characters), 0, 1)
    lengths = PhoneLengths()
    before = lengths.logs.clone()
    count_phones(lengths, [song], 200.0, lambda word: {"ta": "tɑ"}[word])
    t, a, other = (PHONES.index(phone) for phone in "tɑm")
    assert math.exp(lengths.logs[t, 0]) == pytest.approx(10.0, rel=0.01) and float(lengths.logs[t, 1]) < 0.01
    assert 40 < math.exp(lengths.logs[a, 0]) < 160 and 0.5 < float(lengths.logs[a, 1]) < 0.8
    assert torch.equal(lengths.logs[other], before[other])
    drawn = lengths.draw("tɑ", torch.Generator().manual_seed(3))
    assert drawn.dtype == torch.float64 and float(drawn[0]) == pytest.approx(10.0, rel=0.02)
    assert float(drawn[1]) < 160 * math.exp(0.7)
