"""The invented artists and genres: voices, instruments, grooves, effects.

Knows: ``data/artists.json`` and ``data/genres.json`` and what their fields mean. Does not know the
patterns that are named there, nor how anything sounds.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass

from explorer.training.synthesis.bank import DATA


@dataclass(frozen=True)
class Part:
    """One accompanying instrument."""

    pattern: str
    program: int
    """General MIDI program, from 0."""
    stem: str
    base: int
    """Lowest MIDI note of its chords."""
    gain: float
    """Loudness against the first part, in dB."""


@dataclass(frozen=True)
class Groove:
    """One way in which a band plays: metre, tempo, patterns, instruments."""

    beats: int
    bpm: tuple[int, int]
    swing: float
    drums: str
    bass: str
    bass_program: int
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Artist:
    """A singer and a band that belong together."""

    name: str
    genre: str
    voice: str
    """Style vector of the speech model."""
    centre: int
    """MIDI note around which the singer sings."""
    formants: float
    """Warp of the voice's spectrum: below 1 a larger head."""
    effects: str
    harmony: str
    """Where a second voice joins: none, chorus, all."""
    kit: int
    """Program of the drum kit."""
    lead: int
    """Program of the instrument that plays hooks and, in instrumentals, the tune."""
    drive: tuple[float, float] | None
    """Gain in dB and low-pass in Hz of the guitar amplifier."""
    syncopation: float
    progressions: tuple[str, ...]
    grooves: tuple[Groove, ...]

    @property
    def slug(self) -> str:
        return self.name.lower().replace(" ", "-")


@dataclass(frozen=True)
class Genre:
    """What all artists of a genre share: the mix, and how they sing."""

    name: str
    levels: Mapping[str, float]
    """dB by stem, added to the common levels."""
    voice: float
    """dB of the voice above its common level."""
    ducking: float
    """Share by which the band steps back while the voice sounds."""
    presence_cut: float
    """dB of the band around 2.6 kHz, where words are understood."""
    vibrato: float
    """Depth in semitones."""
    scoop: float
    """Semitones from below into long notes."""
    pentatonic: bool
    kick_variation: bool
    crash: bool


@functools.lru_cache(maxsize=1)
def artists() -> Mapping[str, Artist]:
    """All artists by name, in the order of the file."""
    found = {}
    for name, data in json.loads((DATA / "artists.json").read_text(encoding="utf-8")).items():
        grooves = tuple(_groove(entry) for entry in data.pop("grooves"))
        drive = data.pop("drive")
        progressions = tuple(data.pop("progressions"))
        found[name] = Artist(
            name=name,
            drive=(drive["gain"], drive["tone"]) if drive else None,
            progressions=progressions,
            grooves=grooves,
            **data,
        )
    return found


@functools.lru_cache(maxsize=1)
def genres() -> Mapping[str, Genre]:
    """All genres by name."""
    data = json.loads((DATA / "genres.json").read_text(encoding="utf-8"))
    return {name: Genre(name=name, **entry) for name, entry in data.items()}


def of_genre(genre: str) -> list[Artist]:
    return [artist for artist in artists().values() if artist.genre == genre]


def _groove(data: dict) -> Groove:
    return Groove(
        beats=data["beats"],
        bpm=(data["bpm"][0], data["bpm"][1]),
        swing=data["swing"],
        drums=data["drums"],
        bass=data["bass"][0],
        bass_program=data["bass"][1],
        parts=tuple(Part(**part) for part in data["parts"]),
    )
