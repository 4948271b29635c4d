"""Audio that people hand in: what is kept, what is refused, and that nothing is left over."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from explorer.audio.files import AudioError, write_flac
from explorer.studio import StudioError
from explorer.web.uploads import KEPT_SECONDS, Uploads


async def pieces(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def send(uploads: Uploads, name: str, data: bytes) -> dict[str, object]:
    # in a thread of its own: the browser of the page's tests leaves an event loop in this one
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, uploads.receive(name, pieces(data))).result()


@pytest.fixture
def flac(tmp_path: Path) -> bytes:
    path = tmp_path / "riff.flac"
    write_flac(path, np.concatenate([np.zeros(4000), np.full(4000, 0.5)]).astype(np.float32), 8000)
    return path.read_bytes()


def test_sound_is_kept_with_its_peaks(tmp_path: Path, flac: bytes) -> None:
    uploads = Uploads(tmp_path / "up", 10**6)
    answer = send(uploads, "C:\\music\\riff.flac", flac)
    assert answer["name"] == "riff.flac" and answer["seconds"] == pytest.approx(1.0)
    peaks = answer["peaks"]
    assert isinstance(peaks, list) and peaks[0] == 0 and peaks[-1] == pytest.approx(0.5, abs=0.01)
    assert uploads.path(str(answer["token"])).read_bytes() == flac


@pytest.mark.parametrize("data", [b"", b"I am a text file.", b"RIFF\x00\x00"])
def test_what_is_no_sound_is_refused_by_its_own_name(tmp_path: Path, data: bytes) -> None:
    uploads = Uploads(tmp_path / "up", 10**6)
    with pytest.raises(AudioError, match=r"riff\.wav.*The form is kept"):
        send(uploads, "riff.wav", data)
    assert not list(uploads.folder.iterdir())


def test_too_large_is_refused_before_all_of_it_is_stored(tmp_path: Path, flac: bytes) -> None:
    uploads = Uploads(tmp_path / "up", 100)
    with pytest.raises(AudioError, match="larger"):
        send(uploads, "riff.flac", flac * 50)
    assert not list(uploads.folder.iterdir())


@pytest.mark.parametrize("token", ["", "../../etc/passwd", "a" * 32, "." * 20])
def test_tokens_name_nothing_else(tmp_path: Path, token: str) -> None:
    uploads = Uploads(tmp_path / "up", 10**6)
    with pytest.raises(StudioError, match="again"):
        uploads.path(token)


def test_old_files_go_when_the_program_starts(tmp_path: Path) -> None:
    folder = tmp_path / "up"
    folder.mkdir()
    (folder / "old.wav").write_bytes(b"x")
    (folder / "new.wav").write_bytes(b"x")
    os.utime(folder / "old.wav", (0, time.time() - KEPT_SECONDS - 60))
    Uploads(folder, 10)
    assert [path.name for path in folder.iterdir()] == ["new.wav"]
