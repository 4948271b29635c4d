"""A training run's folder: settings, log, held-out figures, and checkpoints that resume exactly.

Knows: where a run keeps what and how to write it so that a kill at any moment loses at most the
steps since the last checkpoint. Does not know what is trained.
"""

from __future__ import annotations

import csv
import json
import logging
import math
import os
import time
from pathlib import Path
from typing import Any

import torch

_log = logging.getLogger(__name__)

FIXED = frozenset({"level", "prior", "vqvae", "seed", "batch", "clip_samples", "every_nth_song"})
"""Settings that a run keeps from its first to its last step: what it trains, and which examples it sees when."""

NETWORKS = frozenset({"hearing", "recognition"})
"""Weights of losses with a network of their own: from 0 to something or back changes what is trained."""


class RunFolder:
    """settings.json, log.csv, heldout.jsonl, state.pt (resume) and plot.png of one run."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        """Open or create; ``settings`` are plain JSON data.

        A run may be resumed with other numbers (of steps, of weights of its losses …), and with more songs:
        settings.json keeps every such change. Raises ValueError where what is trained differs, or on what: the
        settings FIXED.
        """
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        file = path / "settings.json"
        settings = json.loads(json.dumps(settings, default=str))
        record = {"settings": settings, "changes": []}
        if file.exists():
            record = json.loads(file.read_text())
            before = record["settings"]
            changed = {name for name in before.keys() | settings.keys() if before.get(name) != settings.get(name)}
            begun_or_ended = {name for name in changed & NETWORKS if bool(before.get(name)) != bool(settings.get(name))}
            if different := sorted(changed & FIXED | begun_or_ended):
                raise ValueError(f"{path} holds a run that differs in {', '.join(different)}; choose another folder")
            if changed:
                old = {name: before.get(name) for name in sorted(changed)}
                record["changes"].append({"after_step": self._last_step(), "from": old})
                record["settings"] = settings
        file.write_text(json.dumps(record, indent=1))
        self._steps: int = settings["steps"]
        self._logged: tuple[float, float] | None = None
        self._saved = time.monotonic()

    def _last_step(self) -> int:
        state = self.load()
        return 0 if state is None else int(state["step"])

    @property
    def state_file(self) -> Path:
        return self.path / "state.pt"

    def load(self) -> dict[str, Any] | None:
        """The last checkpoint, tensors on the CPU, or None for a new run. Trims later log rows."""
        if not self.state_file.exists():
            return None
        state: dict[str, Any] = torch.load(self.state_file, map_location="cpu", weights_only=True)
        self._trim("log.csv", state["step"])
        self._trim("heldout.jsonl", state["step"])
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Write a checkpoint so that a kill leaves the old or the new one, never half."""
        temporary = self.path / "state.part"
        torch.save(state, temporary)
        os.replace(temporary, self.state_file)
        self._saved = time.monotonic()

    def save_due(self, minutes: float = 4.0) -> bool:
        return time.monotonic() - self._saved > 60 * minutes

    def log(self, row: dict[str, float]) -> None:
        """Append a row (its first entry is the step) to log.csv; a log of other columns is put aside. Who listens to
        this module's log is told the step, the loss, and how long the rest takes."""
        _log.info("step %d of %d, loss %.3f%s", row["step"], self._steps, row["loss"], self._time_left(row["step"]))
        file = self.path / "log.csv"
        if file.exists():
            with file.open() as source:
                if next(csv.reader(source)) != list(row):
                    os.replace(file, self.path / f"log-before-{row['step']}.csv")
        new = not file.exists()
        with file.open("a", newline="") as out:
            writer = csv.DictWriter(out, fieldnames=list(row))
            if new:
                writer.writeheader()
            writer.writerow({k: f"{v:.6g}" for k, v in row.items()})

    def _time_left(self, step: float) -> str:
        """By the pace since the row before; empty for the first."""
        before, self._logged = self._logged, (step, time.monotonic())
        if before is None or step <= before[0]:
            return ""
        seconds = (self._logged[1] - before[1]) / (step - before[0]) * (self._steps - step)
        return f", {math.ceil(seconds / 60)} min left"

    def heldout(self, row: dict[str, Any]) -> None:
        """Append held-out figures (with their step) to heldout.jsonl."""
        with (self.path / "heldout.jsonl").open("a") as out:
            out.write(json.dumps(row) + "\n")

    def _trim(self, name: str, step: int) -> None:
        """Drop rows after ``step``: they belong to steps that will be run again."""
        file = self.path / name
        if not file.exists():
            return
        lines = file.read_text().splitlines(keepends=True)
        if name.endswith(".csv"):
            kept = lines[:1] + [line for line in lines[1:] if float(line.split(",")[0]) <= step]
        else:
            kept = [line for line in lines if json.loads(line)["step"] <= step]
        file.write_text("".join(kept))

    def plot(self) -> None:
        """Draw every column of log.csv over the steps into plot.png."""
        from matplotlib.figure import Figure

        with (self.path / "log.csv").open() as source:
            rows = list(csv.DictReader(source))
        names = [n for n in rows[0] if n not in ("step", "seconds")]
        figure = Figure(figsize=(4 * len(names), 3), layout="constrained")
        for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            axes.plot([float(r["step"]) for r in rows], [float(r[name]) for r in rows], linewidth=0.8)
            axes.set_title(name)
            axes.set_xlabel("step")
        figure.savefig(self.path / "plot.png", dpi=110)


class WeightAverage:
    """Exponential moving average of a module's parameters (Dhariwal et al. 2020, appendix B)."""

    def __init__(self, module: torch.nn.Module, mu: float) -> None:
        self.mu = mu
        self.shadow = {k: v.detach().clone() for k, v in module.named_parameters()}

    @torch.no_grad()
    def update(self, module: torch.nn.Module, step: int) -> None:
        """Average in the current weights; early steps count more, so that the start is forgotten."""
        mu = min(self.mu, (1 + step) / (10 + step))
        parameters = dict(module.named_parameters())
        shadow = list(self.shadow.values())
        torch._foreach_lerp_(shadow, [parameters[k].detach() for k in self.shadow], 1 - mu)

    @torch.no_grad()
    def swap(self, module: torch.nn.Module) -> None:
        """Exchange averaged and current weights; call again to exchange back."""
        for name, parameter in module.named_parameters():
            current = parameter.detach().clone()
            parameter.copy_(self.shadow[name])
            self.shadow[name].copy_(current)


def learning_rate(step: int, steps: int, peak: float, warmup: int) -> float:
    """Linear warm-up, then half a cosine to zero at ``steps``."""
    if step < warmup:
        return peak * (step + 1) / warmup
    done = min(1.0, (step - warmup) / max(1, steps - warmup))
    return peak * 0.5 * (1 + math.cos(math.pi * done))
