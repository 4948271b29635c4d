"""Songs in another key: sound, times and record move together."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from explorer.training.corpus import Corpus
from explorer.training.habits import ground_of
from explorer.training.transposition import SEMITONE, with_transposed
from tests.training.making import RATE, write_corpus


def _loudest_hz(audio: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio))))
    return float(spectrum.argmax()) * RATE / len(audio)


def test_every_song_once_more_by_turns_higher_and_lower(tmp_path: Path) -> None:
    corpus = Corpus.open(write_corpus(tmp_path / "train"), tmp_path / "cache")
    both = with_transposed(corpus, tmp_path / "cache")
    assert both.songs[:3] == corpus.songs
    assert [song.name for song in both.songs[3:]] == ["a_00+1", "b_00-1", "c_00+1"]
    for old, new in zip(corpus.songs, both.songs[3:], strict=True):
        np.testing.assert_allclose(both.audio(old), corpus.audio(old), atol=1e-6)
        up = new.transposed > 0
        ratio = SEMITONE[0] / SEMITONE[1] if up else SEMITONE[1] / SEMITONE[0]
        assert abs(new.samples / old.samples * ratio - 1) < 1e-3
        # an instrumental stretch: from the last letter to the end only the song's low tone sounds
        before, after = corpus.audio(old)[-RATE:], both.audio(new)[-RATE:]
        assert abs(_loudest_hz(after) / _loudest_hz(before) - ratio) < 0.02
        assert new.lyrics == old.lyrics and new.genre == old.genre and new.artist == old.artist


def test_letters_are_sung_where_the_moved_record_says(tmp_path: Path) -> None:
    corpus = Corpus.open(write_corpus(tmp_path / "train"), tmp_path / "cache")
    both = with_transposed(corpus, tmp_path / "cache")
    old, new = both.songs[0], both.songs[3]
    for number, (was, moved) in enumerate(zip(old.characters, new.characters, strict=True)):
        if not was.text.isalpha():
            continue
        pieces = [
            both.audio(song, int(c.start * RATE), int((c.end - c.start) * RATE))
            for song, c in ((old, was), (new, moved))
        ]
        power = [float((piece**2).mean()) for piece in pieces]
        assert abs(power[1] / power[0] - 1) < 0.1, number
        assert abs(_loudest_hz(pieces[1]) / _loudest_hz(pieces[0]) - SEMITONE[0] / SEMITONE[1]) < 0.05


def test_bars_key_and_chords_move(tmp_path: Path) -> None:
    corpus = Corpus.open(write_corpus(tmp_path / "train"), tmp_path / "cache")
    both = with_transposed(corpus, tmp_path / "cache")
    grounds = [ground_of(both.songs[i], 0, RATE) for i in (0, 3)]
    assert grounds[0] is not None and grounds[1] is not None
    assert (grounds[0].key_name, grounds[1].key_name) == ("G major", "Ab major")
    assert [g.bar_names for g in grounds if g] == [("G", "D"), ("Ab", "Eb")]
    assert abs(grounds[1].bar * SEMITONE[0] - grounds[0].bar * SEMITONE[1]) < 1e-6
    assert abs(grounds[1].first * SEMITONE[0] - grounds[0].first * SEMITONE[1]) < 1e-6


def test_the_cache_is_used_again(tmp_path: Path) -> None:
    corpus = Corpus.open(write_corpus(tmp_path / "train"), tmp_path / "cache")
    with_transposed(corpus, tmp_path / "cache")
    file = next((tmp_path / "cache").glob("*-transposed.npy"))
    made = file.stat().st_mtime_ns
    with_transposed(corpus, tmp_path / "cache")
    assert file.stat().st_mtime_ns == made
