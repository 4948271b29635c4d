"""gallery: the songs that come with the program, chosen by rule and not by ear.

Knows: the rule. For every artist the first lines of a held-out song of the same artist (or of the
next one that sings); for every genre an instrumental by its first artist; and for every second
genre an equal blend with the one after it. The seed is the song's place in the list. Does not
know: how a song is made (``studio.run``).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cli.common import Progress, UsageError, add_command, add_engine_options, load_engine, whole_number
from explorer.jukebox.song import SamplingOptions, Song

if TYPE_CHECKING:
    from explorer.engine import Jukebox
    from explorer.library import Library
    from explorer.training.corpus import CorpusSong

CHARACTERS_PER_SECOND = 7.0
"""How fast the corpus sings: whole lines are taken as long as they fit."""

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
    genres = dict.fromkeys(sorted(song.genre for song in songs))
    first_artist = {g: min(song.artist for song in songs if song.genre == g) for g in genres}
    wanted: list[tuple[str, str, str, str]] = []
    for place, own in enumerate(songs):
        singer = next((s for s in (*songs[place:], *songs[:place]) if s.lyrics), None)
        wanted.append(("Unseen lyrics", own.genre, own.artist, _first_lines(singer, seconds)))
    wanted += [("No lyrics", genre, first_artist[genre], "") for genre in genres]
    names = list(genres)
    for first, second in zip(names[::2], names[1::2], strict=False):
        lyrics = next((_first_lines(s, seconds) for s in songs if s.genre == second and s.lyrics), "")
        artists = f"0.5 {first_artist[first]} / 0.5 {first_artist[second]}"
        wanted.append(("Novel artists and styles", f"0.5 {first} / 0.5 {second}", artists, lyrics))
    return tuple(
        Entry(f"gallery-{seed:03d}", collection, Song(genre, artist, lyrics, seconds, seed))
        for seed, (collection, genre, artist, lyrics) in enumerate(wanted, start=1)
    )


def _first_lines(song: CorpusSong | None, seconds: float) -> str:
    """As many whole lines, at least one, as can be sung in the time."""
    if song is None:
        return ""
    lines = song.lyrics.split("\n")
    count = 1
    while count < len(lines) and len("\n".join(lines[: count + 1])) <= CHARACTERS_PER_SECOND * seconds:
        count += 1
    return "\n".join(lines[:count])


def run_gallery(options: argparse.Namespace) -> int:
    import tempfile

    from explorer.library import Library
    from explorer.training.corpus import Corpus

    if not options.corpus.is_dir():
        raise UsageError(f"{options.corpus} is not a folder; name one with held-out songs.")
    with tempfile.TemporaryDirectory() as cache:
        songs = Corpus.open(options.corpus, Path(cache)).songs
    engine = load_engine(options)
    library = Library(options.out)
    progress = Progress()
    try:
        missing = [e for e in entries(songs, options.seconds) if not (options.out / e.id / "sample.json").exists()]
        for first in range(0, len(missing), options.batch):
            group = missing[first : first + options.batch]
            for text in _make(engine, library, group):
                progress.show(f"songs {first + 1} to {first + len(group)} of {len(missing)} · {text}")
    finally:
        progress.end()
        library.close()
    print(options.out)
    return 0


def _make(engine: Jukebox, library: Library, group: Sequence[Entry]) -> Iterator[str]:
    """Make a group of songs as one batch; yields what has just been done."""
    from explorer.jukebox.events import WindowDone
    from explorer.library import Mode
    from explorer.studio.run import Takes, begin_record, run_takes

    records = [
        begin_record(
            engine, e.song, SamplingOptions(), Mode.GENERATE, id=e.id, collection=e.collection, licence=LICENCE
        )
        for e in group
    ]
    takes = Takes([library.create(record) for record in records], tuple(e.song for e in group), {})
    try:
        for event in run_takes(engine, takes):
            if isinstance(event, WindowDone):
                yield f"{event.level} window {event.window + 1} of {event.windows}"
    finally:
        takes.close()
