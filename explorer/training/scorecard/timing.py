"""Whether the model knows when words are sung: its alignment against the corpus' times, and its shape.

Knows: alignments, attention weights and true times. Does not know models.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from explorer.jukebox.alignment import Alignment, monotone_path
from explorer.training.scorecard.clips import SungWord

NEAR_COLUMNS = 2
"""Characters by which attention may miss the path and still follow it: it is spread over neighbours."""
FOLLOWED = 0.8
"""Share of the attention's peaks that lie near the best monotone path of a monotone alignment."""
PASSED = 0.5
"""Share of the lyrics that the path of a monotone alignment passes through at least."""


def onset_errors(words: Sequence[SungWord], alignment: Alignment) -> list[float]:
    """Milliseconds between the true and the aligned beginning of every word; inf for words without a time."""
    found = {word.start_index: word.start for word in alignment.words}
    return [1000 * abs(found.get(word.first, np.inf) - word.start) for word in words]


def follows(weights: torch.Tensor) -> float:
    """How far attention [codes, tokens] goes one way, 0 to 1.

    The monotone path alone says nothing, since there always is one. This is the share of codes whose
    strongest column lies within NEAR_COLUMNS of it, each code weighed by how strong that column is.
    """
    path = torch.tensor(monotone_path(weights))
    strength, column = weights.max(dim=1)
    if not len(path) or float(strength.sum()) == 0:
        return 0.0
    near = (column - path).abs() <= NEAR_COLUMNS
    return float((strength * near).sum() / strength.sum())


def passed(weights: torch.Tensor) -> float:
    """Share of the lyric tokens that the best monotone path runs through."""
    path = monotone_path(weights)
    return (path[-1] - path[0] + 1) / weights.shape[1] if path else 0.0


def is_monotone(weights: torch.Tensor) -> bool:
    """Attention that moves through the lyrics in order, neither jumping nor standing still."""
    return follows(weights) >= FOLLOWED and passed(weights) >= PASSED


def summarise_timing(errors: Sequence[float], monotone: Sequence[bool]) -> dict[str, Any]:
    """Over all words and songs of a set. Words without a time count as the largest errors."""
    median = statistics.median(errors) if errors else None
    deciles = np.quantile(errors, np.arange(1, 10) / 10, method="higher") if errors else np.zeros(0)
    return {
        "words": len(errors),
        "words_timed": round(float(np.isfinite(errors).mean()), 4) if errors else None,
        "median_error_ms": round(median, 1) if median is not None and np.isfinite(median) else None,
        "error_deciles_ms": [round(float(e), 1) if np.isfinite(e) else None for e in deciles],
        "songs": len(monotone),
        "monotone": round(sum(monotone) / len(monotone), 4) if monotone else None,
    }
