"""Songs and a listener for tests of plans: no names, only words and a length."""

from __future__ import annotations

import torch

from explorer.jukebox.config import Vocabulary
from explorer.jukebox.following import Listener
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.lyrics import alphabet

LETTERS = alphabet(Vocabulary.V3)
IDS = {character: number for number, character in enumerate(LETTERS, start=1)}
HOP = 96


def untrained_listener(codes_per_token: float) -> Listener:
    """It hears nothing, and every token lasts so long on average."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        listener = Listener(32, 8, LETTERS)
    listener.moves.fill_(1 / codes_per_token)
    return listener


def song_of(lyrics: str, codes: int, offset: int = 0) -> SongLabels:
    """A song of so many codes in all, whose music begins at the code ``offset``."""
    tokens = tuple(IDS[character] for character in lyrics)
    return SongLabels(((0, 1.0),), ((0, 1.0),), codes * HOP, offset * HOP, tokens, tuple(range(len(tokens))), ())
