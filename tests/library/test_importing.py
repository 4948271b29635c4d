"""Samples from elsewhere: taken in whole and checked, or refused with a reason and no trace."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from explorer.jukebox.config import Level
from explorer.library import Library, LibraryError, Query
from tests.library.making import finished


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A library folder with one finished sample."""
    other = Library(tmp_path / "theirs")
    finished(other, "song-1", job="job-7")
    other.close()
    return tmp_path / "theirs" / "song-1"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "mine")


def zipped(folder: Path, target: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"{inside}{path.name}")
    return target


def nothing_left(library: Library) -> bool:
    return not [name for name in os.listdir(library.folder) if not name.startswith(".index")]


@pytest.mark.parametrize("inside", ["", "song-1/", "a/b/../c/song-1/", "../../evil/", "/abs/"])
def test_zip_of_a_sample(library: Library, source: Path, tmp_path: Path, inside: str) -> None:
    """Names inside the zip are never used as paths."""
    imported = library.import_samples(zipped(source, tmp_path / "s.zip", inside))
    assert imported.ids == ("song-1",) and not imported.refused
    assert sorted(os.listdir(library.folder / "song-1")) == sorted(os.listdir(source))
    assert library.row("song-1").mine
    assert library.verify() == ()
    assert library.sample("song-1").record.job is None
    assert not (tmp_path / "evil").exists()


def test_folder_and_folder_of_samples(library: Library, source: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "my favourite song"
    shutil.copytree(source, renamed)
    assert library.import_samples(renamed).ids == ("song-1",)
    again = library.import_samples(source.parent)
    assert again.ids == () and "already" in again.refused["song-1"]
    fresh = Library(tmp_path / "third")
    assert fresh.import_samples(source.parent).ids == ("song-1",)
    assert fresh.search(Query(anywhere="paper")).total == 1


def test_what_does_not_belong_is_not_copied(library: Library, source: Path, tmp_path: Path) -> None:
    (source / "virus.exe").write_bytes(b"x")
    (source / "more").mkdir()
    assert library.import_samples(source).ids == ("song-1",)
    assert "virus.exe" not in os.listdir(library.folder / "song-1")


def test_what_is_no_sample_is_refused(library: Library, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("not a zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    (tmp_path / "folder").mkdir()
    for name in ("text.zip", "empty.zip", "folder", "missing"):
        with pytest.raises(LibraryError, match=name):
            library.import_samples(tmp_path / name)
    assert nothing_left(library)


def change_record(folder: Path, **entries: object) -> None:
    data = json.loads((folder / "sample.json").read_text())
    (folder / "sample.json").write_text(json.dumps({**data, **entries}))


def odd_codes(folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"top": torch.full((124,), 5000, dtype=torch.int32)}, folder / "codes.safetensors")


def pickled(folder: Path) -> None:
    np.savez(folder / "alignment.npz", weights=np.array([{"a": 1}], dtype=object))


def bomb(folder: Path) -> None:
    with (
        zipfile.ZipFile(folder / "alignment.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("weights.npy", "w", force_zip64=True) as entry,
    ):
        entry.write(b"\0" * (3 << 20))


def link(folder: Path) -> None:
    (folder / "top.flac").unlink()
    (folder / "top.flac").symlink_to("/etc/hostname")


def shorter(folder: Path) -> None:
    shutil.copy(folder / "top.flac", folder / "x")
    data = (folder / "x").read_bytes()
    (folder / "x").unlink()
    (folder / "top.flac").write_bytes(data[: len(data) // 2])


SPOILED: dict[str, Callable[[Path], object]] = {
    "record": lambda folder: (folder / "sample.json").write_text("{]"),
    "deep": lambda folder: (folder / "sample.json").write_text("[" * 200_000),
    "id": lambda folder: change_record(folder, id="../../../evil"),
    "schema": lambda folder: change_record(folder, schema=9),
    "huge": lambda folder: (folder / "sample.json").write_text(" " * (5 << 20) + "{}"),
    "codes": odd_codes,
    "codes cut": lambda folder: (folder / "codes.safetensors").write_bytes(b"\xff" * 100),
    "codes missing": lambda folder: (folder / "codes.safetensors").unlink(),
    "pickle": pickled,
    "bomb": bomb,
    "alignment": lambda folder: (folder / "alignment.npz").write_bytes(b"PK\3\4 nonsense"),
    "sheet": lambda folder: (folder / "sheet.json").write_text('{"key": 1}'),
    "sound missing": lambda folder: (folder / "top.flac").unlink(),
    "sound is text": lambda folder: (folder / "top.flac").write_text("la la la " * 500),
    "sound cut": shorter,
    "link": link,
}


@pytest.mark.parametrize("kind", SPOILED)
@pytest.mark.parametrize("way", ["folder", "zip"])
def test_hostile_samples_are_refused_without_a_trace(
    library: Library, source: Path, tmp_path: Path, kind: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.library.alignment_file._MOST_BYTES", 2 << 20)  # so that a small bomb will do
    SPOILED[kind](source)
    if way == "zip" and kind == "link":
        pytest.skip("zip files with links are tested below")
    given = source if way == "folder" else zipped(source, tmp_path / "s.zip")
    imported = library.import_samples(given)
    assert imported.ids == ()
    (reason,) = imported.refused.values()
    assert len(reason) > 10
    assert nothing_left(library)
    assert library.counts().all == 0


def test_zip_with_a_link_a_password_or_a_wrong_sum(library: Library, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "link.zip"
    with zipfile.ZipFile(target, "w") as archive:
        archive.write(source / "sample.json", "sample.json")
        archive.write(source / "codes.safetensors", "codes.safetensors")
        entry = zipfile.ZipInfo("top.flac")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/hostname")
    assert library.import_samples(target).ids == ()
    whole = zipped(source, tmp_path / "good.zip").read_bytes()
    flipped = bytearray(whole)
    position = whole.index(b"fLaC") + 3000
    flipped[position] ^= 0xFF
    (tmp_path / "sum.zip").write_bytes(flipped)
    assert "unpacked" in next(iter(library.import_samples(tmp_path / "sum.zip").refused.values()))
    locked = bytearray(whole)
    for start in (i for i in range(len(whole)) if whole.startswith(b"PK\1\2", i)):
        locked[start + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    assert library.import_samples(tmp_path / "locked.zip").ids == ()
    assert nothing_left(library)


def test_one_bad_sample_does_not_keep_the_others_out(tmp_path: Path, library: Library) -> None:
    theirs = Library(tmp_path / "theirs")
    finished(theirs, "good-1")
    finished(theirs, "bad-1")
    theirs.close()
    odd_codes(tmp_path / "theirs" / "bad-1")
    imported = library.import_samples(tmp_path / "theirs")
    assert imported.ids == ("good-1",)
    assert set(imported.refused) == {"bad-1"}
    assert library.sample("good-1").has_audio(Level.BOTTOM)


def test_zip_in_memory_sizes_that_lie(library: Library, source: Path, tmp_path: Path) -> None:
    """A file that unpacks to more than its kind may have is stopped on the way."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sample.json", b" " * (8 << 20))
    (tmp_path / "big.zip").write_bytes(buffer.getvalue())
    assert "larger" in next(iter(library.import_samples(tmp_path / "big.zip").refused.values()))
    assert nothing_left(library)
