"""How words sound: phones, syllables, rhymes.

Knows: the alphabet of ``data/pronunciations.txt`` (one letter a phone), English syllable onsets and
what makes a perfect rhyme. Does not know where words come from, nor notes.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

from explorer.training.synthesis.bank import DATA
from explorer.training.synthesis.errors import SynthesisError

VOWELS = frozenset("AIOWYiuæɑɔəɛɜɪʊʌ")
CONSONANTS = frozenset("bdfhjklmnpstvwzðŋɡɹʃʒʤʧθ")
STRESSES = "ˈˌ"

_ONSETS = frozenset(
    [
        "pl",
        "pɹ",
        "bl",
        "bɹ",
        "tɹ",
        "dɹ",
        "kl",
        "kɹ",
        "ɡl",
        "ɡɹ",
        "fl",
        "fɹ",
        "θɹ",
        "ʃɹ",
        "sp",
        "st",
        "sk",
        "sm",
        "sn",
        "sl",
        "sw",
        "tw",
        "dw",
        "kw",
        "pj",
        "bj",
        "kj",
        "fj",
        "mj",
        "hj",
        "vj",
        "θw",
        "stɹ",
        "spl",
        "spɹ",
        "skɹ",
        "skw",
    ]
)
_NO_ONSET = frozenset("ŋʒ")

WEAK_WORDS = frozenset(
    [
        *("the", "a", "an", "to", "of", "and", "in", "is", "i", "at", "on", "it", "or", "as", "for", "with", "was"),
        *("were", "are", "my", "your", "be", "do", "can", "will"),
    ]
)
"""Words that a line does not stress, though their vowel alone would."""


@dataclass(frozen=True)
class Syllable:
    """One syllable of a word: consonants, its vowel, consonants."""

    onset: str
    nucleus: str
    coda: str
    stressed: bool


@functools.lru_cache(maxsize=1)
def _lexicon() -> dict[str, str]:
    lines = (DATA / "pronunciations.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))


def word_phones(word: str) -> str:
    """Phones of a word of the bank, with stress marks. Raises SynthesisError for other words."""
    try:
        return _lexicon()[word]
    except KeyError:
        raise SynthesisError(f"{word!r} has no pronunciation; add it to the bank and pronounce that anew") from None


@functools.lru_cache(maxsize=8192)
def syllables(word: str) -> tuple[Syllable, ...]:
    """The syllables of a word: as many consonants as English allows go to the later syllable."""
    phones: list[str] = []
    stress: list[str] = []
    mark = ""
    for letter in word_phones(word):
        if letter in STRESSES:
            mark = letter
        else:
            phones.append(letter)
            stress.append(mark if letter in VOWELS else "")
            mark = "" if letter in VOWELS else mark
    nuclei = [i for i, phone in enumerate(phones) if phone in VOWELS]
    if not nuclei:
        raise SynthesisError(f"{word!r} is pronounced without a vowel")
    starts = [0]
    for before, after in itertools.pairwise(nuclei):
        starts.append(before + 1 + _coda_length("".join(phones[before + 1 : after])))
    ends = [*starts[1:], len(phones)]
    return tuple(
        Syllable("".join(phones[start:i]), phones[i], "".join(phones[i + 1 : end]), stress[i] == "ˈ")
        for start, i, end in zip(starts, nuclei, ends, strict=True)
    )


def _coda_length(cluster: str) -> int:
    """How many consonants between two vowels close the earlier syllable."""
    for cut in range(len(cluster) + 1):
        onset = cluster[cut:]
        if (len(onset) <= 1 or onset in _ONSETS) and not (onset and onset[0] in _NO_ONSET):
            return cut
    return len(cluster)


def plain(text: str) -> list[str]:
    """The words of a line without signs."""
    return [word for word in (token.strip("?!.,") for token in text.split()) if word]


def line_syllables(line: str) -> list[tuple[int, Syllable]]:
    """(index of the word, syllable) of a line."""
    return [(index, syllable) for index, word in enumerate(plain(line)) for syllable in syllables(word)]


def syllable_count(line: str) -> int:
    """How many notes a line needs at least."""
    return sum(len(syllables(word)) for word in plain(line))


def stresses(line: str) -> list[bool]:
    """For every syllable of a line, whether it wants a strong beat."""
    words = plain(line)
    return [syllable.stressed and words[index] not in WEAK_WORDS for index, syllable in line_syllables(line)]


@functools.lru_cache(maxsize=8192)
def rhyme(word: str) -> tuple[str, str]:
    """(what two rhyming words share, what they must not share): from the last stressed vowel on, and
    the consonants before it. A word stressed two or more syllables before its end rhymes on its end.
    """
    parts = syllables(word)
    last = max((i for i, part in enumerate(parts) if part.stressed), default=len(parts) - 1)
    if last < len(parts) - 2:
        last = len(parts) - 1
    tail = parts[last].nucleus + parts[last].coda
    tail += "".join(part.onset + part.nucleus + part.coda for part in parts[last + 1 :])
    return tail, parts[last].onset


def rhymes(first: str, second: str) -> bool:
    """Whether two words rhyme perfectly: the same sounds from the stressed vowel on, others before it."""
    (tail, onset), (other_tail, other_onset) = rhyme(first), rhyme(second)
    return tail == other_tail and onset != other_onset


def starts_with_vowel(word: str) -> bool:
    """Whether "an" goes before the word."""
    return word_phones(word).lstrip(STRESSES)[0] in VOWELS
