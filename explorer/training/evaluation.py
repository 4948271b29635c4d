"""Held-out figures of a whole model: what ``python -m explorer evaluate`` reports.

Knows: which figures there are and over which songs. Does not know how they are shown. Definitions:
``vqvae.evaluate_level`` for reconstructions, ``prior.evaluate_prior`` for bits per code,
``recognition`` for words.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.checkpoints.folder import find_model, load_config, load_lists, load_part, model_hashes
from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.jukebox.prior import Prior
from explorer.jukebox.vqvae import VQVAE
from explorer.training.codes import CorpusCodes
from explorer.training.corpus import Corpus, CorpusError
from explorer.training.examples import ExampleMaker
from explorer.training.prior import evaluate_prior
from explorer.training.recognition import Recogniser, word_error_rate
from explorer.training.vqvae import evaluate_level


def evaluate_model(
    model: str | Path,
    songs: Path,
    windows_per_song: int,
    models_folder: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Figures of every level over a folder of held-out songs.

    Raises CheckpointError and CorpusError; songs of another sampling rate than the model's are a
    CorpusError, since resampling would change what is measured.
    """
    folder = find_model(model, models_folder)
    config, lists = load_config(folder), load_lists(folder)
    vqvae = load_part(folder, "vqvae", config)
    assert isinstance(vqvae, VQVAE)
    vqvae.float()
    report: dict[str, Any] = {"model": config.name, "weights": model_hashes(folder), "levels": {}}
    with tempfile.TemporaryDirectory() as cache:
        corpus = Corpus.open(songs, Path(cache))
        if corpus.sample_rate != config.sample_rate:
            rates = f"{corpus.sample_rate} samples per second, the model {config.sample_rate}"
            raise CorpusError(f"The songs have {rates}.")
        report["songs"] = {"count": len(corpus.songs), "hours": round(corpus.seconds / 3600, 3)}
        say("encoding the songs")
        codes = CorpusCodes.encode(corpus, vqvae, SAMPLING_ORDER, Path(cache) / "codes")
        for level in SAMPLING_ORDER:
            say(f"{level}: reconstruction")
            figures: dict[str, Any] = {"reconstruction": evaluate_level(vqvae, corpus, level)}
            say(f"{level}: bits per code")
            prior = load_part(folder, level.value, config)
            assert isinstance(prior, Prior)
            maker = ExampleMaker(codes, prior.float(), level, lists[level], 0.0)
            figures["codes"] = evaluate_prior(prior, maker, windows_per_song)
            report["levels"][level.value] = figures
    return report


def words_understood(
    model: str | Path, songs: Path, count: int, cache: Path, models_folder: Path | None = None
) -> dict[str, Any]:
    """Word error rates of ``count`` held-out sung songs, evenly spread: as they are and from each level's codes.

    What the top level's codes lose, no prior brings back: its figure is the ceiling for singing.
    Raises EvaluatorMissing, CheckpointError, CorpusError.
    """
    recogniser = Recogniser(cache)
    folder = find_model(model, models_folder)
    config = load_config(folder)
    vqvae = load_part(folder, "vqvae", config)
    assert isinstance(vqvae, VQVAE)
    vqvae.float()
    with tempfile.TemporaryDirectory() as decoded:
        corpus = Corpus.open(songs, Path(decoded))
        sung = [song for song in corpus.songs if song.lyrics]
        chosen = sung[:: max(1, len(sung) // count)][:count]
        errors: dict[str, list[float]] = {}
        for song in chosen:
            audio = corpus.audio(song, 0, song.samples // config.hop(Level.TOP) * config.hop(Level.TOP))
            versions = {"original": audio} | {
                level.value: _reconstruction(vqvae, audio, level) for level in SAMPLING_ORDER
            }
            for name, version in versions.items():
                heard = recogniser.words(version, corpus.sample_rate)
                errors.setdefault(name, []).append(word_error_rate(song.lyrics, heard))
    return {
        "songs": [song.name for song in chosen],
        "median_word_error_rate": {name: round(statistics.median(rates), 3) for name, rates in errors.items()},
        "mean_word_error_rate": {name: round(statistics.fmean(rates), 3) for name, rates in errors.items()},
    }


@torch.inference_mode()
def _reconstruction(vqvae: VQVAE, audio: np.ndarray, level: Level) -> np.ndarray:
    codes = vqvae.encode(torch.from_numpy(audio).view(1, -1, 1), level.index)
    return vqvae.decode(codes, level.index).flatten().numpy()


def summary(report: dict[str, Any]) -> str:
    """The report as lines of text."""
    lines = [f"{report['model']}: {report['songs']['count']} songs, {report['songs']['hours']} hours"]
    for level in (Level(name) for name in report["levels"]):
        figures = report["levels"][level.value]
        sound, bits = figures["reconstruction"], figures["codes"]
        lines.append(
            f"{level:7} spectral convergence {sound['spectral_convergence_db']:.2f} dB, "
            f"{100 * sound['used']:.1f} % of the codes used; {bits['music_bits']:.3f} bits per code "
            f"(unconditional {bits['unigram_bits']:.3f}, wrong labels {bits['wrong_labels_bits']:.4f}; "
            f"openings {bits['opening_bits']:.3f}, wrong labels {bits['opening_wrong_labels_bits']:.3f})"
        )
        if "sung_bits" in bits:
            wrong = f"with another song's lyrics {bits['sung_wrong_lyrics_bits']:.3f}"
            lines.append(f"        sung songs {bits['sung_bits']:.3f}, {wrong}")
    if "words" in report:
        rates = report["words"]["median_word_error_rate"]
        lines.append("median word error rate: " + ", ".join(f"{name} {rate:.2f}" for name, rate in rates.items()))
    return "\n".join(lines)
