"""Bad input: one line that says what is wrong and what to do, exit code 2, nothing left behind."""

from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.conftest import Outcome, Run

GENERATE = ("generate", "--instrumental", "--seconds", "1")


def refused(outcome: Outcome, *words: str) -> None:
    """One line on stderr (besides progress), nothing on stdout, exit code 2."""
    assert outcome.code == 2, outcome
    lines = [line for line in outcome.err.strip().splitlines() if " left" not in line]
    assert len(lines) == 1 and lines[0].startswith("error: "), outcome.err
    assert "Traceback" not in outcome.err and not outcome.out
    for word in words:
        assert word in outcome.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("generate",), ("required", "--out")),
        (("generate", "--out", "OUT"), ("--lyrics TEXT, --lyrics-file F, or --instrumental",)),
        (("generate", "--lyrics", "a", "--instrumental", "--out", "OUT"), ("not allowed with",)),
        ((*GENERATE, "--seconds", "0", "--out", "OUT"), ("more than 0 seconds",)),
        ((*GENERATE, "--seconds", "-3", "--out", "OUT"), ("more than 0 seconds",)),
        ((*GENERATE, "--seconds", "1e9", "--out", "OUT"), ("at most 600 seconds",)),
        ((*GENERATE, "--seconds", "nan", "--out", "OUT"), ("more than 0 seconds",)),
        ((*GENERATE, "--seconds", "soon", "--out", "OUT"), ("invalid float", "--seconds")),
        ((*GENERATE, "--seed", "-1", "--out", "OUT"), ("at least 0",)),
        ((*GENERATE, "--seed", str(2**63), "--out", "OUT"), ("seed must be a whole number",)),
        ((*GENERATE, "--takes", "2", "--seed", str(2**63 - 1), "--out", "OUT"), ("seed must be",)),
        ((*GENERATE, "--takes", "0", "--out", "OUT"), ("at least 1",)),
        ((*GENERATE, "--takes", "99", "--out", "OUT"), ("At most 16 takes",)),
        ((*GENERATE, "--temperature", "hot", "--out", "OUT"), ("--temperature takes one number",)),
        ((*GENERATE, "--temperature", "1,2", "--out", "OUT"), ("top,middle,bottom",)),
        ((*GENERATE, "--guidance", "50", "--out", "OUT"), ("guidance must be 0 to 20",)),
        ((*GENERATE, "--temperature", "0", "--out", "OUT"), ("temperature must be above 0",)),
        ((*GENERATE, "--top-k", "5", "--top-p", "0.5", "--out", "OUT"), ("not both",)),
        ((*GENERATE, "--level", "roof", "--out", "OUT"), ("--level",)),
        ((*GENERATE, "--lenght", "3", "--out", "OUT"), ("--lenght", "--help")),
        ((*GENERATE, "--model", "absent", "--out", "OUT"), ('no model "absent"', "import one")),
        ((*GENERATE, "--device", "tpu", "--out", "OUT"), ("tpu",)),
        ((*GENERATE, "--threads", "0", "--out", "OUT"), ("at least 1",)),
        ((*GENERATE, "--prompt", "ABSENT.wav", "--out", "OUT"), ("ABSENT.wav",)),
        (("generate", "--recipe", "ABSENT.json", "--out", "OUT"), ("ABSENT.json",)),
        (("generate", "--resume", "--out", "OUT"), ("is not a folder",)),
        (("generate", "--lyrics-file", "ABSENT.txt", "--out", "OUT"), ("ABSENT.txt",)),
        (("generate", "--lyrics", "a" * 100_000, "--out", "OUT"), ("100,000 characters", "Shorten")),
        (("continue", "ABSENT", "--out", "OUT"), ("does not exist",)),
        (("upsample", "ABSENT", "--out", "OUT"), ("does not exist",)),
        (("reconstruct", "ABSENT.wav", "--out", "OUT"), ("does not exist",)),
        (("library", "list", "--library", "ABSENT"), ("no library",)),
        (("models", "check", "absent"), ('no model "absent"',)),
        (("models", "fetch", "2b"), ("not an official model",)),
        (("conformance", "ABSENT"), ("is not a folder",)),
        (("train", "vqvae", "--corpus", "ABSENT", "--runs", "RUN", "--level", "top"), ("not a corpus",)),
        ((), ("COMMAND",)),
        (("sing",), ("sing",)),
    ],
)
def test_options_that_cannot_be(
    options: tuple[str, ...], words: tuple[str, ...], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(run(*options), *words)
    assert not (tmp_path / "OUT").exists()


def test_a_text_file_posing_as_audio(run: Run, tmp_path: Path, model: Path) -> None:
    file = tmp_path / "riff.wav"
    file.write_text("RIFF, but only in name")
    out = tmp_path / "out"
    for command in (
        (*GENERATE, "--prompt", file),
        ("continue", file, "--seconds", "3"),
        ("upsample", file),
        ("reconstruct", file),
        ("align", file, "--lyrics", "la"),
    ):
        refused(run(*command, "--model", model, "--out", out), "riff.wav")
    assert not out.exists()


def test_audio_that_is_too_short_or_cut_wrongly(run: Run, tmp_path: Path, model: Path) -> None:
    file = tmp_path / "blip.wav"
    soundfile.write(file, np.zeros(60, np.float32), 8000)
    tail = ("--model", model, "--out", tmp_path / "out")
    refused(run(*GENERATE, "--prompt", file, *tail), "too short")
    refused(run(*GENERATE, "--prompt", file, "--prompt-start", "9", *tail), "begins after its end")
    soundfile.write(file, np.zeros(16000, np.float32), 8000)
    refused(run(*GENERATE, "--prompt", file, *tail), "must be longer than the audio")
    refused(run("continue", file, "--seconds", "1", *tail), "must be longer than the audio")
    refused(run(*GENERATE, "--prompt", file, "--prompt-start", "1", "--prompt-stop", "0.5", *tail), "end after")


def test_a_folder_that_is_no_sample(run: Run, tmp_path: Path, model: Path) -> None:
    (tmp_path / "empty").mkdir()
    for command in ("continue", "upsample", "reconstruct", "align"):
        refused(run(command, tmp_path / "empty", "--model", model, "--out", tmp_path / "out"))
    (tmp_path / "empty" / "sample.json").write_text('{"schema": 1}')
    refused(run("upsample", tmp_path / "empty", "--model", model, "--out", tmp_path / "out"))


def test_lyrics_that_are_no_text(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_bytes(b"\xff\xfe\x00\xd8 words")
    refused(run("generate", "--lyrics-file", file, "--out", tmp_path / "out"), "not a UTF-8 text file")


def test_recipes_that_anybody_may_have_written(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "sample.json"
    for text in (
        "",
        "[]",
        "{}",
        '{"recipe": {"song": {"seed": "x"}}}',
        '{"recipe": {"song": {"spell": 1}}}',
        "[" * 9999,
    ):
        file.write_text(text)
        refused(run("generate", "--recipe", file, "--out", tmp_path / "out"))
    sound = tmp_path / "plain.wav"
    soundfile.write(sound, np.zeros(100, np.float32), 8000)
    refused(run("generate", "--recipe", sound, "--out", tmp_path / "out"), "carries no recipe")


def test_archives_that_are_truncated_or_hold_code(run: Run, tmp_path: Path, model: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path}/ran",)

    bad = tmp_path / "bad.pth.tar"
    arguments = ["models", "import", "mine", "--config", str(model / "config.json")]
    for part in ("vqvae", "bottom", "middle", "top"):
        arguments += [f"--{part}", str(bad)]
    for content in (b"PK\x03\x04 and no more", b"", pickle.dumps({"model": Evil()})):
        bad.write_bytes(content)
        refused(run(*arguments), "bad.pth.tar")
    assert not (tmp_path / "ran").exists()
    assert not list((tmp_path / "home").glob("models/*")), "nothing half may stay"


def test_a_damaged_model_is_named(run: Run, tmp_path: Path, model: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in model.iterdir():
        if file.is_file():
            (broken / file.name).write_bytes(file.read_bytes())
    (broken / "labels").symlink_to(model / "labels")
    (broken / "top.safetensors").write_bytes((model / "top.safetensors").read_bytes()[:1000])
    refused(run(*GENERATE, "--model", broken, "--out", tmp_path / "out"), "top.safetensors")
    refused(run("models", "check", broken), "top.safetensors")


def test_a_full_disk_keeps_what_was_made_and_says_how_to_go_on(
    run: Run, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, real = [20], os.fsync

    def fsync(handle: int) -> None:
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    command = (*GENERATE, "--model", model, "--out", tmp_path / "out")
    with monkeypatch.context() as patched:
        patched.setattr("explorer.durable.os.fsync", fsync)
        refused(run(*command), "The disk was full at", "kept", "generate --resume")
    again = run("generate", "--resume", "--model", model, "--out", tmp_path / "out", "--json")
    assert again.code == 0 and [s["state"] for s in again.json["samples"]] == ["finished"]


def test_a_file_where_a_folder_should_be(run: Run, tmp_path: Path, model: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    refused(run(*GENERATE, "--model", model, "--out", file))
