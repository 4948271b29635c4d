"""A prior that has learnt some codes, given others of the same songs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from explorer.checkpoints.folder import new_module
from explorer.jukebox.config import LEVELS, Level
from explorer.jukebox.labels import LabelLists
from explorer.jukebox.prior import Prior
from explorer.training.codes import CorpusCodes
from explorer.training.examples import ExampleMaker
from explorer.training.recoding import counterparts, recode
from tests.tiny import ARTISTS, GENRES, tiny_config

CODES = 32
LISTS = LabelLists(ARTISTS, GENRES)


def renumbered(codes: CorpusCodes, orders: dict[Level, np.ndarray]) -> CorpusCodes:
    """The same songs by autoencoders whose codes have other numbers at the levels of ``orders``."""
    same = np.arange(CODES)
    levels = {
        level: tuple(
            orders.get(level, same)[codes.song(i, level)].astype(np.int16) for i in range(len(codes.corpus.songs))
        )
        for level in LEVELS
    }
    return CorpusCodes(codes.corpus, levels, codes.hops)


def shuffled(codes: CorpusCodes, level: Level) -> np.ndarray:
    """Another number for every code that occurs; of the others nothing could be told."""
    order, occurring = np.arange(CODES), np.flatnonzero(codes.frequencies(level, CODES))
    order[occurring] = np.random.default_rng(0).permutation(occurring)
    return order


def loss(prior: Prior, codes: CorpusCodes, level: Level) -> float:
    batch = ExampleMaker(codes, prior, level, LISTS, 0.0).batch(4, 1, 0)
    with torch.no_grad():
        return float(prior.loss(batch.codes, prior.condition(batch.labels, batch.upper)).music)


@pytest.mark.parametrize(
    ("level", "changed"),
    [
        (Level.TOP, (Level.TOP,)),
        (Level.MIDDLE, (Level.TOP,)),
        (Level.MIDDLE, (Level.MIDDLE, Level.TOP)),
        (Level.BOTTOM, (Level.BOTTOM,)),
    ],
)
def test_codes_with_other_numbers_are_no_other_codes(
    level: Level, changed: tuple[Level, ...], codes: CorpusCodes
) -> None:
    torch.manual_seed(0)
    prior = new_module(tiny_config(), level.value, "cpu")
    assert isinstance(prior, Prior)
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.normal_(std=0.3)
    new = renumbered(codes, {its: shuffled(codes, its) for its in changed})
    expected = loss(prior, codes, level)
    assert loss(prior, new, level) != pytest.approx(expected, abs=1e-3)
    recode(prior, level, changed, codes, new)
    assert loss(prior, new, level) == pytest.approx(expected, abs=1e-4)


def test_a_code_that_stands_for_several_is_their_mean_and_one_that_stands_nowhere_stays(codes: CorpusCodes) -> None:
    """Old codes 2n and 2n + 1 become n."""
    new = renumbered(codes, {Level.TOP: np.arange(CODES) // 2})
    shares = counterparts(codes, new, Level.TOP, CODES)
    often = codes.frequencies(Level.TOP, CODES)
    torch.testing.assert_close(shares.sum(1), torch.ones(CODES))
    torch.testing.assert_close(shares[CODES // 2 :], torch.eye(CODES)[CODES // 2 :])
    for number in range(CODES // 2):
        together = often[2 * number] + often[2 * number + 1]
        if together:
            assert shares[number, 2 * number] == pytest.approx(often[2 * number] / together)
        else:
            assert shares[number, number] == 1


def test_a_level_that_is_not_its_own_nor_above_does_not_concern_a_prior(codes: CorpusCodes) -> None:
    prior = new_module(tiny_config(), "middle", "cpu")
    assert isinstance(prior, Prior)
    before = {name: tensor.clone() for name, tensor in prior.state_dict().items()}
    recode(
        prior, Level.MIDDLE, (Level.BOTTOM,), codes, renumbered(codes, {Level.BOTTOM: np.arange(CODES)[::-1].copy()})
    )
    for name, tensor in prior.state_dict().items():
        assert torch.equal(tensor, before[name]), name
