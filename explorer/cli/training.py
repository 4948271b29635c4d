"""train corpus | teacher | vqvae | listener | prior | export: training loops on a corpus, and their outcome.

Knows: which settings a run has by default (``training.pocket``). Does not know: the loops.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from explorer.cli.common import Progress, Stopped, UsageError, add_command, add_group, shown_log, whole_number
from explorer.cli.corpus import add_corpus_command
from explorer.jukebox.config import LEVELS, SAMPLING_ORDER, Level


def add_commands(commands: Any) -> None:
    group = add_group(commands, "train", "Make a corpus of songs, and train a model on it.")
    add_corpus_command(group)
    parser = add_command(
        group,
        "teacher",
        run_teacher,
        "Have a speech recogniser hear the corpus: what the top level's autoencoder is taught. Once for a corpus.",
        "python -m explorer train teacher --corpus corpus --runs runs",
    )
    add_corpus_options(parser)
    parser = add_command(
        group,
        "vqvae",
        run_vqvae,
        "Train one level of the autoencoder; the same command resumes.",
        "python -m explorer train vqvae --corpus corpus --runs runs --level top",
    )
    add_run_options(parser)
    parser = add_command(
        group,
        "listener",
        run_listener,
        "Train what tells the top level's prior which character is sung; before that prior. The same command resumes.",
        "python -m explorer train listener --corpus corpus --runs runs",
    )
    add_corpus_options(parser)
    add_base_option(parser)
    parser = add_command(
        group,
        "prior",
        run_prior,
        "Train the prior of one level on the codes of finished autoencoders; the same command resumes.",
        "python -m explorer train prior --corpus corpus --runs runs --level top",
    )
    add_run_options(parser)
    parser = add_command(
        group,
        "export",
        run_export,
        "Write the averaged weights of all finished runs as a model folder.",
        "python -m explorer train export --corpus corpus --runs runs --out assets/models/pocket",
    )
    add_corpus_options(parser)
    add_base_option(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the model folder")


def add_corpus_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", type=Path, required=True, metavar="DIR", help="folder with train and validation")
    parser.add_argument("--runs", type=Path, required=True, metavar="DIR", help="one folder per run is made in here")
    parser.add_argument("--threads", type=whole_number(1), metavar="N", help="compute threads")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    add_corpus_options(parser)
    parser.add_argument("--level", choices=[level.value for level in SAMPLING_ORDER], required=True)
    parser.add_argument("--steps", type=whole_number(1), metavar="N", help="steps in all (default: as pocket was made)")
    add_base_option(parser)


def add_base_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--base",
        metavar="MODEL",
        help="go on from this model: a new run begins with its weights, and autoencoders without a run are its own",
    )


def run_teacher(options: argparse.Namespace) -> int:
    from explorer.settings import Settings
    from explorer.training.recognition import Recogniser
    from explorer.training.teacher import teach

    corpus, heldout = open_corpora(options)
    recogniser = Recogniser(Settings.from_environment().home / "evaluators")
    progress = Progress()
    for done, in_all in teach(options.runs / "teacher", [corpus, heldout], recogniser):
        progress.show(f"song {done} of {in_all}")
    progress.end()
    print(options.runs / "teacher")
    return 0


def run_vqvae(options: argparse.Namespace) -> int:
    from explorer.checkpoints.folder import model_hashes
    from explorer.training.assembly import assemble_vqvae, vqvae_run
    from explorer.training.pocket import VQVAE_CONFIG, VQVAE_TRAINING
    from explorer.training.teacher import Teaching
    from explorer.training.vqvae import train_vqvae

    level = Level(options.level)
    training = VQVAE_TRAINING[level]
    if options.steps:
        training = replace(training, steps=options.steps)
    corpus, heldout = open_corpora(options)
    run, folder = vqvae_run(options.runs, level), options.runs / "teacher"
    teachings = (Teaching.open(folder, corpus), Teaching.open(folder, heldout)) if training.hearing else None
    with kept(run):
        base = base_folder(options)
        start = None
        if base is not None:
            start = assemble_vqvae(VQVAE_CONFIG, options.runs, (), base)
            training = replace(training, base=model_hashes(base)["vqvae"])
        train_vqvae(VQVAE_CONFIG, training, corpus, heldout, run, teachings, start)
    print(run)
    return 0


def run_listener(options: argparse.Namespace) -> int:
    import torch

    from explorer.jukebox.following import Listener
    from explorer.jukebox.lyrics import alphabet
    from explorer.training.assembly import assemble_vqvae, listener_run
    from explorer.training.codes import CorpusCodes
    from explorer.training.listening import train_listener
    from explorer.training.pocket import LISTENER_TRAINING, label_lists, model_config

    corpus, heldout = open_corpora(options)
    config = model_config(label_lists(corpus.songs))
    lyrics = config.prior(Level.TOP).lyrics
    assert lyrics is not None and lyrics.listener is not None
    run, folder = listener_run(options.runs), options.runs / "codes"
    with kept(run):
        vqvae = assemble_vqvae(config.vqvae, options.runs, (Level.TOP,), base_folder(options))
        codes, heldout_codes = (CorpusCodes.encode(songs, vqvae, (Level.TOP,), folder) for songs in (corpus, heldout))
        letters = alphabet(lyrics.vocabulary)
        ids = {character: number for number, character in enumerate(letters, start=1)}
        torch.manual_seed(LISTENER_TRAINING.seed)
        listener = Listener(config.vqvae.codes, lyrics.listener, letters)
        train_listener(listener, LISTENER_TRAINING, codes, heldout_codes, ids, run)
    print(run)
    return 0


def run_prior(options: argparse.Namespace) -> int:
    import torch

    from explorer.checkpoints.folder import model_hashes, new_module
    from explorer.jukebox.prior import Prior
    from explorer.training.assembly import assemble_vqvae, begin, listener_run, listener_weights, prior_run
    from explorer.training.codes import CorpusCodes, same_codes
    from explorer.training.examples import ExampleMaker
    from explorer.training.pocket import PRIOR_TRAINING, label_lists, model_config
    from explorer.training.prior import train_prior
    from explorer.training.recoding import recode_for

    level = Level(options.level)
    training = PRIOR_TRAINING[level]
    if options.steps:
        training = replace(training, steps=options.steps)
    corpus, heldout = open_corpora(options)
    lists = label_lists(corpus.songs)
    config = model_config(lists)
    needed = (level,) if level is Level.TOP else (level, LEVELS[level.index + 1])
    run = prior_run(options.runs, level)
    with kept(run):
        base = base_folder(options)
        vqvae = assemble_vqvae(config.vqvae, options.runs, needed, base)
        folder = options.runs / "codes"
        codes = CorpusCodes.encode(corpus.thinned(training.every_nth_song), vqvae, needed, folder)
        heldout_codes = CorpusCodes.encode(heldout, vqvae, needed, folder)
        torch.manual_seed(training.seed)
        prior = new_module(config, level.value, "cpu")
        assert isinstance(prior, Prior)
        whole, changed = False, tuple[Level, ...]()
        if base is not None:
            whole = begin(prior, base, level.value)
            training = replace(training, base=model_hashes(base)[level.value])
            earlier = assemble_vqvae(config.vqvae, options.runs, (), base)
            changed = tuple(its for its in needed if not same_codes(earlier, vqvae, its))
            if changed and not (run / "state.pt").exists():
                recode_for(prior, level, changed, (earlier, vqvae), corpus, folder)
        # a listener that knows other codes hears nothing in these
        if prior.config.follows and (not whole or level in changed or listener_run(options.runs).exists()):
            prior.listener.load_state_dict(listener_weights(options.runs))
        maker = ExampleMaker(codes, prior, level, lists, training.label_dropout, training.misheard)
        train_prior(prior, training, maker, ExampleMaker(heldout_codes, prior, level, lists, 0.0), run)
    print(run)
    return 0


def run_export(options: argparse.Namespace) -> int:
    from explorer.training.assembly import export_model
    from explorer.training.pocket import label_lists, model_config

    corpus, _ = open_corpora(options)
    lists = label_lists(corpus.songs)
    for part in export_model(options.runs, model_config(lists), lists, options.out, base=base_folder(options)):
        print(part)
    return 0


def base_folder(options: argparse.Namespace) -> Path | None:
    from explorer.checkpoints.folder import find_model

    return None if options.base is None else find_model(options.base)


@contextlib.contextmanager
def kept(run: Path) -> Iterator[None]:
    """A run shows how far it is, and Ctrl-C in it says what is kept."""
    try:
        with shown_log("explorer.training"):
            yield
    except KeyboardInterrupt:
        raise Stopped(f"Stopped. The last checkpoint in {run} is kept; run the same command to go on.") from None


def open_corpora(options: argparse.Namespace) -> tuple[Any, Any]:
    """The training and the validation songs. Raises UsageError, CorpusError."""
    import torch

    from explorer.training.corpus import Corpus

    for split in ("train", "validation"):
        if not (options.corpus / split).is_dir():
            raise UsageError(f"{options.corpus} has no folder {split}; it is not a corpus.")
    if options.threads:
        torch.set_num_threads(options.threads)
    cache = options.runs / "cache"
    return Corpus.open(options.corpus / "train", cache), Corpus.open(options.corpus / "validation", cache)
