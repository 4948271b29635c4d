"""The gallery's rule."""

from __future__ import annotations

from explorer.cli.gallery import entries
from explorer.training.corpus import CorpusSong


def song(genre: str, artist: str, lyrics: str) -> CorpusSong:
    return CorpusSong(artist, genre, artist, "sung", lyrics, (), 0, 0)


def test_every_genre_sings_and_every_second_one_plays_and_blends() -> None:
    songs = [
        song("rock", "Zed", "one line of words\nand a second line"),
        song("rock", "Abe", ""),
        song("jazz", "Moe", "short\nlines\nhere"),
        song("folk", "Una", "x" * 200),
    ]
    found = entries(songs, 4.0)
    sung = [e.song for e in found if e.collection == "Unseen lyrics"]
    assert [(s.genre, s.artist) for s in sung] == [("folk", "Una"), ("jazz", "Moe"), ("rock", "Abe")]
    assert [s.lyrics for s in sung] == ["x" * 200, "short\nlines\nhere", "one line of words"]
    played = [e.song for e in found if e.collection == "No lyrics"]
    assert [(s.genre, s.artist) for s in played] == [("folk", "Una"), ("rock", "Zed")]
    assert all(s.instrumental for s in played)
    (blend,) = [e.song for e in found if e.collection == "Novel artists and styles"]
    assert (blend.genre, blend.artist) == ("0.5 folk / 0.5 jazz", "0.5 Una / 0.5 Moe")
    assert [e.song.seed for e in found] == list(range(1, len(found) + 1))
    assert len({e.id for e in found}) == len(found)
