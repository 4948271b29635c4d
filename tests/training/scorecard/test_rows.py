"""Verdicts at and around the goals, reports of earlier versions, and the tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from explorer.checkpoints.folder import SHIPPED, model_hashes
from explorer.training.scorecard import page
from explorer.training.scorecard.rows import (
    ENOUGH_SAMPLES,
    Row,
    Sense,
    Verdict,
    columns,
    markdown,
    percent,
    rows,
    set_columns,
    text,
)

OLD: dict[str, Any] = {
    "model": "first",
    "songs": {"count": 24, "hours": 0.3},
    "levels": {"top": {"reconstruction": {"spectral_convergence_db": -8.0}, "codes": {"music_bits": 9.6}}},
}


def report(**changes: Any) -> dict[str, Any]:
    """A whole report in which every goal is just reached; ``changes`` name entries by path with double underlines."""

    def measures(accuracy: float) -> dict[str, Any]:
        recognition = {"accuracy": accuracy, "clips": 3, "classes": ["a", "b"], "confusion": [[2, 0], [1, 0]]}
        return {
            "labels": {"genre": dict(recognition), "artist": dict(recognition)},
            "structure": {
                "genres": {
                    g: {"flatness": f, "onsets": 3.0, "pulse": 0.5, "bars": 0.2, "pitch": 200.0}
                    for g, f in (("a", 0.01), ("b", 0.02))
                },
                "order_kept": {"flatness": 0.9, "onsets": 0.5, "pulse": 0.4, "pitch": 0.1},
                "pulse": 0.3,
                "bars": 0.2,
            },
            "words": {"clips": 9, "median_right": 0.4, "median_wrong": 1.0, "understood": 0.8},
            "letters": {"frames": 900, "heard": 0.3, "by_chance": 0.1},
            "notes": {"clips": 9, "voiced": 0.5, "within_50_cents": 0.75, "by_chance": 0.5833},
            "distance": {"frechet": 12.0, "pieces": 90},
            "faults": {"clips": 200, "faulty": 0, "silence": 0, "clipping": 0},
        }

    found: dict[str, Any] = {
        "model": "tiny",
        "songs": {"count": 24, "hours": 0.3},
        "samples": {"count": 200},
        "excerpts": {"seconds": 10.0},
        "levels": {
            level: {
                "reconstruction": {"spectral_convergence_db": goal, "used": 1.0},
                "codes": {"music_bits": 5.0, "wrong_labels_bits": 5.2, "opening_bits": 5.0, "unigram_bits": 9.0,
                          "opening_wrong_labels_bits": 5.5, "sung_bits": 5.0, "sung_wrong_lyrics_bits": 5.15},
            }
            for level, goal in (("top", -8.3), ("middle", -12.4), ("bottom", -23.0))
        },
        "sets": {name: measures(0.5) for name in ("real", "top", "middle", "bottom")},
    }  # fmt: skip
    deciles = [10.0 * i for i in range(1, 9)] + [None]
    found["sets"]["real"]["timing"] = {
        "words": 90, "words_timed": 0.9, "median_error_ms": 100.0, "error_deciles_ms": deciles, "monotone": 1.0,
    }  # fmt: skip
    found["sets"]["generated"] = measures(0.4)
    found["sets"]["generated"]["timing"] = {"words": 0, "songs": 9, "monotone": 0.95}
    for path, value in changes.items():
        *folders, last = path.split("__")
        place = found
        for folder in folders:
            place = place[folder]
        place[last] = value
    return found


def verdicts(found: dict[str, Any]) -> dict[str, Verdict]:
    return {row.measure: row.verdict for row in rows(found)}


def test_every_goal_that_is_just_reached_is_met() -> None:
    found = verdicts(report())
    assert set(found.values()) == {Verdict.MET, Verdict.REPORTED}
    assert sum(verdict is Verdict.MET for verdict in found.values()) == 11


def test_what_words_are_worth_below_the_top_is_told_of_a_level_that_is_told_them() -> None:
    measure, found = "worth of the right lyrics in bits per code, middle", report()
    assert next(row for row in rows(found) if row.measure == measure).value == pytest.approx(0.15)
    del found["levels"]["middle"]["codes"]["sung_bits"]
    assert measure not in verdicts(found)


@pytest.mark.parametrize(
    ("path", "value", "measure"),
    [
        ("levels__bottom__reconstruction__spectral_convergence_db", -22.9, "spectral convergence, bottom"),
        ("levels__top__codes__sung_wrong_lyrics_bits", 5.149, "worth of the right lyrics in bits per code, top"),
        ("sets__generated__labels__genre__accuracy", 0.39, "genre recognised, share of the ceiling"),
        ("sets__generated__labels__artist__accuracy", 0.32, "artist recognised, share of the ceiling"),
        ("sets__generated__words__understood", 0.79, "own lyrics clearly heard"),
        ("sets__real__timing__median_error_ms", 101.0, "timing of held-out words, median error"),
        ("sets__real__timing__median_error_ms", None, "timing of held-out words, median error"),
        ("sets__generated__timing__monotone", 0.94, "monotone alignment"),
        ("sets__generated__notes__within_50_cents", 0.74, "notes in the song's key"),
        ("sets__generated__faults__faulty", 1, "songs with a fault"),
    ],
)
def test_a_goal_that_is_just_not_reached_is_missed(path: str, value: Any, measure: str) -> None:
    found = verdicts(report(**{path: value}))
    assert [name for name, verdict in found.items() if verdict is Verdict.MISSED] == [measure]


def test_a_goal_reached_on_too_little_is_not_met() -> None:
    found = report(sets__generated__faults__clips=199, sets__generated__notes__voiced=0.1)
    assert verdicts(found)["songs with a fault"] is Verdict.UNSURE
    assert verdicts(found)["notes in the song's key"] is Verdict.UNSURE
    assert "200 songs are asked for" in text(found)


def test_what_was_not_measured_is_told() -> None:
    assert {v for name, v in verdicts(OLD).items() if "top" not in name} == {Verdict.OPEN}
    assert verdicts(OLD)["spectral convergence, top"] is Verdict.MISSED
    assert verdicts({"levels": {}, "sets": {"bottom": {"labels": {"genre": {"accuracy": 0.0}}}}})
    assert (
        Row("x", None, percent, 0.5).shown == "–" and Row("x", 0.5, percent, 0.5, Sense.AT_MOST).goal_shown == "≤ 50 %"
    )


def test_an_earlier_report_stands_beside_it() -> None:
    head, first, *_ = columns(report(), OLD)
    assert head[1] == "before" and first[:3] == ["spectral convergence, top", "-8.00 dB", "-8.30 dB"]
    assert "before" not in columns(report())[0]
    assert len({len(row) for row in columns(report(), OLD)}) == 1


def test_tables() -> None:
    lines = markdown(report(), OLD).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert table[0].startswith("| measure | before | now | goal |") and len(table) > 31
    assert "24 held-out songs in pieces of 10 s, 200 generated songs." in lines
    sets = {row[0]: row[1:] for row in set_columns(report())}
    assert sets[""] == ["real", "bottom", "middle", "top", "upsampled", "generated"]
    assert sets["genre recognised"] == ["50 %", "50 %", "50 %", "50 %", "", "40 %"]
    assert sets["timing, median error"] == ["100 ms", "", "", "", "", ""]


@pytest.mark.parametrize("ending", ["png", "pdf"])
def test_the_page_is_drawn_of_whole_and_of_empty_reports(ending: str, tmp_path: Path) -> None:
    target = tmp_path / f"page.{ending}"
    page.draw(report(), target, OLD)
    whole = target.stat().st_size
    page.draw({"model": "nothing", "levels": {}, "sets": {}}, target)
    assert whole > 1.1 * target.stat().st_size > 5_000


STALE = "`report.json` is of earlier weights."
"""What the card has to say while weights are newer than the scorecard, which takes hours."""


def test_the_card_of_the_shipped_model_has_a_whole_scorecard_of_its_weights() -> None:
    folder = SHIPPED / "pocket"
    shipped = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert (shipped["weights"] != model_hashes(folder, verify=True)) == (STALE in card)
    assert shipped["samples"]["of_these_weights"] == shipped["samples"]["count"] >= ENOUGH_SAMPLES
    assert not [row.measure for row in rows(shipped) if row.verdict in (Verdict.OPEN, Verdict.UNSURE)]
    table = [line[2:-2].split(" | ") for line in card.splitlines() if line.startswith("| ")]
    told = {cells[0]: cells for cells in table if len(cells) == len(columns(shipped, shipped)[0])}
    for measure, value, *_ in columns(shipped)[1:]:
        assert told[measure][2] == value, "the card's column is made from the report"
