"""Configurations and recipes survive JSON; nonsense is named."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.config import ConfigError, Level, model_config_from_dict, to_dict
from explorer.jukebox.song import (
    MAX_LYRICS,
    LevelSampling,
    SamplingOptions,
    Song,
    SongError,
    recipe_from_dict,
    recipe_to_dict,
)
from tests.tiny import tiny_config


@pytest.mark.parametrize("merged", [False, True])
def test_a_model_survives_json(merged: bool) -> None:
    config = tiny_config(merged)
    assert model_config_from_dict(json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sample_rate": "fast"}, "sample_rate must be int"),
        ({"colour": 1}, "unknown entries: colour"),
        ({"priors": []}, "priors must have 3 entries"),
        ({"vqvae": None}, "vqvae must be an object"),
        ({"temperature": [0.9, 0.0, 0.9]}, "temperatures must be above 0"),
        ({"guidance": [1.0, 1.0, -1.0]}, "guidance must be 0 to 20"),
    ],
)
def test_nonsense_is_named(change: dict[str, Any], message: str) -> None:
    data = {**to_dict(tiny_config()), **change}
    with pytest.raises(ConfigError, match=message):
        model_config_from_dict(data)


samplings = st.builds(
    LevelSampling, temperature=st.floats(0.1, 2.0), top_k=st.integers(0, 50), guidance=st.floats(0, 20)
)


@given(
    song=st.builds(
        Song,
        genre=st.text(max_size=30),
        artist=st.text(max_size=30),
        lyrics=st.text(max_size=200),
        seconds=st.floats(0.5, 600),
        seed=st.integers(0, 2**63 - 1),
        total_seconds=st.none() | st.floats(1, 600),
        offset_seconds=st.floats(0, 599),
    ),
    options=st.builds(
        SamplingOptions,
        top=samplings,
        middle=samplings,
        bottom=samplings,
        stop_after=st.sampled_from(Level),
        hop_fraction=st.dictionaries(st.sampled_from(Level), st.floats(0.1, 1.0)),
        strands=st.dictionaries(st.sampled_from([Level.MIDDLE, Level.BOTTOM]), st.integers(1, 64)),
        max_batch=st.integers(1, 64),
        chunk=st.integers(1, 512),
    ),
)
def test_recipes_round_trip(song: Song, options: SamplingOptions) -> None:
    assert recipe_from_dict(json.loads(json.dumps(recipe_to_dict(song, options)))) == (song, options)


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, 1e9])
def test_impossible_lengths_are_refused(seconds: float) -> None:
    with pytest.raises(SongError, match="length must be"):
        Song(seconds=seconds)


def test_endless_lyrics_are_refused() -> None:
    with pytest.raises(SongError, match="100,000 characters"):
        Song(lyrics="a" * 100_000)
    assert Song(lyrics="a" * MAX_LYRICS)


@pytest.mark.parametrize(
    "damage",
    [
        [],
        {},
        {"song": 3},
        {"song": {"seconds": "long"}},
        {"song": {"__class__": 1}},
        {"song": {"seed": True}},
        {"song": {}, "sampling": {"top": {"temperature": 0}}},
        {"song": {}, "sampling": {"stop_after": "cellar"}},
        {"song": {}, "sampling": {"max_batch": "many"}},
        {"song": {}, "sampling": {"strands": {"bottom": "many"}}},
        {"song": {}, "sampling": {"strands": {"bottom": 10**9}}},
        {"song": {}, "sampling": {"strands": {"top": 2}}},
        {"song": {}, "sampling": {"unheard": 1}},
    ],
)
def test_hostile_recipes_are_refused(damage: Any) -> None:
    with pytest.raises(SongError):
        recipe_from_dict(damage)


def test_reach_and_hops() -> None:
    config = tiny_config().vqvae
    assert [config.hop(level) for level in range(3)] == [16, 32, 128]
    assert replace(config, depth=4).decoder_reach(2) > config.decoder_reach(2) > 0
