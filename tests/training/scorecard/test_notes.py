"""Pitches whose distance to a scale is known."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

from explorer.training.keys import Key, parse_key
from explorer.training.recognition import EvaluatorMissing
from explorer.training.scorecard.notes import (
    CHANCE,
    PitchTracker,
    cents_off,
    describe_notes,
    estimate_key,
    summarise_notes,
    tune_kept,
)
from tests.training.scorecard.sounds import RATE, noise, pitch, song, voice

C_MAJOR = Key(0, "major")


def test_keys_are_read() -> None:
    assert parse_key("Ab major") == Key(8, "major")
    assert parse_key("C# minor") == Key(1, "minor")
    assert parse_key("H major") is None and parse_key("C lydian") is None and parse_key("") is None
    assert str(Key(10, "minor")) == "Bb minor"
    assert Key(9, "minor").scale == C_MAJOR.scale != Key(0, "minor").scale


@pytest.mark.parametrize(
    ("semitones", "cents"),
    [
        (0, 0),
        (0.5, 50),
        (0.6, 60),
        (1, 100),
        (1.4, 60),
        (4.5, 50),
        (4.7, 30),
        (12, 0),
        (-24.2, 20),
        (11.9, 10),
        (6, 100),
    ],
)
def test_distance_to_the_scale(semitones: float, cents: float) -> None:
    assert cents_off(np.array([pitch(semitones)]), C_MAJOR)[0] == pytest.approx(cents, abs=0.1)


def test_a_note_half_a_tone_off_is_wrong_and_a_slightly_flat_one_right() -> None:
    hertz = np.array([0, pitch(0.4), pitch(1), pitch(-0.4), pitch(0.6), 0])
    notes = describe_notes(hertz, C_MAJOR)
    assert (notes.frames, notes.voiced, notes.right, notes.share) == (6, 4, 2, 0.5)
    assert describe_notes(hertz, None).right == 0
    assert describe_notes(np.zeros(5), C_MAJOR).share is None


def test_a_tune_is_kept_where_the_same_pitch_sounds_at_the_same_time() -> None:
    real = describe_notes(np.array([pitch(0), pitch(2), 0, pitch(4), pitch(5)]), C_MAJOR)
    made = describe_notes(np.array([pitch(0.4), pitch(14), pitch(3), 0, pitch(5), pitch(7)]), C_MAJOR)
    assert tune_kept([(real, made)]) == 0.5 and tune_kept([(real, real)]) == 1.0
    silent = describe_notes(np.zeros(5), None)
    assert tune_kept([(silent, made)]) is None and tune_kept([(real, silent), (real, real)]) == 0.5
    assert summarise_notes([made], [real])["tune_kept"] == 0.5 and summarise_notes([made])["tune_kept"] is None


def test_a_told_note_is_sung_where_its_pitch_sounds_in_any_octave() -> None:
    """C from the begin, then D from 0.16 s to 0.32 s: frames 3 to 9 and 13 to 19, behind the glides."""
    hertz = np.zeros(25)
    hertz[:10] = pitch(0)
    hertz[13:16], hertz[16], hertz[17:20] = pitch(14.4), pitch(3), pitch(2)
    told = ((0.0, 0.16, 60), (0.16, 0.32, 62), (0.36, 0.4, 60), (9.0, 9.5, 60))
    notes = describe_notes(hertz, C_MAJOR, None, told)
    assert (notes.told, notes.sung) == (14, 13)
    hertz[5] = 0
    assert summarise_notes([describe_notes(hertz, None, None, told)])["told_sung"] == round(12 / 14, 4)


def test_pitch_without_a_key_reaches_chance() -> None:
    hertz = np.array([pitch(x) for x in np.arange(0, 12, 0.01)])
    assert describe_notes(hertz, Key(5, "minor")).share == pytest.approx(CHANCE, abs=0.01)


@pytest.mark.parametrize(("tonic", "mode"), [(0, "major"), (3, "major"), (7, "major"), (9, "minor"), (2, "minor")])
def test_the_key_of_a_tune(tonic: int, mode: str) -> None:
    steps = (0, 4, 7, 5, 2, 0, 11, 0, 9, 7, 4, 0) if mode == "major" else (0, 3, 7, 5, 2, 0, 10, 0, 8, 7, 3, 0)
    sound = song(tuple(tonic + step for step in steps), tonic)
    found = estimate_key(sound, RATE)
    assert found is not None and found.scale == Key(tonic, mode).scale


def test_silence_has_no_key() -> None:
    assert estimate_key(np.zeros(RATE, np.float32), RATE) is None


def test_shares_are_over_frames_and_keys_over_songs() -> None:
    clips = [
        describe_notes(np.array([pitch(0), pitch(2), pitch(1), 0]), C_MAJOR, Key(9, "minor")),
        describe_notes(np.array([pitch(7)]), C_MAJOR, Key(1, "major")),
        describe_notes(np.zeros(3), None, None),
    ]
    assert summarise_notes(clips) == {
        "clips": 3, "voiced": 0.5, "within_50_cents": 0.75, "by_chance": 0.5833, "keys_found": 0.5,
        "tune_kept": None, "told_sung": None,
    }  # fmt: skip
    assert summarise_notes([])["within_50_cents"] is None


def test_pitch_of_a_voice_and_of_noise() -> None:
    pytest.importorskip("swift_f0")
    tracker = PitchTracker()
    found = tracker.voiced(np.concatenate([voice(pitch(0.5), 1), noise(1)]), RATE)
    middle = found[10:50]
    assert (middle > 0).all() and np.abs(1200 * np.log2(middle / pitch(0.5))).max() < 15
    assert (found[70:] > 0).mean() < 0.2
    assert tracker.voiced(voice(220.0, 1)[::2], RATE // 2)[20] == pytest.approx(220.0, rel=0.01)


def test_a_missing_tracker_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "swift_f0":
            raise ImportError("No module named 'swift_f0'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        EvaluatorMissing, match=r"swift_f0.*pip install --require-hashes --requirement .*requirements-evaluate\.txt"
    ):
        PitchTracker()
