"""``library export`` as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.library import Library
from tests.cli.conftest import Run
from tests.cli.test_bad_input import refused
from tests.songs import add_song


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    library = Library(tmp_path / "songs")
    add_song(library, "song-one", 0.5)
    library.close()
    return library.folder


def test_export_says_what_to_open(run: Run, songs: Path, tmp_path: Path) -> None:
    out = tmp_path / "page"
    outcome = run("library", "export", "--library", songs, "--out", out)
    assert outcome.code == 0 and outcome.out.startswith("1 song, ") and f"Open {out / 'index.html'}" in outcome.out
    outcome = run("library", "export", "--library", songs, "--out", out, "--json")
    assert outcome.json["songs"] == 1 and outcome.json["left_out"] == {}


def test_left_out_songs_are_named(run: Run, songs: Path, tmp_path: Path) -> None:
    library = Library(songs)
    add_song(library, "song-begun", 0.5, sounds={}, finish=False)
    library.close()
    outcome = run("library", "export", "--library", songs, "--out", tmp_path / "page")
    assert outcome.code == 1 and "song-begun was left out: there is no sound of it yet" in outcome.err


def test_bad_input(run: Run, songs: Path, tmp_path: Path) -> None:
    export = ("library", "export")
    refused(run(*export, "--library", songs), "required", "--out")
    refused(run(*export, "--library", tmp_path / "absent", "--out", tmp_path / "page"), "There is no library")
    refused(run(*export, "--library", songs, "--out", songs), "not empty and no earlier export")
    refused(run(*export, "--library", songs, "--out", songs / "song-one" / "sample.json"), "is a file")
    refused(run(*export, "--library", songs, "--out", tmp_path / "page", "--search", "polka"), "'polka'")
    refused(
        run(*export, "--library", songs, "--out", songs / "song-one" / "sample.json" / "page"), "could not be written"
    )
    assert not (tmp_path / "page").exists()
