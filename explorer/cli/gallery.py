"""gallery: the songs that come with the program, chosen by rule and not by ear.

Knows: the rule, with genres and artists in the order of the alphabet and every genre's first held-out song with words:
every artist sings its first lines (unseen lyrics); the last artist of the genre before sings them (re-renditions); its
beginning goes on (continuations); it is sung in an equal blend with the genre before (novel artists and styles). For
every second genre there is an instrumental by its last artist (no lyrics). The seed is the song's place in the list.
Does not know: how a song is made (``songlist``).
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
    from explorer.studio.jobs import PromptAudio
    from explorer.training.corpus import CorpusSong

LICENCE = "CC0-1.0"
PROMPT_SECONDS = 3.0
"""How much of a held-out song is given to go on from."""


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
    prompt: PromptAudio | None = None


def entries(songs: Sequence[CorpusSong], folder: Path, seconds: float) -> tuple[Entry, ...]:
    """The gallery of a model whose held-out songs are ``songs``, with their sound in ``folder``."""
    from explorer.studio.jobs import PromptAudio
    from explorer.training.scorecard.clips import LEAD_SECONDS

    artists: dict[str, list[str]] = {}
    sung: dict[str, CorpusSong] = {}
    for song in sorted(songs, key=lambda song: (song.genre, song.artist)):
        artists.setdefault(song.genre, []).append(song.artist)
        if song.lyrics:
            sung.setdefault(song.genre, song)
    genres = [genre for genre in artists if genre in sung]
    words = {genre: first_lines(sung[genre].lyrics, seconds) for genre in genres}
    before = dict(zip(genres, [*genres[-1:], *genres], strict=False))
    wanted: list[tuple[str, str, str, str, PromptAudio | None]] = []
    for genre in genres:
        wanted += [("Unseen lyrics", genre, artist, words[genre], None) for artist in artists[genre]]
    for genre in genres:
        wanted.append(("Re-renditions", before[genre], artists[before[genre]][-1], words[genre], None))
    for genre in genres:
        song = sung[genre]
        begin = max(0.0, song.characters[0].start - LEAD_SECONDS)
        prompt = PromptAudio(folder / f"{song.name}.ogg", begin, begin + PROMPT_SECONDS)
        wanted.append(("Continuations", genre, song.artist, words[genre], prompt))
    for genre in genres:
        one, two = before[genre], genre
        blend = f"0.5 {one} / 0.5 {two}", f"0.5 {artists[one][0]} / 0.5 {artists[two][0]}"
        wanted.append(("Novel artists and styles", *blend, words[genre], None))
    wanted += [("No lyrics", genre, artists[genre][-1], "", None) for genre in genres[::2]]
    return tuple(
        Entry(f"gallery-{seed:03d}", collection, Song(genre, artist, lyrics, seconds, seed), prompt)
        for seed, (collection, genre, artist, lyrics, prompt) in enumerate(wanted, start=1)
    )


def run_gallery(options: argparse.Namespace) -> int:
    import tempfile

    from explorer.training.corpus import Corpus

    if not options.corpus.is_dir():
        raise UsageError(f"{options.corpus} is not a folder; name one with held-out songs.")
    with tempfile.TemporaryDirectory() as cache:
        songs = Corpus.open(options.corpus, Path(cache)).songs
    if options.seconds <= PROMPT_SECONDS:
        raise UsageError(f"--seconds must be more than {PROMPT_SECONDS:g}: so much is given of what goes on.")
    engine = load_engine(options)
    sampling = usual_sampling(engine.config)
    found = entries(songs, options.corpus, options.seconds)
    wanted = [Wanted(e.id, e.song, e.collection, LICENCE, sampling, e.prompt) for e in found]
    make_songs(engine, options.out, wanted, options.batch)
    print(options.out)
    return 0
