"""A classifier on figures that can and that cannot be told apart, and figures of sounds."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

from explorer.training.recognition import EvaluatorMissing
from explorer.training.scorecard.labels import describe_sound, new_classifier, recognised, train_classifier
from tests.training.scorecard.sounds import RATE, noise, voice

LABELS = ["blues", "folk", "jazz"] * 20


def figures(apart: float, seed: int) -> np.ndarray:
    """Sixty rows in three heaps."""
    random = np.random.default_rng(seed)
    return random.standard_normal((60, 6)) + apart * np.eye(3, 6)[np.arange(60) % 3]


def test_heaps_apart_are_recognised_and_one_heap_is_not() -> None:
    classifier = train_classifier(figures(8, 0), LABELS)
    found = recognised(classifier, figures(8, 1), LABELS)
    assert found["accuracy"] > 0.98 and found["clips"] == 60 and found["classes"] == ["blues", "folk", "jazz"]
    chance = recognised(train_classifier(figures(0, 0), LABELS), figures(0, 1), LABELS)
    assert chance["accuracy"] < 0.6


def test_confusion_says_what_was_heard_instead() -> None:
    classifier = train_classifier(figures(8, 0), LABELS)
    folk = figures(8, 1)[1::3]
    found = recognised(classifier, folk, ["blues"] * len(folk))
    assert found["accuracy"] == 0 and found["confusion"] == [[0, 20, 0], [0, 0, 0], [0, 0, 0]]


def test_labels_that_were_never_heard_do_not_count() -> None:
    classifier = train_classifier(figures(8, 0), LABELS)
    found = recognised(classifier, figures(8, 1)[:4], ["blues", "polka", "0.5 folk / 0.5 jazz", "blues"])
    assert found["clips"] == 2 and found["accuracy"] == 1.0
    assert recognised(classifier, figures(8, 1)[:1], ["polka"]) == {"clips": 0, "accuracy": None}


def test_sounds_are_told_apart_whatever_their_level() -> None:
    loud, soft = describe_sound(voice(200, 3), RATE), describe_sound(0.1 * voice(200, 3), RATE)
    other = describe_sound(noise(3), RATE)
    assert np.isfinite(loud).all() and loud.shape == other.shape
    assert np.abs(loud - soft).max() < 0.05 < np.abs(loud - other).max()


def test_real_kinds_of_sound_are_recognised() -> None:
    kinds = {"voice": lambda i: voice(150 + 10 * i, 1.5), "noise": lambda i: noise(1.5, seed=i)}
    rows = np.stack([describe_sound(make(i), RATE) for make in kinds.values() for i in range(8)])
    labels = [name for name in kinds for _ in range(8)]
    classifier = train_classifier(rows[::2], labels[::2])
    assert recognised(classifier, rows[1::2], labels[1::2])["accuracy"] == 1.0


@pytest.mark.parametrize("seconds", [0.02, 0.3, 2.0])
def test_silence_and_short_clips_have_figures(seconds: float) -> None:
    found = describe_sound(np.zeros(int(seconds * RATE), np.float32), RATE)
    assert np.isfinite(found).all() and found.shape == describe_sound(noise(1), RATE).shape


def test_other_rates_have_the_same_figures() -> None:
    assert describe_sound(noise(1), 8_000).shape == describe_sound(noise(1), 22_050).shape


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("sklearn"):
            raise ImportError("No module named 'sklearn'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EvaluatorMissing, match="requirements-evaluate"):
        new_classifier()
