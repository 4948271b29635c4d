"""Training of the VQ-VAE, one level at a time.

The levels share nothing, so training them one by one is the published joint training with the
gradient norms clipped apart. Every batch is a function of (seed, step): a resumed run sees the
same batches, revivals and losses as one that was never interrupted.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.jukebox.config import Level, VQVAEConfig
from explorer.jukebox.losses import (
    SPECTRAL,
    Bandwidth,
    magnitude,
    mixed_loss,
    multispectral_loss,
    spectral_convergence,
    spectral_loss,
)
from explorer.jukebox.vqvae import VQVAE
from explorer.training.corpus import Corpus, CorpusSong
from explorer.training.hearing import Hearer
from explorer.training.mel import mel_loss
from explorer.training.runs import RunFolder, WeightAverage, learning_rate
from explorer.training.teacher import Teaching


@dataclass(frozen=True)
class VQVAETraining:
    """Settings of one level's run.

    ``spectral`` (0 in the published training) weighs the distance that the held-out figure measures,
    ``mel`` that of log-mel spectra; with ``recons`` 0 no code is spent on phases. ``hearing`` weighs how well the codes
    tell what a speech recogniser hears (``hearing``, ``teacher``).
    ``threshold`` is the revival threshold as a share of the mean count. ``precision`` names the torch
    type of the convolutions' products: bfloat16 is faster where the processor has instructions for it.
    """

    level: Level
    steps: int
    batch: int = 8
    clip_samples: int = 12288
    peak_rate: float = 1e-3
    warmup: int = 100
    recons: float = 1.0
    spectral: float = 1.0
    multispectral: float = 1.0
    mel: float = 0.0
    hearing: float = 0.0
    commit: float = 0.02
    code_mu: float = 0.99
    threshold: float = 0.2
    average_mu: float = 0.995
    clip_norm: float = 1.0
    precision: str = "float32"
    log_every: int = 25
    evaluate_every: int = 500
    seed: int = 1
    base: str = ""
    """SHA-256 of the weights that the run begins with; empty where it begins with none."""


def measure_bandwidth(corpus: Corpus, clip_samples: int, clips: int = 1000, seed: int = 0) -> Bandwidth:
    """Signal sizes over random clips of the training length (jukebox fact sheet, section a)."""
    tenth = clips // 10
    audio = torch.cat(
        [_audio(corpus, _clips(corpus, tenth, clip_samples, seed, -1 - i), clip_samples) for i in range(10)]
    )
    spec = torch.cat([magnitude(part, SPECTRAL).flatten(1).norm(dim=1) for part in torch.split(audio, 50)])
    return Bandwidth(l1=float(audio.abs().mean()), l2=float(audio.var()), spec=float(spec.mean()))


def train_vqvae(
    config: VQVAEConfig,
    training: VQVAETraining,
    corpus: Corpus,
    heldout: Corpus,
    path: Path,
    teachings: tuple[Teaching, Teaching] | None = None,
    start: VQVAE | None = None,
) -> VQVAE:
    """Train one level to its last step, resuming what ``path`` holds; returns averaged weights.

    ``teachings`` of both corpora are needed where ``hearing`` is not 0. A new run begins with the weights and codes of
    ``start`` where it is given.
    """
    level = training.level.index
    settings = {**dataclasses.asdict(training), "vqvae": dataclasses.asdict(config), "corpus": corpus.key}
    run = RunFolder(path, settings)
    torch.manual_seed(training.seed)
    vqvae = VQVAE(config)
    part = torch.nn.ModuleList([vqvae.encoders[level], vqvae.decoders[level]])
    if training.hearing and teachings is None:
        raise ValueError("the weight of hearing is not 0, so the teachings of both corpora are needed")
    hearer = Hearer(config.emb_width) if training.hearing else None
    parameters = [*part.parameters(), *(hearer.parameters() if hearer is not None else [])]
    if start is not None:
        vqvae.load_state_dict(start.state_dict())
    optimiser = torch.optim.Adam(parameters, lr=0.0, betas=(0.9, 0.999), eps=1e-8)
    average = WeightAverage(part, training.average_mu)
    book = vqvae.bottleneck.level(level)
    bandwidth = measure_bandwidth(corpus, training.clip_samples)
    rows_per_code = training.batch * training.clip_samples / config.hop(level) / config.codes
    if start is not None:
        book.restore(rows_per_code)

    step = 0
    state = run.load()
    if state is not None:
        step = state["step"]
        part.load_state_dict(state["model"])
        if hearer is not None:
            hearer.load_state_dict(state["hearer"])
        optimiser.load_state_dict(state["optimiser"])
        average.shadow = state["average"]
        for name in ("k", "k_sum", "k_elem"):
            getattr(book, name).copy_(state[name])
        book.ready = True

    totals: dict[str, float] = {}
    began = time.monotonic()
    while step < training.steps:
        generator = torch.Generator().manual_seed(training.seed * 1_000_003 + step)
        clips = _clips(corpus, training.batch, training.clip_samples, training.seed, step)
        audio = _audio(corpus, clips, training.clip_samples)
        if not book.ready:
            with torch.no_grad():
                x = vqvae.encode_continuous(audio, level)
            book.start(x.transpose(1, 2).reshape(-1, x.shape[1]), generator)
            book.k_elem.fill_(rows_per_code)
            book.k_sum.copy_(book.k * rows_per_code)
        passed = vqvae.reconstruct(audio, level, getattr(torch, training.precision))
        losses = {
            "recons": mixed_loss(audio, passed.audio, bandwidth),
            "spectral": spectral_loss(audio, passed.audio, bandwidth),
            "multispectral": multispectral_loss(audio, passed.audio, bandwidth),
            "commit": passed.commit,
        }
        if training.mel:
            losses["mel"] = mel_loss(audio, passed.audio, corpus.sample_rate)
        if hearer is not None:
            assert teachings is not None
            taught = _taught(corpus, clips, training, config.hop(level), teachings[0])
            losses["hearing"] = hearer.loss(passed.quantised, taught)
        loss = torch.stack([getattr(training, name) * value for name, value in losses.items()]).sum()
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, training.steps, training.peak_rate, training.warmup)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(parameters, training.clip_norm)
        optimiser.step()
        metrics = book.update(
            passed.rows, passed.codes, generator, training.code_mu, training.threshold * rows_per_code
        )
        step += 1
        average.update(part, step)
        measured = {
            "loss": loss, **losses, "norm": norm, "entropy": metrics.entropy, "usage": metrics.usage,
        }  # fmt: skip
        for name, value in measured.items():
            totals[name] = totals.get(name, 0.0) + float(value.detach()) / training.log_every
        if step % training.log_every == 0:
            run.log({"step": step, "seconds": time.monotonic() - began, **totals})
            totals = {}
        last = step == training.steps
        # first of all: whatever becomes of the figures, the steps are kept
        if last or (step % training.log_every == 0 and run.save_due()):
            run.save(_state(step, part, optimiser, average, book) | ({"hearer": hearer.state_dict()} if hearer else {}))
        if last or step % training.evaluate_every == 0:
            average.swap(part)
            figures = evaluate_level(vqvae, heldout, training.level, seconds=4.0)
            if hearer is not None:
                assert teachings is not None
                figures["heard"] = share_heard(vqvae, hearer, heldout, training.level, teachings[1], seconds=12.0)
            run.heldout({"step": step, **figures})
            average.swap(part)
    run.plot()
    average.swap(part)
    return vqvae


def _state(step: int, part: torch.nn.Module, optimiser: Any, average: WeightAverage, book: Any) -> dict[str, Any]:
    return {
        "step": step,
        "model": part.state_dict(),
        "optimiser": optimiser.state_dict(),
        "average": average.shadow,
        "k": book.k,
        "k_sum": book.k_sum,
        "k_elem": book.k_elem,
    }


def _clips(corpus: Corpus, size: int, samples: int, seed: int, step: int) -> list[tuple[CorpusSong, int]]:
    """Songs and first samples of random clips; a function of its arguments only. Songs count by length."""
    random = np.random.default_rng((seed, step % 2**32))
    lengths = np.array([song.samples for song in corpus.songs], dtype=np.float64)
    songs = [corpus.songs[pick] for pick in random.choice(len(lengths), size=size, p=lengths / lengths.sum())]
    return [(song, int(random.integers(0, max(1, song.samples - samples)))) for song in songs]


def _audio(corpus: Corpus, clips: list[tuple[CorpusSong, int]], samples: int) -> torch.Tensor:
    """[clips, samples, 1]"""
    return torch.from_numpy(np.stack([corpus.audio(song, start, samples) for song, start in clips])).unsqueeze(-1)


def _taught(
    corpus: Corpus, clips: list[tuple[CorpusSong, int]], training: VQVAETraining, hop: int, teaching: Teaching
) -> torch.Tensor:
    """[clips, codes, dimensions]"""
    codes = training.clip_samples // hop
    return torch.from_numpy(
        np.stack([teaching.targets(song, start, hop, codes, corpus.sample_rate) for song, start in clips])
    )


@torch.no_grad()
def evaluate_level(vqvae: VQVAE, corpus: Corpus, level: Level, seconds: float | None = None) -> dict[str, float]:
    """Held-out figures of one level over all songs (or ``seconds`` from the middle of each).

    ``spectral_convergence_db``: 20·log10 of the mean spectral convergence; ``used``: share of the
    codebook that occurs; ``code_entropy_bits``: entropy of the codes' frequencies.
    """
    ratios, counts = [], torch.zeros(vqvae.config.codes)
    hop = vqvae.config.hop(vqvae.config.levels - 1)
    for song in corpus.songs:
        samples = song.samples if seconds is None else min(song.samples, int(seconds * corpus.sample_rate))
        samples = samples // hop * hop
        audio = torch.from_numpy(corpus.audio(song, (song.samples - samples) // 2, samples)).view(1, -1, 1)
        codes = vqvae.encode(audio, level.index)
        counts += torch.bincount(codes.flatten(), minlength=len(counts))
        ratios.append(spectral_convergence(audio, vqvae.decode(codes, level.index)))
    p = counts / counts.sum()
    return {
        "spectral_convergence_db": round(20 * float(torch.cat(ratios).mean().log10()), 3),
        "used": round(float((counts > 0).float().mean()), 4),
        "code_entropy_bits": round(float(-(p * (p + 1e-12).log2()).sum()), 4),
    }


@torch.no_grad()
def share_heard(
    vqvae: VQVAE, hearer: Hearer, corpus: Corpus, level: Level, teaching: Teaching, seconds: float
) -> float:
    """Share of the targets' variance that the hearer tells from the codes, over ``seconds`` of each song."""
    hop, heard, targets = vqvae.config.hop(level.index), [], []
    for song in corpus.songs:
        start = max(0, (song.samples - int(seconds * corpus.sample_rate)) // 2)
        count = min(song.samples, int(seconds * corpus.sample_rate)) // hop
        codes = vqvae.encode(torch.from_numpy(corpus.audio(song, start, count * hop)).view(1, -1, 1), level.index)
        heard.append(hearer(vqvae.bottleneck.level(level.index).decode(codes).transpose(1, 2))[0])
        targets.append(torch.from_numpy(teaching.targets(song, start, hop, count, corpus.sample_rate)))
    truth = torch.cat(targets)
    error = (torch.cat(heard) - truth).pow(2).sum() / (truth - truth.mean(0)).pow(2).sum()
    return round(1 - float(error), 4)
