"""The reference vectors hold, and the comparison would notice if they did not.

The label cases look real names up: set JUKEBOX_VOCAB to the folder of the published lists
(v2_artist_ids.txt ...) to check them fully; without it only the names that the vectors answer.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.checkpoints import CheckpointError
from explorer.checkpoints.conformance import Report, pipelines, run_conformance
from explorer.checkpoints.conformance.labels import check_labels, open_lookup, song_labels
from explorer.checkpoints.conformance.report import EXACT, HIDDEN, compare, compare_draws
from explorer.checkpoints.conformance.vectors import Vectors
from explorer.checkpoints.conformance.vqvae import check_vqvae
from explorer.jukebox.config import Level

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
VOCAB = os.environ.get("JUKEBOX_VOCAB")


@pytest.fixture(scope="module")
def report() -> Report:
    return run_conformance(GOLDEN)


@pytest.fixture(scope="module")
def vectors() -> Iterator[Vectors]:
    with Vectors(GOLDEN, torch.device("cpu")) as opened:
        yield opened


def test_every_array_is_within_tolerance(report: Report) -> None:
    failed = [str(check) for check in report.checks if not check.passed]
    assert not failed, "\n".join(failed)


def test_agreement_is_far_closer_than_the_tolerances_demand(report: Report) -> None:
    floats = [check for check in report.checks if check.allowed != "exact" and "grads" not in check.name]
    assert max(check.difference for check in floats) < 2e-4


def test_no_kind_of_vector_was_left_out(report: Report) -> None:
    names = " ".join(check.name for check in report.checks)
    for wanted in (
        *("timing_bins 5b_lyrics_relative_bin", "vqvae codes_l2", "vqvae ema_c_k_after", "vqvae_losses commit_loss"),
        *(f"prior_level_{n} noise_scratch_t130_k5" for n in ("0", "1", "2_1b_lyrics", "2_5b", "2_5b_lyrics")),
        *("encoder_kv", "align_layer_weights", "greedy_partial", "grads (1194 parameters)"),
        *(f"pipeline_{run} zs0" for run in ("1b_ancestral", "5bl_primed", "5b_continue", "1b_upsample")),
        *("pipeline_1b_ancestral alignment_2", "pipeline_5bl_primed alignment_1"),
    ):
        assert wanted in names
    assert len(report.checks) > 190
    assert report.unchecked and all("labels.json" in text for text in report.unchecked)
    assert "all within tolerance" in list(report.summary())[-1]


def test_label_cases_with_names_that_the_vectors_answer(vectors: Vectors) -> None:
    checks = list(check_labels(vectors, open_lookup(vectors, None)))
    assert len(checks) == 160
    assert [str(check) for check in checks if not check.passed] == []


@pytest.mark.skipif(VOCAB is None, reason="JUKEBOX_VOCAB names no folder of published label lists")
def test_label_cases_with_the_published_lists(vectors: Vectors) -> None:
    assert VOCAB is not None
    checks = list(check_labels(vectors, open_lookup(vectors, Path(VOCAB))))
    assert [str(check) for check in checks if not check.passed] == []


# -------------------------------------------------------------------------- it would notice


def damaged(tmp_path: Path, array: str, change: float, where: tuple[int, ...]) -> Path:
    """A copy of the VQ-VAE vectors with one number changed."""
    for name in ("hparams.json", "vqvae_losses.json"):
        shutil.copy(GOLDEN / name, tmp_path)
    (tmp_path / "checkpoints").mkdir()
    shutil.copy(GOLDEN / "checkpoints" / "vqvae.pth.tar", tmp_path / "checkpoints")
    with np.load(GOLDEN / "vqvae.npz") as opened:
        arrays = {name: opened[name].copy() for name in opened.files}
    arrays[array][where] += change
    np.savez(tmp_path / "vqvae.npz", **arrays)
    return tmp_path


@pytest.mark.parametrize(
    ("array", "change", "where"),
    [("random_decoded_l1", 1e-2, (0, 5, 0)), ("ema_b_k_sum_after", 1e-2, (3, 3)), ("ema_a_codes", 1, (0,))],
)
def test_one_wrong_number_is_found(tmp_path: Path, array: str, change: float, where: tuple[int, ...]) -> None:
    with Vectors(damaged(tmp_path, array, change, where), torch.device("cpu")) as opened, torch.inference_mode():
        failed = [check.name for check in check_vqvae(opened) if not check.passed]
    assert failed == [f"vqvae {array}"]


def test_an_array_that_nobody_checks_is_a_failure(tmp_path: Path) -> None:
    folder = damaged(tmp_path, "audio", 0.0, (0, 0, 0))
    with np.load(folder / "vqvae.npz") as opened:
        arrays = dict(opened)
    np.savez(folder / "vqvae.npz", **arrays, mystery=np.zeros(3))
    with Vectors(folder, torch.device("cpu")) as opened, torch.inference_mode():
        assert [check.name for check in check_vqvae(opened) if not check.passed] == ["vqvae mystery"]


def test_comparisons() -> None:
    a = np.array([1.0, 2.0, 1000.0])
    assert compare("x", a, a + np.array([1e-4, 2e-4, 0.09]), HIDDEN).passed
    assert not compare("x", a, a + np.array([3e-4, 0, 0]), HIDDEN).passed
    assert not compare("x", a, a[:2], HIDDEN).passed
    assert not compare("x", a, np.array([1.0, np.nan, 1000.0]), HIDDEN).passed
    assert not compare("x", np.array([1, 2]), np.array([1, 3]), EXACT).passed


def test_draws_may_part_only_at_a_rounding_tie() -> None:
    expected, got = np.array([[1, 2, 3, 4], [5, 6, 7, 8]]), np.array([[1, 9, 9, 9], [5, 6, 7, 8]])
    wide = np.ones((2, 4))
    tie = wide.copy()
    tie[0, 1] = 1e-5
    late = wide.copy()
    late[0, 2] = 1e-5
    assert not compare_draws("x", expected, got, wide).passed
    assert compare_draws("x", expected, got, tie).passed
    assert not compare_draws("x", expected, got, late).passed


def _top_level_run(vectors: Vectors) -> tuple[pipelines._Run, list[object], torch.Tensor, torch.Tensor]:
    run = pipelines._Run(
        "5b_continue", vectors.json("pipelines")["5b_continue"], vectors.arrays("pipeline_5b_continue"), vectors
    )
    lookup = open_lookup(vectors, None)
    labels = [song_labels(meta, run.prior(Level.TOP).config, lookup) for meta in run.settings["metas"]]
    expected = torch.from_numpy(run.arrays["zs2"].astype(np.int64))
    return run, labels, pipelines._given(run)[Level.TOP], expected


def test_windows_that_part_without_a_tie_are_failures(vectors: Vectors) -> None:
    run, labels, given, expected = _top_level_run(vectors)
    wrong = expected.clone()
    wrong[1, 100] = (wrong[1, 100] + 1) % 64
    got, ties = pipelines._sample(run, Level.TOP, labels, given, wrong, None)  # type: ignore[arg-type]
    assert ties == [] and int((got != wrong).sum()) == 1


def test_windows_after_a_tie_are_checked_from_the_expected_codes(
    vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, labels, given, expected = _top_level_run(vectors)
    wrong = expected.clone()
    wrong[1, 100] = (wrong[1, 100] + 1) % 64
    monkeypatch.setattr(pipelines, "_gap", lambda *_: 0.0)
    got, ties = pipelines._sample(run, Level.TOP, labels, given, wrong, None)  # type: ignore[arg-type]
    assert ties[0][:2] == (1, 100)
    free = pipelines.ties_mask(ties, got)
    assert free[1, 100] and not free[0].any()
    assert got.shape == expected.shape


def test_a_folder_without_vectors_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"hparams\.json"):
        run_conformance(tmp_path)
    (tmp_path / "hparams.json").write_text("{}")
    with pytest.raises(CheckpointError, match="VQ-VAE"):
        run_conformance(tmp_path)


def test_a_damaged_array_file_is_told(tmp_path: Path) -> None:
    folder = damaged(tmp_path, "audio", 0.0, (0, 0, 0))
    (folder / "vqvae.npz").write_bytes(b"no arrays here")
    with pytest.raises(CheckpointError, match=r"vqvae\.npz"):
        run_conformance(folder)


def test_reports_fail_when_nothing_was_checked() -> None:
    assert not Report().passed
    report = Report([compare("x", np.zeros(2), np.zeros(2), EXACT)])
    assert report.passed and not dataclasses.replace(report, checks=[compare("x", 1.0, 2.0, HIDDEN)]).passed
