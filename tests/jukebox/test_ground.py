"""The ground of a song: which part of a bar and which chord is told when, and what is drawn from an artist's habits."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.config import ConfigError, LabelConfig, LabelRules, Level
from explorer.jukebox.ground import CHORDS, HALVES, KEYS, PHRASE, UNTOLD, Ground, GroundRows, Habits, in_key
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.rows import window_labels
from tests.tiny import tiny_jukebox

RATE = 8000
ALONE = ((1, 1.0),)
CHORD = st.none() | st.integers(0, CHORDS - 1)


@st.composite
def grounds(draw: st.DrawFn) -> Ground:
    bar = draw(st.integers(4_000, 30_000))
    first = draw(st.integers(-40_000, 40_000))
    return Ground(bar, first, draw(st.integers(0, KEYS - 1)), tuple(draw(st.lists(CHORD, max_size=12))))


@given(ground=grounds(), parts=st.integers(1, 60), sample=st.integers(0, 500_000))
def test_every_sample_is_in_its_part_of_a_bar_and_of_a_chord(ground: Ground, parts: int, sample: int) -> None:
    rows = GroundRows.of([ground, None])
    samples = torch.tensor([[float(sample)]] * 2)
    into = sample - int(ground.first)
    part = 1 + parts * (into % int(ground.bar)) // int(ground.bar)
    found = rows.parts(samples, parts)
    # single precision: on the very edge of a part it may be the part beside
    edge = (parts * into) % int(ground.bar)
    if parts <= edge <= ground.bar - parts:
        assert int(found[0]) == part
    assert 1 <= int(found[0]) <= parts and int(found[1]) == UNTOLD
    half = HALVES * into // int(ground.bar)
    inside = 0 <= half < len(ground.chords)
    wanted = ground.chords[half] if inside else None
    if HALVES <= (HALVES * into) % int(ground.bar) <= ground.bar - HALVES:
        assert int(rows.chords_at(samples)[0]) == (UNTOLD if wanted is None else wanted + 1)
    assert int(rows.chords_at(samples)[1]) == UNTOLD
    assert rows.keys.tolist() == [ground.key + 1, UNTOLD]


@given(batch=st.lists(grounds() | st.none(), min_size=1, max_size=5))
def test_stacked_rows_tell_what_one_batch_tells(batch: list[Ground | None]) -> None:
    samples = torch.arange(0.0, 300_000.0, 7_001.0).expand(len(batch), -1)
    stacked, together = GroundRows.stacked([GroundRows.of([ground]) for ground in batch]), GroundRows.of(batch)
    assert torch.equal(stacked.parts(samples, 48), together.parts(samples, 48))
    assert torch.equal(stacked.chords_at(samples), together.chords_at(samples))
    assert torch.equal(stacked.keys, together.keys)


@given(chord=st.integers(0, CHORDS - 1), key=st.integers(0, KEYS - 1))
def test_a_chord_moves_with_the_key_and_back(chord: int, key: int) -> None:
    moved = in_key(chord, key)
    assert in_key(moved, key, back=True) == chord and moved // 12 == chord // 12
    assert (moved - chord - key) % 12 == 0


def habits_of_two() -> Habits:
    """Artist 1 plays at 120 beats a minute in C major, I and V in turn; artist 2 in 3/4 at 90 in A minor, and always
    the same chord."""
    habits = Habits(4)
    habits.bars[1] = torch.tensor([1.0, 0.05])
    habits.bars[2] = torch.tensor([2.0, 0.0])
    habits.beats[2] = 3.0
    habits.keys.zero_()
    habits.keys[1, 0] = habits.keys[2, 21] = 1.0
    for half, before, after in itertools.product(range(HALVES), (0, 1, 8), (0, 7)):
        goes_on = after == (before - 1 if half else {0: 0, 1: 7, 8: 0}[before])
        habits.chords[1, half, before, after] = float(goes_on)
    habits.chords[2, :, (0, 13), 12] = 1.0
    return habits


@given(seed=st.integers(0, 2**62), seconds=st.floats(1, 60))
def test_a_plan_keeps_the_habits_of_its_artist(seed: int, seconds: float) -> None:
    habits = habits_of_two()
    plan = habits.plan(ALONE, seed, int(seconds * RATE), RATE)
    assert plan == habits.plan(ALONE, seed, int(seconds * RATE), RATE)
    assert (plan.first, plan.key, plan.beats) == (0.0, 0, 4)
    assert abs(math.log2(plan.bar / RATE) - 1.0) <= 0.1001
    assert plan.chords == tuple((0, 0, 7, 7) * len(plan.chords))[: len(plan.chords)]
    assert (len(plan.chords) - HALVES) * plan.bar < HALVES * int(seconds * RATE) <= len(plan.chords) * plan.bar
    other = habits.plan(((2, 1.0),), seed, int(seconds * RATE), RATE)
    assert (other.bar, other.key, other.beats) == (4.0 * RATE, 21, 3) and set(other.chords) == {12 + 9}


def test_phrases_come_twice_and_seeds_draw_others() -> None:
    habits = Habits(2)
    habits.chords.fill_(1 / CHORDS)
    one, two = (habits.plan(ALONE, seed, 60 * RATE, RATE) for seed in (1, 2))
    assert one.chords != two.chords
    size = HALVES * PHRASE
    assert one.chords[:size] == one.chords[size : 2 * size] != one.chords[2 * size : 3 * size]


def test_a_mixture_lies_between_its_artists() -> None:
    plan = habits_of_two().plan(((1, 0.3), (2, 0.7)), 5, 8 * RATE, RATE)
    assert 2.9 * RATE < plan.bar < 3.9 * RATE and plan.beats == 3
    keys = [habits_of_two().plan(((1, 0.3), (2, 0.7)), seed, RATE, RATE).key for seed in range(200)]
    assert set(keys) == {0, 21} and 90 < keys.count(21) < 190


def test_an_artist_of_no_known_habits_has_bars_and_no_chords() -> None:
    plan = Habits(1).plan(((0, 1.0),), 0, 8 * RATE, RATE)
    assert plan.bar == 2.0 * RATE and plan.chords == ()


def test_what_is_told_reaches_the_codes_it_is_told_of_only() -> None:
    prior = tiny_jukebox(bar_parts=12).prior(Level.TOP)
    chords = tuple(range(12))

    def positions(ground: Ground | None) -> torch.Tensor:
        song = SongLabels(ALONE, ALONE, 80_000, 0, (), (), (), ground)
        found = prior.condition(window_labels(prior, [song], 0)).positions
        assert found is not None
        return found[0]

    bar = 32.0 * prior.hop
    told, silent = positions(Ground(bar, 0.0, 3, chords)), positions(None)
    assert ((told - silent).abs().sum(1) > 0.1).all()
    other = positions(Ground(bar, 0.0, 3, (0, 30, *chords[2:])))
    changed = (told - other).abs().sum(1) > 1e-6
    assert changed.nonzero().flatten().tolist() == list(range(16, 32))
    told, later = (positions(Ground(bar, first, 3)) - silent for first in (0.0, bar / 2))
    torch.testing.assert_close(later[16:48], told[:32])


def test_only_a_level_that_is_told_gives_a_song_a_ground() -> None:
    song = SongLabels(ALONE, ALONE, 80_000, 0)
    assert tiny_jukebox().prior(Level.TOP).grounded(song, 1) == song
    told = tiny_jukebox(bar_parts=12)
    assert told.prior(Level.MIDDLE).grounded(song, 1) == song
    ground = told.prior(Level.TOP).grounded(song, 1).ground
    assert ground is not None and ground.bar > 0


def test_a_bar_without_parts_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one part"):
        LabelConfig(LabelRules.OWN, 1, 1, 1, bar_parts=0)
