"""Letters: learnt from states that tell them apart, and counted where they were to be sung."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.training.scorecard.letters import LetterEar, Spelled, letters_heard


def states(classes: np.ndarray, noise: float, seed: int = 0) -> np.ndarray:
    """Every class is a direction of its own among eight."""
    return np.eye(8)[classes] + noise * np.random.default_rng(seed).standard_normal((len(classes), 8))


def test_an_ear_hears_the_letters_that_sound_and_none_that_is_no_letter() -> None:
    classes = np.random.default_rng(1).integers(0, 5, 500)
    ear = LetterEar(states(classes, 0.1), classes)
    told = np.random.default_rng(2).integers(0, 5, 200)
    spelled = ear.spell(states(told, 0.1, 3), np.append(told, [1, 2]))
    assert (spelled.heard > 0).all() and np.array_equal(spelled.told, told)
    assert (spelled.heard == told)[told > 0].mean() > 0.95


def test_one_letter_alone_cannot_be_learnt() -> None:
    with pytest.raises(ValueError, match="two"):
        LetterEar(np.zeros((4, 3)), np.array([0, 2, 2, 0]))


def test_only_frames_with_a_letter_count_and_chance_is_another_clips_letters() -> None:
    first = Spelled(told=np.array([1, 1, 0, 2]), heard=np.array([1, 3, 3, 2]))
    second = Spelled(told=np.array([2, 0, 0, 2, 2]), heard=np.array([2, 2, 2, 1, 2]))
    # chance: of the second's letters 2 . . 2 the first one hears the last, of the first's 1 1 . 2 the second none
    assert letters_heard([first, second]) == {"frames": 6, "heard": 0.6667, "by_chance": 0.2}


def test_silent_clips_have_no_share() -> None:
    nothing = Spelled(told=np.zeros(3, dtype=int), heard=np.ones(3, dtype=int))
    assert letters_heard([nothing]) == {"frames": 0, "heard": None, "by_chance": None}
