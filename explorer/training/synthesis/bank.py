"""The word bank and the sentence frames as Python values.

Knows: how ``data/words.txt`` and ``data/frames.txt`` are written, how English forms plurals and verb
forms, and which words are held out. Does not know how words sound, nor songs.
"""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from explorer.training.synthesis.errors import SynthesisError

DATA = Path(__file__).with_name("data")

NOUNS = ("thing", "person", "animal", "food", "place", "body", "mass", "idea")
COUNTABLE = ("thing", "person", "animal", "food", "place", "body", "idea")
VERBS = ("vt", "vp", "vi")
FORMS = ("", "s", "ing", "ed", "en")
"""Suffixes of a verb slot: base, he sings, singing, sang, sung."""

HELDOUT_SECTIONS = ("thing", "animal", "food", "place", "mass", "adj", "vt", "vi", "adv", "name")
HELDOUT_EVERY = 40
"""One in so many words of these sections is sung in the held-out songs only."""

_VOWELS = "aeiou"


@dataclass(frozen=True)
class Verb:
    """A verb in the five forms of ``FORMS``."""

    base: str
    third: str
    participle: str
    past: str
    perfect: str

    @property
    def forms(self) -> tuple[str, str, str, str, str]:
        return self.base, self.third, self.participle, self.past, self.perfect


@dataclass(frozen=True)
class Bank:
    """All words by slot name (as written in frames), the frames by section, and the held-out words."""

    slots: Mapping[str, tuple[str, ...]]
    frames: Mapping[str, tuple[str, ...]]
    words: frozenset[str]
    """Every word that can be sung."""
    heldout: frozenset[str]
    """Words (with all their forms) that only the songs of held-out words may use."""

    def base_words(self) -> frozenset[str]:
        """The entries of the word file, without the forms made by rule."""
        return frozenset(word for section in read_sections("words.txt").values() for word in _bases(section))


def read_sections(name: str) -> dict[str, list[str]]:
    """Lines of a data file by their [section]; comments and empty lines are left out.

    Raises SynthesisError for a line before the first section.
    """
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            current = sections.setdefault(line[1:-1], [])
        elif current is None:
            raise SynthesisError(f"{name}: {line!r} stands before the first [section]")
        else:
            current.append(line)
    return sections


@functools.lru_cache(maxsize=1)
def bank() -> Bank:
    """The bank that comes with the program."""
    sections = {
        name: list(dict.fromkeys(" ".join(lines).split())) for name, lines in read_sections("words.txt").items()
    }
    frames = {name: tuple(lines) for name, lines in read_sections("frames.txt").items()}
    slots: dict[str, tuple[str, ...]] = {}
    families: list[set[str]] = []
    for name, entries in sections.items():
        if name in VERBS:
            verbs = [verb(entry) for entry in entries]
            for form, suffix in enumerate(FORMS):
                slots[name + suffix] = tuple(dict.fromkeys(v.forms[form] for v in verbs))
            forms = [set(v.forms) for v in verbs]
        elif name in COUNTABLE:
            pairs = [noun(entry) for entry in entries]
            slots[name] = tuple(singular for singular, _ in pairs)
            slots[name + "s"] = tuple(plural for _, plural in pairs)
            forms = [set(pair) for pair in pairs]
        else:
            slots[name] = tuple(entries)
            forms = [{entry} for entry in entries]
        if name in HELDOUT_SECTIONS:
            families += forms
    slots["any"] = tuple(dict.fromkeys(w for name in NOUNS for w in slots[name]))
    slots["anys"] = tuple(dict.fromkeys(w for name in COUNTABLE for w in slots[name + "s"]))
    words = {w for entries in slots.values() for w in entries}
    for lines in frames.values():
        words |= {w for line in lines for w in re.sub(r"\{\w+\}", " ", line).split()}
    return Bank(slots, frames, frozenset(words), _heldout(families, slots, frames))


def noun(entry: str) -> tuple[str, str]:
    """Singular and plural of ``rose`` or ``knife/knives``."""
    singular, _, plural = entry.partition("/")
    if plural:
        return singular, plural
    if re.search(r"(s|x|z|ch|sh)$", singular):
        return singular, singular + "es"
    if re.search(r"[^aeiou]y$", singular):
        return singular, singular[:-1] + "ies"
    if singular.endswith("o") and singular in ("potato", "tomato", "hero", "echo", "mango", "buffalo", "mosquito"):
        return singular, singular + "es"
    return singular, singular + "s"


def verb(entry: str) -> Verb:
    """All forms of ``walk``, ``sing/sang/sung`` or ``begin/began/begun!`` (last letter doubled)."""
    doubled = entry.endswith("!")
    base, _, rest = entry.rstrip("!").partition("/")
    doubled = doubled or bool(re.fullmatch(r"(?:qu|[^aeiou])*[aeiou][^aeiouwxy]", base))
    stem = base + base[-1] if doubled else base
    if base.endswith("ie"):
        participle = base[:-2] + "ying"
    elif base.endswith("e") and not base.endswith(("ee", "oe", "ye")):
        participle = base[:-1] + "ing"
    else:
        participle = stem + "ing"
    past, _, perfect = rest.partition("/")
    if not past:
        if base.endswith("e"):
            past = base + "d"
        elif re.search(r"[^aeiou]y$", base):
            past = base[:-1] + "ied"
        else:
            past = stem + "ed"
    third = base + "es" if base in ("go", "do") else "quizzes" if base == "quiz" else noun(base)[1]
    return Verb(base, third, participle, past, perfect or past)


def _bases(lines: list[str]) -> list[str]:
    return [re.split(r"[/!]", entry)[0] for entry in " ".join(lines).split()]


def _heldout(
    families: list[set[str]], slots: Mapping[str, tuple[str, ...]], frames: Mapping[str, tuple[str, ...]]
) -> frozenset[str]:
    """Words chosen by hash, never one that a frame needs or that is also a word of another section."""
    fixed = {w for lines in frames.values() for line in lines for w in line.split()}
    fixed |= {w for name in ("other", "number", "ordinal", "color", "who", "call", "time", "prep") for w in slots[name]}
    chosen = [f for f in families if zlib.crc32(min(sorted(f), key=len).encode()) % HELDOUT_EVERY == 7]
    others = [f for f in families if f not in chosen]
    used = fixed.union(*others)
    return frozenset(w for family in chosen if not family & used for w in family)
