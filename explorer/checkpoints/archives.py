"""Official archives (``.pth.tar``) into model folders.

Knows: what the published archives look like, in both of torch's file formats, and how to copy one
without holding it in memory. Does not know: where archives come from.

An archive is a pickle, and a pickle can carry a program. Only torch's restricted reader is used,
which rebuilds tensors and plain values and refuses everything else unexecuted.
"""

from __future__ import annotations

import pickle
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from explorer.checkpoints.errors import CheckpointError
from explorer.checkpoints.folder import PARTS, check_keys, new_module, record_hashes, save_model_folder
from explorer.checkpoints.tensors import DTYPES, TensorWriter
from explorer.jukebox.config import LEVELS, LabelRules, Level, ModelConfig
from explorer.jukebox.labels import LabelLists, parse_list

MAPPED_BYTES = 128 * 2**20
"""Mapped pages count as memory while they stay mapped, so the archive is reopened after this much."""

_UNCHECKPOINTED = re.compile(r"^(conditioner_blocks\.\d+\.cond\.model\.\d+\.0)\.model\.")


def read_archive(path: Path) -> dict[str, torch.Tensor]:
    """The weights of an archive under the names of our modules, memory-mapped where the format allows.

    ``module.`` in front of names is dropped, and both published spellings of the conditioner's
    residual units are accepted. Raises CheckpointError for anything that is not such an archive;
    no code in it is ever run.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        refused = re.search(r"global:?\s+`?([\w.]+)", str(error), re.IGNORECASE)  # what torch calls a name of code
        if refused:
            raise CheckpointError(
                f"{path.name} was refused: it contains more than weights ({refused[1]}), and such a file can run "
                "programs on this computer. Nothing in it was run. Use an archive from a source you trust."
            ) from error
        raise CheckpointError(_damaged(path)) from error
    except MemoryError:
        raise
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror or error}).") from error
    except Exception as error:  # torch's readers raise a dozen kinds on damaged bytes
        raise CheckpointError(_damaged(path)) from error
    model = content.get("model") if isinstance(content, dict) else None
    if not isinstance(model, dict) or not model:
        raise CheckpointError(f'{path.name} is not a model archive: it has no "model" entry with weights.')
    state: dict[str, torch.Tensor] = {}
    for key, tensor in model.items():
        if not isinstance(key, str) or not isinstance(tensor, torch.Tensor):
            raise CheckpointError(f"{path.name} is not a model archive: the entry {key!r} is not a tensor.")
        if tensor.dtype not in DTYPES:
            raise CheckpointError(f"{path.name} holds {tensor.dtype} numbers in {key}; weights are half or single.")
        state[published_name(key)] = tensor
    if len(state) != len(model):
        raise CheckpointError(f"{path.name} holds some weights twice, with and without the prefix module.")
    return state


def _damaged(path: Path) -> str:
    with open(path, "rb") as file:
        start = file.read(4)
    if start.startswith(b"PK"):
        return f"{path.name} is truncated or damaged: its table of contents is missing. Download it again."
    return f"{path.name} is not a model archive, or it is truncated. Download it again."


def published_name(key: str) -> str:
    """A stored name as our modules have it."""
    return _UNCHECKPOINTED.sub(r"\1.blocks.", key.removeprefix("module."))


def convert_archive(archive: Path, config: ModelConfig, part: str, target: Path) -> None:
    """Copy one archive into the safetensors file ``target``, in the precision it is stored in.

    Peak memory stays far below the size of the archive where it is in torch's zip format, and at
    about its size for the older format, which can only be read at once. Raises CheckpointError
    listing all missing and unexpected names and wrong shapes; nothing is written then.
    """
    state = read_archive(archive)
    check_keys(new_module(config, part), {name: tensor.shape for name, tensor in state.items()}, archive.name)
    layout = [(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in state.items()]
    names = list(state)
    mapped = zipfile.is_zipfile(archive)
    with TensorWriter(target, layout) as writer:
        for batch in _batches(state) if mapped else [names]:
            for name in batch:
                writer.write(name, state.pop(name))
            if mapped:
                state.clear()
                state = read_archive(archive)


def _batches(state: Mapping[str, torch.Tensor]) -> Iterator[list[str]]:
    """Names in order, in groups of at most MAPPED_BYTES (or one tensor)."""
    sizes = {name: tensor.numel() * tensor.element_size() for name, tensor in state.items()}
    total = 0
    group: list[str] = []
    for name, size in sizes.items():
        if group and total + size > MAPPED_BYTES:
            yield group
            group, total = [], 0
        group.append(name)
        total += size
    yield group


def read_published_lists(folder: Path, config: ModelConfig) -> dict[Level, LabelLists]:
    """Label lists per level from ``v2_artist_ids.txt`` and the like, by the rules of each level."""
    found: dict[Level, LabelLists] = {}
    for level in LEVELS:
        labels = config.prior(level).labels
        if labels is None or labels.rules is LabelRules.OWN:
            continue
        version = labels.rules.value
        read = []
        for kind in ("artist", "genre"):
            file = folder / f"{version}_{kind}_ids.txt"
            try:
                read.append(parse_list(file.read_text(encoding="utf-8")))
            except OSError as error:
                raise CheckpointError(f"The published label list {file} cannot be read. Get it first.") from error
            except ValueError as error:
                raise CheckpointError(f"The label list {file} is damaged: {error}.") from error
        found[level] = LabelLists(*read)
    return found


def import_model(
    config: ModelConfig,
    archives: Mapping[str, Path],
    lists: Mapping[Level, LabelLists],
    folder: Path,
    card: str | None = None,
) -> None:
    """Make a model folder out of official archives, one for each of PARTS.

    The folder appears when all parts are converted, or not at all. Raises CheckpointError for a
    folder that exists already, a part that is not given, or an archive that cannot be used.
    """
    absent = [part for part in PARTS if part not in archives]
    if absent:
        raise CheckpointError(f"An archive is needed for every part; missing: {', '.join(absent)}.")
    if folder.exists():
        raise CheckpointError(f"{folder} exists already. Remove it or choose another name.")
    working = folder.with_name(f".{folder.name}.importing")
    shutil.rmtree(working, ignore_errors=True)
    try:
        save_model_folder(working, config, {}, lists, card)
        for part in PARTS:
            convert_archive(archives[part], config, part, working / f"{part}.safetensors")
        record_hashes(working)
        working.rename(folder)
    except BaseException:
        shutil.rmtree(working, ignore_errors=True)
        raise
