"""What the commands do when all is well, and when somebody presses Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from explorer.cli import build_parser
from explorer.jukebox.config import LEVELS, Level
from explorer.library import Mode, Sample, SampleState
from explorer.settings import CHECKOUT
from tests.cli.conftest import Run
from tests.tiny import tiny_jukebox
from tests.ui.tiny_model import TEMPERATURE


def test_generate_makes_one_folder_per_take(run: Run, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    outcome = run(
        "generate", "--genre", "reggae", "--artist", "Nobody", "--lyrics", "hello\\nsun 한 😀", "--seconds", "1.1",
        "--takes", "2", "--seed", "7", "--temperature", "0.9,1,1.1", "--level", "middle",
        "--model", model, "--out", out,
    )  # fmt: skip
    assert outcome.code == 0
    samples = [Sample.open(Path(line)) for line in outcome.out.split()]
    assert [s.record.song.seed for s in samples] == [7, 8]
    for sample in samples:
        record = sample.record
        assert record.state is SampleState.FINISHED and record.song.lyrics == "hello\nsun 한 😀"
        assert record.options.top.temperature == 0.9 and record.options.bottom.temperature == 1.1
        assert record.weights.keys() == {"vqvae", "top", "middle", "bottom"}
        assert sample.has_audio(Level.MIDDLE) and not sample.has_audio(Level.BOTTOM)
    assert samples[0].record.job == samples[1].record.job
    assert 'note: The model does not know the artist "Nobody"' in outcome.err


def test_temperatures_are_the_models_own_unless_told_otherwise(sample: Path) -> None:
    options = Sample.open(sample).record.options
    drawn = tuple(options.level(level).temperature for level in LEVELS)
    assert drawn == TEMPERATURE


def test_a_recipe_makes_the_same_again(run: Run, model: Path, sample: Path, tmp_path: Path) -> None:
    for number, recipe in enumerate((sample, sample / "bottom.flac")):
        outcome = run("generate", "--recipe", recipe, "--model", model, "--out", tmp_path / str(number), "--json")
        assert outcome.code == 0, outcome.err
        again = Path(outcome.json["samples"][0]["folder"])
        assert (again / "codes.safetensors").read_bytes() == (sample / "codes.safetensors").read_bytes()


def test_continue_a_sample_and_an_audio_file(run: Run, model: Path, sample: Path, tmp_path: Path) -> None:
    tail = ("--seconds", "1", "--model", model, "--out", tmp_path / "out", "--json")
    outcome = run("continue", sample, *tail)
    assert outcome.code == 0, outcome.err
    longer, first = Sample.open(Path(outcome.json["samples"][0]["folder"])), Sample.open(sample)
    for level, codes in first.codes().items():
        assert torch.equal(longer.codes()[level][: len(codes)], codes)
    assert longer.record.parent == first.record.id and longer.record.song.lyrics == first.record.song.lyrics
    outcome = run("continue", sample / "bottom.flac", "--instrumental", *tail)
    assert outcome.code == 0, outcome.err
    primed = Sample.open(Path(outcome.json["samples"][0]["folder"])).record
    assert primed.mode is Mode.PRIMED and primed.prompt_seconds == pytest.approx(0.592)
    for folder in (longer.folder, Path(outcome.json["samples"][0]["folder"])):
        again = run("generate", "--recipe", folder, "--model", model, "--out", tmp_path / "again", "--json")
        assert again.code == 0, again.err
        made, kept = Sample.open(Path(again.json["samples"][0]["folder"])), Sample.open(folder)
        assert (made.folder / "codes.safetensors").read_bytes() == (folder / "codes.safetensors").read_bytes()
        assert made.record.mode is kept.record.mode and made.record.prompt_seconds == kept.record.prompt_seconds


def test_upsample_a_sample_and_an_audio_file(run: Run, model: Path, sample: Path, tmp_path: Path) -> None:
    for source in (sample, sample / "top.flac"):
        outcome = run("upsample", source, "--seed", "9", "--model", model, "--out", tmp_path / "out", "--json")
        assert outcome.code == 0, outcome.err
        levels = outcome.json["samples"][0]["levels"]
        assert {name: level["codes"] for name, level in levels.items()} == {"top": 37, "middle": 148, "bottom": 296}
    folder = Path(outcome.json["samples"][0]["folder"])
    again = run("generate", "--recipe", folder, "--model", model, "--out", tmp_path / "again", "--json")
    assert again.code == 0, again.err
    made = Path(again.json["samples"][0]["folder"])
    assert (made / "codes.safetensors").read_bytes() == (folder / "codes.safetensors").read_bytes()


def test_reconstruct_and_align(run: Run, model: Path, sample: Path, tmp_path: Path) -> None:
    stereo = tmp_path / "mine.wav"
    soundfile.write(stereo, 0.1 * np.random.default_rng(0).normal(size=(24000, 2)), 16000)
    tail = ("--model", model, "--out", tmp_path / "out", "--json")
    outcome = run("reconstruct", stereo, *tail)
    assert outcome.code == 0, outcome.err
    made = Sample.open(Path(outcome.json["folder"]))
    assert made.record.mode is Mode.RECONSTRUCT and made.record.title == "mine"
    assert all(made.has_audio(level) for level in Level) and made.record.seconds == pytest.approx(1.488)
    for source in (sample, stereo):
        words = () if source == sample else ("--lyrics", "hello sun")
        outcome = run("align", source, *words, *tail)
        assert outcome.code == 0, outcome.err
        assert Sample.open(Path(outcome.json["folder"])).alignment() is not None
    assert run("align", stereo, *tail).code == 2


def test_library_commands(run: Run, sample: Path) -> None:
    library = ("--library", sample.parent)
    assert "1 of 1 samples." in run("library", "list", *library).out
    assert run("library", "list", "--search", "hell", "--json", *library).json["samples"][0]["id"] == sample.name
    assert run("library", "list", "--search", "absent", "--json", *library).json["total"] == 0
    assert run("library", "reindex", "--json", *library).json == {"samples": 1}
    assert run("library", "verify", *library).code == 0
    (sample / "codes.safetensors").write_bytes(b"damaged")
    found = run("library", "verify", "--json", *library)
    assert found.code == 1 and found.json["problems"]


def test_model_commands(run: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = run("models", "check", model, "--json")
    assert checked.code == 0 and checked.json["parameters"].keys() == {"vqvae", "top", "middle", "bottom"}
    monkeypatch.setenv("JUKEBOX_HOME", str(model.parent.parent / "other"))
    assert run("models", "list", "--json").code == 0


def test_every_command_has_help_with_an_example(run: Run) -> None:
    parser = build_parser()
    found = []

    def walk(parser: object, words: list[str]) -> None:
        for action in parser._actions:  # type: ignore[attr-defined]
            if action.dest == "==SUPPRESS==" and hasattr(action, "choices") and action.choices:
                for name, inner in action.choices.items():
                    walk(inner, [*words, name])
                return
        found.append(words)
        assert f"python -m explorer {' '.join(words)}" in (parser.epilog or "")  # type: ignore[attr-defined]

    walk(parser, [])
    assert len(found) >= 12
    for words in found:
        outcome = run(*words, "--help")
        assert outcome.code == 0 and "example: " in outcome.out


def test_help_is_quick_because_torch_is_not_loaded() -> None:
    code = "import sys; from explorer.cli import build_parser; build_parser(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=False).returncode == 0


def windows_done(out: Path) -> int:
    """Windows of the top level that both takes have on the disk."""
    folders = list(out.glob("2*/sample.json"))
    levels = [json.loads(file.read_text())["levels"] for file in folders]
    return min((level.get("top", {"windows_done": 0})["windows_done"] for level in levels), default=0)


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(run: Run, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["generate", "--lyrics", "hello sun", "--seconds", "1.5", "--takes", "2", "--model", str(model)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "JUKEBOX_HOME": str(tmp_path / "home")}
    process = subprocess.Popen(
        [sys.executable, "-m", "explorer", *command, "--out", str(out)],
        cwd=CHECKOUT, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    end = time.monotonic() + 240
    while windows_done(out) < 1 and time.monotonic() < end:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in err
    last = err.strip().splitlines()[-1]
    assert last.startswith("error: Stopped. Top to 0:0") and "generate --resume" in last
    folders = sorted(out.glob("2*"))
    assert [Sample.open(folder).record.state for folder in folders] == [SampleState.PARTIAL] * 2
    outcome = run("generate", "--resume", "--model", model, "--out", out)
    assert outcome.code == 0, outcome.err
    resumed = sorted((Sample.open(folder) for folder in folders), key=lambda sample: sample.record.take)
    songs = [sample.record.song for sample in resumed]
    assert [song.seed for song in songs] == [0, 1]
    *_, finished = tiny_jukebox().generate(songs, resumed[0].record.options)
    for level in Level:
        assert torch.equal(torch.stack([s.codes()[level] for s in resumed]), finished.codes[level])  # type: ignore[union-attr]
    assert run("generate", "--resume", "--model", model, "--out", out).out.startswith("Nothing is unfinished")
