"""Vectors of whole songs: three levels, several overlapping windows, alignment.

Knows: the runs of ``pipelines.json`` and their arrays. Does not know: single windows in detail;
``priors`` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from explorer.checkpoints.conformance.labels import Lookup, song_labels
from explorer.checkpoints.conformance.report import ATTENTION, EXACT, HIDDEN, ROUNDING_TIE, Check, compare
from explorer.checkpoints.conformance.vectors import Arrays, Vectors
from explorer.jukebox.alignment import lyric_attention
from explorer.jukebox.config import LEVELS, SAMPLING_ORDER, Level
from explorer.jukebox.events import WindowDone
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.prior import Prior
from explorer.jukebox.rows import window_conditioning
from explorer.jukebox.sampling import Alone, LevelTask, sample_level
from explorer.jukebox.song import LevelSampling
from explorer.jukebox.windows import plan_windows


@dataclass(frozen=True)
class _Run:
    """One recorded pipeline."""

    name: str
    settings: dict[str, Any]
    arrays: Arrays
    vectors: Vectors

    def prior_name(self, level: Level) -> str:
        return str(self.settings["top"]) if level is Level.TOP else self.vectors.at_level(level)

    def prior(self, level: Level) -> Prior:
        return self.vectors.prior(self.prior_name(level))

    def length(self, level: Level) -> int:
        return int(self.settings["sample_length"]) // self.vectors.vqvae_config.hop(level.index)

    def hop_fraction(self, level: Level) -> float:
        return float(self.settings["hop_fraction"][level.index])


def check_pipelines(vectors: Vectors, lookup: Lookup) -> Iterator[Check | str]:
    """Every run of pipelines.json; a string says why one could not be checked."""
    for name, settings in vectors.json("pipelines").items():
        run = _Run(name, settings, vectors.arrays(f"pipeline_{name}"), vectors)
        labels: dict[Level, list[SongLabels]] = {}
        for level in LEVELS:
            config = run.prior(level).config
            assert config.labels is not None
            if not all(lookup.knows(meta, config.labels.rules) for meta in settings["metas"]):
                break
            labels[level] = [song_labels(meta, config, lookup) for meta in settings["metas"]]
        if len(labels) < len(LEVELS):
            yield f"pipeline_{name}: its names are only in the published lists; give the folder that holds them"
            continue
        yield from _check_run(run, labels)
        for array in run.arrays.unused():
            note = "an array that this version does not know"
            yield Check(f"pipeline_{name} {array}", False, float("nan"), "known", note)


def _check_run(run: _Run, labels: dict[Level, list[SongLabels]]) -> Iterator[Check]:
    vqvae, device = run.vectors.vqvae(), run.vectors.device
    given = _given(run)
    upper: torch.Tensor | None = None
    for level in SAMPLING_ORDER:
        expected = torch.from_numpy(run.arrays[f"zs{level.index}"].astype(np.int64))
        got, ties = _sample(run, level, labels[level], given[level], expected, upper)
        free = np.zeros(expected.shape, dtype=bool) if not ties else (got != expected).numpy() & ties_mask(ties, got)
        yield compare(f"pipeline_{run.name} zs{level.index}", expected, got, EXACT, free)
        audio = f"audio_from_level{level.index}"
        if audio in run.arrays:
            stored = run.arrays[audio]
            with torch.inference_mode():
                decoded = vqvae.decode(expected[: len(stored)].to(device), level.index)
            yield compare(f"pipeline_{run.name} {audio}", stored, decoded, HIDDEN)
        if level is Level.TOP:
            yield from _alignments(run, labels[level], expected)
        upper = expected


def ties_mask(ties: list[tuple[int, int, int]], codes: torch.Tensor) -> np.ndarray:
    """True where a song's codes are free: from a rounding tie to the end of its window."""
    mask = np.zeros(tuple(codes.shape), dtype=bool)
    for song, first, last in ties:
        mask[song, first:last] = True
    return mask


def _given(run: _Run) -> dict[Level, torch.Tensor]:
    """Codes that exist before sampling: a given top level, or encoded prompt audio."""
    songs = int(run.settings["n_samples"])
    given = {level: torch.zeros(songs, 0, dtype=torch.int64) for level in LEVELS}
    if "prompt_audio" in run.arrays:
        audio = run.arrays.numbers("prompt_audio", run.vectors.device)
        with torch.inference_mode():
            given = {level: run.vectors.vqvae().encode(audio, level.index).cpu() for level in LEVELS}
    for level in LEVELS:
        if f"zs{level.index}_in" in run.arrays:
            given[level] = torch.from_numpy(run.arrays[f"zs{level.index}_in"].astype(np.int64))
    return given


def _sample(
    run: _Run,
    level: Level,
    labels: list[SongLabels],
    given: torch.Tensor,
    expected: torch.Tensor,
    upper: torch.Tensor | None,
) -> tuple[torch.Tensor, list[tuple[int, int, int]]]:
    """Codes of a level, and where rounding ties were met: (song, first code, past-last code).

    A window that left the expected codes at a tie is replaced by the expected one, so that the
    windows after it can still be checked.
    """
    prior, device = run.prior(level), run.vectors.device
    codes, ties = given, []
    sampling = LevelSampling(temperature=float(run.settings["temp"]), top_k=int(run.settings["top_k"]))
    task_end = run.length(level)
    result = given.clone()
    while True:
        task = LevelTask(
            level, labels, list(range(len(labels))), codes, task_end, upper, run.hop_fraction(level), sampling,
            int(run.settings["max_batch_size"]), int(run.settings["chunk_size"]),
        )  # fmt: skip
        restart: torch.Tensor | None = None
        for event in sample_level(prior, task, Alone(device)):
            if not isinstance(event, WindowDone):
                continue
            fresh = event.codes[:, result.shape[1] :]
            result = torch.cat([result, fresh], dim=1)
            found = _ties(run, level, labels, expected, result, event, upper)
            if found:
                ties += found
                restart = expected[:, : event.stop]
                break
        if restart is None:
            return result, ties
        codes = restart


def _ties(
    run: _Run,
    level: Level,
    labels: list[SongLabels],
    expected: torch.Tensor,
    result: torch.Tensor,
    event: WindowDone,
    upper: torch.Tensor | None,
) -> list[tuple[int, int, int]]:
    """Songs that left the expected codes in this window, if every one of them did so at a tie."""
    found = []
    differs = result[:, event.start : event.stop] != expected[:, event.start : event.stop]
    for song in differs.any(dim=1).nonzero().flatten().tolist():
        first = event.start + int(differs[song].int().argmax())
        piece = upper[song : song + 1] if upper is not None else None
        if _gap(run, level, labels[song], expected[song : song + 1], first, piece) >= ROUNDING_TIE:
            return []
        found.append((song, first, event.stop))
    return found


def _gap(
    run: _Run, level: Level, labels: SongLabels, codes: torch.Tensor, position: int, upper: torch.Tensor | None
) -> float:
    """How far apart the two best logits are at one position of a song."""
    prior, device = run.prior(level), run.vectors.device
    windows = plan_windows(run.length(level), prior.config.n_ctx, run.hop_fraction(level), 0)
    start = next(window.start for window in windows if position < window.stop)
    logits: list[torch.Tensor] = []

    def keep(found: torch.Tensor) -> torch.Tensor:
        logits.append(found)
        return found.argmax(-1)

    with torch.inference_mode():
        conditioning = window_conditioning(prior, [labels], start, upper, device)
        prompt = codes[:, start:position].to(device)
        prior.sampler(conditioning, 1, position - start + 1, prompt, int(run.settings["chunk_size"])).step(keep)
    best = logits[0][0].topk(2).values
    return float(best[0] - best[1])


def _alignments(run: _Run, labels: list[SongLabels], codes: torch.Tensor) -> Iterator[Check]:
    """Attention of the stored items, put together over windows."""
    count = sum(f"alignment_{i}" in run.arrays for i in range(len(labels)))
    if not count:
        return
    fraction = run.hop_fraction(Level.TOP)
    found = lyric_attention(run.prior(Level.TOP), labels[:count], codes[:count], fraction, run.vectors.device)
    for i, matrix in enumerate(found):
        expected = run.arrays[f"alignment_{i}"]
        yield compare(f"pipeline_{run.name} alignment_{i}", expected, matrix, ATTENTION)
