"""Writes that are whole or not there, on full disks too."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from explorer.durable import StorageError, write_bytes, write_json


def test_replaces_the_content_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"one")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("at", ["write", "fsync", "replace"])
def test_full_disk_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if at == "write":
        monkeypatch.setattr("builtins.open", full)
    else:
        monkeypatch.setattr(os, at, full)
    with pytest.raises(StorageError, match="disk is full") as caught:
        write_bytes(path, b"new content")
    monkeypatch.undo()
    assert caught.value.full
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_limit_of_the_file_system_is_reached_halfway(tmp_path: Path) -> None:
    """A real failing write (the process may write 4 kB per file), not a pretended one."""
    code = """
        import resource, sys
        from pathlib import Path
        from explorer.durable import StorageError, write_bytes
        folder = Path(sys.argv[1])
        write_bytes(folder / "a.bin", b"old")
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            write_bytes(folder / "a.bin", b"x" * 100_000)
        except StorageError as error:
            assert error.full, error
            print("refused")
    """
    pytest.importorskip("resource")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "refused", done.stderr
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_missing_folder_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="could not be written") as caught:
        write_bytes(tmp_path / "no" / "a.bin", b"x")
    assert not caught.value.full


def test_json_takes_any_text_and_refuses_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for text in ("Größe 한글 🎵", "lone \ud800 surrogate", "\0\n"):
        write_json(path, {"t": text})
        assert json.loads(path.read_bytes()) == {"t": text}
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"t": float("nan")})
    assert json.loads(path.read_bytes()) == {"t": "\0\n"}
