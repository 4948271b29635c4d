"""What is sung at every code: targets on the codes' grid, and a network that learns to hear them."""

from __future__ import annotations

import numpy as np
import torch

from explorer.training.characters import ALPHABET, CLASSES, Hearer, share_heard, sung_classes
from explorer.training.corpus import Character, CorpusSong

RATE, HOP = 22_050, 96


def song() -> CorpusSong:
    """ "Ab 'c", a tenth of a second each, from one second on."""
    text = "Ab 'c"
    characters = tuple(Character(c, 1 + 0.1 * i, 1.1 + 0.1 * i) for i, c in enumerate(text))
    return CorpusSong("x", "reggae", "Harbour Sound", "sung", text, characters, 0, 2 * RATE)


def test_classes_lie_where_characters_are_sung() -> None:
    classes = sung_classes(song(), 0, HOP, 400, RATE)
    for second, character in ((0.5, ""), (1.05, "a"), (1.15, "b"), (1.25, ""), (1.35, "'"), (1.45, "c"), (1.6, "")):
        code = int(second * RATE / HOP)
        assert classes[code] == (1 + ALPHABET.index(character) if character else 0), second
    # whatever the clip, a moment has one class
    later = sung_classes(song(), 100 * HOP, HOP, 200, RATE)
    assert np.array_equal(later, classes[100:300])
    assert not sung_classes(song(), RATE * 3, HOP, 50, RATE).any()


def test_a_hearer_learns_and_hears_only_its_context() -> None:
    torch.manual_seed(0)
    hearer = Hearer(8, width=16)
    classes = torch.randint(0, 4, (2, 40)).repeat_interleave(3, dim=1)
    vectors = torch.randn(CLASSES, 8)[classes].transpose(1, 2)
    optimiser = torch.optim.Adam(hearer.parameters(), 5e-3)
    first = float(hearer.loss(vectors, classes).detach())
    for _ in range(60):
        optimiser.zero_grad()
        hearer.loss(vectors, classes).backward()
        optimiser.step()
    assert float(hearer.loss(vectors, classes).detach()) < 0.2 * first
    right, sung = share_heard(hearer(vectors), classes)
    assert sung == int((classes > 0).sum()) and right > 0.9 * sung


def test_the_loss_reaches_what_is_heard() -> None:
    vectors = torch.randn(1, 8, 50, requires_grad=True)
    Hearer(8).loss(vectors, torch.zeros(1, 50, dtype=torch.int64)).backward()
    assert vectors.grad is not None and float(vectors.grad.abs().sum()) > 0
