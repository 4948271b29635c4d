"""What a corpus' records say of the ground of its songs, and what is counted of it."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch

from explorer.jukebox.ground import Ground, Habits
from explorer.jukebox.labels import UNKNOWN, LabelLists
from explorer.training.corpus import Corpus, CorpusSong
from explorer.training.habits import count_habits, ground_of
from explorer.training.keys import chord_number
from tests.tiny import ARTISTS, GENRES
from tests.training.making import write_corpus

LISTS = LabelLists(ARTISTS, GENRES)


def song(bar: float = 2.0, key: str = "D major", chords: str = "D A|A7 Bm G") -> CorpusSong:
    bars = tuple(chords.split())
    return CorpusSong("x", "metal", "Tin Whistle", "sung", "", (), 0, 8000, key, bar, 4, 0.5, bars)


def test_a_ground_counts_from_where_the_music_begins() -> None:
    assert ground_of(song(), 3000, 1000) == Ground(2000.0, -2500.0, 2, (2, 2, 9, 33, 23, 23, 7, 7))
    assert ground_of(song(key="H major"), 0, 1000) is None and ground_of(song(bar=0.0), 0, 1000) is None


@pytest.mark.parametrize(
    ("name", "number"),
    [("C", 0), ("Db", 1), ("C#M7", 1), ("Bm9", 23), ("A7", 33), ("E9", 28), ("Gdim", None), ("H", None), ("", None)],
)
def test_chords_by_name(name: str, number: int | None) -> None:
    assert chord_number(name) == number


def test_habits_are_what_was_played() -> None:
    habits = Habits(len(ARTISTS))
    songs = [song(), song(bar=2.2, key="E minor", chords="Em Em"), song(bar=0.0)]
    count_habits(habits, songs, LISTS)
    for artist in (UNKNOWN, ARTISTS["Tin Whistle"]):
        mean, deviation = habits.bars[artist].tolist()
        assert 2**mean == pytest.approx(math.sqrt(2.0 * 2.2))
        assert 2**deviation == pytest.approx(math.sqrt(2.2 / 2.0))
        assert habits.keys[artist, [2, 16]].tolist() == [0.5, 0.5] and habits.keys[artist].sum() == 1
        begin = habits.chords[artist, 0, 0]
        assert begin[[0, 12]].tolist() == [0.5, 0.5]
        # within its bar V goes on to the dominant seventh of V, and so it does after no other chord
        assert habits.chords[artist, 1, 1 + 7, 31] == 1 and habits.chords[artist, 1, 1 + 0, 0] == 1
        assert habits.chords[artist, 0, 1 + 31, 12 + 9] == 1
    assert habits.bars[ARTISTS["Harbour Sound"]].tolist() == [1.0, 0.0]
    assert not habits.chords[ARTISTS["Harbour Sound"]].any()


def test_an_artists_habits_are_those_of_his_usual_songs() -> None:
    guest = dataclasses.replace(song(bar=2.1, key="C major"), genre="reggae")
    waltz = dataclasses.replace(song(bar=2.1, key="C major"), beats=3)
    slow = song(bar=2.8, key="C major")
    habits, without = Habits(len(ARTISTS)), Habits(len(ARTISTS))
    usual = [song(), song(bar=2.2), song(bar=2.1)]
    count_habits(habits, [guest, *usual, guest, waltz, waltz, slow, slow], LISTS)
    count_habits(without, usual, LISTS)
    artist = ARTISTS["Tin Whistle"]
    for name, rows in without.named_buffers():
        assert torch.equal(rows[artist], getattr(habits, name)[artist]), name
    # who sings is not known: any of them
    assert habits.keys[UNKNOWN, 0] == pytest.approx(6 / 9)


def test_a_record_without_tempo_has_no_ground_and_one_with_it_has(tmp_path: Path) -> None:
    corpus = Corpus.open(write_corpus(tmp_path / "train"), tmp_path / "cache")
    first, second, _ = corpus.songs
    assert ground_of(second, 0, corpus.sample_rate) is None
    found = ground_of(first, 800, corpus.sample_rate)
    assert found == Ground(3 * corpus.sample_rate / 2, 0.5 * corpus.sample_rate - 800, 7, (7, 7, 2, 2), 3)
    habits = Habits(len(ARTISTS))
    count_habits(habits, corpus.songs, LISTS)
    assert math.isclose(2 ** float(habits.bars[UNKNOWN, 0]), 1.5, rel_tol=1e-6)
    assert habits.beats.tolist() == [3, 3, 4, 3]
