"""The phones of English as a model counts them, and how long its singers hold each.

Letters are what the model reads and follows (``following``); phones are what is sung. In singing, consonants are short
whatever the tempo, and vowels fill the notes: whoever plans when letters are sung must know which is which.

Knows: the alphabet of phones, which letters of a song are a word and how that sounds, and lengths as they were counted
in the corpus. Does not know spelling (``explorer.pronunciation`` does) or plans (``phrasing``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

VOWELS = "AIOWYiuæɑɔəɛɜɪʊʌ"
"""IPA, but for diphthongs, each of which is one letter: A as in "day", I "my", O "go", W "now", Y "boy"."""
CONSONANTS = "bdfhjklmnpstvwzðŋɡɹʃʒʤʧθ"
PHONES = VOWELS + CONSONANTS
STEADY = 0.35
"""Most that lengths of a phone differ by chance, as a standard deviation of their logarithms: what differs more in the
corpus, as vowels do, differs by the notes."""

Pronounce = Callable[[str], str]
"""A word in small letters and apostrophes → its phones, at least one."""


@dataclass(frozen=True)
class Word:
    """Tokens ``first`` … ``first + letters − 1`` of a song's lyrics, and how they sound."""

    first: int
    letters: int
    phones: str


def spoken_words(tokens: Sequence[int], letters: str, pronounce: Pronounce) -> tuple[Word, ...]:
    """The words among ``tokens``, of which token i stands for ``letters[i − 1]``: runs of letters and apostrophes."""
    text = "".join(letters[token - 1].lower() if token else " " for token in tokens)
    return tuple(Word(first, last - first, pronounce(text[first:last])) for first, last in word_spans(text))


def word_spans(text: str) -> Iterator[tuple[int, int]]:
    """First and past-last character of each run of letters and apostrophes that has a letter in it."""
    begin = 0
    for place, character in enumerate(text + " "):
        if not (character.isalpha() or character == "'"):
            if any(map(str.isalpha, text[begin:place])):
                yield begin, place
            begin = place + 1


class PhoneLengths(nn.Module):
    """How long each phone lasts: counted, not learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: torch.Tensor
        """[phones, 2] mean and standard deviation of the natural logarithm of a phone's length in codes."""
        self.register_buffer("logs", torch.tensor([[2.5, 0.3]]).repeat(len(PHONES), 1))

    def draw(self, phones: str, generator: torch.Generator) -> torch.Tensor:
        """float64 [phones] lengths in codes."""
        logs = self.logs.detach().cpu().double()[[PHONES.index(phone) for phone in phones]]
        chance = torch.randn(len(phones), generator=generator, dtype=torch.float64).clamp(-2.0, 2.0)
        return (logs[:, 0] + chance * logs[:, 1].clamp_max(STEADY)).exp()
