"""From a corpus to a model that sings, by the commands that the model card names, with steps one can wait for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from explorer.checkpoints.folder import load_config, model_hashes
from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.jukebox.labels import LabelLists
from explorer.training import pocket
from explorer.training.assembly import listener_run, prior_run, vqvae_run
from explorer.training.listening import ListenerTraining
from explorer.training.prior import PriorTraining
from explorer.training.vqvae import VQVAETraining
from tests.cli.conftest import Run
from tests.tiny import ARTISTS, GENRES, tiny_config
from tests.training.making import write_corpus

CONFIG = tiny_config(listener=8, bar_parts=12, diction=True, tune=True)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for split in ("train", "validation"):
        write_corpus(tmp_path / "corpus" / split)
    return tmp_path / "corpus"


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """``pocket`` with the shape of the tests' model and two steps a run."""
    monkeypatch.setattr(pocket, "VQVAE_CONFIG", CONFIG.vqvae)
    monkeypatch.setattr(pocket, "model_config", lambda lists: CONFIG)
    monkeypatch.setattr(pocket, "label_lists", lambda songs: LabelLists(ARTISTS, GENRES))
    short = {"steps": 2, "batch": 2, "log_every": 1}
    autoencoders = {level: VQVAETraining(level, clip_samples=4096, **short) for level in SAMPLING_ORDER}
    monkeypatch.setattr(pocket, "VQVAE_TRAINING", autoencoders)
    monkeypatch.setattr(pocket, "LISTENER_TRAINING", ListenerTraining(clip_codes=16, **short))
    top = PriorTraining(Level.TOP, guided_attention=1.0, misheard=0.3, **short)
    finer = {level: PriorTraining(level, misheard=0.2, **short) for level in (Level.MIDDLE, Level.BOTTOM)}
    monkeypatch.setattr(pocket, "PRIOR_TRAINING", {Level.TOP: top, **finer})


def settings(run_folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((run_folder / "settings.json").read_text())["settings"]
    return found


def test_the_commands_in_order_give_a_model_that_sings_and_one_that_goes_on_from_it(
    run: Run, corpus: Path, tmp_path: Path
) -> None:
    runs, first, second = tmp_path / "runs", tmp_path / "first", tmp_path / "second"
    places = ("--corpus", corpus, "--runs", runs)
    early = run("train", "prior", *places, "--level", "top")
    assert early.code == 2 and "train it first" in early.err
    for level in SAMPLING_ORDER:
        assert run("train", "vqvae", *places, "--level", level).code == 0
    assert run("train", "listener", *places).code == 0
    for level in SAMPLING_ORDER:
        assert run("train", "prior", *places, "--level", level).code == 0
    assert settings(prior_run(runs, Level.TOP))["misheard"] == 0.3
    used = {str(settings(folder)["corpus"]) for folder in (listener_run(runs), vqvae_run(runs, Level.TOP))}
    assert used == {settings(prior_run(runs, Level.BOTTOM))["corpus"]}
    done = run("train", "export", *places, "--out", first)
    assert done.code == 0 and done.out.split() == ["bottom", "middle", "top", "vqvae"]
    assert load_config(first) == CONFIG
    song = run(
        "generate", "--genre", "reggae", "--artist", "Harbour Sound", "--lyrics", "la di da", "--seconds", "0.6",
        "--seed", "1", "--model", first, "--out", tmp_path / "song",
    )  # fmt: skip
    assert song.code == 0, song.err

    onward = ("--corpus", corpus, "--runs", tmp_path / "onward", "--base", first)
    assert run("train", "prior", *onward, "--level", "bottom", "--steps", "3").code == 0
    before = model_hashes(first)
    assert settings(prior_run(tmp_path / "onward", Level.BOTTOM))["base"] == before["bottom"]
    assert run("train", "export", *onward, "--out", second).code == 0
    changed = {part for part, its_hash in model_hashes(second).items() if its_hash != before[part]}
    assert changed == {"bottom"}

    # a new autoencoder of the top level: what reads its codes goes on with them, and needs to hear them anew
    assert run("train", "vqvae", *onward, "--level", "top").code == 0
    deaf = run("train", "prior", *onward, "--level", "top")
    assert deaf.code == 2 and "listener" in deaf.err and "train it first" in deaf.err
    assert run("train", "listener", *onward).code == 0
    for level in (Level.TOP, Level.MIDDLE):
        assert run("train", "prior", *onward, "--level", level).code == 0
    families = {file.name.rpartition("-")[0] for file in (tmp_path / "onward" / "codes").glob("top-*.npz")}
    assert len(families) == 2  # songs were encoded by the base's autoencoder, too
