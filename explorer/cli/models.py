"""models list, fetch, import, check.

Knows: which models there are by name and what is asked before something large is fetched. Does not
know: formats of weights (``checkpoints``).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cli.common import (
    Progress,
    Stopped,
    UsageError,
    add_command,
    add_group,
    add_json_option,
    duration,
    report,
    settings_of,
)

if TYPE_CHECKING:
    from explorer.jukebox.config import ModelConfig

NON_COMMERCIAL = "The official weights are licensed for non-commercial use only."
PARTS = ("vqvae", "bottom", "middle", "top")


def add_commands(commands: Any) -> None:
    group = add_group(commands, "models", "Models on this machine: list, fetch, import, check.")
    parser = add_command(
        group, "list", run_list, "List the models that can be named.", "python -m explorer models list"
    )
    add_json_option(parser)

    parser = add_command(
        group,
        "fetch",
        run_fetch,
        f"Download an official model and import it. Without --yes it only tells the sizes. {NON_COMMERCIAL}",
        "python -m explorer models fetch 1b_lyrics --lists lists --yes",
    )
    parser.add_argument("name", metavar="5b|5b_lyrics|1b_lyrics")
    parser.add_argument("--lists", type=Path, metavar="DIR", help="published label lists (v2_artist_ids.txt ...)")
    parser.add_argument("--yes", action="store_true", help="really download")
    add_json_option(parser)

    parser = add_command(
        group,
        "import",
        run_import,
        "Turn official archives (.pth.tar) into a model of your own folder.",
        "python -m explorer models import 1b_lyrics --vqvae vqvae.pth.tar --bottom prior_level_0.pth.tar "
        "--middle prior_level_1.pth.tar --top prior_level_2.pth.tar --lists lists",
    )
    parser.add_argument("name", metavar="NAME", help="5b, 5b_lyrics, 1b_lyrics, or a new name with --config")
    for part in PARTS:
        parser.add_argument(f"--{part}", type=Path, required=True, metavar="FILE", help=f"archive of the {part}")
    parser.add_argument("--lists", type=Path, metavar="DIR", help="published label lists (v2_artist_ids.txt ...)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="config.json of a model that is not official")
    add_json_option(parser)

    parser = add_command(
        group, "check", run_check, "Check a model: configuration, label lists, weights and their hashes.",
        "python -m explorer models check pocket",
    )  # fmt: skip
    parser.add_argument("model", metavar="NAME|DIR")
    add_json_option(parser)


def run_list(options: argparse.Namespace) -> int:
    from explorer.checkpoints import CheckpointError, find_model, load_config, model_names

    folder = settings_of(options).models
    entries, lines = [], []
    for name in model_names(folder):
        path = find_model(name, folder)
        size = sum(file.stat().st_size for file in path.glob("*.safetensors"))
        try:
            rate = load_config(path).sample_rate
        except CheckpointError as error:
            entries.append({"name": name, "folder": str(path), "bytes": size, "error": str(error)})
            lines.append(f"{name:16} {size / 1e6:9.1f} MB  damaged: {error}")
            continue
        entries.append({"name": name, "folder": str(path), "bytes": size, "sample_rate": rate})
        lines.append(f"{name:16} {size / 1e6:9.1f} MB  {rate:6d} Hz  {path}")
    report({"models": entries}, options.json, "\n".join(lines) or "There is no model here; import one.")
    return 0


def run_fetch(options: argparse.Namespace) -> int:
    from explorer.checkpoints.fetch import OFFICIAL, download, look_up

    if options.name not in OFFICIAL:
        raise UsageError(f"{options.name} is not an official model; there are {', '.join(OFFICIAL)}.")
    config, models = _official(options.name), settings_of(options).models
    target = models / options.name
    if target.exists():
        raise UsageError(f"{target} exists already; nothing was fetched.")
    if options.yes and options.lists is None:
        raise UsageError("The label lists are needed too; name their folder with --lists.")
    parts = {part: look_up(url) for part, url in OFFICIAL[options.name].items()}
    total = sum(remote.size or 0 for remote in parts.values())
    if not options.yes:
        value = {
            "name": options.name,
            "bytes": total,
            "parts": {p: {"url": r.url, "bytes": r.size} for p, r in parts.items()},
        }
        lines = [f"{part:8} {(remote.size or 0) / 1e9:6.2f} GB  {remote.url}" for part, remote in parts.items()]
        lines.append(f"{total / 1e9:.2f} GB in all, and as much again while importing. {NON_COMMERCIAL}")
        report(value, options.json, "\n".join([*lines, "Add --yes to download."]))
        return 0
    archives, progress = {}, Progress()
    try:
        for part, remote in parts.items():
            # the models share all parts but the top one: an archive is fetched once
            name = "-".join(remote.url.split("/")[-2:])
            archives[part] = models / "downloads" / name
            if not archives[part].exists():
                download(remote, archives[part], _Meter(progress, part))
    except KeyboardInterrupt:
        raise Stopped("Stopped. What has arrived is kept; run the same command to go on.") from None
    finally:
        progress.end()
    return _import(options, config, archives, target)


class _Meter:
    """Shows how much of a download has arrived, and how long the rest will take."""

    def __init__(self, progress: Progress, part: str) -> None:
        from time import monotonic

        self._clock, self._progress, self._part = monotonic, progress, part
        self._first: tuple[float, int] | None = None

    def __call__(self, done: int, size: int | None) -> bool:
        now = self._clock()
        if self._first is None:
            self._first = (now, done)
        spent, came = now - self._first[0], done - self._first[1]
        left = (size - done) * spent / came if size and came and spent > 1 else None
        of = f" of {size / 1e9:.2f}" if size else ""
        self._progress.show(f"{self._part}: {done / 1e9:.2f}{of} GB · {duration(left)} left")
        return True


def run_import(options: argparse.Namespace) -> int:
    from explorer.checkpoints.folder import load_config
    from explorer.jukebox.config import ConfigError, model_config_from_dict

    if Path(options.name).name != options.name or options.name in (".", "..", "downloads"):
        raise UsageError(f"{options.name!r} cannot be the name of a model.")
    if options.config is None:
        config = _official(options.name)
    elif options.config.is_dir():
        config = load_config(options.config)
    else:
        try:
            config = model_config_from_dict(json.loads(options.config.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            reason = error if isinstance(error, ConfigError) else "it is not JSON that can be read"
            raise UsageError(f"{options.config} is not a model configuration: {reason}.") from error
    archives = {part: getattr(options, part) for part in PARTS}
    return _import(options, config, archives, settings_of(options).models / options.name)


def _import(options: argparse.Namespace, config: ModelConfig, archives: dict[str, Path], target: Path) -> int:
    from explorer.checkpoints.archives import import_model, read_published_lists
    from explorer.jukebox.config import LEVELS, LabelRules

    labels = [config.prior(level).labels for level in LEVELS]
    published = any(label is not None and label.rules is not LabelRules.OWN for label in labels)
    if published and options.lists is None:
        raise UsageError("The label lists are needed too; name their folder with --lists.")
    lists = read_published_lists(options.lists, config) if published else {}
    target.parent.mkdir(parents=True, exist_ok=True)
    import_model(config, archives, lists, target)
    report({"name": options.name, "folder": str(target)}, options.json, str(target))
    return 0


def _official(name: str) -> ModelConfig:
    from explorer.jukebox.presets import RELEASED

    if name not in RELEASED:
        raise UsageError(f"{name} is not an official model ({', '.join(RELEASED)}); give its --config.")
    return RELEASED[name]


def run_check(options: argparse.Namespace) -> int:
    from explorer.checkpoints import PARTS as ALL_PARTS
    from explorer.checkpoints import find_model, load_config, load_lists, load_part, model_hashes

    folder = find_model(options.model, settings_of(options).models)
    config = load_config(folder)
    lists = load_lists(folder)
    hashes = model_hashes(folder, verify=True)
    counts = {}
    for part in ALL_PARTS:
        counts[part] = sum(p.numel() for p in load_part(folder, part, config).parameters())
    value = {
        "name": config.name,
        "folder": str(folder),
        "parameters": counts,
        "hashes": hashes,
        "artists": {level.value: len(known.artists) for level, known in lists.items()},
        "genres": {level.value: len(known.genres) for level, known in lists.items()},
    }
    lines = [f"{part:8} {counts[part] / 1e6:9.2f} M parameters  {hashes[part][:16]}" for part in ALL_PARTS]
    report(value, options.json, "\n".join([*lines, f"{config.name} is complete."]))
    return 0
