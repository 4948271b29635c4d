"""From finished runs to a model folder: which run gives which weights.

A training folder holds one run per part: vqvae-top, vqvae-middle, vqvae-bottom, prior-top, … Where a run goes on from
an earlier model, the base, parts without a run are the base's.
Knows: how they are put together. Does not know how they were trained.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from explorer.checkpoints.folder import check_keys, load_config, load_state, save_model_folder
from explorer.durable import write_bytes
from explorer.jukebox.config import LEVELS, Level, ModelConfig, VQVAEConfig
from explorer.jukebox.labels import LabelLists
from explorer.jukebox.vqvae import VQVAE

ADDED = (
    "listener.",
    "phone_lengths.",
    "diction.",
    "y_emb.bar_emb.",
    "y_emb.key_emb.",
    "y_emb.chord_emb.",
    "y_emb.habits.",
    "y_emb.note_emb.",
    "y_emb.tune_habits.",
)
"""Names of the weights that a model may learn later than the others."""


class UnfinishedRun(ValueError):
    """A run that another step needs and that is missing or not at its last step."""


def vqvae_run(runs: Path, level: Level) -> Path:
    return runs / f"vqvae-{level}"


def prior_run(runs: Path, level: Level) -> Path:
    return runs / f"prior-{level}"


def listener_run(runs: Path) -> Path:
    return runs / "listener"


def listener_weights(runs: Path) -> dict[str, torch.Tensor]:
    """The averaged weights of the finished listener. Raises UnfinishedRun."""
    state = _finished_state(listener_run(runs))
    weights: dict[str, torch.Tensor] = state["model"] | state["average"]
    return weights


def _finished_state(run: Path) -> dict[str, Any]:
    """The last checkpoint of a run. Raises UnfinishedRun unless it has done all its steps."""
    file = run / "state.pt"
    if not file.exists():
        raise UnfinishedRun(f"{run} has no checkpoint yet; train it first.")
    state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    steps = json.loads((run / "settings.json").read_text())["settings"]["steps"]
    if state["step"] < steps:
        raise UnfinishedRun(f"{run} is at step {state['step']} of {steps}; run its command again to finish it.")
    return state


def assemble_vqvae(
    config: VQVAEConfig, runs: Path, levels: tuple[Level, ...] = LEVELS, base: Path | None = None
) -> VQVAE:
    """The averaged weights of the levels' finished runs as one VQ-VAE; other levels are the base's, or untrained."""
    vqvae = VQVAE(config)
    if base is not None:
        begin(vqvae, base, "vqvae")
    for level in levels:
        if base is not None and not vqvae_run(runs, level).exists():
            continue
        state = _finished_state(vqvae_run(runs, level))
        part = torch.nn.ModuleList([vqvae.encoders[level.index], vqvae.decoders[level.index]])
        part.load_state_dict(state["average"])
        vqvae.bottleneck.level(level.index).k.copy_(state["k"])
    return vqvae.eval().requires_grad_(False)


def begin(module: nn.Module, base: Path, part: str) -> bool:
    """Copy the weights of one part of a model folder. Raises CheckpointError for a model of another shape. The base may
    lack a listener, which is trained by itself, and may never have been told a ground, a tune or what is sung, or have
    planned by phones; returns whether it has a listener where one is needed."""
    stored = load_state(base, part)
    added = {name: tensor for name, tensor in module.state_dict().items() if name.startswith(ADDED)}
    state = added | stored
    check_keys(module, {name: tensor.shape for name, tensor in state.items()}, str(base / f"{part}.safetensors"))
    module.load_state_dict(state)
    return all(name in stored for name in added if name.startswith("listener."))


def prior_weights(runs: Path, level: Level) -> dict[str, torch.Tensor]:
    """The averaged weights of a finished prior run, under their published names."""
    state = _finished_state(prior_run(runs, level))
    average: dict[str, torch.Tensor] = state["average"]
    # a tied head is one parameter with two published names
    return {name: average.get(name, tensor) for name, tensor in state["model"].items()} | {
        "prior.x_out.weight": average.get("prior.x_out.weight", average["prior.x_emb.weight"])
    }


def export_model(
    runs: Path,
    config: ModelConfig,
    lists: LabelLists,
    target: Path,
    dtype: torch.dtype = torch.float16,
    base: Path | None = None,
) -> list[str]:
    """Write every finished part into a model folder; returns their names. Levels without a finished run are the base's,
    files and shape: what ``config`` says of them is not what they have learnt.

    Transformer weights are stored in ``dtype`` (they are computed in float32 on the CPU anyway);
    the VQ-VAE, whose codes must not change, in float32. Raises UnfinishedRun when nothing is finished, CheckpointError
    for a base that cannot be read.
    """
    states: dict[str, dict[str, torch.Tensor]] = {}
    problems = []
    try:
        states["vqvae"] = dict(assemble_vqvae(config.vqvae, runs, base=base).state_dict())
    except UnfinishedRun as error:
        problems.append(str(error))
    for level in LEVELS:
        try:
            states[level.value] = {k: v.to(dtype) for k, v in prior_weights(runs, level).items()}
        except UnfinishedRun as error:
            problems.append(str(error))
    if not states:
        raise UnfinishedRun(" ".join(problems))
    finished = sorted(states)
    if base is not None:
        earlier = load_config(base)
        left = [level for level in LEVELS if level.value not in states]
        bottom, middle, top = ((earlier if level in left else config).prior(level) for level in LEVELS)
        config = dataclasses.replace(config, priors=(bottom, middle, top))
        _keep(base, target, [level.value for level in left])
    save_model_folder(target, config, states, dict.fromkeys(LEVELS, lists))
    return finished


def _keep(base: Path, target: Path, parts: list[str]) -> None:
    """The base's own files: written anew, the same tensors may be another file, and so another model to its songs."""
    for part in parts:
        load_state(base, part)  # raises for a file that is not there or damaged
    if target.exists() and target.samefile(base):
        return
    target.mkdir(parents=True, exist_ok=True)
    for part in parts:
        write_bytes(target / f"{part}.safetensors", (base / f"{part}.safetensors").read_bytes())
