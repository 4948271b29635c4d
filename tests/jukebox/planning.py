"""Songs, a language, and what is known of its sounds, for tests of plans: no names, only words and a length."""

from __future__ import annotations

import dataclasses

import torch

from explorer.jukebox.config import Vocabulary
from explorer.jukebox.following import Listener
from explorer.jukebox.ground import Ground
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.lyrics import alphabet
from explorer.jukebox.phones import PHONES, VOWELS, PhoneLengths, spoken_words

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


def said(word: str) -> str:
    """A language in which vowels are written, x is said as two phones, and h is silent before a vowel."""
    sound = {"a": "ɑ", "e": "ɛ", "i": "ɪ", "o": "O", "u": "u", "x": "ks", "h": "", "r": "ɹ", "g": "ɡ", "'": ""}
    return "".join(sound.get(letter, letter) for letter in word) or "ə"


def spoken(lyrics: str, codes: int, ground: Ground | None = None) -> SongLabels:
    song = song_of(lyrics, codes)
    return dataclasses.replace(song, ground=ground, words=spoken_words(song.lyric_tokens, LETTERS, said))


def known_lengths(vowel: float, consonant: float) -> PhoneLengths:
    """Of phones, in codes."""
    lengths = PhoneLengths()
    for number, phone in enumerate(PHONES):
        lengths.logs[number] = torch.tensor([vowel if phone in VOWELS else consonant, 1.1]).log()
    return lengths
