"""Excerpts and their words, reconstructions, and which samples count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.jukebox.config import Level
from explorer.jukebox.sheet import LeadSheet
from explorer.library import Library
from explorer.training.corpus import Corpus
from explorer.training.scorecard.clips import (
    excerpts,
    generated_clips,
    reconstruction,
    sample_folders,
    sung_words,
)
from tests.songs import add_song, noise
from tests.tiny import tiny_jukebox
from tests.training.making import RATE, write_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("corpus")
    return Corpus.open(write_corpus(folder / "train"), folder / "cache")


def test_words_and_their_times(corpus: Corpus) -> None:
    words = sung_words(corpus.songs[0])  # "la di da\nto me so", a tenth of a second per character from 0.5 s on
    assert [word.text for word in words] == ["la", "di", "da", "to", "me", "so"]
    assert (words[3].first, words[3].last) == (9, 11)
    assert words[3].start == pytest.approx(1.4) and words[3].end == pytest.approx(1.6)
    assert sung_words(corpus.songs[1]) == ()


def test_an_excerpt_begins_before_a_line_and_has_its_whole_words(corpus: Corpus) -> None:
    song = corpus.songs[0]
    first, second = excerpts(corpus, song, 1.25, 2)
    assert first.lyrics == "la di"  # "da" ends at 1.3 s
    assert second.lyrics == "la di da to"  # from 0.4 s, one second before the second line, to 1.65 s
    assert len(first.audio) == len(second.audio) == int(1.25 * RATE)
    np.testing.assert_array_equal(second.audio, corpus.audio(song, int(0.4 * RATE), int(1.25 * RATE)))
    assert first.name != second.name and first.artist == song.artist
    # "la di da\nto me so" from 0.5 s on, seen from 0.4 s: all that is sung in it, also what is cut at its end
    assert "".join(one.text for one in second.characters) == "la di da\nto "
    assert second.characters[0].start == pytest.approx(0.1) and second.characters[-1].end == pytest.approx(1.3)


def test_excerpts_of_what_is_not_sung_and_of_short_songs(corpus: Corpus) -> None:
    pieces = excerpts(corpus, corpus.songs[1], 1.0, 3)
    assert [len(piece.audio) for piece in pieces] == [RATE] * 3 and {piece.lyrics for piece in pieces} == {""}
    np.testing.assert_array_equal(pieces[2].audio, corpus.audio(corpus.songs[1], corpus.songs[1].samples - RATE))
    (whole,) = excerpts(corpus, corpus.songs[0], 60.0, 3)
    assert len(whole.audio) == corpus.songs[0].samples and whole.lyrics == "la di da to me so"


def test_a_reconstruction_is_that_of_the_codes(corpus: Corpus) -> None:
    jukebox = tiny_jukebox()
    (clip, *_) = excerpts(corpus, corpus.songs[0], 1.0, 1)
    import torch

    for level in (Level.TOP, Level.BOTTOM):
        found = reconstruction(jukebox._vqvae, clip, level)
        codes = jukebox.encode(torch.from_numpy(clip.audio)[None])
        np.testing.assert_allclose(found.audio, jukebox.decode(codes[level], level)[0].numpy(), atol=1e-5)
        assert found.lyrics == clip.lyrics and np.abs(found.audio).max() <= 1


def test_only_finished_songs_from_nothing_count(tmp_path: Path) -> None:
    library = Library(tmp_path)
    sung = ((0.5, 1.0, 62),)
    sheet = LeadSheet("C major", 2.0, 4, -0.5, ("C",), sung)
    add_song(library, "song-b", seconds=1.0, genre="soul/funk", sheet=sheet)
    add_song(library, "song-a", seconds=1.0)
    add_song(library, "partial", seconds=1.0, finish=False).close()
    add_song(library, "reconstructed", seconds=1.0, original=noise(1.0, 0))
    library.close()
    folders = sample_folders(tmp_path)
    assert [folder.name for folder in folders] == ["song-a", "song-b"]
    first, second = generated_clips(folders)
    assert first.notes == () and second.notes == sung
    assert (first.bar, first.first_bar) == (0.0, 0.0) and (second.bar, second.first_bar) == (2.0, -0.5)
    assert second.genre == "soul/funk" and first.artist == "Harbour Sound" and "Paper boats" in first.lyrics
    assert len(first.audio) == pytest.approx(first.sample_rate, abs=1)
    assert first.characters and {one.text for one in first.characters} <= set(first.lyrics)
