"""Other scripts are spelled as the released models were taught."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.transliteration import transliterate


def spell(text: str) -> str:
    return "".join(transliterate(c) for c in text)


@pytest.mark.parametrize(
    ("text", "ascii_text"),
    [
        ("Café naïve ß ø ł æðþ", "Cafe naive ss o l aedth"),
        ("“quoted” ‘it’s’ … — –", "\"quoted\" 'it's' ... -- -"),
        ("你好", "Ni Hao "),
        ("안녕", "annyeong"),
        ("Привет, Юлия", "Privet, Iuliia"),
        ("こんにちは", "konnichiha"),
        ("😀👩‍🚀", ""),
        ("plain ASCII \\ \n\t~", "plain ASCII \\ \n\t~"),
    ],
)
def test_spelling(text: str, ascii_text: str) -> None:
    assert spell(text) == ascii_text


@given(st.characters(codec=None))
def test_every_character_becomes_ascii(character: str) -> None:
    assert transliterate(character).isascii()


def test_lone_surrogates_vanish() -> None:
    assert transliterate("\ud83d") == ""
