"""Alignments with known errors, and attention that does or does not move one way."""

from __future__ import annotations

import torch

from explorer.jukebox.alignment import Alignment, SpanTime
from explorer.training.scorecard.clips import SungWord
from explorer.training.scorecard.timing import follows, is_monotone, onset_errors, passed, summarise_timing


def diagonal(codes: int = 200, tokens: int = 40) -> torch.Tensor:
    """Attention that moves through the tokens at one speed, spread over neighbours."""
    place = torch.arange(codes).unsqueeze(1) * tokens / codes
    return torch.exp(-((torch.arange(tokens) - place) ** 2) / 2)


def test_onset_errors_by_word_and_missing_words() -> None:
    words = (SungWord("la", 0, 2, 1.0, 1.5), SungWord("di", 3, 5, 2.0, 2.5), SungWord("da", 6, 8, 3.0, 3.5))
    spans = (SpanTime(0, 2, 1.25, 1.6, 0.9), SpanTime(6, 8, 2.5, 3.0, 0.9))
    alignment = Alignment(torch.zeros(1, 1), (0,), (), spans, (), 0.9)
    assert onset_errors(words, alignment) == [250.0, float("inf"), 500.0]


def test_attention_that_moves_on_is_monotone() -> None:
    assert follows(diagonal()) > 0.99 and passed(diagonal()) > 0.95
    assert is_monotone(diagonal())


def test_a_rest_without_attention_does_not_count() -> None:
    weights = diagonal()
    weights[80:120] = 1e-4 * torch.rand(40, 40, generator=torch.Generator().manual_seed(0))
    assert is_monotone(weights)


def test_attention_that_runs_back_jumps_or_stands_is_not() -> None:
    assert not is_monotone(diagonal().flip(0))
    shuffled = diagonal()[torch.randperm(200, generator=torch.Generator().manual_seed(0))]
    assert not is_monotone(shuffled)
    standing = torch.full((200, 40), 0.001)
    standing[:, 7] = 1.0
    assert follows(standing) == 1.0 and not is_monotone(standing)
    assert not is_monotone(torch.full((200, 40), 1 / 40))
    assert not is_monotone(torch.zeros(0, 5))
    halves = torch.cat([diagonal(100), diagonal(100)])  # the whole text twice
    assert not is_monotone(halves)


def test_words_without_a_time_are_the_largest_errors() -> None:
    missing = float("inf")
    found = summarise_timing([10.0, 30.0, 20.0, missing], [True, False])
    assert (found["words"], found["words_timed"], found["median_error_ms"]) == (4, 0.75, 25.0)
    assert (found["songs"], found["monotone"]) == (2, 0.5)
    assert found["error_deciles_ms"][0] == 20.0 and found["error_deciles_ms"][-1] is None
    assert summarise_timing([10.0, missing, missing], [])["median_error_ms"] is None
    assert summarise_timing([], [])["monotone"] is None
