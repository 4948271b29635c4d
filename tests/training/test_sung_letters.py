"""Letters lie in time where they are sung."""

from __future__ import annotations

from explorer.training.corpus import Character
from explorer.training.sung_letters import ALPHABET, sung_classes


def test_classes_lie_where_characters_are_sung() -> None:
    classes = sung_classes([Character(c, 1 + 0.1 * i, 1.1 + 0.1 * i) for i, c in enumerate("ab 'c")], 100)
    for second, character in ((0.5, ""), (1.05, "a"), (1.15, "b"), (1.25, ""), (1.35, "'"), (1.45, "c"), (1.6, "")):
        assert classes[int(second * 50)] == (1 + ALPHABET.index(character) if character else 0), second
