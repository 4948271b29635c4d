"""A score performed: the voice sings, the band plays, everything is mixed.

Knows: which part of the sound each module makes. Does not know files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np

from explorer.training.synthesis import speech
from explorer.training.synthesis.artists import artists, genres
from explorer.training.synthesis.instruments import RATE, play_all
from explorer.training.synthesis.labels import Timed, timed_lyrics
from explorer.training.synthesis.mixing import mix
from explorer.training.synthesis.score import Score
from explorer.training.synthesis.singing import Manner, sing
from explorer.training.synthesis.speech import Phone, Speaker, Speech
from explorer.training.synthesis.tools import Tools


@dataclass(frozen=True)
class Recording:
    """A performed song. Times are seconds."""

    audio: np.ndarray
    """float32 [samples] at ``instruments.RATE``."""
    lufs: float
    characters: list[Timed]
    words: list[Timed]


Render = Callable[[Score, int], Recording]
"""A score and the corpus' seed → its sound."""


class Performer:
    """Voices and instruments of one process; ``perform`` is a ``Render``."""

    def __init__(self, tools: Tools) -> None:
        self._speaker = Speaker(tools)
        self._tools = tools

    def perform(self, score: Score, seed: int) -> Recording:
        """The whole song. The same score and seed sound the same."""
        samples = round(score.seconds * RATE)
        stems = play_all(score.stems, samples, self._tools)
        voice: np.ndarray | None = None
        characters: list[Timed] = []
        words: list[Timed] = []
        if score.kind != "instrumental":
            voice, phones = self._voice(score, samples, Random(f"{seed}/{score.number}/voice"))
            characters, words = timed_lyrics([line.text for line in score.lines], phones, score.seconds)
        singer, band = artists()[score.artist], artists()[score.band]
        mixed = mix(singer, band, genres()[score.genre], stems, voice, score.clock.seconds_per_beat, samples)
        return Recording(mixed.audio, mixed.lufs, characters, words)

    def _voice(self, score: Score, samples: int, rng: Random) -> tuple[np.ndarray, list[tuple[Phone, ...]]]:
        """The dry voice [samples] and the phones of each line."""
        from scipy.signal import resample_poly

        singer = artists()[score.artist]
        style = genres()[singer.genre]
        manner = Manner(0.02 if singer.effects == "robot" else style.vibrato, style.scoop)
        spoken: dict[str, Speech] = {}
        track = np.zeros(round(samples * speech.RATE / RATE) + speech.RATE, np.float32)
        phones = []
        for index, line in enumerate(score.lines):
            if line.text not in spoken:
                spoken[line.text] = self._speaker.say(line.text, singer.voice, singer.centre + 1, singer.formants)
            notes = [note for note in score.notes if note.line == index]
            second = [midi for midi, note in zip(score.harmony, score.notes, strict=True) if note.line == index]
            sung = sing(spoken[line.text], notes, second, manner, rng)
            begin = round(sung.start * speech.RATE)
            audio = sung.audio[max(0, -begin) :][: len(track) - max(0, begin)]
            track[max(0, begin) : max(0, begin) + len(audio)] += audio
            phones.append(sung.phones)
        voice = resample_poly(track, 147, 160).astype(np.float32)[:samples]
        return np.pad(voice, (0, samples - len(voice))), phones
