"""The whole conformance run.

Knows: which files of a vector folder are checked by whom. Does not know: any of the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from explorer.checkpoints.conformance.labels import check_labels, check_timing, open_lookup
from explorer.checkpoints.conformance.pipelines import check_pipelines
from explorer.checkpoints.conformance.priors import check_prior
from explorer.checkpoints.conformance.report import Check, Report
from explorer.checkpoints.conformance.vectors import Vectors
from explorer.checkpoints.conformance.vqvae import check_vqvae

NO_LISTS = "labels.json: its cases need the published label lists; give the folder that holds them"


def run_conformance(
    folder: Path,
    vocab: Path | None = None,
    device: str | torch.device = "cpu",
    show: Callable[[Check], None] = lambda check: None,
) -> Report:
    """Check every array of a folder of reference vectors.

    ``vocab`` is the folder of the published label lists (``v2_artist_ids.txt`` and the like);
    without it the label cases are reported as not checked. ``show`` is called after each check.
    Raises CheckpointError for a folder that holds no vectors, or an archive that does not load.
    """
    report = Report()
    with Vectors(folder, torch.device(device)) as vectors:
        for item in _all(vectors, vocab):
            if isinstance(item, str):
                report.unchecked.append(item)
            else:
                report.checks.append(item)
                show(item)
    return report


def _all(vectors: Vectors, vocab: Path | None) -> Iterator[Check | str]:
    lookup = open_lookup(vectors, vocab)
    if vectors.has("labels.json"):
        if vocab is None:
            yield NO_LISTS
        else:
            yield from check_labels(vectors, lookup)
    if vectors.has("timing_bins.npz"):
        yield from check_timing(vectors)
    if vectors.has("vqvae.npz"):
        with torch.inference_mode():
            yield from check_vqvae(vectors)
    for name in vectors.prior_names:
        if vectors.has(f"{name}.npz"):
            yield from check_prior(vectors, name, lookup)
        else:
            yield f"{name}: it has no {name}.npz"
    if vectors.has("pipelines.json"):
        yield from check_pipelines(vectors, lookup)
