"""The scorecard's command: songs made and taken up again, results, and bad input in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from explorer.jukebox.config import LEVELS
from explorer.library import Sample
from explorer.studio import run as studio_run
from tests.cli.conftest import Run
from tests.training.making import write_corpus

FAST = ("--only", "faults,timing,labels", "--seconds", "0.6", "--pieces", "1", "--threads", "1")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder / "train")
    write_corpus(folder / "validation")
    return folder


def test_songs_are_made_measured_and_not_made_again(run: Run, model: Path, corpus: Path, tmp_path: Path) -> None:
    report, table = tmp_path / "report.json", tmp_path / "card.md"
    command = ("evaluate", "--model", model, "--corpus", corpus, "--generate", 1, "--work", tmp_path / "work", *FAST)
    first = run(*command, "--out", report)
    assert first.code == 0, first.err
    made = {path: path.stat().st_mtime_ns for path in sorted((tmp_path / "work" / "songs").glob("*/sample.json"))}
    assert [path.parent.name for path in made] == ["score-01-01", "score-02-01", "score-03-01"]
    found = json.loads(report.read_text())
    assert found["samples"] == {"count": 3, "of_these_weights": 3}
    assert found["sets"]["generated"]["faults"]["clips"] == 3
    assert found["sets"]["generated"]["labels"]["artist"]["clips"] == 3
    assert found["sets"]["generated"]["timing"]["songs"] == 3
    assert (tmp_path / "report.png").stat().st_size > 10_000
    assert "songs with a fault" in first.out and "not measured" in first.out

    again = run(*command, "--out", report, "--before", report, "--table", table, "--page", tmp_path / "page.pdf")
    assert again.code == 0, again.err
    assert made == {path: path.stat().st_mtime_ns for path in made}
    assert json.loads(report.read_text()) == found
    assert "| measure | before |" in table.read_text() and (tmp_path / "page.pdf").exists()

    other = run(*command, "--out", report, "--temperature", "0.9")
    assert other.code == 2 and "another song" in other.err


def test_songs_that_were_begun_are_finished(
    run: Run, model: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("evaluate", "--model", model, "--corpus", corpus, "--generate", 1, *FAST, "--out", tmp_path / "r.json")
    whole = run(*command, "--work", tmp_path / "whole")
    assert whole.code == 0, whole.err
    real = studio_run.run_takes

    def stopped(*arguments: object) -> object:
        for number, event in enumerate(real(*arguments)):  # type: ignore[arg-type]
            yield event
            if number == 4:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(studio_run, "run_takes", stopped)
        cut = run(*command, "--work", tmp_path / "cut", "--batch", 2)
    assert cut.code == 130 and "run the same command to go on" in cut.err
    states = [json.loads(p.read_text())["state"] for p in sorted((tmp_path / "cut" / "songs").glob("*/sample.json"))]
    assert states == ["partial", "partial"]
    again = run(*command, "--work", tmp_path / "cut", "--batch", 2)
    assert again.code == 0, again.err
    for name in ("score-01-01", "score-02-01", "score-03-01"):
        first, second = (Sample.open(tmp_path / work / "songs" / name).codes() for work in ("whole", "cut"))
        assert set(first) == set(second) == set(LEVELS)
        assert all(torch.equal(first[level], second[level]) for level in first)


def test_bad_input_is_one_line(run: Run, model: Path, corpus: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "r.json")
    (tmp_path / "no.json").write_text("[]")
    (tmp_path / "half" / "validation").mkdir(parents=True)
    for given, said in (
        (("--corpus", tmp_path / "none", *out), "not a folder"),
        (("--corpus", tmp_path / "half", *out), "no folder train"),
        (("--corpus", corpus, *out, "--only", "faults,beauty"), "beauty"),
        (("--corpus", corpus, *out, "--before", tmp_path / "no.json"), "not a report"),
        (("--corpus", corpus, *out, "--before", tmp_path / "none.json"), "not a report"),
        (("--corpus", corpus, *out, "--only", "faults", "--samples", tmp_path), "no finished songs"),
        (("--corpus", corpus, *out, "--only", "faults", "--seconds", "nan"), "--seconds"),
        (("--corpus", corpus, *out, "--only", "faults", "--upsample", "--level", "top"), "leave out --level top"),
        (("--corpus", corpus, *out, "--samples", tmp_path, "--generate", "2"), "not allowed with"),
    ):
        outcome = run("evaluate", "--model", model, *given)
        assert outcome.code == 2 and said in outcome.err and len(outcome.err.splitlines()) == 1, outcome.err
    assert not (tmp_path / "r.json").exists()
