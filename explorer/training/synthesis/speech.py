"""Neutral speech: a line spoken on one pitch, taken apart into what a vocoder can re-sing.

Knows: the speech model's alphabet, how a line becomes its tokens, where each phone sounds, and the
analysis by WORLD (Morise et al. 2016). Does not know notes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.training.synthesis.pronunciation import line_syllables
from explorer.training.synthesis.tools import Tools, load

RATE = 24_000
"""Samples per second of the speech model."""
FRAME_MS = 5.0
"""Of the vocoder."""

TOKENS = {
    "A": 24, "I": 25, "O": 31, "W": 39, "Y": 41, "b": 44, "d": 46, "f": 48, "h": 50, "i": 51, "j": 52, "k": 53,
    "l": 54, "m": 55, "n": 56, "p": 58, "s": 61, "t": 62, "u": 63, "v": 64, "w": 65, "z": 68, "ɑ": 69, "æ": 72,
    "ɔ": 76, "ð": 81, "ʤ": 82, "ə": 83, "ɛ": 86, "ɜ": 87, "ɡ": 92, "ɪ": 102, "ŋ": 112, "θ": 119, "ɹ": 123,
    "ʃ": 131, "ʧ": 133, "ʊ": 135, "ʌ": 138, "ʒ": 147, "ˈ": 156, " ": 16,
}  # fmt: skip
"""Phone → id in the speech model (the alphabet of Kokoro-82M)."""

_EDGE = 0
_MODEL_FRAME = 0.025
"""Seconds of one unit of the model's durations."""
_LAG = 0.042
"""Seconds by which the model's durations lag behind its sound, measured at vowel onsets."""
_SPEED = 0.9


@dataclass(frozen=True)
class Phone:
    """One phone of a spoken line. Seconds of the line."""

    letter: str
    vowel: bool
    start: float
    end: float
    word: int
    syllable: int
    """Counted through the line."""


@dataclass(frozen=True)
class Speech:
    """A spoken line: spectral envelopes, aperiodicity and pitch by frame, and its phones."""

    envelope: np.ndarray
    """float32 [frames, bins], logarithmic."""
    aperiodicity: np.ndarray
    """float32 [frames, bins]."""
    pitch: np.ndarray
    """float64 [frames], Hz; 0 where unvoiced."""
    phones: tuple[Phone, ...]
    seconds: float


class Speaker:
    """The speech model, loaded once for a process."""

    def __init__(self, tools: Tools) -> None:
        runtime = load("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = runtime.InferenceSession(str(tools.model), options, providers=["CPUExecutionProvider"])
        self._outputs = [output.name for output in self._session.get_outputs()]
        with np.load(tools.voices) as styles:
            self._styles = {name: styles[name] for name in styles.files}

    def say(self, line: str, voice: str, midi: int, formants: float = 1.0) -> Speech:
        """A line on one note. ``formants``: stretch of the spectrum, above 1 a smaller head."""
        tokens, marks = _tokens(line)
        style = self._styles[voice][min(len(tokens) - 2, len(self._styles[voice]) - 1)][None]
        audio, durations = self._session.run(
            self._outputs,
            {
                "tokens": np.array([tokens], np.int64),
                "style": style.astype(np.float32),
                "speed": np.array([_SPEED], np.float32),
                "hz": np.array([440 * 2 ** ((midi - 69) / 12)], np.float32),
            },
        )
        return _analyse(audio.ravel().astype(np.float64), _phones(marks, durations.ravel()), formants)


_Mark = tuple[str, int, int, bool]
"""Phone or sign, word, syllable, whether it is a vowel."""


def _tokens(line: str) -> tuple[list[int], list[_Mark]]:
    tokens, marks = [_EDGE], [("_", -1, -1, False)]
    previous: int | None = None
    for number, (word, syllable) in enumerate(line_syllables(line)):
        letters: list[tuple[str, bool]] = [(" ", False)] if previous not in (None, word) else []
        letters += [(letter, False) for letter in syllable.onset]
        letters += [("ˈ", False)] if syllable.stressed else []
        letters += [(syllable.nucleus, True), *((letter, False) for letter in syllable.coda)]
        previous = word
        for letter, vowel in letters:
            tokens.append(TOKENS[letter])
            marks.append((letter, word, number, vowel))
    return [*tokens, _EDGE], [*marks, ("_", -1, -1, False)]


def _phones(marks: list[_Mark], durations: np.ndarray) -> tuple[Phone, ...]:
    """Times of the phones: a stress belongs to its vowel, a gap between words to the sound before it."""
    edges = np.maximum(0.0, np.concatenate([[0.0], np.cumsum(durations)]) * _MODEL_FRAME - _LAG)
    phones: list[Phone] = []
    stress_from: float | None = None
    for (letter, word, syllable, vowel), start, end in zip(marks, edges[:-1], edges[1:], strict=True):
        if letter == "ˈ":
            stress_from = float(start)
        elif letter == " ":
            before = phones[-1]
            phones[-1] = Phone(
                before.letter, before.vowel, before.start, before.end if before.vowel else float(end),
                before.word, before.syllable,
            )  # fmt: skip
        elif letter != "_":
            begin = float(start) if stress_from is None or not vowel else stress_from
            phones.append(Phone(letter, vowel, begin, float(end), word, syllable))
            stress_from = None if vowel else stress_from
    return tuple(phones)


def _analyse(audio: np.ndarray, phones: tuple[Phone, ...], formants: float) -> Speech:
    world = load("pyworld")
    pitch, times = world.dio(audio, RATE, frame_period=FRAME_MS)
    pitch = world.stonemask(audio, pitch, times, RATE)
    envelope = np.log(world.cheaptrick(audio, pitch, times, RATE)).astype(np.float32)
    aperiodicity = world.d4c(audio, pitch, times, RATE).astype(np.float32)
    if formants != 1.0:
        bins = envelope.shape[1]
        at = np.clip(np.arange(bins) / formants, 0, bins - 1)
        low = at.astype(int)
        high = np.minimum(low + 1, bins - 1)
        share = (at - low).astype(np.float32)
        envelope = envelope[:, low] * (1 - share) + envelope[:, high] * share
    return Speech(envelope, aperiodicity, pitch, phones, len(audio) / RATE)
