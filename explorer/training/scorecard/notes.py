"""Whether what is sung and played are notes of the song's key, and whether a tune is kept.

Knows: pitch over time (SwiftF0, MIT, its weights in the package), and the key from the whole sound. A tune is kept
where the tracker hears in a sound what it hears in the real one, and a told note is sung where it hears that note. The
grid is fixed at A = 440 Hz, as the corpus is tuned: a song that is tuned otherwise as a whole is wrong here. A frame
counts as right within 50 cents of a note of the key's scale, so pitch without any key would reach 7 of 12 (58 %), and a
little more by the choice of the key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.audio.analysis import chroma
from explorer.audio.resample import resample
from explorer.training.keys import Key
from explorer.training.recognition import EvaluatorMissing, how_to_install

RATE = 16_000
LOWEST_HZ, HIGHEST_HZ = 65.4, 1046.5
"""C2 to C6: the range in which voices sing."""
VOICED = 0.5
"""Least confidence of a voiced frame, by SwiftF0's own calibration."""
WITHIN_CENTS = 50.0
FRAME_SECONDS = 0.016
"""From one frame of the tracker to the next."""
GLIDE_SECONDS = 0.05
"""At the begin of a note, in which a voice may still be on its way there."""
CHANCE = 7 / 12
"""What pitch that knows of no key reaches."""

PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
"""How well each pitch class fits a key (Krumhansl and Kessler 1982)."""


def estimate_key(audio: np.ndarray, sample_rate: int) -> Key | None:
    """The key whose profile correlates best with the mean chroma of the whole sound; None for silence."""
    strengths = chroma(audio, sample_rate)[0].astype(np.float64).mean(axis=1)
    if strengths.std() < 1e-9:
        return None
    fits = {
        Key(tonic, mode): float(np.corrcoef(strengths, np.roll(profile, tonic))[0, 1])
        for mode, profile in PROFILES.items()
        for tonic in range(12)
    }
    return max(fits, key=lambda key: fits[key])


class PitchTracker:
    """SwiftF0 on the CPU."""

    def __init__(self) -> None:
        """Raises EvaluatorMissing."""
        try:
            from swift_f0 import SwiftF0
        except ImportError as error:
            raise EvaluatorMissing(how_to_install(str(error))) from error
        self._detector = SwiftF0(threads=1, spin=False)

    def voiced(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """[frames] Hz of every 16 ms; 0 where nothing is voiced."""
        found = self._detector.detect(resample(audio, sample_rate, RATE), RATE, LOWEST_HZ, HIGHEST_HZ)
        return np.where(found.confidence >= VOICED, found.pitch_hz, 0.0)


def cents_off(hertz: np.ndarray, key: Key) -> np.ndarray:
    """Distance of every pitch to the nearest note of the key's scale, in cents."""
    semitones = 12 * np.log2(hertz / 440.0) + 9
    distances = [np.abs((semitones - note + 6) % 12 - 6) for note in key.scale]
    nearest: np.ndarray = 100 * np.min(distances, axis=0)
    return nearest


@dataclass(frozen=True)
class Notes:
    """One clip: its pitch, how many of its voiced frames are within 50 cents of the scale, its keys."""

    hertz: np.ndarray
    """[frames]; 0 where nothing is voiced."""
    right: int
    key: Key | None
    true_key: Key | None
    told: int = 0
    """Frames in which a note was to be sung."""
    sung: int = 0
    """Those of them in which it is, within 50 cents, in whatever octave."""

    @property
    def frames(self) -> int:
        return len(self.hertz)

    @property
    def voiced(self) -> int:
        return int((self.hertz > 0).sum())

    @property
    def share(self) -> float | None:
        return self.right / self.voiced if self.voiced else None


def describe_notes(
    hertz: np.ndarray,
    key: Key | None,
    true_key: Key | None = None,
    told: Sequence[tuple[float, float, int]] = (),
) -> Notes:
    """``hertz`` [frames], 0 where unvoiced; ``key`` is the one that is estimated, of every song alike. ``told``: begin
    and end in seconds, and MIDI number, of the notes that were to be sung."""
    sounding = hertz[hertz > 0]
    right = int((cents_off(sounding, key) <= WITHIN_CENTS).sum()) if key is not None else 0
    asked = sung = 0
    for begin, end, midi in told:
        first, last = (max(0, round(second / FRAME_SECONDS)) for second in (begin + GLIDE_SECONDS, end))
        frames = hertz[first:last]
        off = 12 * np.log2(frames[frames > 0] / 440.0) + 69 - midi
        asked += len(frames)
        sung += int((100 * np.abs((off + 6) % 12 - 6) <= WITHIN_CENTS).sum())
    return Notes(hertz, right, key, true_key, asked, sung)


def tune_kept(pairs: Sequence[tuple[Notes, Notes]]) -> float | None:
    """Of the voiced frames of real clips, the share that is within 50 cents of the same pitch in what was made of each
    (real, made); None where nothing is voiced."""
    kept = voiced = 0
    for real, made in pairs:
        frames = min(len(real.hertz), len(made.hertz))
        a, b = real.hertz[:frames], made.hertz[:frames]
        both = (a > 0) & (b > 0)
        kept += int((1200 * np.abs(np.log2(b[both] / a[both])) <= WITHIN_CENTS).sum())
        voiced += int((a > 0).sum())
    return kept / voiced if voiced else None


def summarise_notes(clips: Sequence[Notes], real: Sequence[Notes] = ()) -> dict[str, Any]:
    """Shares over all voiced frames, and how often the estimated key has the true key's notes. ``real`` are the clips
    that these were made of, one for one, where there are such."""
    kept = tune_kept(list(zip(real, clips, strict=True))) if real else None
    frames, voiced = sum(c.frames for c in clips), sum(c.voiced for c in clips)
    told = sum(c.told for c in clips)
    known = [clip for clip in clips if clip.true_key is not None]
    found = [c.key is not None and c.true_key is not None and c.key.scale == c.true_key.scale for c in known]
    return {
        "clips": len(clips),
        "voiced": round(voiced / frames, 4) if frames else None,
        "within_50_cents": round(sum(c.right for c in clips) / voiced, 4) if voiced else None,
        "by_chance": round(CHANCE, 4),
        "keys_found": round(sum(found) / len(found), 4) if found else None,
        "tune_kept": round(kept, 4) if kept is not None else None,
        "told_sung": round(sum(c.sung for c in clips) / told, 4) if told else None,
    }
