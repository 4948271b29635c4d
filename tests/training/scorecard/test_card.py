"""The whole scorecard of a tiny random model on a corpus of seconds, without recogniser and pitch tracker."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.jukebox.song import LevelSampling, SamplingOptions
from explorer.training.scorecard import card, words
from explorer.training.scorecard.card import HEARD, Family, Plan, check_evaluators, score
from explorer.training.scorecard.rows import rows
from tests.training.making import write_corpus
from tests.ui.tiny_model import write_tiny_model

FAMILIES = frozenset(Family) - {Family.WORDS, Family.LETTERS, Family.NOTES, Family.DISTANCE}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder / "train", ("a_00", "b_00", "c_00", "d_00", "e_00", "f_00"))
    write_corpus(folder / "validation")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


def plan(model: Path, corpus: Path, work: Path, **changes: Any) -> Plan:
    given: dict[str, Any] = {"families": FAMILIES, "seconds": 1.0, "excerpts": 2, "windows": 1, "samples": None}
    return Plan(model, corpus / "validation", corpus / "train", work=work, evaluators=work, **(given | changes))


def test_all_sets_are_measured_alike(model: Path, corpus: Path, tmp_path: Path) -> None:
    said: list[str] = []
    report = score(plan(model, corpus, tmp_path), say=said.append)
    assert said and json.loads(json.dumps(report, allow_nan=False)) == report
    assert list(report["levels"]) == ["top", "middle", "bottom"]
    assert report["levels"]["top"]["codes"]["music_bits"] > 0
    assert set(report["sets"]) == {"real", "top", "middle", "bottom"}
    for measured in report["sets"].values():
        assert measured["faults"]["clips"] == 6 and measured["labels"]["artist"]["clips"] == 6
        assert sum(genre["clips"] for genre in measured["structure"]["genres"].values()) == 6
    assert report["sets"]["real"]["labels"]["artist"]["accuracy"] == 1.0  # every artist has a tone of its own
    assert report["sets"]["real"]["timing"]["words"] == 12
    shown = {row.measure: row.value for row in rows(report)}
    assert shown["spectral convergence, top"] is not None and shown["songs with a fault"] is None


def test_top_codes_of_held_out_songs_are_upsampled_on_demand(model: Path, corpus: Path, tmp_path: Path) -> None:
    families = frozenset({Family.LABELS, Family.FAULTS})
    report = score(plan(model, corpus, tmp_path, families=families, upsample=True))
    assert set(report["sets"]) == {"real", "top", "middle", "bottom", "upsampled"}
    drawn = report["sets"]["upsampled"]
    assert drawn["faults"]["clips"] == 6 and drawn["labels"]["genre"]["clips"] == 6


def test_upsampled_clips_are_drawn_as_asked(
    model: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def listen(jukebox: Any, clips: Any, sampling: Any) -> Any:
        asked.append(sampling)
        return iter(clips)

    monkeypatch.setattr(card, "upsampled", listen)
    sampling = SamplingOptions(middle=LevelSampling(0.5))
    score(plan(model, corpus, tmp_path, families=frozenset({Family.FAULTS}), upsample=True, sampling=sampling))
    assert asked == [sampling]


def test_without_training_songs_labels_are_not_measured(model: Path, corpus: Path, tmp_path: Path) -> None:
    families = frozenset({Family.LABELS, Family.FAULTS})
    given = plan(model, corpus, tmp_path, families=families)
    report = score(Plan(given.model, given.heldout, None, None, tmp_path, tmp_path, families, 1.0))
    assert report["levels"] == {} and set(report["sets"]["real"]) == {"faults"}


def test_a_missing_evaluator_is_told_before_any_work(
    model: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name in ("swift_f0", "jiwer", "faster_whisper"):
            raise ImportError(f"No module named '{name}'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    for family in (Family.WORDS, Family.LETTERS, Family.NOTES, Family.DISTANCE):
        with pytest.raises(ValueError, match="pip install"):
            check_evaluators(frozenset({family}), tmp_path)
        with pytest.raises(ValueError, match="pip install"):
            score(plan(model, corpus, tmp_path / "work", families=frozenset({family})))
    assert not (tmp_path / "work").exists()
    check_evaluators(FAMILIES, tmp_path)


class Deaf:
    """Evaluators with known answers, instead of those in packages."""

    def __init__(self, *given: Any) -> None:
        pass

    def words(self, audio: Any, sample_rate: int) -> list[str]:
        return ["la", "di", "da"]

    def states(self, audio: Any, sample_rate: int) -> Any:
        frames = -(-len(audio) * 50 // sample_rate)
        return np.resize(audio, (frames, 8))

    def voiced(self, audio: Any, sample_rate: int) -> Any:
        return np.array([261.63, 0.0])


def test_evaluators_are_asked_about_every_clip(
    model: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "Recogniser", Deaf)
    monkeypatch.setattr(card, "PitchTracker", Deaf)
    monkeypatch.setattr(words, "word_error_rate", lambda lyrics, heard: float(lyrics.split()[: len(heard)] != heard))
    report = score(plan(model, corpus, tmp_path, families=HEARD, seconds=2.0))
    assert report["levels"] == {}
    for name in ("real", "top", "middle", "bottom"):
        assert report["sets"][name]["notes"]["voiced"] == 0.5
        assert report["sets"][name]["notes"]["tune_kept"] == 1.0
        assert report["sets"][name]["words"]["clips"] > 0
        # a letter lasts a tenth of a second, five frames; of six songs the sung ones have them
        letters = report["sets"][name]["letters"]
        assert letters["frames"] > 100 and 0 <= letters["heard"] <= 1
    assert report["sets"]["bottom"]["distance"]["pieces"] == 6 == report["sets"]["training"]["distance"]["pieces"]
