"""Times read from attention: paths, characters, words."""

from __future__ import annotations

import itertools

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.jukebox.alignment import align, monotone_path
from explorer.jukebox.labels import SongLabels


def cost(weights: torch.Tensor, path: tuple[int, ...]) -> float:
    scores = (weights / weights.sum(1, keepdim=True).clamp_min(1e-9)).clamp_min(1e-4).log()
    return float(sum(scores[t, c] for t, c in enumerate(path)))


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 999))
def test_the_path_is_the_best_monotone_one(codes: int, tokens: int, seed: int) -> None:
    weights = torch.rand(codes, tokens, generator=torch.Generator().manual_seed(seed))
    best = max(
        cost(weights, path)
        for path in itertools.product(range(tokens), repeat=codes)
        if all(b - a in (0, 1) for a, b in itertools.pairwise(path))
    )
    path = tuple(monotone_path(weights))
    assert all(b - a in (0, 1) for a, b in itertools.pairwise(path))
    assert abs(cost(weights, path) - best) < 1e-4


def test_a_clean_ridge_gives_the_times_it_shows() -> None:
    lyrics = "hi me\nyo"
    # character j is sung during codes 10j … 10j + 9; the key of column j + 1 has read it
    weights = torch.full((80, 8), 1e-3)
    for token in range(8):
        weights[10 * token : 10 * token + 10, min(token + 1, 7)] = 1.0
    labels = SongLabels((), (), 1, 0, tuple(range(1, 9)), tuple(range(8)))
    found = align(weights, labels, lyrics, 0.01)
    assert [c.index for c in found.characters] == list(range(8))
    for character in found.characters[:6]:
        assert abs(character.start - 0.1 * character.index) < 1e-6
        assert abs(character.end - 0.1 * character.index - 0.1) < 1e-6
    assert [(lyrics[w.start_index : w.end_index]) for w in found.words] == ["hi", "me", "yo"]
    assert [(lyrics[line.start_index : line.end_index]) for line in found.lines] == ["hi me", "yo"]
    assert abs(found.words[1].start - 0.3) < 1e-6 and abs(found.words[1].end - 0.5) < 1e-6
    assert found.confidence > 0.95
    starts = [c.start for c in found.characters]
    assert starts == sorted(starts)


def test_flat_attention_has_low_confidence() -> None:
    labels = SongLabels((), (), 1, 0, tuple(range(1, 31)), tuple(range(30)))
    found = align(torch.full((200, 30), 1 / 30), labels, "a" * 30, 0.01)
    assert found.confidence < 0.15
