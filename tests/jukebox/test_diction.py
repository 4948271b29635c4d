"""What is sung at each code of an upsampler: letters, their times, and what they change."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.config import ConfigError, DictionConfig, Level, Vocabulary
from explorer.jukebox.diction import Diction, SungRows, begins_of
from tests.tiny import tiny_config

CONFIG = DictionConfig(Vocabulary.V3, width=8, reach=2)

letters = st.lists(st.integers(1, 78), min_size=1, max_size=30)


@st.composite
def sung_songs(draw: st.DrawFn) -> tuple[list[int], torch.Tensor, int]:
    """Tokens, when they begin, and the song's length in codes."""
    tokens = draw(letters)
    length = draw(st.integers(20, 300))
    begins = sorted(draw(st.lists(st.integers(0, length), min_size=len(tokens), max_size=len(tokens))))
    return tokens, torch.tensor(begins), length


@pytest.fixture(scope="module")
def diction() -> Diction:
    torch.manual_seed(0)
    module = Diction(CONFIG, 6)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return module.requires_grad_(False)


@given(sung_songs(), st.data())
def test_letters_and_times_at_each_code(song: tuple[list[int], torch.Tensor, int], data: st.DataObject) -> None:
    tokens, begins, length = song
    start = data.draw(st.integers(0, length - 1))
    count = data.draw(st.integers(1, length - start))
    rows = SungRows.of(tokens, begins, start, count, length)
    for code in (0, count // 2, count - 1):
        begun = [i for i, begin in enumerate(begins.tolist()) if begin <= start + code]
        sung = rows.letters[0, rows.places[0, code]]
        assert sung == (tokens[begun[-1]] if begun else 0)
        assert rows.since[0, code] == start + code - (int(begins[begun[-1]]) if begun else 0)
        later = [begin for begin in begins.tolist() if begin > start + code]
        assert rows.until[0, code] == min([*later, length]) - start - code


@given(sung_songs())
def test_begins_come_back_from_places(song: tuple[list[int], torch.Tensor, int]) -> None:
    tokens, begins, length = song
    places = torch.searchsorted(begins, torch.arange(length), right=True)
    assert torch.equal(begins_of(places, len(tokens)), begins)


@given(sung_songs(), st.data())
def test_what_is_far_from_a_window_and_who_else_is_in_the_batch_change_nothing(
    diction: Diction, song: tuple[list[int], torch.Tensor, int], data: st.DataObject
) -> None:
    tokens, begins, length = song
    start = data.draw(st.integers(0, length - 10))
    whole = SungRows.of(tokens, begins, start, 10, length)
    near = whole.near(CONFIG.reach)
    alone = diction(whole)
    torch.testing.assert_close(diction(near), alone)
    other = SungRows.of([5] * 40, torch.arange(40), 3, 10, 60)
    batch = diction(SungRows.stacked([near, other, SungRows.none(10)]))
    torch.testing.assert_close(batch[:1], alone)
    torch.testing.assert_close(batch[1:2], diction(other))
    assert not batch[2].any()


def test_a_letter_counts_where_it_is_sung_and_for_its_neighbours(diction: Diction) -> None:
    begins = torch.arange(12) * 10
    tokens = list(range(1, 13))
    changed = [*tokens]
    changed[6] = 40
    one, other = (diction(SungRows.of(t, begins, 0, 120, 120))[0] for t in (tokens, changed))
    differs = (one - other).abs().sum(-1).view(12, 10).amax(1) > 1e-6
    assert differs.tolist() == [abs(i - 6) <= CONFIG.reach for i in range(12)]


def test_how_long_a_letter_lasts_counts(diction: Diction) -> None:
    short, long = (diction(SungRows.of([7, 8], torch.tensor([0, n]), 0, 40, 400))[0] for n in (40, 200))
    assert all((a - b).abs().max() > 1e-6 for a, b in itertools.islice(zip(short, long, strict=True), 5, 40))


def test_a_model_that_learns_it_later_begins_as_it_was() -> None:
    fresh = Diction(CONFIG, 6)
    assert not fresh(SungRows.of([1, 2, 3], torch.tensor([0, 5, 9]), 0, 20, 20)).any()


def test_only_a_model_that_knows_its_place_in_the_lyrics_can_tell_an_upsampler() -> None:
    with pytest.raises(ConfigError, match="knows its place"):
        tiny_config(diction=True)
    config = tiny_config(listener=8, diction=True)
    other = dataclasses.replace(config.prior(Level.MIDDLE), diction=DictionConfig(Vocabulary.V2, 8, 2))
    with pytest.raises(ConfigError, match="same vocabulary"):
        dataclasses.replace(config, priors=(config.priors[0], other, config.priors[2]))
    with pytest.raises(ConfigError, match="reach"):
        DictionConfig(Vocabulary.V3, 8, -1)
