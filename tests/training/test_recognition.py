"""Counting heard words. The recogniser itself needs packages that the tests do not install."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from explorer.training import recognition
from explorer.training.recognition import EvaluatorMissing, Recogniser, plain_words, word_error_rate


def test_words_are_compared_without_case_and_signs() -> None:
    assert plain_words("Don't stop,\nSUNNY day!") == ["don't", "stop", "sunny", "day"]


def test_errors_are_counted_per_word_of_the_lyrics() -> None:
    pytest.importorskip("jiwer")
    assert word_error_rate("one two\nthree four", ["one", "two", "three", "four"]) == 0.0
    assert word_error_rate("one two\nthree four", ["one", "too", "three", "four", "five"]) == 0.5


def test_a_missing_recogniser_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "faster_whisper":
            raise ImportError("No module named 'faster_whisper'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        EvaluatorMissing, match=r"pip install --require-hashes --requirement .*requirements-evaluate\.txt"
    ):
        Recogniser(tmp_path)


def test_other_weights_than_the_known_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        (tmp_path / f"model.bin.part{number}").write_bytes(b"not a model")
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (tmp_path / name).write_text("{}")
    monkeypatch.setattr(recognition, "_data", lambda package: tmp_path)
    with pytest.raises(EvaluatorMissing, match="SHA-256"):
        recognition._joined(tmp_path / "cache")
    assert not (tmp_path / "cache" / "whisper-base" / "model.bin").exists()
