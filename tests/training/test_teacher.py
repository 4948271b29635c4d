"""What the top codes are taught: targets on the codes' grid, found in what a recogniser hears, and learnt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.training.corpus import Character, Corpus, CorpusSong
from explorer.training.hearing import Hearer
from explorer.training.teacher import DIMENSIONS, Discriminants, NotTaught, Teaching, teach
from tests.training.making import write_corpus

RATE, HOP = 22_050, 96


def song() -> CorpusSong:
    """ "ab 'c", a tenth of a second each, from one second on."""
    text = "ab 'c"
    characters = tuple(Character(c, 1 + 0.1 * i, 1.1 + 0.1 * i) for i, c in enumerate(text))
    return CorpusSong("x", "reggae", "Harbour Sound", "sung", text, characters, 0, 2 * RATE)


def test_targets_lie_between_the_frames_around_a_code() -> None:
    # frame i is heard in the middle of its 20 ms, so a ramp over time stays the same ramp
    ramp = ((np.arange(100) + 0.5) / 50)[:, None].repeat(DIMENSIONS, 1)
    teaching = Teaching(np.concatenate([ramp + 9, ramp]), {"other": (0, 100), "x": (100, 200)})
    for start in (0, 5000, 20_001):
        targets = teaching.targets(song(), start, HOP, 200, RATE)
        middles = (start + HOP * (np.arange(200) + 0.5)) / RATE
        inside = (middles > 0.01) & (middles < 1.99)
        assert targets.shape == (200, DIMENSIONS)
        np.testing.assert_allclose(targets[inside, 0], middles[inside], atol=1e-5)
        assert targets.max() <= 2 and targets.min() >= 0


def test_a_hearer_learns_and_its_gradient_reaches_the_codes() -> None:
    torch.manual_seed(0)
    hearer = Hearer(8, width=16)
    heard = torch.randn(2, 40, DIMENSIONS).repeat_interleave(3, dim=1)
    vectors = torch.nn.functional.linear(heard, torch.randn(8, DIMENSIONS)).transpose(1, 2).requires_grad_()
    optimiser = torch.optim.Adam(hearer.parameters(), 5e-3)
    first = float(hearer.loss(vectors, heard).detach())
    for _ in range(100):
        optimiser.zero_grad()
        hearer.loss(vectors, heard).backward()
        optimiser.step()
    assert float(hearer.loss(vectors, heard).detach()) < 0.8 * first
    assert vectors.grad is not None and float(vectors.grad.abs().sum()) > 0


class Ear:
    """Hears a letter as one direction of 40, with noise in all of them."""

    def states(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        frames = -(-len(audio) * 50 // sample_rate)
        loud = np.abs(np.fft.rfft(np.resize(audio, (frames, len(audio) // frames)), axis=1))[:, :40]
        return np.asarray(np.log(loud + 1e-3), dtype=np.float32)


def test_a_corpus_is_taught_once_and_read_again(tmp_path: Path) -> None:
    corpora = [Corpus.open(write_corpus(tmp_path / part), tmp_path / "cache") for part in ("train", "validation")]
    with pytest.raises(NotTaught, match="train teacher"):
        Teaching.open(tmp_path / "teacher", corpora[0])
    counts = list(teach(tmp_path / "teacher", corpora, Ear()))  # type: ignore[arg-type]
    assert counts == [(i, 6) for i in range(1, 7)]
    for corpus in corpora:
        teaching = Teaching.open(tmp_path / "teacher", corpus)
        for one in corpus.songs:
            targets = teaching.targets(one, 0, 80, 300, corpus.sample_rate)
            assert targets.shape == (300, DIMENSIONS) and np.isfinite(targets).all()


def test_discriminants_leave_out_what_does_not_tell_classes_apart() -> None:
    random = np.random.default_rng(0)
    classes = random.integers(0, 4, 4000)
    states = random.standard_normal((4000, 12))
    states[:, 3] = 0.3 * states[:, 3] + classes  # one direction tells, …
    states[:, 5] *= 50  # … another is only loud
    found = Discriminants(states, classes)(states)
    assert found.shape == (4000, DIMENSIONS)
    assert abs(np.corrcoef(found[:, 0], states[:, 3])[0, 1]) > 0.95
    assert abs(np.corrcoef(found[:, 0], states[:, 5])[0, 1]) < 0.1
