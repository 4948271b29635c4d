"""Where in the lyrics the music is: how a model keeps its place by its own reading.

A model that attends to all of its lyrics at once must find the words anew at every code, from what it has sung; the
published models learn that from a million songs. One that follows remembers the place instead: every STRIDE codes it
looks where its alignment head has looked last, and for the next STRIDE codes its lyric layers look mostly near there.
That is windowed attention (Ping et al. 2018, Deep Voice 3, section 3.5) with soft edges, in training too, where the
place is known.

Knows: places, and how they weigh keys. A place is a column of the lyric window's keys, in fractions; the key of column
j has read the tokens before j, so a place is also the number of tokens that are read. Does not know layers or songs.
"""

from __future__ import annotations

import torch

STRIDE = 32
"""Codes for which the lyric layers look around the same place."""
SPAN = 8
"""A place is the mean over so many codes before it: single codes look about."""


def nearness(places: torch.Tensor, columns: int, reach: float) -> torch.Tensor:
    """[...] places → [..., columns] what is added to the scores of keys before the softmax: the logarithm of a normal
    distribution around the place, ``reach`` columns wide."""
    distance = torch.arange(columns, device=places.device) - places.unsqueeze(-1)
    return -0.5 * (distance / reach).square()


def every_code(places: torch.Tensor, codes: int) -> torch.Tensor:
    """[batch, strides] the place of every stride → [batch, codes] that of every code."""
    return places.repeat_interleave(STRIDE, dim=1)[:, :codes]


def mean_place(places: torch.Tensor) -> torch.Tensor:
    """[..., codes] places of the codes so far → [...] the place to go on from.

    In eighths: a song that is taken up again comes by the same places though its last bits differ.
    """
    return (places[..., -SPAN:].mean(-1) * 8).round() / 8


def strides(begin: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Places of codes [batch, codes] behind a beginning [batch] → [batch, strides] those that the strides went by."""
    count = -(-places.shape[1] // STRIDE)
    later = [mean_place(places[:, : number * STRIDE]) for number in range(1, count)]
    return torch.stack([begin, *later], dim=1)


class Follower:
    """The places of one batch that is being extended, code by code or in pieces that cross no stride."""

    def __init__(self, begin: torch.Tensor, reach: float, columns: int, codes: int) -> None:
        """``begin`` [batch] the place before the first code; room for ``codes`` codes."""
        self._begin, self._reach, self._columns = begin, reach, columns
        self.places = torch.zeros(len(begin), codes, device=begin.device)
        """[batch, codes] the mean column that the alignment head has read at each code."""
        self._keys = torch.arange(columns, device=begin.device, dtype=torch.float32)
        self._stride = -1
        self._nearness = torch.empty(0)

    def nearness(self, position: int) -> torch.Tensor:
        """[batch, 1, 1, columns] to add to the scores of the codes from ``position`` on."""
        stride = position // STRIDE
        if stride != self._stride:
            place = mean_place(self.places[:, : stride * STRIDE]) if stride else self._begin
            self._nearness = nearness(place, self._columns, self._reach)[:, None, None]
            self._stride = stride
        return self._nearness

    def saw(self, weights: torch.Tensor, position: int) -> None:
        """Remember what the alignment head has read [batch, n, columns] at the codes from ``position`` on."""
        self.places[:, position : position + weights.shape[1]] = weights @ self._keys
