"""Sounds whose measures are known."""

from __future__ import annotations

import numpy as np

RATE = 16_000


def tone(hertz: float, seconds: float, level: float = 0.3, rate: int = RATE) -> np.ndarray:
    """A sine."""
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def noise(seconds: float, level: float = 0.1, seed: int = 0) -> np.ndarray:
    """White noise, never beyond full scale."""
    sound = level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return sound.clip(-0.99, 0.99).astype(np.float32)


def voice(hertz: float, seconds: float) -> np.ndarray:
    """A tone with twelve overtones, as a voice has them."""
    return sum(tone(hertz * h, seconds, 0.2 / h) for h in range(1, 13))  # type: ignore[return-value]


def pitch(semitones_above_c4: float) -> float:
    return 261.6256 * 2 ** (semitones_above_c4 / 12)


def song(key_notes: tuple[int, ...], bass: int, seconds: float = 0.4) -> np.ndarray:
    """The notes, in semitones above C4, one after the other over a held bass note."""
    tune = np.concatenate([voice(pitch(note), seconds) for note in key_notes])
    return tune + tone(pitch(bass - 24), len(tune) / RATE, 0.2)
