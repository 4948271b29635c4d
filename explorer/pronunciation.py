"""How English words sound, one letter a phone.

Knows: a lexicon (``assets/lexicon``, from the CMU Pronouncing Dictionary) and spelling rules for words that are not in
it: names, other languages, words nobody has said before. Does not know lyrics or models: like ``transliteration`` it
stands outside ``jukebox``, which is handed ``pronounce``. Nothing here says where the stress is.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

from explorer.jukebox.phones import VOWELS

LEXICON = Path(__file__).resolve().parents[1] / "assets" / "lexicon" / "english.txt"

_SPELLINGS = (
    ("tch", "ʧ"), ("sch", "sk"), ("igh", "I"), ("eau", "O"), ("dge", "ʤ"), ("ing", "ɪŋ"),
    ("ch", "ʧ"), ("sh", "ʃ"), ("th", "θ"), ("ph", "f"), ("wh", "w"), ("ck", "k"), ("gh", ""), ("kn", "n"), ("qu", "kw"),
    ("ng", "ŋ"), ("ee", "i"), ("ea", "i"), ("oo", "u"), ("ou", "W"), ("ow", "O"), ("oi", "Y"), ("oy", "Y"), ("ai", "A"),
    ("ay", "A"), ("au", "ɔ"), ("aw", "ɔ"), ("ie", "i"), ("ei", "A"), ("ey", "i"), ("ue", "u"), ("ui", "u"), ("oa", "O"),
    ("er", "əɹ"), ("ir", "ɜɹ"), ("ur", "ɜɹ"), ("ar", "ɑɹ"), ("or", "ɔɹ"), ("ce", "sɛ"), ("ci", "sɪ"), ("cy", "si"),
    ("a", "æ"), ("b", "b"), ("c", "k"), ("d", "d"), ("e", "ɛ"), ("f", "f"), ("g", "ɡ"), ("h", "h"), ("i", "ɪ"),
    ("j", "ʤ"), ("k", "k"), ("l", "l"), ("m", "m"), ("n", "n"), ("o", "ɑ"), ("p", "p"), ("q", "k"), ("r", "ɹ"),
    ("s", "s"), ("t", "t"), ("u", "ʌ"), ("v", "v"), ("w", "w"), ("x", "ks"), ("y", "i"), ("z", "z"),
)  # fmt: skip
"""Letters → phones, the longest first."""
_LONG = {"a": "A", "e": "i", "i": "I", "o": "O", "u": "u"}
"""Vowels before one consonant and an e that ends the word."""
_MAGIC_E = re.compile(r"([aeiou])([bcdfgklmnpstvz])e(s?)$")


@functools.lru_cache(maxsize=1)
def _lexicon() -> dict[str, str]:
    lines = LEXICON.read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ") for line in lines if not line.startswith("#"))


@functools.lru_cache(maxsize=8192)
def pronounce(word: str) -> str:
    """The phones (``jukebox.phones``) of a word in small letters and apostrophes; at least one."""
    plain = word.strip("'")
    known = _lexicon().get(word) or _lexicon().get(plain)
    return known or _spelled(plain) or "ə"


def _spelled(word: str) -> str:
    """A word by the rules of spelling, right or not."""
    end = ""
    if (match := _MAGIC_E.search(word)) and any(letter in "aeiouy" for letter in word[: match.end(1)]):
        consonant = {"c": "s", "g": "ʤ"}.get(match[2]) or _rule(match[2])[1]
        plural = "ɪz" if consonant in "szʤ" else "s" if consonant in "fkpt" else "z"
        word, end = word[: match.start()], _LONG[match[1]] + consonant + (plural if match[3] else "")
    phones: list[str] = []
    place = 0
    while place < len(word):
        letters, sound = _rule(word[place:])
        # doubled consonants are one
        if not (phones and sound == phones[-1] and sound not in VOWELS):
            phones.append(sound)
        place += letters
    return "".join(phones) + end


def _rule(rest: str) -> tuple[int, str]:
    """How many letters of ``rest`` the first rule that fits takes, and their phones; letters of no rule are silent."""
    for letters, sound in _SPELLINGS:
        if rest.startswith(letters):
            return len(letters), sound
    return 1, ""
