"""The program as a terminal runs it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from explorer.settings import CHECKOUT
from tests.ui.tiny_model import write_tiny_model


def test_ctrl_c_in_a_terminal_ends_it_without_complaint(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    model = write_tiny_model(tmp_path / "tiny")
    process = subprocess.Popen(
        [sys.executable, "app.py", "--model", str(model), "--port", str(port)],
        cwd=CHECKOUT, env=os.environ | {"JUKEBOX_HOME": str(tmp_path / "home")}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/about", timeout=60) as answer:
                    assert answer.status == 200
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)  # helpers are in the same group
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert "Traceback" not in said and "Fatal" not in said
