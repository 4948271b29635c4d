"""What the songs of the scorecard are: the same recipes for every model of one corpus.

Knows: the rule. Every artist sings, in the own genre, as many songs as are asked for; their words are
stretches of whole lines of held-out songs, taken in turn. The seed is the song's place in the list.
Does not know how a song is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.jukebox.song import Song

if TYPE_CHECKING:
    from explorer.training.corpus import CorpusSong

CHARACTERS_PER_SECOND = 7.0
"""How fast the corpus sings: whole lines are taken as long as they fit."""


@dataclass(frozen=True)
class Recipe:
    """One song and the name of its folder."""

    id: str
    song: Song


def recipes(songs: Sequence[CorpusSong], per_artist: int, seconds: float) -> tuple[Recipe, ...]:
    """``per_artist`` songs of every artist of the held-out ``songs``, which must hold lyrics."""
    artists = sorted({(song.artist, song.genre) for song in songs})
    words = stretches((song.lyrics for song in songs if song.lyrics), seconds)
    if not words:
        raise ValueError("no held-out song has lyrics that could be sung")
    found = []
    for number, (artist, genre) in enumerate(artists):
        for take in range(per_artist):
            seed = number * per_artist + take + 1
            song = Song(genre, artist, words[(seed - 1) % len(words)], seconds, seed)
            found.append(Recipe(f"score-{number + 1:02d}-{take + 1:02d}", song))
    return tuple(found)


def stretches(lyrics: Iterable[str], seconds: float) -> list[str]:
    """The lyrics cut into stretches that can be sung in the time; every stretch once."""
    found = []
    for text in lyrics:
        lines = [line for line in text.split("\n") if line.strip()]
        while lines:
            taken = first_lines("\n".join(lines), seconds)
            found.append(taken)
            lines = lines[taken.count("\n") + 1 :]
    return list(dict.fromkeys(found))


def first_lines(lyrics: str, seconds: float) -> str:
    """As many whole lines, at least one, as can be sung in the time."""
    lines = lyrics.split("\n")
    count = 1
    while count < len(lines) and len("\n".join(lines[: count + 1])) <= CHARACTERS_PER_SECOND * seconds:
        count += 1
    return "\n".join(lines[:count])
