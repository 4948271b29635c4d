"""What a corpus' records say of the tunes of its songs, and what is counted of them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from explorer.jukebox.labels import UNKNOWN, LabelLists
from explorer.jukebox.tune import OCTAVE, SungNote, Tune, TuneHabits
from explorer.training.corpus import Corpus, CorpusError, CorpusSong
from explorer.training.tunes import count_tunes, tune_of
from tests.tiny import ARTISTS, GENRES
from tests.training.making import write_corpus

LISTS = LabelLists(ARTISTS, GENRES)


def song(notes: tuple[tuple[float, float, int], ...], lyrics: str = "la") -> CorpusSong:
    """In D major, two bars of D and two of A, which begin at half a second."""
    bars = ("D", "D", "A", "A")
    return CorpusSong(
        "x", "metal", "Tin Whistle", "sung", lyrics, (), 0, 8000, "D major", 2.0, 4, 0.5, bars, notes=notes
    )


def test_a_tune_counts_from_where_the_music_begins() -> None:
    notes = ((1.0, 1.5, 62), (1.5, 2.0, 64))
    assert tune_of(song(notes), 400, 1000) == Tune((SungNote(600.0, 1100.0, 62), SungNote(1100.0, 1600.0, 64)))
    assert tune_of(song(notes, lyrics=""), 0, 1000) is None and tune_of(song(()), 0, 1000) is None


def test_habits_are_what_was_sung() -> None:
    habits = TuneHabits(len(ARTISTS))
    # D, F sharp, back, and after a rest up to A over the chord of A
    sung = song(((1.0, 1.5, 62), (1.5, 2.0, 66), (2.0, 2.4, 62), (5.0, 5.5, 69)))
    count_tunes(habits, [sung, song(()), song(((1.0, 1.5, 30),), lyrics="")], LISTS)
    for artist in (UNKNOWN, ARTISTS["Tin Whistle"]):
        mean, deviation = habits.range[artist].tolist()
        assert mean == 64.75 and deviation == pytest.approx(math.sqrt(8.6875))
        # D is half of the notes: of two steps within lines a quarter would go a third up by chance, and so down
        assert habits.steps[artist, [OCTAVE + 4, OCTAVE - 4]].tolist() == [4.0, 4.0]
        assert not habits.steps[artist, [OCTAVE, OCTAVE + 7]].any()
        assert (
            habits.degrees[artist, 0, [0, 4, 7]].tolist() == [0.5, 0.25, 0.25] and not habits.degrees[artist, 1].any()
        )
        # three of four times the root; by chance half of the notes over D, and a quarter of that over A
        assert habits.tones[artist, 0, [0, 4]].tolist() == pytest.approx([3 / 1.75, 1 / 0.75])
        assert not habits.tones[artist, 0, [5, 7, 9]].any()
    assert not habits.steps[ARTISTS["Harbour Sound"]].any()
    assert torch.equal(habits.range[ARTISTS["Harbour Sound"]], TuneHabits(1).range[0])


def test_notes_are_read(tmp_path: Path) -> None:
    corpus = Corpus.open(write_corpus(tmp_path / "train"), tmp_path / "cache")
    assert corpus.songs[0].notes[0] == (0.5, 0.7, 55) and corpus.songs[1].notes == ()


def test_notes_that_are_none_are_refused(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "train")
    record = folder / "a_00.json"
    record.write_text(record.read_text().replace("[0.5, 0.7, 55]", '[0.5, "high"]'))
    with pytest.raises(CorpusError, match="a_00"):
        Corpus.open(folder, tmp_path / "cache")
