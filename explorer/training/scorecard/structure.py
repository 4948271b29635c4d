"""Whether songs of a genre are built like the genre's: how noisy, how busy, how regular, how high; and whether they
keep to their bars.

Knows: five figures of sound (``audio.analysis``), their means by genre, and whether two sets put the genres in the
same order. Does not know models. Unlike ``labels`` nothing is learnt here, and a whole set that is, say, too noisy can
still follow the genres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.audio.analysis import (
    PitchRange,
    bar_clarity,
    onset_rate,
    pitch_range,
    pulse_clarity,
    spectral_flatness,
)

FIGURES = ("flatness", "onsets", "pulse", "pitch")
"""Spectral flatness (0 to 1), beginnings of notes and strokes per second, how regular these are (0 to 1), median pitch
in Hz."""
FEWEST_GENRES = 4
"""Of fewer no order can be told."""


@dataclass(frozen=True)
class Structure:
    """One clip; None where it is silent, too short, without pitch, or without known bars."""

    flatness: float | None
    onsets: float
    pulse: float | None
    pitch: PitchRange | None
    bars: float | None = None


def describe_structure(audio: np.ndarray, sample_rate: int, bar: float = 0.0, first_bar: float = 0.0) -> Structure:
    """The figures of one clip, whose bars have ``bar`` seconds (0: unknown); one of them begins at ``first_bar``."""
    return Structure(
        spectral_flatness(audio, sample_rate),
        onset_rate(audio, sample_rate),
        pulse_clarity(audio, sample_rate),
        pitch_range(audio, sample_rate),
        bar_clarity(audio, sample_rate, bar, first_bar),
    )


def by_genre(clips: Sequence[tuple[str, Structure]]) -> dict[str, dict[str, Any]]:
    """genre → means over its clips: FIGURES, ends of the pitch range, share of voiced frames; how many clips."""
    found = {}
    for genre in sorted({genre for genre, _ in clips}):
        own = [structure for name, structure in clips if name == genre]
        ranges = [structure.pitch for structure in own if structure.pitch is not None]
        found[genre] = {
            "clips": len(own),
            "flatness": _mean([s.flatness for s in own if s.flatness is not None], 5),
            "onsets": _mean([s.onsets for s in own], 3),
            "pulse": _mean([s.pulse for s in own if s.pulse is not None], 4),
            "bars": _mean([s.bars for s in own if s.bars is not None], 4),
            "pitch": _mean([pitch.median for pitch in ranges], 1),
            "low": _mean([pitch.low for pitch in ranges], 1),
            "high": _mean([pitch.high for pitch in ranges], 1),
            "voiced": _mean([pitch.voiced if pitch is not None else 0.0 for pitch in (s.pitch for s in own)], 4),
        }
    return found


def mean_pulse(clips: Sequence[tuple[str, Structure]]) -> float | None:
    """Of all clips that have one."""
    return _mean([structure.pulse for _, structure in clips if structure.pulse is not None], 4)


def mean_bars(clips: Sequence[tuple[str, Structure]]) -> float | None:
    """How far strokes keep to the bars, of all clips whose bars are known."""
    return _mean([structure.bars for _, structure in clips if structure.bars is not None], 4)


def _mean(values: Sequence[float], digits: int) -> float | None:
    return round(float(np.mean(values)), digits) if values else None


def order_kept(real: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, float | None]:
    """For each of FIGURES Spearman's rank correlation of the genres' means in two results of ``by_genre``: 1 where
    the genres stand in the same order, 0 by chance. None for fewer than FEWEST_GENRES common genres."""
    return {name: _rank_correlation(real, other, name) for name in FIGURES}


def _rank_correlation(real: Mapping[str, Any], other: Mapping[str, Any], name: str) -> float | None:
    from scipy.stats import spearmanr

    common = [genre for genre in real if genre in other and None not in (real[genre][name], other[genre][name])]
    own, others = [real[genre][name] for genre in common], [other[genre][name] for genre in common]
    if len(common) < FEWEST_GENRES or len(set(own)) == 1 or len(set(others)) == 1:
        return None
    return round(float(spearmanr(own, others).statistic), 3)
