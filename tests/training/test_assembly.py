"""From runs to a model folder, alone and on top of an earlier model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from explorer.checkpoints.errors import CheckpointError
from explorer.checkpoints.folder import load_config, load_part, new_module, save_model_folder
from explorer.jukebox.config import LEVELS, Level, ModelConfig
from explorer.jukebox.labels import LabelLists
from explorer.jukebox.vqvae import VQVAE
from explorer.training.assembly import (
    UnfinishedRun,
    assemble_vqvae,
    begin,
    export_model,
    listener_run,
    listener_weights,
    prior_run,
    vqvae_run,
)
from tests.tiny import ARTISTS, GENRES, tiny_config, tiny_jukebox

LISTS = LabelLists(ARTISTS, GENRES)


def write_run(folder: Path, step: int, steps: int, state: dict[str, object]) -> None:
    folder.mkdir(parents=True)
    torch.save({"step": step, **state}, folder / "state.pt")
    (folder / "settings.json").write_text(json.dumps({"settings": {"steps": steps}, "changes": []}))


def write_vqvae_run(runs: Path, config: ModelConfig, level: Level, step: int = 4) -> VQVAE:
    torch.manual_seed(7)
    vqvae = VQVAE(config.vqvae)
    part = torch.nn.ModuleList([vqvae.encoders[level.index], vqvae.decoders[level.index]])
    book = torch.randn_like(vqvae.bottleneck.level(level.index).k)
    write_run(vqvae_run(runs, level), step, 4, {"average": dict(part.named_parameters()), "k": book})
    vqvae.bottleneck.level(level.index).k.copy_(book)
    return vqvae


@pytest.fixture
def base(tmp_path: Path) -> Path:
    jukebox = tiny_jukebox()
    states = {level.value: dict(jukebox.prior(level).state_dict()) for level in LEVELS}
    states["vqvae"] = dict(jukebox._vqvae.state_dict())
    save_model_folder(tmp_path / "base", jukebox.config, states, dict.fromkeys(LEVELS, LISTS))
    return tmp_path / "base"


def test_levels_without_a_run_are_those_of_the_base(base: Path, tmp_path: Path) -> None:
    config = tiny_config()
    trained = write_vqvae_run(tmp_path / "runs", config, Level.TOP)
    vqvae, before = assemble_vqvae(config.vqvae, tmp_path / "runs", LEVELS, base), load_part(base, "vqvae")
    assert isinstance(before, VQVAE)
    audio = torch.randn(1, 4096, 1)
    assert torch.equal(vqvae.encode(audio, 2), trained.encode(audio, 2))
    assert torch.equal(vqvae.encode(audio, 0), before.encode(audio, 0))
    with pytest.raises(UnfinishedRun, match="no checkpoint"):
        assemble_vqvae(config.vqvae, tmp_path / "runs", LEVELS)


def test_a_run_that_is_not_at_its_end_is_not_exported(base: Path, tmp_path: Path) -> None:
    write_vqvae_run(tmp_path / "runs", tiny_config(), Level.TOP, step=3)
    with pytest.raises(UnfinishedRun, match="step 3 of 4"):
        export_model(tmp_path / "runs", tiny_config(), LISTS, tmp_path / "out", base=base)
    assert not (tmp_path / "out").exists()


def test_an_export_on_a_base_replaces_what_was_trained(base: Path, tmp_path: Path) -> None:
    config = tiny_config()
    trained = write_vqvae_run(tmp_path / "runs", config, Level.MIDDLE)
    prior = new_module(config, "top", "cpu")
    average = {name: p.detach() + 1 for name, p in prior.named_parameters()}
    write_run(prior_run(tmp_path / "runs", Level.TOP), 4, 4, {"model": prior.state_dict(), "average": average})
    assert export_model(tmp_path / "runs", config, LISTS, base, base=base) == ["top", "vqvae"]
    vqvae = load_part(base, "vqvae")
    assert torch.equal(vqvae.state_dict()["bottleneck.level_blocks.1.k"], trained.bottleneck.level(1).k)
    found = load_part(base, "top").state_dict()
    for name, tensor in average.items():
        torch.testing.assert_close(found[name].float(), tensor, atol=2e-3, rtol=1e-3)


def test_a_level_without_a_run_keeps_the_shape_of_the_base(base: Path, tmp_path: Path) -> None:
    """The settings already say of the middle level what it is told next; its weights have not learnt it."""
    config, out = tiny_config(diction=True, listener=8), tmp_path / "out"
    prior = new_module(config, "top", "cpu")
    average = dict(prior.named_parameters())
    write_run(prior_run(tmp_path / "runs", Level.TOP), 4, 4, {"model": prior.state_dict(), "average": average})
    assert export_model(tmp_path / "runs", config, LISTS, out, base=base) == ["top", "vqvae"]
    assert config.prior(Level.MIDDLE).diction and load_config(out) == tiny_config(listener=8)
    for part in ("middle", "bottom"):
        before = load_part(base, part).state_dict()
        assert all(torch.equal(before[name], tensor) for name, tensor in load_part(out, part).state_dict().items())


def test_a_base_may_lack_the_listener_and_nothing_else(base: Path, tmp_path: Path) -> None:
    following = new_module(tiny_config(listener=8), "top", "cpu")
    listener = {n: t.clone() for n, t in following.state_dict().items() if n.startswith("listener.")}
    assert not begin(following, base, "top") and begin(new_module(tiny_config(), "top", "cpu"), base, "top")
    state, stored = following.state_dict(), load_part(base, "top").state_dict()
    assert listener and all(torch.equal(state[name], tensor) for name, tensor in listener.items())
    assert all(torch.equal(state[name], tensor) for name, tensor in stored.items())
    with pytest.raises(CheckpointError, match="missing"):
        begin(new_module(tiny_config(merged=True), "top", "cpu"), base, "top")


def test_a_base_may_never_have_been_told_bars_and_tunes(base: Path) -> None:
    told = new_module(tiny_config(listener=8, bar_parts=12, tune=True), "top", "cpu")
    before = {name: tensor.clone() for name, tensor in told.state_dict().items()}
    assert not begin(told, base, "top")  # it has no listener either
    stored = load_part(base, "top").state_dict()
    new = [name for name in before if name not in stored and not name.startswith(("listener.", "phone_lengths."))]
    assert sum(name.startswith(("y_emb.habits.", "y_emb.tune_habits.")) for name in new) == 8 and len(new) == 12
    for name, tensor in told.state_dict().items():
        assert torch.equal(tensor, stored.get(name, before[name]))


def test_a_listener_is_its_averaged_weights_and_what_it_has_counted(tmp_path: Path) -> None:
    weights = {"last.weight": torch.zeros(2), "share": torch.ones(3)}
    average = {"last.weight": torch.ones(2)}
    write_run(listener_run(tmp_path), 2, 2, {"model": weights, "average": average})
    found = listener_weights(tmp_path)
    assert found["last.weight"].eq(1).all() and found["share"].eq(1).all()
