"""Writes ``data/pronunciations.txt``: how every word of the bank sounds. Run after adding words.

Knows: eSpeak NG, a program of its own that only this module calls, and how its phones are written in
the alphabet that the voice reads. Does not know what the words are for.

Usage: ``python -m explorer.training.synthesis.pronounce``
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence

from explorer.training.synthesis.bank import DATA, bank
from explorer.training.synthesis.errors import PackageMissing, SynthesisError

_SPELLING = (
    ("eɪ", "A"), ("aɪ", "I"), ("oʊ", "O"), ("aʊ", "W"), ("ɔɪ", "Y"), ("dʒ", "ʤ"), ("tʃ", "ʧ"),
    ("ɚ", "əɹ"), ("ɜː", "ɜɹ"), ("ɝ", "ɜɹ"), ("ɐ", "ə"), ("r", "ɹ"), ("ː", ""), ("g", "ɡ"), ("o", "ɔ"),
    ("x", "k"), ("ʔ", "t"), ("ɬ", "l"), ("n̩", "ən"), ("l̩", "əl"), ("̩", ""), ("ᵻ", "ɪ"), ("ɾ", "t"), ("\u200d", ""),
)  # fmt: skip
"""eSpeak's IPA → one letter a phone; diphthongs are capitals, as in the voice's training data."""

_WEAK = {"the": "ðə", "a": "ə", "an": "ən", "to": "tu", "of": "ʌv", "and": "ænd", "for": "fɔɹ", "my": "mˈI", "in": "ɪn",
         "la": "lˈɑ", "gonna": "ɡˈʌnə", "da": "dˈɑ", "ah": "ˈɑ"}  # fmt: skip
"""Words that eSpeak reads otherwise alone than in a line."""


def main() -> int:
    """Pronounce the whole bank anew. Prints what was written."""
    words = sorted(bank().words)
    try:
        readings = pronounce(words)
    except SynthesisError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    lines = [f"{word} {phones}" for word, phones in zip(words, readings, strict=True)]
    (DATA / "pronunciations.txt").write_text("\n".join([_HEAD, *lines, ""]), encoding="utf-8")
    print(f"{len(lines)} words")
    return 0


_HEAD = "# word and phones (IPA, diphthongs and affricates as one letter, ˈ ˌ before a stressed vowel); by pronounce.py"


def pronounce(words: Sequence[str]) -> list[str]:
    """Phones of each word. Raises PackageMissing without eSpeak NG, SynthesisError if it drops a word."""
    if shutil.which("espeak-ng") is None:
        raise PackageMissing("espeak-ng is not installed; see the README beside this module")
    spoken = "".join(f"{word}.\n\n" for word in words)
    done = subprocess.run(
        ["espeak-ng", "-q", "--ipa", "-v", "en-us"], input=spoken, capture_output=True, text=True, check=False
    )
    readings = [line for line in done.stdout.splitlines() if line.strip()]
    if done.returncode or len(readings) != len(words):
        raise SynthesisError(f"eSpeak NG read {len(words)} words as {len(readings)} lines")
    return [_WEAK.get(word) or _phones(reading) for word, reading in zip(words, readings, strict=True)]


def _phones(ipa: str) -> str:
    ipa = ipa.strip().replace(" ", "")
    for written, read in _SPELLING:
        ipa = ipa.replace(written, read)
    return ipa


if __name__ == "__main__":
    sys.exit(main())
