"""The gallery's rule, and songs of it that go on from audio."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from explorer.cli.gallery import PROMPT_SECONDS, Entry, entries
from explorer.library import Mode, Sample
from explorer.training.corpus import Character, CorpusSong
from tests.cli.conftest import Run
from tests.training.making import write_corpus

FOLDER = Path("held-out")


def song(genre: str, artist: str, lyrics: str, first: float = 0.0) -> CorpusSong:
    times = tuple(Character(text, first + i, first + i + 1.0) for i, text in enumerate(lyrics))
    return CorpusSong(f"{genre}-{artist}", genre, artist, "sung", lyrics, times, 0, 0)


@pytest.fixture
def collections() -> dict[str, list[Entry]]:
    songs = [
        song("rock", "Zed", "one line of words\nand a second line", 4.0),
        song("rock", "Abe", ""),
        song("jazz", "Moe", "short\nlines\nhere", 0.5),
        song("folk", "Una", "x" * 200),
    ]
    found = entries(songs, FOLDER, 4.0)
    assert [e.song.seed for e in found] == list(range(1, len(found) + 1))
    assert len({e.id for e in found}) == len(found)
    return {name: [e for e in found if e.collection == name] for name in dict.fromkeys(e.collection for e in found)}


def test_every_artist_sings(collections: dict[str, list[Entry]]) -> None:
    sung = [e.song for e in collections["Unseen lyrics"]]
    assert [(s.genre, s.artist) for s in sung] == [("folk", "Una"), ("jazz", "Moe"), ("rock", "Abe"), ("rock", "Zed")]
    assert [s.lyrics for s in sung] == ["x" * 200, "short\nlines\nhere", *["one line of words"] * 2]


def test_others_sing_it_too(collections: dict[str, list[Entry]]) -> None:
    again = [e.song for e in collections["Re-renditions"]]
    assert [(s.genre, s.artist) for s in again] == [("rock", "Zed"), ("folk", "Una"), ("jazz", "Moe")]
    blends = [e.song for e in collections["Novel artists and styles"]]
    assert (blends[1].genre, blends[1].artist) == ("0.5 folk / 0.5 jazz", "0.5 Una / 0.5 Moe")
    assert [s.lyrics for s in again] == [s.lyrics for s in blends]


def test_recordings_go_on_from_shortly_before_their_first_word(collections: dict[str, list[Entry]]) -> None:
    prompts = [e.prompt for e in collections["Continuations"]]
    assert [(p.path, p.start) for p in prompts if p] == [
        (FOLDER / "folk-Una.ogg", 0.0), (FOLDER / "jazz-Moe.ogg", 0.0), (FOLDER / "rock-Zed.ogg", 3.0)
    ]  # fmt: skip
    assert {p.stop - p.start for p in prompts if p and p.stop} == {PROMPT_SECONDS}


def test_every_second_genre_plays(collections: dict[str, list[Entry]]) -> None:
    played = [e.song for e in collections["No lyrics"]]
    assert [(s.genre, s.artist) for s in played] == [("folk", "Una"), ("rock", "Zed")]
    assert all(s.instrumental for s in played)


def test_the_whole_gallery_of_a_tiny_model(run: Run, model: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    write_corpus(corpus, ("a_00", "b_00", "c_00", "d_00"))
    command = ("gallery", "--corpus", corpus, "--model", model, "--seconds", "3.5", "--out", tmp_path / "out")
    outcome = run(*command)
    assert outcome.code == 0, outcome.err
    samples = [Sample.open(folder) for folder in sorted((tmp_path / "out").glob("gallery-*"))]
    primed = [s for s in samples if s.record.mode is Mode.PRIMED]
    assert len(samples) > len(primed) > 0
    assert all(s.record.prompt_seconds == pytest.approx(PROMPT_SECONDS, abs=0.02) for s in primed)
    assert not torch.equal(*[next(iter(s.codes().values()))[-20:] for s in (primed[0], samples[0])])
    again = run("generate", "--recipe", primed[0].folder, "--model", model, "--out", tmp_path / "again", "--json")
    assert again.code == 0, again.err
    made = Path(again.json["samples"][0]["folder"]) / "codes.safetensors"
    assert made.read_bytes() == (primed[0].folder / "codes.safetensors").read_bytes()
    assert run(*command).code == 0  # nothing is left to do
    assert run(*command[:-4], "--seconds", "2", "--out", tmp_path / "out").code == 2
