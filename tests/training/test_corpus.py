"""Reading a corpus, and what is said of one that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from explorer.training.corpus import Corpus, CorpusError
from tests.training.making import RATE, write_corpus


def test_songs_and_their_audio(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "train")
    corpus = Corpus.open(folder, tmp_path / "cache")
    assert [song.name for song in corpus.songs] == ["a_00", "b_00", "c_00"]
    assert corpus.sample_rate == RATE and abs(corpus.seconds - 12.0) < 0.01
    song = corpus.songs[0]
    assert song.lines == ((0, 8), (9, 17)) and corpus.songs[1].lines == ()
    assert song.lyrics[slice(*song.lines[1])] == "to me so"
    direct = soundfile.read(folder / "a_00.ogg", dtype="float32")[0]
    np.testing.assert_allclose(corpus.audio(song, 100, 50), direct[100:150], atol=1e-4)
    past = corpus.audio(song, song.samples - 10, 30)
    assert len(past) == 30 and not past[10:].any()


def test_the_cache_is_used_and_renewed(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "train")
    first = Corpus.open(folder, tmp_path / "cache")
    (folder / "a_00.ogg").rename(folder / "a_00.away")
    again = Corpus.open(folder, tmp_path / "cache")
    assert np.array_equal(first.audio(first.songs[0]), again.audio(again.songs[0]))
    write_corpus(folder, ("d_00",))
    with pytest.raises(CorpusError, match="a_00"):
        Corpus.open(folder, tmp_path / "cache")


def test_broken_corpora_are_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="holds no"):
        Corpus.open(tmp_path, tmp_path / "cache")
    folder = write_corpus(tmp_path / "train", ("a_00",))
    record = json.loads((folder / "a_00.json").read_text())
    record["lyrics"] = "other words"
    (folder / "a_00.json").write_text(json.dumps(record))
    with pytest.raises(CorpusError, match=r"a_00\.json: the timed characters"):
        Corpus.open(folder, tmp_path / "cache")
    (folder / "a_00.json").write_text("not json")
    with pytest.raises(CorpusError, match="not a song record"):
        Corpus.open(folder, tmp_path / "cache")
