"""The released configurations have the published sizes, counted on modules without memory."""

from __future__ import annotations

import pytest

from explorer.checkpoints.folder import new_module
from explorer.jukebox.config import Level, model_config_from_dict, to_dict
from explorer.jukebox.presets import PARAMETERS, RELEASED, SMALL_PRIORS, SMALL_VQVAE

ENTRIES = {"5b": 872, "5b_lyrics": 1194, "1b_lyrics": 872}


@pytest.mark.parametrize("name", list(RELEASED))
def test_top_levels_have_the_published_parameters_and_entries(name: str) -> None:
    module = new_module(RELEASED[name], "top")
    assert sum(p.numel() for p in module.parameters()) == PARAMETERS[name]
    assert len(module.state_dict()) == ENTRIES[name]


@pytest.mark.parametrize(
    ("part", "entries", "count"),
    [("bottom", 1006, "upsampler"), ("middle", 1006, "upsampler"), ("vqvae", 669, "vqvae")],
)
def test_shared_parts_have_the_published_parameters_and_entries(part: str, entries: int, count: str) -> None:
    module = new_module(RELEASED["5b"], part)
    assert sum(p.numel() for p in module.parameters()) == PARAMETERS[count]
    assert len(module.state_dict()) == entries


def test_published_facts_about_windows_and_layers() -> None:
    one = RELEASED["1b_lyrics"]
    assert one.prior(Level.TOP).sequence.block_length == 102 and one.prior(Level.TOP).bins == 2127
    assert [one.hop(level) for level in Level] == [8, 32, 128]
    five = RELEASED["5b_lyrics"].prior(Level.TOP)
    crossing = [d for d, kind in enumerate(five.sequence.layout) if kind.name == "CROSS"]
    assert crossing == [18, 28, 38, 48, 58, 68, 78]
    assert SMALL_VQVAE.hop(1) == 256 and set(SMALL_PRIORS) >= {"small_prior", "small_upsampler"}


@pytest.mark.parametrize("name", list(RELEASED))
def test_configurations_round_trip(name: str) -> None:
    assert model_config_from_dict(to_dict(RELEASED[name])) == RELEASED[name]
