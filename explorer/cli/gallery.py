"""gallery: the songs that come with the program, chosen by rule and not by ear.

Knows: the rule. For every genre its first artist sings the first lines of a held-out song of that
genre; for every second genre there are an instrumental by its last artist and an equal blend with
the genre after it. The seed is the song's place in the list. Does not know: how a song is made
(``songlist``).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cli.common import UsageError, add_command, add_engine_options, load_engine, whole_number
from explorer.cli.songlist import Wanted, make_songs
from explorer.jukebox.song import Song, usual_sampling
from explorer.training.scorecard.recipes import first_lines

if TYPE_CHECKING:
    from explorer.training.corpus import CorpusSong

LICENCE = "CC0-1.0"


def add_commands(commands: Any) -> None:
    parser = add_command(
        commands,
        "gallery",
        run_gallery,
        "Make the shipped gallery again, by its rule; songs that are there already are left alone.",
        "python -m explorer gallery --corpus corpus/validation --out samples",
    )
    parser.add_argument("--corpus", type=Path, required=True, metavar="DIR", help="held-out songs, for their lyrics")
    parser.add_argument("--seconds", type=float, default=8.0, metavar="S", help="length of every song (8)")
    parser.add_argument("--batch", type=whole_number(1), default=8, metavar="N", help="songs made at once (8)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the gallery")
    add_engine_options(parser)


@dataclass(frozen=True)
class Entry:
    """One song of the gallery."""

    id: str
    collection: str
    song: Song


def entries(songs: Sequence[CorpusSong], seconds: float) -> tuple[Entry, ...]:
    """The gallery of a model whose held-out songs are ``songs``."""
    artists: dict[str, list[str]] = {}
    lyrics: dict[str, str] = {}
    for song in sorted(songs, key=lambda song: (song.genre, song.artist)):
        artists.setdefault(song.genre, []).append(song.artist)
        if song.lyrics:
            lyrics.setdefault(song.genre, first_lines(song.lyrics, seconds))
    genres = list(artists)
    wanted = [("Unseen lyrics", genre, artists[genre][0], lyrics.get(genre, "")) for genre in genres]
    wanted += [("No lyrics", genre, artists[genre][-1], "") for genre in genres[::2]]
    for first, second in zip(genres[::2], genres[1::2], strict=False):
        blend = f"0.5 {first} / 0.5 {second}", f"0.5 {artists[first][0]} / 0.5 {artists[second][0]}"
        wanted.append(("Novel artists and styles", *blend, lyrics.get(second, "")))
    return tuple(
        Entry(f"gallery-{seed:03d}", collection, Song(genre, artist, lyrics, seconds, seed))
        for seed, (collection, genre, artist, lyrics) in enumerate(wanted, start=1)
    )


def run_gallery(options: argparse.Namespace) -> int:
    import tempfile

    from explorer.training.corpus import Corpus

    if not options.corpus.is_dir():
        raise UsageError(f"{options.corpus} is not a folder; name one with held-out songs.")
    with tempfile.TemporaryDirectory() as cache:
        songs = Corpus.open(options.corpus, Path(cache)).songs
    engine = load_engine(options)
    sampling = usual_sampling(engine.config)
    wanted = [Wanted(e.id, e.song, e.collection, LICENCE, sampling) for e in entries(songs, options.seconds)]
    make_songs(engine, options.out, wanted, options.batch)
    print(options.out)
    return 0
