"""train vqvae: the training loops on a corpus.

Knows: which settings a run has by default (``training.pocket``). Does not know: the loops.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from explorer.cli.common import Stopped, UsageError, add_command, add_group, whole_number
from explorer.jukebox.config import SAMPLING_ORDER, Level


def add_commands(commands: Any) -> None:
    group = add_group(commands, "train", "Train a model on a corpus of songs.")
    parser = add_command(
        group,
        "vqvae",
        run_vqvae,
        "Train one level of the autoencoder; the same command resumes.",
        "python -m explorer train vqvae --corpus corpus --level top --run runs/vqvae-top",
    )
    add_run_options(parser)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", type=Path, required=True, metavar="DIR", help="folder with train and validation")
    parser.add_argument("--run", dest="run_folder", type=Path, required=True, metavar="DIR", help="log and checkpoints")
    parser.add_argument("--level", choices=[level.value for level in SAMPLING_ORDER], required=True)
    parser.add_argument("--steps", type=whole_number(1), metavar="N", help="steps in all (default: as pocket was made)")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="for decoded audio (default: beside the run)")
    parser.add_argument("--threads", type=whole_number(1), metavar="N", help="compute threads")


def run_vqvae(options: argparse.Namespace) -> int:
    from explorer.training.pocket import VQVAE_CONFIG, VQVAE_TRAINING
    from explorer.training.vqvae import train_vqvae

    training = VQVAE_TRAINING[Level(options.level)]
    if options.steps:
        training = replace(training, steps=options.steps)
    corpus, heldout = open_corpora(options)
    try:
        train_vqvae(VQVAE_CONFIG, training, corpus, heldout, options.run_folder)
    except KeyboardInterrupt:
        raise Stopped(
            f"Stopped. The last checkpoint in {options.run_folder} is kept; run the same command to go on."
        ) from None
    print(options.run_folder)
    return 0


def open_corpora(options: argparse.Namespace) -> tuple[Any, Any]:
    """The training and the validation songs. Raises UsageError, CorpusError."""
    import torch

    from explorer.training.corpus import Corpus

    for split in ("train", "validation"):
        if not (options.corpus / split).is_dir():
            raise UsageError(f"{options.corpus} has no folder {split}; it is not a corpus.")
    if options.threads:
        torch.set_num_threads(options.threads)
    cache = options.cache or options.run_folder.parent / "cache"
    return Corpus.open(options.corpus / "train", cache), Corpus.open(options.corpus / "validation", cache)
