"""Training of one prior, and what its conditioning is worth on held-out songs.

Knows: the loop and the held-out figures. Does not know how examples are cut (``examples``), how lyrics are learnt
to be read (``reading``) or where runs are kept (``runs``).
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from explorer.jukebox.config import Level
from explorer.jukebox.prior import Conditioning, Prior
from explorer.jukebox.rows import tokens_before, window_lyric_bias
from explorer.pronunciation import pronounce
from explorer.training.examples import Batch, Example, ExampleMaker
from explorer.training.habits import count_habits
from explorer.training.phones import count_phones
from explorer.training.reading import Reader, guided_attention_losses, leading
from explorer.training.runs import RunFolder, WeightAverage, learning_rate
from explorer.training.tunes import count_tunes

OPENING = 64
"""Codes at the beginning of a window over which the worth of names is measured by itself."""


@dataclass(frozen=True)
class PriorTraining:
    """Settings of one prior's run.

    ``guided_attention`` and ``recognition`` weigh the losses of reading lyrics, ``lead`` is how far attention is led
    at first (see ``reading``; all 0: a level without lyrics). ``every_nth_song`` leaves songs out where encoding them
    all would take longer than the steps need. ``precision`` names the torch type of the matrix products: bfloat16 is
    faster where the processor has instructions for it.

    ``misheard``: up to so many of the codes that are shown as a window's past are others (``examples``). When it
    samples, a prior's past is its own, with all that went wrong in it, and one that has only seen real pasts trusts
    them more than what it is told (the discrepancy that Bengio et al. 2015, Scheduled Sampling, train against in
    another way).
    """

    level: Level
    steps: int
    batch: int = 4
    peak_rate: float = 1e-3
    warmup: int = 100
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    average_mu: float = 0.995
    label_dropout: float = 0.1
    misheard: float = 0.0
    guided_attention: float = 0.0
    recognition: float = 0.0
    lead: float = 0.0
    every_nth_song: int = 1
    precision: str = "float32"
    workers: int = 0
    log_every: int = 20
    evaluate_every: int = 800
    windows_per_song: int = 2
    seed: int = 1
    base: str = ""
    """SHA-256 of the weights that ``prior`` begins with; empty where it begins with none."""


def train_prior(prior: Prior, training: PriorTraining, maker: ExampleMaker, heldout: ExampleMaker, path: Path) -> Prior:
    """Train to the last step, resuming what ``path`` holds; returns the averaged weights.

    The caller builds ``prior`` with the global generator seeded, so that a new run is repeatable.
    """
    settings = {**dataclasses.asdict(training), "prior": dataclasses.asdict(prior.config)}
    run = RunFolder(path, {**settings, "corpus": maker.codes.corpus.key})
    recogniser = _recogniser(prior, training)
    if prior.config.follows:
        prior.listener.requires_grad_(False)  # it has learnt before (``listening``)
    parameters = [p for p in prior.parameters() if p.requires_grad]
    parameters += recogniser.parameters() if recogniser is not None else []
    optimiser = torch.optim.AdamW(
        parameters, lr=0.0, betas=training.betas, weight_decay=training.weight_decay, foreach=True
    )
    average = WeightAverage(prior, training.average_mu)
    step = 0
    state = run.load()
    if state is not None:
        step = state["step"]
        prior.load_state_dict(state["model"])
        if recogniser is not None:
            recogniser.load_state_dict(state["recogniser"])
        optimiser.load_state_dict(state["optimiser"])
        average.shadow = state["average"]
    # after what was kept: a run may go on with more songs
    if prior.config.labels is not None and prior.config.labels.bar_parts is not None:
        count_habits(prior.y_emb.habits, maker.codes.corpus.songs, maker.lists)
        if prior.config.labels.tune:
            count_tunes(prior.y_emb.tune_habits, maker.codes.corpus.songs, maker.lists)
    if prior.config.follows:
        corpus = maker.codes.corpus
        count_phones(prior.phone_lengths, corpus.songs, corpus.sample_rate / prior.hop, pronounce)
    precision: torch.dtype = getattr(torch, training.precision)
    totals: dict[str, float] = {}
    began = time.monotonic()
    for batch in batches(maker, training, step):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, training.steps, training.peak_rate, training.warmup)
        reader = None
        if training.guided_attention:
            reader = Reader(batch, prior.config, leading(training.lead, step, training.steps), recogniser)
        with torch.autocast(batch.codes.device.type, precision, enabled=precision is not torch.float32):
            conditioning = replace(prior.condition(batch.labels, batch.upper), lyric_bias=batch.lyric_bias)
            loss = prior.loss(batch.codes, conditioning, reader, batch.shown)
        measured = {"loss": loss.total, "music": loss.music, "lyrics": loss.lyrics}
        objective = loss.total * math.log(2)
        if reader is not None:
            objective = objective + training.guided_attention * reader.guide + training.recognition * reader.recognition
            measured |= {"guide": reader.guide, "aligned": reader.aligned, "recognition": reader.recognition}
        optimiser.zero_grad(set_to_none=True)
        objective.backward()  # type: ignore[no-untyped-call]
        measured["norm"] = torch.nn.utils.clip_grad_norm_(parameters, training.clip_norm)
        optimiser.step()
        step += 1
        average.update(prior, step)
        for name, value in measured.items():
            totals[name] = totals.get(name, 0.0) + float(value.detach()) / training.log_every
        if step % training.log_every == 0:
            run.log({"step": step, "seconds": time.monotonic() - began, **totals})
            totals = {}
        last = step == training.steps
        # first of all: whatever becomes of the figures, the steps are kept
        if last or (step % training.log_every == 0 and run.save_due()):
            run.save(
                {
                    "step": step,
                    "model": prior.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "average": average.shadow,
                    "recogniser": {} if recogniser is None else recogniser.state_dict(),
                }
            )
        if last or step % training.evaluate_every == 0:
            average.swap(prior)
            run.heldout({"step": step, **evaluate_prior(prior, heldout, training.windows_per_song)})
            average.swap(prior)
    run.plot()
    average.swap(prior)
    return prior


class _Steps(Dataset[Batch]):
    """The batch of every step."""

    def __init__(self, maker: ExampleMaker, training: PriorTraining) -> None:
        self.maker, self.training = maker, training

    def __getitem__(self, step: int) -> Batch:
        return self.maker.batch(self.training.batch, self.training.seed, step)


def batches(maker: ExampleMaker, training: PriorTraining, first: int) -> Iterable[Batch]:
    """The batches of the steps from ``first`` on, made ahead by ``workers`` processes; these change no batch."""
    steps = range(first, training.steps)
    return DataLoader(_Steps(maker, training), batch_size=None, sampler=steps, num_workers=training.workers)


def _recogniser(prior: Prior, training: PriorTraining) -> nn.Linear | None:
    """Reads characters off the music's activations, in training only."""
    if not training.recognition or prior.config.lyrics is None:
        return None
    return nn.Linear(prior.config.transformer.width, prior.config.lyrics.vocabulary_size)


@torch.inference_mode()
def evaluate_prior(prior: Prior, heldout: ExampleMaker, windows_per_song: int) -> dict[str, float]:
    """Held-out bits per code: with the right labels and lyrics, with other songs', and without a model.

    ``unigram``: the held-out codes under the frequencies of the held-out codes themselves, the
    lowest that any unconditional model of frequencies can reach. Shuffled labels are those of the
    song half a corpus away, so that genre and artist are wrong for every song; shuffled lyrics are
    another sung song's. The ``opening`` figures are over the first OPENING codes of every window: names
    are told at the first code, and what the codes before tell by themselves they need not tell again.
    ``without_ground_bits``: with all but bars, key and chords; ``without_tune_bits``: with all but the notes.

    A prior that is told when each character is sung is told so here. The other song's characters are told at the same
    times, one for one.
    """
    right = heldout.fixed(windows_per_song)
    songs = heldout.codes.corpus.songs
    other = [(i + len(songs) // 2) % len(songs) for i in range(len(songs))]
    wrong_labels = [
        heldout.example(e.excerpt, e.start, songs[other[e.excerpt.song]].artist, songs[other[e.excerpt.song]].genre,
                        e.excerpt.lyrics) for e in right
    ]  # fmt: skip
    frequencies = heldout.codes.frequencies(heldout.level, prior.config.codes)
    p = frequencies / frequencies.sum()
    biases = _lyric_bias(prior, heldout, right, right)
    with_right, with_wrong = _bits(prior, heldout, right, biases), _bits(prior, heldout, wrong_labels, biases)
    figures = {
        "music_bits": float(with_right.mean()),
        "wrong_labels_bits": float(with_wrong.mean()),
        "opening_bits": float(with_right[:, :OPENING].mean()),
        "opening_wrong_labels_bits": float(with_wrong[:, :OPENING].mean()),
        "unigram_bits": float(-(p[p > 0] * np.log2(p[p > 0])).sum()),
    }
    told = prior.config.labels

    def bits_without(**left_out: bool) -> float:
        examples = [
            heldout.example(e.excerpt, e.start, songs[e.excerpt.song].artist, songs[e.excerpt.song].genre,
                            e.excerpt.lyrics, **left_out) for e in right
        ]  # fmt: skip
        return float(_bits(prior, heldout, examples, biases).mean())

    if told is not None and told.bar_parts is not None:
        figures["without_ground_bits"] = bits_without(ground=False)
    if told is not None and told.tune:
        figures["without_tune_bits"] = bits_without(tune=False)
    if prior.config.vocabulary is not None:
        sung = [i for i, song in enumerate(songs) if song.lyrics]
        lyric_of = {i: songs[sung[(n + len(sung) // 2) % len(sung)]].lyrics for n, i in enumerate(sung)}
        with_words = [e for e in right if e.excerpt.song in lyric_of]
        wrong_lyrics = [
            heldout.example(e.excerpt, e.start, songs[e.excerpt.song].artist, songs[e.excerpt.song].genre,
                            lyric_of[e.excerpt.song]) for e in with_words
        ]  # fmt: skip
        own = [i for i, example in enumerate(right) if example.excerpt.song in lyric_of]
        biases_wrong = _lyric_bias(prior, heldout, wrong_lyrics, with_words)
        figures["sung_bits"] = float(with_right[own].mean())
        figures["sung_wrong_lyrics_bits"] = float(_bits(prior, heldout, wrong_lyrics, biases_wrong).mean())
        if prior.config.alignment_layer is not None:
            figures["guide_nats"] = _mean_guide(prior, heldout, with_words, [biases[i] for i in own] if biases else [])
    return {name: round(value, 4) for name, value in figures.items()}


def _bits(prior: Prior, maker: ExampleMaker, examples: list[Example], biases: list[torch.Tensor]) -> torch.Tensor:
    """−log2 probability of every code [examples, n_ctx]; ``biases`` as from ``_lyric_bias``."""
    bits = []
    for first in range(0, len(examples), 8):
        part = slice(first, first + 8)
        batch = maker.collate(examples[part], with_times=False)
        bits.append(prior.code_bits(batch.codes, _conditioning(prior, batch, biases[part])))
    return torch.cat(bits)


def _lyric_bias(prior: Prior, maker: ExampleMaker, examples: list[Example], times: list[Example]) -> list[torch.Tensor]:
    """For a prior that follows its lyrics: ``Conditioning.lyric_bias`` of every example [heads, n_ctx, n_tokens], whose
    characters are sung when those of ``times`` are. Empty for other priors."""
    if not prior.config.follows:
        return []
    biases = []
    for example, timed in zip(examples, times, strict=True):
        sung = maker.collate([timed]).sung
        assert sung is not None
        begun = sung + 1 + tokens_before(prior, timed.labels, timed.start)
        places = begun.clamp_max(len(example.labels.lyric_tokens))
        biases.append(window_lyric_bias(prior, [example.labels], [example.start], places)[0])
    return biases


def _conditioning(prior: Prior, batch: Batch, biases: list[torch.Tensor]) -> Conditioning:
    conditioning = prior.condition(batch.labels, batch.upper)
    return replace(conditioning, lyric_bias=torch.stack(biases)) if biases else conditioning


def _mean_guide(prior: Prior, maker: ExampleMaker, examples: list[Example], biases: list[torch.Tensor]) -> float:
    values = []
    for first in range(0, len(examples), 8):
        part = slice(first, first + 8)
        batch = maker.collate(examples[part])
        conditioning = _conditioning(prior, batch, biases[part])
        assert prior.config.alignment_layer is not None
        weights = prior.lyric_weights(batch.codes, conditioning, prior.config.alignment_layer)
        values.append(float(guided_attention_losses(weights, batch, prior.config)[prior.config.alignment_head or 0]))
    return sum(values) / len(values)
