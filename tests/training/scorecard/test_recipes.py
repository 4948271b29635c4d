"""The scorecard's songs by their rule."""

from __future__ import annotations

import pytest

from explorer.training.corpus import CorpusSong
from explorer.training.scorecard.recipes import first_lines, recipes, stretches


def song(artist: str, genre: str, lyrics: str) -> CorpusSong:
    return CorpusSong(artist, genre, artist, "sung", lyrics, (), 0, 0)


SONGS = [song("Zed", "rock", "aaaa bbbb\ncccc dddd\neeee ffff"), song("Abe", "jazz", ""), song("Zed", "rock", "gg hh")]


def test_every_artist_sings_as_often_in_the_own_genre() -> None:
    found = recipes(SONGS, 3, 2.0)
    assert [(r.song.artist, r.song.genre) for r in found] == [("Abe", "jazz")] * 3 + [("Zed", "rock")] * 3
    assert [r.song.seed for r in found] == [1, 2, 3, 4, 5, 6]
    assert len({r.id for r in found}) == 6 and found[4].id == "score-02-02"
    assert all(r.song.seconds == 2.0 and not r.song.instrumental for r in found)
    assert {r.song.lyrics for r in found} == set(stretches((s.lyrics for s in SONGS if s.lyrics), 2.0))


def test_more_songs_of_an_artist_keep_the_rule() -> None:
    assert [r.song.lyrics for r in recipes(SONGS, 4, 2.0)][:4] == ["aaaa bbbb", "cccc dddd", "eeee ffff", "gg hh"]


def test_without_words_nothing_can_be_sung() -> None:
    with pytest.raises(ValueError, match="lyrics"):
        recipes([song("Abe", "jazz", "")], 1, 8.0)


def test_lines_are_taken_whole_as_long_as_they_fit() -> None:
    assert first_lines("aaaa bbbb\ncccc dddd\neeee", 3.0) == "aaaa bbbb\ncccc dddd"
    assert first_lines("x" * 100, 1.0) == "x" * 100
    assert stretches(["aaaa bbbb\ncccc dddd\neeee", "eeee"], 3.0) == ["aaaa bbbb\ncccc dddd", "eeee"]
