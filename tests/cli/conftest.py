"""The command line in this process, on a tiny random model in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from explorer.cli import main
from tests.ui.tiny_model import write_tiny_model


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command in a home of its own; no output is left over from before."""
    monkeypatch.setenv("JUKEBOX_HOME", str(tmp_path / "home"))

    def run_one(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run_one


@pytest.fixture
def sample(run: Run, model: Path, tmp_path: Path) -> Path:
    """A finished sample folder of 0.59 s."""
    outcome = run(
        "generate", "--genre", "reggae", "--lyrics", "hello sun", "--seconds", "0.6", "--seed", "5",
        "--model", model, "--out", tmp_path / "first", "--json",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    return Path(outcome.json["samples"][0]["folder"])
