"""The mix: stems and voice to one loudness-normalised mono signal.

Knows: levels, equalisers, amplifiers, rooms and limits. Does not know notes or words. The effects are
those of the package pedalboard, which only building a corpus needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.training.synthesis.artists import Artist, Genre
from explorer.training.synthesis.instruments import RATE
from explorer.training.synthesis.tools import load

LOUDNESS = -16.0
"""LUFS of a song."""

_LEVELS = {
    "drums": -22.5, "bass": -22.0, "comp": -22.0, "drive": -20.0, "guitar": -25.0, "pad": -27.0, "brass": -25.0,
    "lead": -24.0, "lead_drive": -25.0,
}  # fmt: skip
"""dB RMS of each stem while it sounds."""
_LEAD_ALONE = 7.0
"""dB by which the lead is louder where it replaces the voice."""
_VOICE = -16.7
_CLARITY = 3.0
"""dB by which the voice must stand above the band between 1 and 4 kHz, where consonants are heard."""
_CLARITY_AT_MOST = 5.0
"""dB that are spent on it."""
_ROOMS = {
    "plate": (0.45, 0.16), "hall": (0.7, 0.15), "room": (0.2, 0.12), "drive": (0.35, 0.12), "echo": (0.5, 0.15),
    "dub": (0.5, 0.14), "robot": (0.3, 0.1),
}  # fmt: skip
"""Effects of a voice → (size, share) of its reverberation."""
_AMPLIFIED = ("drive", "guitar", "lead_drive")
_AMPLIFIER = (18.0, 4500.0)
_REFERENCE = 0.12
"""RMS at which effects that depend on level are fed."""
_SILENCE = 1e-9
"""What ``sounding_rms`` says of a stem that is silent."""
_KNEE, _CEILING = 0.62, 0.9
_FADE = 0.4


@dataclass(frozen=True)
class Mix:
    """A finished song, and its parts as they are in it."""

    audio: np.ndarray
    """float32 [samples]"""
    lufs: float
    voice: np.ndarray | None


def mix(
    artist: Artist, band: Artist, genre: Genre, stems: Mapping[str, np.ndarray], voice: np.ndarray | None,
    seconds_per_beat: float, samples: int,
) -> Mix:  # fmt: skip
    """Everything together. Stems and voice: float32 [samples] at ``instruments.RATE``."""
    together: np.ndarray = np.zeros(samples, np.float32)
    for name in sorted(stems):
        level = _LEVELS[name] + genre.levels.get(name, 0.0)
        level += _LEAD_ALONE if voice is None and name.startswith("lead") else 0.0
        together += _to_level(_stem(name, stems[name], band, seconds_per_beat), level)
    sung = None
    if voice is not None:
        sung = _to_level(_voice(artist, voice), _VOICE + genre.voice)
        if stems:
            board = load("pedalboard")
            together = _through(together, [board.PeakFilter(2600, genre.presence_cut, 0.55)])
            together *= (1 - genre.ducking * _presence(voice)).astype(np.float32)
            sung = sung * _clear(sung, together)
        together = np.add(together, sung, dtype=np.float32)
    meter = load("pyloudnorm").Meter(RATE)
    loud = meter.integrated_loudness(together.astype(np.float64))
    audio = _limited(together * 10 ** ((LOUDNESS - loud) / 20))
    fade = int(_FADE * RATE)
    audio[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return Mix(audio, float(meter.integrated_loudness(audio.astype(np.float64))), sung)


def sounding_rms(audio: np.ndarray) -> float:
    """RMS of the stretches that are not silent."""
    loud = np.abs(audio) > 1e-3
    return float(np.sqrt(np.mean(audio[loud] ** 2))) if loud.sum() > 500 else _SILENCE


def _through(audio: np.ndarray, effects: list[Any]) -> np.ndarray:
    out: np.ndarray = load("pedalboard").Pedalboard(effects)(audio[None].astype(np.float32), RATE)[0]
    return out


def _to_level(audio: np.ndarray, decibels: float) -> np.ndarray:
    level = sounding_rms(audio)
    if level <= _SILENCE:  # the synthesiser's dither would become a storm
        return np.zeros_like(audio)
    return np.asarray(audio * (10 ** (decibels / 20) / level))


def _stem(name: str, audio: np.ndarray, band: Artist, seconds_per_beat: float) -> np.ndarray:
    b = load("pedalboard")
    if name in _AMPLIFIED:
        gain, tone = band.drive or _AMPLIFIER
        audio = audio * (_REFERENCE / sounding_rms(audio))
        chain = [b.HighpassFilter(80), b.Distortion(gain), b.PeakFilter(750, -3, 0.8), b.PeakFilter(2700, -4, 0.6)]
        chain += [b.LowpassFilter(tone), b.LowpassFilter(tone), b.HighpassFilter(90)]
        chain += [b.Reverb(room_size=0.25, wet_level=0.08, dry_level=0.95)]
    elif name == "bass":
        chain = [b.HighpassFilter(35), b.Compressor(-18, 3, 8, 120)]
    elif name == "drums":
        chain = [b.Compressor(-14, 2.5, 6, 90), b.Reverb(room_size=0.35, wet_level=0.06, dry_level=0.95)]
    else:
        chain = [b.HighpassFilter(100)]
        if name == "pad":
            chain += [b.Chorus(0.7, 0.2, mix=0.3)]
        if band.effects == "dub" and name == "comp":
            chain += [b.Delay(0.75 * seconds_per_beat, 0.3, 0.18)]
        chain += [b.Reverb(room_size=0.5, wet_level=0.12, dry_level=0.92)]
    return _through(audio, chain)


def _voice(artist: Artist, audio: np.ndarray) -> np.ndarray:
    b = load("pedalboard")
    audio = audio * (_REFERENCE / sounding_rms(audio))
    chain = [b.HighpassFilter(100), b.PeakFilter(300, -2, 0.8), b.Compressor(-24, 4, 3, 80), b.PeakFilter(3000, 5, 0.7)]
    if artist.effects == "drive":
        chain += [b.Distortion(2)]
    elif artist.effects == "echo":
        chain += [b.Delay(0.28, 0.25, 0.14), b.Chorus(0.8, 0.15, mix=0.18)]
    elif artist.effects == "dub":
        chain += [b.Delay(0.36, 0.35, 0.16)]
    elif artist.effects == "robot":
        chain += [b.Chorus(1.6, 0.35, feedback=0.2, mix=0.35), b.Phaser(0.4, 0.4, mix=0.25)]
    size, share = _ROOMS[artist.effects]
    chain += [b.Reverb(room_size=size, wet_level=share, dry_level=0.9)]
    return _through(audio, chain)


def _presence(voice: np.ndarray) -> np.ndarray:
    """0 … 1: how much the voice sounds, over about a tenth of a second."""
    from scipy.ndimage import uniform_filter1d

    envelope = uniform_filter1d(np.abs(voice), RATE // 10)
    return np.asarray(np.clip(envelope / (np.percentile(envelope, 90) + 1e-9), 0, 1))


def _clear(voice: np.ndarray, band: np.ndarray) -> float:
    """Factor that lifts a voice which the band would drown between 1 and 4 kHz."""
    from scipy.signal import butter, sosfilt

    edges = butter(4, (1000, 4000), "bandpass", fs=RATE, output="sos")
    heard, masking = sosfilt(edges, voice), sosfilt(edges, band)
    singing = np.abs(voice) > 0.05 * np.abs(voice).max()
    ratio = 10 * np.log10((np.mean(heard[singing] ** 2) + 1e-12) / (np.mean(masking[singing] ** 2) + 1e-12))
    return float(10 ** (min(_CLARITY_AT_MOST, max(0.0, _CLARITY - ratio)) / 20))


def _limited(audio: np.ndarray) -> np.ndarray:
    """Peaks above the knee bent softly below the ceiling."""
    size = np.abs(audio)
    room = _CEILING - _KNEE
    bent = np.sign(audio) * (_KNEE + room * np.tanh((size - _KNEE) / room))
    return np.where(size > _KNEE, bent, audio).astype(np.float32)
