"""A model as a folder: config.json, safetensors, label lists, hashes.

Knows: the layout, how it is found by name, and that loading is strict. Does not know: archives,
downloads, devices or precision; whoever loads decides those.

    config.json  vqvae.safetensors  bottom.safetensors  middle.safetensors  top.safetensors
    labels/<level>/artists.txt  labels/<level>/genres.txt  hashes.json  README.md
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from explorer.checkpoints.errors import CheckpointError, key_mismatch
from explorer.checkpoints.tensors import read_tensors, write_tensors
from explorer.durable import write_bytes, write_json
from explorer.jukebox.autoregressive import Autoregressive
from explorer.jukebox.config import LEVELS, ConfigError, Level, ModelConfig, model_config_from_dict, to_dict
from explorer.jukebox.labels import LabelLists, format_list, parse_list
from explorer.jukebox.prior import Prior
from explorer.jukebox.vqvae import VQVAE

PARTS: tuple[str, ...] = ("vqvae", *(level.value for level in LEVELS))
"""Names of a model's weight files without their ending."""

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "models"
"""Models that come with the program."""


def find_model(name_or_path: str | Path, models: Path | None = None) -> Path:
    """The folder of a model: a name in ``models`` (the user's) or among the shipped ones, or a path.

    Raises CheckpointError that lists the names there are.
    """
    name = str(name_or_path)
    if name and Path(name).name == name and name not in (".", ".."):
        for parent in (models, SHIPPED):
            if parent is not None and (parent / name / "config.json").is_file():
                return parent / name
    folder = Path(name_or_path)
    if name and (folder / "config.json").is_file():
        return folder
    known = ", ".join(model_names(models)) or "none"
    raise CheckpointError(
        f'There is no model "{name}". Models here: {known}. '
        "Name one of them or a folder that holds a config.json, or import one."
    )


def model_names(models: Path | None = None) -> tuple[str, ...]:
    """Names that ``find_model`` knows: the shipped models first, then the user's."""
    names: list[str] = []
    for parent in (SHIPPED, models):
        if parent is not None and parent.is_dir():
            found = sorted(p.name for p in parent.iterdir() if (p / "config.json").is_file())
            names += [name for name in found if name not in names]
    return tuple(names)


def load_config(path: Path) -> ModelConfig:
    """The configuration of a model folder. Raises CheckpointError naming what does not fit."""
    file = path / "config.json"
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read ({error.strerror or error}). Is this a model folder?") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise CheckpointError(f"{file} is not JSON ({error}). Import or download the model again.") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{file} is not a model configuration. Import or download the model again.")
    try:
        return model_config_from_dict(data)
    except (ConfigError, ArithmeticError) as error:
        raise CheckpointError(f"{file} does not describe a model: {error}.") from error


def load_lists(path: Path) -> dict[Level, LabelLists]:
    """Label lists per level; empty ones for a level without labels.

    Raises CheckpointError for a missing list or one that does not fit the configuration.
    """
    config = load_config(path)
    found: dict[Level, LabelLists] = {}
    for level in LEVELS:
        labels = config.prior(level).labels
        if labels is None:
            found[level] = LabelLists({}, {})
            continue
        artists = _read_list(path / "labels" / level.value / "artists.txt", labels.artists)
        genres = _read_list(path / "labels" / level.value / "genres.txt", labels.genres)
        found[level] = LabelLists(artists, genres)
    return found


def _read_list(file: Path, rows: int) -> dict[str, int]:
    """A list whose ids all are below ``rows``, the size of the embedding table."""
    try:
        names = parse_list(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"The label list {file} cannot be read ({error.strerror or error}).") from error
    except ValueError as error:  # also text that is not UTF-8
        raise CheckpointError(f"The label list {file} is damaged: {error}.") from error
    highest = max(names.values(), default=0)
    if highest >= rows:
        raise CheckpointError(f"The label list {file} names id {highest}; the model has only {rows}. Wrong list?")
    return names


class _WithoutFilling(TorchFunctionMode):
    """Leaves new tensors as they are. Filling tensors without storage would make torch import its
    symbolic machinery: several seconds and 150 MB for nothing.
    """

    _FILLING = frozenset({"normal_", "uniform_", "kaiming_uniform_", "zero_", "zeros_", "ones_", "fill_", "constant_"})

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in self._FILLING:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def new_module(config: ModelConfig, part: str, device: str = "meta") -> VQVAE | Prior:
    """The module of one of PARTS: on the meta device names and shapes only, elsewhere freshly initialised."""
    filling = _WithoutFilling() if device == "meta" else contextlib.nullcontext()
    with torch.device(device), filling:
        if part == "vqvae":
            return VQVAE(config.vqvae)
        level = Level(part)
        above = None
        if level is not Level.TOP:
            above = (config.vqvae.downs_t[level.index + 1], config.vqvae.strides_t[level.index + 1])
        return Prior(config.prior(level), config.sample_rate, config.hop(level), above)


def load_state(path: Path, part: str, dtype: torch.dtype | None = None) -> dict[str, torch.Tensor]:
    """Memory-mapped tensors of one of PARTS, as stored or converted to ``dtype``. Raises CheckpointError."""
    return read_tensors(path / f"{part}.safetensors", dtype=dtype)


def check_keys(module: nn.Module, shapes: Mapping[str, torch.Size], what: str) -> None:
    """Raise CheckpointError listing every name or shape in which ``shapes`` differ from the module's."""
    expected = {name: tensor.shape for name, tensor in module.state_dict().items()}
    wrong = [
        f"{name} {list(shapes[name])} instead of {list(expected[name])}"
        for name in expected.keys() & shapes.keys()
        if shapes[name] != expected[name]
    ]
    missing, unexpected = expected.keys() - shapes.keys(), shapes.keys() - expected.keys()
    if missing or unexpected or wrong:
        raise CheckpointError(f"{what} does not fit its configuration. {key_mismatch(missing, unexpected, wrong)}")


def load_part(
    path: Path, part: str, config: ModelConfig | None = None, dtype: torch.dtype | None = None
) -> VQVAE | Prior:
    """One of PARTS with its weights, ready for evaluation: memory-mapped where they are stored in ``dtype`` (None: in
    whatever they are), else converted to it.

    Raises CheckpointError for a damaged file or names and shapes that do not fit (all are listed).
    Moving the module to a device or another dtype copies it out of the file.
    """
    try:
        module = new_module(config or load_config(path), part)
    except (ValueError, ArithmeticError, RuntimeError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path / 'config.json'} describes no {part} that can be built: {error}.") from error
    state = load_state(path, part, dtype)
    check_keys(module, {name: tensor.shape for name, tensor in state.items()}, str(path / f"{part}.safetensors"))
    fill(module, state)
    return module.eval().requires_grad_(False)


def fill(module: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Put checked tensors into a module built on the meta device, without copying them."""
    module.load_state_dict(state, strict=True, assign=True)
    for inner in module.modules():
        # a head tied to its embedding is stored twice; keep one tensor
        if isinstance(inner, Autoregressive) and inner.tied and hasattr(inner, "x_out"):
            inner.x_out.weight = inner.x_emb.weight
        for name, buffer in inner.named_buffers(recurse=False):
            if buffer.is_meta:  # running sums that are never stored
                setattr(inner, name, torch.zeros(buffer.shape))


def save_model_folder(
    path: Path,
    config: ModelConfig,
    states: Mapping[str, Mapping[str, torch.Tensor]],
    lists: Mapping[Level, LabelLists] | None = None,
    card: str | None = None,
) -> None:
    """Write a model folder, or the given parts of one; each file is replaced in one step.

    Parts, lists and card that are not given stay as they are, so that a training run can export
    one level. Raises CheckpointError (nothing is written) for names or shapes that do not fit.
    """
    for part, state in states.items():
        check_keys(new_module(config, part), {n: t.shape for n, t in state.items()}, f"The state of {part}")
    path.mkdir(parents=True, exist_ok=True)
    for part, state in states.items():
        write_tensors(path / f"{part}.safetensors", state)
    for level, names in (lists or {}).items():
        folder = path / "labels" / level.value
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / "artists.txt", format_list(names.artists).encode())
        write_bytes(folder / "genres.txt", format_list(names.genres).encode())
    if card is not None:
        write_bytes(path / "README.md", card.encode())
    write_json(path / "config.json", to_dict(config))
    record_hashes(path)


# ----------------------------------------------------------------------------------------- hashes


def file_hash(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal. Raises CheckpointError where it cannot be read."""
    try:
        with open(file, "rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read ({error.strerror or error}).") from error


def record_hashes(path: Path) -> dict[str, str]:
    """Compute the hash of every weight file there is and note them in hashes.json."""
    entries: dict[str, Any] = {}
    for part in PARTS:
        file = path / f"{part}.safetensors"
        if file.is_file():
            entries[part] = {"sha256": file_hash(file), "bytes": file.stat().st_size}
    write_json(path / "hashes.json", entries)
    return {part: str(entry["sha256"]) for part, entry in entries.items()}


def model_hashes(path: Path, verify: bool = False) -> dict[str, str]:
    """SHA-256 of each part's weight file.

    Noted hashes are believed where the size of the file is as noted; ``verify`` reads the files and
    raises CheckpointError where one differs from the note.
    """
    try:
        noted = json.loads((path / "hashes.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        noted = {}
    found: dict[str, str] = {}
    for part in PARTS:
        file = path / f"{part}.safetensors"
        if not file.is_file():
            continue
        entry = noted.get(part) if isinstance(noted, dict) else None
        note = entry if isinstance(entry, dict) and entry.get("bytes") == file.stat().st_size else {}
        if note and not verify:
            found[part] = str(note.get("sha256"))
            continue
        found[part] = file_hash(file)
        if verify and entry is not None and note.get("sha256") != found[part]:
            raise CheckpointError(f"{file} is not what was saved. Import or download the model again.")
    return found
