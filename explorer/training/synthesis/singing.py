"""Singing: spoken lines re-sung on notes.

Knows: how vowels are stretched so that each begins with its note, the pitch of a singing voice (glides,
vibrato, scoops), and resynthesis by WORLD. Does not know where speech or notes come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from explorer.training.synthesis.errors import SynthesisError
from explorer.training.synthesis.score import Note
from explorer.training.synthesis.speech import FRAME_MS, RATE, Phone, Speech
from explorer.training.synthesis.tools import load

_ATTACK = 0.04
"""Seconds at both ends of a vowel that keep their natural speed."""
_LONGEST_ONSET = 0.35
_HARMONY_LEVEL = 0.38
_LEVEL = 0.1
"""RMS of a sung line."""


@dataclass(frozen=True)
class Manner:
    """How an artist sings. Semitones."""

    vibrato: float
    scoop: float


@dataclass(frozen=True)
class Sung:
    """A sung line: audio [samples] at ``speech.RATE``, its first second in the song, its phones there."""

    audio: np.ndarray
    start: float
    phones: tuple[Phone, ...]


def sing(speech: Speech, notes: Sequence[Note], second: Sequence[int | None], manner: Manner, rng: Random) -> Sung:
    """A line on its notes, one a syllable; ``second``: notes of a second voice, if any.

    Raises SynthesisError when syllables and notes are not as many.
    """
    vowels = [phone for phone in speech.phones if phone.vowel]
    if len(vowels) != len(notes):
        raise SynthesisError(f"a line of {len(vowels)} syllables has {len(notes)} notes")
    spoken, sung = _time_map(speech, vowels, notes)
    frames = max(2, int((sung[-1] - sung[0]) * 1000 / FRAME_MS))
    times = sung[0] + np.arange(frames) * FRAME_MS / 1000
    place = np.interp(times, sung, spoken)
    position = np.clip(place * 1000 / FRAME_MS, 0, len(speech.pitch) - 1)
    low = position.astype(int)
    high = np.minimum(low + 1, len(speech.pitch) - 1)
    share = (position - low)[:, None].astype(np.float32)
    envelope = np.exp((speech.envelope[low] * (1 - share) + speech.envelope[high] * share).astype(np.float64))
    noise = (speech.aperiodicity[low] * (1 - share) + speech.aperiodicity[high] * share).astype(np.float64)
    unvoiced = speech.pitch[np.round(position).astype(int)] <= 0
    for vowel in vowels:  # the tracker loses some vowels; they are voiced all the same
        unvoiced[(place >= vowel.start + 0.01) & (place < vowel.end - 0.01)] = False
    lines = [[note.midi for note in notes]]
    if all(midi is not None for midi in second):
        lines.append([midi for midi in second if midi is not None])
    audio = np.zeros(0)
    for index, pitches in enumerate(lines):
        curve = _pitch_curve(notes, pitches, times, manner, rng)
        curve[unvoiced] = 0.0
        voice = load("pyworld").synthesize(
            curve, np.ascontiguousarray(envelope), np.ascontiguousarray(noise), RATE, FRAME_MS
        )
        audio = voice if index == 0 else audio + _HARMONY_LEVEL * voice
    phones = tuple(
        replace(p, start=float(np.interp(p.start, spoken, sung)), end=float(np.interp(p.end, spoken, sung)))
        for p in speech.phones
    )
    level = float(np.sqrt(np.mean(audio**2))) + 1e-9
    return Sung((audio * (_LEVEL / level)).astype(np.float32), float(sung[0]), phones)


def _time_map(speech: Speech, vowels: Sequence[Phone], notes: Sequence[Note]) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of speech and the seconds of the song at which they sound, both increasing.

    Vowels begin with their notes and are stretched in the middle; consonants between them are squeezed
    where a note is short.
    """
    spoken: list[float] = []
    sung: list[float] = []
    for index, (vowel, note) in enumerate(zip(vowels, notes, strict=True)):
        final = index + 1 == len(notes)
        coda_end = speech.phones[-1].end if final else vowels[index + 1].start
        coda = coda_end - vowel.end
        after = None if final else notes[index + 1].start
        limit = note.end + (0.25 if final else coda)
        if after is not None:
            limit = after if after - note.end < 0.05 else min(limit, after)
        squeezed = min(coda, max(0.03, (limit - note.start) * 0.55))
        release = max(note.start + 0.04, limit - squeezed)
        edge = min(_ATTACK, 0.3 * (vowel.end - vowel.start), 0.3 * (release - note.start))
        spoken += [vowel.start, vowel.start + edge, vowel.end - edge, vowel.end]
        sung += [note.start, note.start + edge, release - edge, release]
        if after is not None and limit < after - 0.06:  # a rest inside the line: finish the coda, then wait
            spoken.append(vowel.end + squeezed * 0.6 if coda > 0.01 else vowel.end)
            sung.append(limit)
    onset = min(max(spoken[0] - speech.phones[0].start, 0.02), _LONGEST_ONSET, max(0.0, sung[0]))
    spoken.insert(0, spoken[0] - onset)
    sung.insert(0, sung[0] - onset)
    spoken.append(min(speech.seconds, spoken[-1] + 0.3))
    sung.append(sung[-1] + max(0.0, spoken[-1] - spoken[-2]))
    return np.maximum.accumulate(spoken), np.maximum.accumulate(sung)


def _pitch_curve(
    notes: Sequence[Note], pitches: Sequence[int], times: np.ndarray, manner: Manner, rng: Random
) -> np.ndarray:
    """Hz by frame: steps smoothed to glides, scoops into long notes, vibrato, a little unsteadiness."""
    pitch = np.full(len(times), float(pitches[0]))
    age = np.zeros(len(times))
    length = np.zeros(len(times))
    for note, midi in zip(notes, pitches, strict=True):
        sounding = times >= note.start - 0.03
        pitch[sounding] = midi
        age[sounding] = times[sounding] - note.start
        length[sounding] = note.end - note.start
    pitch -= manner.scoop * np.clip(1 - age / 0.12, 0, 1) * (length > 0.3)
    width = max(1, int(0.07 * 1000 / FRAME_MS))
    window = np.hanning(width + 2)[1:-1]
    pitch = np.convolve(np.pad(pitch, width, mode="edge"), window / window.sum(), "same")[width:-width]
    depth = np.where(length > 0.35, manner.vibrato, min(0.06, manner.vibrato))
    pitch += np.clip((age - 0.22) / 0.3, 0, 1) * depth * np.sin(2 * np.pi * 5.6 * times + rng.random() * 6)
    shake = np.random.default_rng(rng.randrange(1 << 30)).standard_normal(len(times)) * 0.08
    pitch += np.convolve(shake, np.ones(9) / 9, "same")
    return np.asarray(440 * 2 ** ((pitch - 69) / 12))
