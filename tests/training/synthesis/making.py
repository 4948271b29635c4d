"""Songs for tests: a renderer that needs no voice and no soundfont."""

from __future__ import annotations

import numpy as np

from explorer.training.synthesis.instruments import RATE
from explorer.training.synthesis.labels import timed_lyrics
from explorer.training.synthesis.performance import Recording, Render
from explorer.training.synthesis.pronunciation import line_syllables
from explorer.training.synthesis.score import Score
from explorer.training.synthesis.speech import Phone


def phones_of(score: Score) -> list[tuple[Phone, ...]]:
    """Phones as if each filled an even part of its syllable's note."""
    lines = []
    for index, line in enumerate(score.lines):
        notes = [note for note in score.notes if note.line == index]
        phones = []
        for number, (word, syllable) in enumerate(line_syllables(line.text)):
            letters = syllable.onset + syllable.nucleus + syllable.coda
            edges = np.linspace(notes[number].start, notes[number].end, len(letters) + 1)
            for letter, start, end in zip(letters, edges[:-1], edges[1:], strict=True):
                phones.append(Phone(letter, letter == syllable.nucleus, float(start), float(end), word, number))
        lines.append(tuple(phones))
    return lines


def beep(score: Score, seed: int) -> Recording:
    """Every note a tone: a ``Render``."""
    samples = round(score.seconds * RATE)
    audio = np.zeros(samples, np.float32)
    for note in score.notes:
        first, last = round(note.start * RATE), min(samples, round(note.end * RATE))
        time = np.arange(last - first) / RATE
        audio[first:last] += 0.3 * np.sin(2 * np.pi * 440 * 2 ** ((note.midi - 69) / 12) * time)
    if score.kind == "instrumental":
        return Recording(audio, -16.0, [], [])
    characters, words = timed_lyrics([line.text for line in score.lines], phones_of(score), score.seconds)
    return Recording(audio, -16.0, characters, words)


def make_beeper() -> Render:
    return beep
