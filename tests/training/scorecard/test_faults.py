"""Faults that are put in are found, and sound without faults has none."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.training.scorecard.faults import (
    Fault,
    clipped_share,
    count_faults,
    find_faults,
    longest_loop,
    longest_run,
    longest_silence,
)
from tests.training.scorecard.sounds import RATE, noise, pitch, voice


def music(seconds: float) -> np.ndarray:
    """Notes that change, over noise."""
    notes = np.concatenate([voice(pitch(note), 0.25) for note in np.random.default_rng(1).integers(0, 24, 40)])
    return np.resize(notes, round(seconds * RATE)) + noise(seconds, 0.02)


def test_music_and_noise_have_no_fault() -> None:
    assert find_faults(music(8), RATE) == ()
    assert find_faults(noise(8), RATE) == ()


def test_silence() -> None:
    sound = music(12)
    assert longest_silence(sound, RATE) < 0.2
    sound[3 * RATE : 8 * RATE] = 0
    assert longest_silence(sound, RATE) == pytest.approx(5, abs=0.11)
    assert find_faults(sound, RATE) == (Fault.SILENCE,)
    assert find_faults(np.zeros(2 * RATE, np.float32), RATE) == (Fault.SILENCE,)
    assert find_faults(1e-3 * noise(12), RATE) == (Fault.SILENCE,)


def test_a_short_rest_is_no_silence() -> None:
    sound = music(12)
    sound[3 * RATE : 5 * RATE] = 0
    assert find_faults(sound, RATE) == ()


def test_clipping_is_flat_tops_and_not_single_peaks() -> None:
    loud = np.clip(6 * music(8), -1, 1)
    assert clipped_share(loud) > 0.01
    assert find_faults(loud, RATE) == (Fault.CLIPPING,)
    peaks = 0.9 * np.clip(music(8), -1, 1)
    peaks[::100] = 1.0
    assert clipped_share(peaks) == 0
    flat = np.zeros(100)
    flat[10:15] = -1.0
    assert clipped_share(flat) == pytest.approx(0.05)


def test_a_constant_offset() -> None:
    assert find_faults(music(8) + 0.02, RATE) == (Fault.OFFSET,)
    assert find_faults(music(8) - 0.02, RATE) == (Fault.OFFSET,)
    assert find_faults(music(8) + 0.005, RATE) == ()


@pytest.mark.parametrize("loop", [0.08, 0.15, 0.3])
def test_a_stuck_loop(loop: float) -> None:
    sound = music(10)
    piece = noise(loop, seed=4)
    sound[2 * RATE : 7 * RATE] = np.resize(piece, 5 * RATE)
    assert longest_loop(sound, RATE) == pytest.approx(5 - loop, abs=0.2)
    assert find_faults(sound, RATE) == (Fault.LOOP,)


def test_a_tone_that_never_changes_is_stuck() -> None:
    assert find_faults(voice(220, 6), RATE) == (Fault.LOOP,)


def test_a_repeated_bar_is_not_stuck() -> None:
    assert find_faults(np.resize(music(2), 10 * RATE), RATE) == ()


def test_runs() -> None:
    assert longest_run(np.array([True, False, True, True, False])) == 2
    assert longest_run(np.array([False, False])) == 0
    assert longest_run(np.array([True, True, True])) == 3


def test_counting() -> None:
    assert count_faults([(), (Fault.LOOP, Fault.CLIPPING), (Fault.LOOP,)]) == {
        "clips": 3, "faulty": 2, "silence": 0, "clipping": 1, "DC offset": 0, "stuck loop": 2,
    }  # fmt: skip
