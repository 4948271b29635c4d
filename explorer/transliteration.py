"""Other scripts and signs spelled in ASCII, one character at a time.

Knows: anyascii and where its spelling differs from the one the released models were trained on
(Unidecode 1.x) on signs that lyrics really contain: dashes, quotes, symbols, emoji, Han, Hangul and
Russian letters. Does not know: vocabularies. It stands outside ``jukebox``, which needs nothing
but torch and the standard library and is handed this function.

Rarer letters of other scripts may be spelled differently from Unidecode; nothing fails then, the
model merely reads another spelling of the sound.
"""

from __future__ import annotations

import functools
import unicodedata

from anyascii import anyascii

_OVERRIDES: dict[str, str] = {
    # dashes: a long dash is two hyphens in typewritten lyrics
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "--", "―": "--", "−": "-",
    # quotes and primes
    "‘": "'", "’": "'", "‚": ",", "‛": "'", "“": '"', "”": '"', "„": ",,", "‟": '"', "′": "'", "″": '"', "´": "'",
    # signs
    "…": "...", "•": "*", "·": "*", "×": "x", "÷": "/", "\u00a0": " ", "¿": "?", "¡": "!", "°": "deg", "½": "1/2",
    "\u200b": "", "\u200c": "", "\u200d": "", "\ufe0f": "", "\ufeff": "",
    # Russian letters whose spelling differs
    "Ё": "Io", "ё": "io", "Й": "I", "й": "i", "Ю": "Iu", "ю": "iu", "Я": "Ia", "я": "ia", "Ъ": "'", "ъ": "'",
}  # fmt: skip


@functools.lru_cache(maxsize=8192)
def transliterate(character: str) -> str:
    """One character in ASCII: several characters, one, or nothing (emoji, unassigned code points)."""
    if character.isascii():
        return character
    if character in _OVERRIDES:
        return _OVERRIDES[character]
    category = unicodedata.category(character)
    if ord(character) > 0xFFFF and category[0] in "SC":
        return ""  # emoji: their names (":grinning:") are not words of the song
    if category in ("Cs", "Co", "Cn"):
        return ""
    spelled: str = anyascii(character)
    name = unicodedata.name(character, "")
    if name.startswith("CJK UNIFIED IDEOGRAPH"):
        return f"{spelled} "  # each a word of its own
    if name.startswith("HANGUL SYLLABLE"):
        return spelled.lower()
    return spelled
