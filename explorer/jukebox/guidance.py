"""Guidance: names, words, ground and the level above followed more closely than a model has learnt to.

A small model hears too little in a name or a word, and a small upsampler in the codes above: what it draws drifts to
what all music has in common. Classifier-free guidance (Ho and Salimans 2022, section 3.2; for codes of music Copet et
al. 2023, section 3.1) runs each song twice, with all that is told of it and with its times alone, and moves away from
the second: logits = without + guidance · (with − without). It needs a model that has been trained with all of this left
out now and then. The published models use none.

Knows: what a song of which nothing is told is, and how the two predictions become one. Does not know how logits are
made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch

from explorer.jukebox.labels import UNKNOWN, SongLabels


def untold(song: SongLabels) -> SongLabels:
    """A song of the same times by an unknown artist in an unknown genre, without words, a ground or a tune."""
    unknown = ((UNKNOWN, 1.0),)
    nothing = dataclasses.replace(song, lyric_tokens=(), token_characters=(), ground=None, tune=None)
    return dataclasses.replace(nothing, artists=unknown, genres=unknown)


def guided(choose: Callable[[torch.Tensor], torch.Tensor], guidance: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """``choose`` (logits [rows, bins] → tokens [rows]) for a batch of all songs and then all of them untold: logits
    [2 · rows, bins] → tokens [2 · rows], the same for a song and its untold one."""

    def choose_for_both(logits: torch.Tensor) -> torch.Tensor:
        told, nothing = logits.float().chunk(2)
        return choose(torch.lerp(nothing, told, guidance)).repeat(2)

    return choose_for_both
