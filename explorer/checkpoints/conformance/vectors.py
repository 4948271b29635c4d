"""A folder of reference vectors: its files, and its option tables as our configurations.

Knows: the original option names of ``hparams.json`` and where each lies in our configuration. Does
not know: what is computed with the models.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.checkpoints.archives import convert_archive
from explorer.checkpoints.errors import CheckpointError
from explorer.checkpoints.folder import load_part
from explorer.jukebox.config import (
    LEVELS,
    ConditionerConfig,
    ConfigError,
    LabelConfig,
    LabelRules,
    Level,
    LyricsConfig,
    LyricsPlacement,
    ModelConfig,
    PriorConfig,
    TransformerConfig,
    Vocabulary,
    VQVAEConfig,
)
from explorer.jukebox.prior import Prior
from explorer.jukebox.vqvae import VQVAE

Options = dict[str, Any]
"""One flat table of original option names."""


class Arrays:
    """The arrays of one .npz file; remembers which were used, so that none is forgotten."""

    def __init__(self, file: Path) -> None:
        try:
            with np.load(file, allow_pickle=False) as opened:
                self._arrays: dict[str, np.ndarray] = {name: opened[name] for name in opened.files}
        except (OSError, ValueError, EOFError) as error:
            raise CheckpointError(f"{file} cannot be read ({error}).") from error
        self.name = file.stem
        self.used: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._arrays:
            raise CheckpointError(f"{self.name}.npz has no array {name}.")
        self.used.add(name)
        return self._arrays[name]

    def codes(self, name: str, device: torch.device) -> torch.Tensor:
        """An integer array as int64 on the device."""
        return torch.from_numpy(self[name].astype(np.int64)).to(device)

    def numbers(self, name: str, device: torch.device) -> torch.Tensor:
        """A float array as float32 on the device."""
        return torch.from_numpy(self[name].astype(np.float32)).to(device)

    def unused(self) -> Iterator[str]:
        yield from (name for name in self._arrays if name not in self.used)


class Vectors:
    """An opened folder of reference vectors. Call ``close`` (or use as a context manager)."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        if not (folder / "hparams.json").is_file():
            raise CheckpointError(f"{folder} holds no reference vectors: it has no hparams.json.")
        self.folder, self.device = folder, device
        self.hparams: dict[str, Options] = self.json("hparams")
        if not isinstance(self.hparams, dict) or "vqvae" not in self.hparams:
            raise CheckpointError(f"{folder / 'hparams.json'} describes no VQ-VAE.")
        self.vqvae_config = vqvae_config(self.hparams["vqvae"])
        self.sample_rate = int(self.hparams["vqvae"]["sr"])
        self._working = Path(tempfile.mkdtemp(prefix="conformance-"))
        self._loaded: dict[str, VQVAE | Prior] = {}

    def __enter__(self) -> Vectors:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._loaded.clear()
        shutil.rmtree(self._working, ignore_errors=True)

    def has(self, file: str) -> bool:
        return (self.folder / file).is_file()

    def json(self, name: str) -> Any:
        try:
            return json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.folder / name}.json cannot be read ({error}).") from error

    def arrays(self, name: str) -> Arrays:
        return Arrays(self.folder / f"{name}.npz")

    # ---------------------------------------------------------------------------------- models

    @property
    def prior_names(self) -> list[str]:
        return [name for name in self.hparams if name != "vqvae"]

    def level(self, name: str) -> Level:
        return LEVELS[int(self.hparams[name]["level"])]

    def at_level(self, level: Level) -> str:
        """Name of the first prior of a level."""
        return next(name for name in self.prior_names if self.level(name) is level)

    def config(self, name: str) -> ModelConfig:
        """A whole model around the prior ``name``; its other levels are the first ones of the folder."""
        names = [name if self.level(name) is level else self.at_level(level) for level in LEVELS]
        bottom, middle, top = (prior_config(self.hparams[n], self.vqvae_config.codes) for n in names)
        return ModelConfig(name, self.sample_rate, self.vqvae_config, (bottom, middle, top))

    def vqvae(self) -> VQVAE:
        found = self._load("vqvae", self.config(self.prior_names[0]), "vqvae")
        assert isinstance(found, VQVAE)
        return found

    def prior(self, name: str) -> Prior:
        found = self._load(name, self.config(name), self.level(name).value)
        assert isinstance(found, Prior)
        return found

    def _load(self, name: str, config: ModelConfig, part: str) -> VQVAE | Prior:
        """An archive the whole way: converted to safetensors, loaded strictly, in float32."""
        if name not in self._loaded:
            folder = self._working / name
            folder.mkdir()
            archive = self.folder / "checkpoints" / f"{name}.pth.tar"
            convert_archive(archive, config, part, folder / f"{part}.safetensors")
            self._loaded[name] = load_part(folder, part, config).float().to(self.device)
        return self._loaded[name]


def vqvae_config(options: Options) -> VQVAEConfig:
    """The VQ-VAE of an original option table."""
    downs = tuple(options["downs_t"])
    return VQVAEConfig(
        downs_t=downs,
        strides_t=tuple(options["strides_t"]),
        emb_width=options["emb_width"],
        codes=options["l_bins"],
        width=options["width"],
        depth=options["depth"],
        multipliers=tuple(options["hvqvae_multipliers"] or (1,) * len(downs)),
        dilation_growth=options["dilation_growth_rate"],
        dilation_cycle=options["dilation_cycle"],
        m_conv=options["m_conv"],
    )


_UNSUPPORTED = ("pos_init", "y_cond_as_bias", "copy_input", "prime_rel_attn", "piped")


def prior_config(options: Options, codes: int) -> PriorConfig:
    """The prior of an original option table. Raises ConfigError for options no published model uses."""
    for name in _UNSUPPORTED:
        if options.get(name):
            raise ConfigError(f"the option {name} is not supported")
    top = options["level"] == len(LEVELS) - 1
    return PriorConfig(
        codes=codes,
        transformer=TransformerConfig(
            n_ctx=options["n_ctx"],
            width=options["prior_width"],
            depth=options["prior_depth"],
            heads=options["heads"],
            attention_order=options["attn_order"],
            blocks=options["blocks"],
            m_attn=options["m_attn"],
            m_mlp=options["m_mlp"],
            res_scale=options["res_scale"],
            zero_out=options["zero_out"],
            init_scale=options["init_scale"],
            spread=options["spread"],
        ),
        labels=_labels(options, top) if options["labels"] else None,
        conditioner=None if top else _conditioner(options),
        lyrics=_lyrics(options) if options["use_tokens"] else None,
        merged_decoder=options["merged_decoder"],
        alignment_layer=options["alignment_layer"],
        alignment_head=options["alignment_head"],
    )


def _labels(options: Options, top: bool) -> LabelConfig:
    genres, artists = options["y_bins"]
    return LabelConfig(
        rules=LabelRules.V3 if options["labels_v3"] else LabelRules.V2,
        genres=genres,
        artists=artists,
        max_genres=options["max_bow_genre_size"],
        t_bins=options["t_bins"] if top else None,
        min_seconds=float(options["min_duration"] or 0.0),
        max_seconds=float(options["max_duration"] or 600.0),
    )


def _conditioner(options: Options) -> ConditionerConfig:
    if options["cond_m_conv"] != 1.0:
        raise ConfigError("the option cond_m_conv is not supported")
    return ConditionerConfig(
        width=options["cond_width"],
        depth=options["cond_depth"],
        dilation_growth=options["cond_dilation_growth_rate"],
        dilation_cycle=options["cond_dilation_cycle"],
        res_scale=options["cond_res_scale"],
    )


def _lyrics(options: Options) -> LyricsConfig:
    merged = bool(options["single_enc_dec"])
    encoder = None
    if not merged:
        encoder = TransformerConfig(
            n_ctx=options["n_tokens"],
            width=options["prime_width"],
            depth=options["prime_depth"],
            heads=options["prime_heads"],
            attention_order=options["prime_attn_order"],
            blocks=options["prime_blocks"],
            m_attn=options["prime_m_attn"],
            m_mlp=options["prime_m_mlp"],
            res_scale=options["prime_res_scale"],
            zero_out=options["prime_zero_out"],
            init_scale=options["prime_init_scale"],
            spread=options["prime_spread"],
        )
    return LyricsConfig(
        placement=LyricsPlacement.MERGED if merged else LyricsPlacement.SEPARATE,
        n_tokens=options["n_tokens"],
        vocabulary=Vocabulary.V3 if options["labels_v3"] else Vocabulary.V2,
        loss_fraction=options["prime_loss_fraction"],
        encoder=encoder,
    )
