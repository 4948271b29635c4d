"""Downloads over a real local server: size first, resumed, hashed, honest about what was kept."""

from __future__ import annotations

import hashlib
import random
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from explorer.checkpoints import PARTS, CheckpointError, fetch
from explorer.checkpoints.fetch import OFFICIAL, Remote, download, look_up

DATA = random.Random(0).randbytes(3_000_000)
SHA = hashlib.sha256(DATA).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves DATA; ``server.breaks`` is after how many bytes it hangs up, ``ranges`` whether it can resume."""

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()

    def do_GET(self) -> None:
        server = self.server
        wanted = self.headers.get("Range")
        server.asked.append(wanted)  # type: ignore[attr-defined]
        if self.path == "/gone":
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and server.ranges else 0  # type: ignore[attr-defined]
        if start >= len(DATA):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        self.send_header("Content-Length", str(len(DATA) - start))
        self.end_headers()
        stop = min(len(DATA), start + server.breaks)  # type: ignore[attr-defined]
        self.wfile.write(DATA[start:stop])


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.breaks, found.ranges, found.asked = 10**9, True, []  # type: ignore[attr-defined]
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def remote(server: ThreadingHTTPServer) -> Remote:
    return look_up(f"http://127.0.0.1:{server.server_port}/vqvae.pth.tar")


def test_size_is_known_before_anything_is_fetched(remote: Remote, server: ThreadingHTTPServer) -> None:
    assert remote.size == len(DATA) and server.asked == []  # type: ignore[attr-defined]


def test_a_file_is_fetched_and_its_hash_noted(remote: Remote, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    target = tmp_path / "new" / "vqvae.pth.tar"
    assert download(remote, target, lambda done, size: seen.append((done, size)) or True) == SHA
    assert target.read_bytes() == DATA and not target.with_name("vqvae.pth.tar.part").exists()
    assert (tmp_path / "new" / "vqvae.pth.tar.sha256").read_text() == f"{SHA}  vqvae.pth.tar\n"
    assert seen[-1] == (len(DATA), len(DATA)) and [d for d, _ in seen] == sorted(d for d, _ in seen)


def test_a_broken_line_is_resumed_where_it_broke(remote: Remote, server: ThreadingHTTPServer, tmp_path: Path) -> None:
    target = tmp_path / "f"
    server.breaks = 1_200_000  # type: ignore[attr-defined]
    for _ in range(2):
        with pytest.raises(CheckpointError, match="kept"):
            download(remote, target)
    assert not target.exists()
    assert download(remote, target) == SHA and target.read_bytes() == DATA
    assert server.asked == [None, "bytes=1200000-", "bytes=2400000-"]  # type: ignore[attr-defined]


def test_a_server_that_cannot_resume_starts_anew(remote: Remote, server: ThreadingHTTPServer, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(b"x" * 500)
    server.ranges = False  # type: ignore[attr-defined]
    assert download(remote, tmp_path / "f") == SHA


def test_stopping_keeps_what_arrived(remote: Remote, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"stopped.*kept"):
        download(remote, tmp_path / "f", lambda done, _: done < 2_000_000)
    assert 2_000_000 <= (tmp_path / "f.part").stat().st_size < len(DATA)
    assert download(remote, tmp_path / "f") == SHA


def test_damage_is_noticed_and_removed(remote: Remote, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(b"x" * 500)  # not the beginning of this file
    with pytest.raises(CheckpointError, match="SHA-256"):
        download(remote, tmp_path / "f", sha256=SHA)
    assert not (tmp_path / "f").exists() and not (tmp_path / "f.part").exists()


def test_a_file_that_changed_since_is_noticed(remote: Remote, tmp_path: Path) -> None:
    (tmp_path / "f.sha256").write_text(f"{'0' * 64}  f\n")
    with pytest.raises(CheckpointError, match="changed"):
        download(remote, tmp_path / "f")


def test_leftovers_longer_than_the_file_are_removed(remote: Remote, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(bytes(len(DATA) + 5))
    with pytest.raises(CheckpointError, match="did not fit"):
        download(remote, tmp_path / "f")
    assert download(remote, tmp_path / "f") == SHA


def test_a_disk_without_room_is_told_before_fetching(
    remote: Remote, server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(CheckpointError, match="GB are free"):
        download(remote, tmp_path / "f")
    assert server.asked == []  # type: ignore[attr-defined]


def test_a_missing_file_and_a_dead_server_are_told(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="404"):
        download(Remote(f"http://127.0.0.1:{server.server_port}/gone", 5), tmp_path / "f")
    with pytest.raises(CheckpointError, match="does not answer"):
        look_up("http://127.0.0.1:9/nothing")


def test_the_released_models_share_all_but_the_top_level() -> None:
    assert all(set(parts) == set(PARTS) for parts in OFFICIAL.values())
    assert len({url for parts in OFFICIAL.values() for url in parts.values()}) == 6
