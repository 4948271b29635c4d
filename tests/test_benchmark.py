"""The benchmark runs and its figures hang together; how fast anything is, is not asserted."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from explorer.benchmark import bits_per_code, formats_cost, strands_cost, time_song, time_steps
from explorer.engine import Jukebox
from explorer.jukebox.config import Level
from explorer.jukebox.song import Song
from tests.tiny import tiny_jukebox

SONG = Song(lyrics="la la", seconds=4.0)


@pytest.fixture(scope="module")
def jukebox() -> Jukebox:
    engine = tiny_jukebox()
    engine.config = dataclasses.replace(engine.config, strands=(3, 2, 1))
    return engine


def test_a_song_is_timed_in_all_its_parts(jukebox: Jukebox) -> None:
    found = time_song(jukebox, SONG, takes=2)
    assert 0 < found["first_preview_seconds"] < found["wall_seconds"]
    assert sum(found["level_seconds"].values()) <= found["wall_seconds"] + 0.01
    assert found["wall_per_second_of_audio"] == pytest.approx(found["wall_seconds"] / 8, abs=1e-3)


def test_a_step_is_compared_with_reading_its_weights(jukebox: Jukebox) -> None:
    found = time_steps(jukebox, Level.BOTTOM)
    weights = sum(p.numel() for p in jukebox.prior(Level.BOTTOM).prior.transformer.parameters())
    assert found["rows"] == 3 and found["weight_bytes"] == 4 * (weights + 16 * 32)


def test_bits_per_code_are_those_of_the_windows_that_codes_are_drawn_in(jukebox: Jukebox) -> None:
    prior, labels = jukebox.prior(Level.MIDDLE), [jukebox.describe(SONG)[Level.MIDDLE]]
    codes = torch.randint(0, 32, (1, 128), generator=torch.Generator().manual_seed(1))
    upper = torch.randint(0, 32, (1, 32), generator=torch.Generator().manual_seed(2))
    from explorer.jukebox.rows import window_conditioning

    with torch.inference_mode():
        conditioning = window_conditioning(prior, labels, 0, upper, torch.device("cpu"))
        expected = float(prior.loss(codes, conditioning).music)
    assert bits_per_code(jukebox, Level.MIDDLE, SONG, codes, upper) == pytest.approx(expected, rel=1e-4)
    half = bits_per_code(jukebox, Level.MIDDLE, SONG, codes[:, :40], upper[:, :10])
    assert half > 0 and half != pytest.approx(expected, rel=1e-4)


def test_formats_are_compared_at_every_level(jukebox: Jukebox) -> None:
    found = formats_cost(jukebox, SONG)
    assert list(found) == ["top", "middle", "bottom"]
    for level in found.values():
        assert level["in_use"] == "float32"
        assert all(cost["codes"] > 0 and cost["divergence_nats"] >= 0 for cost in level["against_float32"].values())


def test_strands_are_scored_beside_one_window_after_another(jukebox: Jukebox) -> None:
    found = strands_cost(jukebox, SONG)
    assert set(found) == {"middle", "bottom"}
    assert found["middle"]["strands"] == 2 and found["bottom"]["strands"] == 3
    assert found["bottom"]["seams"] == (4 * 8000 // 16 - 1) // 128
    assert all(level["bits_together"] > 0 and level["flux_ratio"] > 0 for level in found.values())
