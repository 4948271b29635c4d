"""The goals, and how far a report is from them: the scorecard as rows, as text and as Markdown.

Knows: the entries of a report and the goals of the project. Does not know how anything was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from explorer.jukebox.config import SAMPLING_ORDER

Report = Mapping[str, Any]

ENOUGH_SAMPLES = 200
"""So many songs must be free of faults."""
ENOUGH_VOICED = 0.25
"""Of the real songs' share of voiced frames: a few frames that happen to be in tune are no tune."""
SETS = ("real", *(level.value for level in reversed(SAMPLING_ORDER)), "upsampled", "generated")


class Verdict(StrEnum):
    MET = "met"
    MISSED = "missed"
    REPORTED = "reported"
    """There is no goal."""
    OPEN = "not measured"
    UNSURE = "too little"
    """The goal seems reached, but on less than it asks for."""


class Sense(StrEnum):
    AT_MOST = "≤"
    AT_LEAST = "≥"


@dataclass(frozen=True)
class Row:
    """One line of the scorecard."""

    measure: str
    value: float | None
    show: Callable[[float], str]
    goal: float | None = None
    sense: Sense = Sense.AT_LEAST
    detail: str = ""
    enough: bool = True
    """Whether it was measured on as much as the goal asks for."""

    @property
    def verdict(self) -> Verdict:
        if self.value is None:
            return Verdict.OPEN
        if self.goal is None:
            return Verdict.REPORTED
        reached = self.value <= self.goal if self.sense is Sense.AT_MOST else self.value >= self.goal
        if not reached:
            return Verdict.MISSED
        return Verdict.MET if self.enough else Verdict.UNSURE

    @property
    def shown(self) -> str:
        return "–" if self.value is None else self.show(self.value)

    @property
    def goal_shown(self) -> str:
        return "" if self.goal is None else f"{self.sense} {self.show(self.goal)}"


def entry(report: Report, *names: str) -> Any:
    """The entry under these names; None where one of them is missing."""
    found: Any = report
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def rows(report: Report) -> list[Row]:
    """Every row of the scorecard, measured or not. Reports of any earlier version are read too."""
    return [
        *_reconstruction(report),
        *_bits(report),
        *_labels(report),
        *_structure(report),
        *_words(report),
        *_timing(report),
        _notes(report),
        _distance(report),
        _faults(report),
    ]


def decibel(value: float) -> str:
    return f"{value:.2f} dB"


def percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def bits(value: float) -> str:
    return f"{value:.3f}"


def gain(value: float) -> str:
    return f"{value:.4f}"


def milliseconds(value: float) -> str:
    return f"{value:.0f} ms"


def plain(value: float) -> str:
    return f"{value:.2f}"


def whole(value: float) -> str:
    return f"{value:.0f}"


def _said(name: str, value: float | None, show: Callable[[float], str]) -> str:
    return f"{name} {'–' if value is None else show(value)}"


CONVERGENCE = {"top": -8.3, "middle": -12.4, "bottom": -23.0}
"""dB; the published paper's table, on our corpus."""


def _reconstruction(report: Report) -> Iterable[Row]:
    for level in SAMPLING_ORDER:
        figures = entry(report, "levels", level.value, "reconstruction") or {}
        value = figures.get("spectral_convergence_db")
        used = _said("codes used", figures.get("used"), percent) if figures else ""
        goal = CONVERGENCE[level.value]
        yield Row(f"spectral convergence, {level}", value, decibel, goal, Sense.AT_MOST, used)


def _bits(report: Report) -> Iterable[Row]:
    for level in SAMPLING_ORDER:
        figures = entry(report, "levels", level.value, "codes") or {}
        detail = _said("by frequency alone", figures.get("unigram_bits"), bits) if figures else ""
        yield Row(f"bits per code, {level}", figures.get("music_bits"), bits, detail=detail)
    for level in SAMPLING_ORDER:
        figures = entry(report, "levels", level.value, "codes") or {}
        opening = _gain(figures, "opening_wrong_labels_bits", "opening_bits")
        detail = _said("at the opening of windows", opening, gain) if figures else ""
        worth = _gain(figures, "wrong_labels_bits", "music_bits")
        yield Row(f"worth of the right labels in bits per code, {level}", worth, gain, detail=detail)
    figures = entry(report, "levels", "top", "codes") or {}
    worth = _gain(figures, "sung_wrong_lyrics_bits", "sung_bits")
    yield Row("worth of the right lyrics in bits per code, top", worth, gain, 0.15)
    below = entry(report, "levels", "middle", "codes") or {}
    if "sung_bits" in below:
        worth = _gain(below, "sung_wrong_lyrics_bits", "sung_bits")
        yield Row("worth of the right lyrics in bits per code, middle", worth, gain)
    if "without_ground_bits" in figures:
        worth = _gain(figures, "without_ground_bits", "music_bits")
        yield Row("worth of bars, key and chords in bits per code, top", worth, gain)
    if "without_tune_bits" in figures:
        worth = _gain(figures, "without_tune_bits", "music_bits")
        yield Row("worth of the tune in bits per code, top", worth, gain)


def _gain(figures: Report, wrong: str, right: str) -> float | None:
    return round(figures[wrong] - figures[right], 4) if wrong in figures and right in figures else None


def _labels(report: Report) -> Iterable[Row]:
    for name, goal in (("genre", 0.80), ("artist", 0.65)):
        accuracy = {key: entry(report, "sets", key, "labels", name, "accuracy") for key in SETS}
        made, ceiling = accuracy["generated"], accuracy["bottom"]
        share = made / ceiling if made is not None and ceiling else None
        detail = ", ".join(_said(key, accuracy[key], percent) for key in ("generated", "bottom", "real"))
        measured = accuracy["real"] is not None
        yield Row(f"{name} recognised, share of the ceiling", share, percent, goal, detail=detail if measured else "")


def _structure(report: Report) -> Iterable[Row]:
    for name, measure in (("pulse", "pulse clarity"), ("bars", "strokes keep to the bars")):
        found = {key: entry(report, "sets", key, "structure", name) for key in SETS}
        detail = ", ".join(_said(key, found[key], plain) for key in SETS[:-1])
        measured = any(value is not None for value in found.values())
        yield Row(measure, found["generated"], plain, detail=detail if measured else "")
    orders = (("flatness",) * 2, ("onsets", "onsets per second"), ("pulse", "pulse clarity"), ("pitch", "median pitch"))
    for name, said in orders:
        kept = {key: entry(report, "sets", key, "structure", "order_kept", name) for key in SETS}
        measured = any(value is not None for value in kept.values())
        detail = ", ".join(_said(key, kept[key], plain) for key in SETS[1:-1]) if measured else ""
        yield Row(f"{said}, rank correlation of genres with the real songs", kept["generated"], plain, detail=detail)


def _words(report: Report) -> Iterable[Row]:
    sets = {key: entry(report, "sets", key, "words") or {} for key in SETS}
    measured = any(sets.values())
    said = ", ".join(_said(key, sets[key].get("understood"), percent) for key in SETS[:-1])
    value = sets["generated"].get("understood")
    yield Row("own lyrics clearly heard", value, percent, 0.80, detail=said if measured else "")
    said = ", ".join(_said(key, sets[key].get("median_right"), plain) for key in SETS[:-1])
    wrong = _said("another's lyrics", sets["generated"].get("median_wrong"), plain)
    value = sets["generated"].get("median_right")
    yield Row("median word error rate", value, plain, detail=f"{wrong}; {said}" if measured else "")
    letters = {key: entry(report, "sets", key, "letters", "heard") for key in SETS}
    said = ", ".join(_said(key, letters[key], percent) for key in SETS[:-1])
    chance = _said("by chance", entry(report, "sets", "generated", "letters", "by_chance"), percent)
    detail = f"{chance}; {said}" if any(value is not None for value in letters.values()) else ""
    yield Row("told letters heard", letters["generated"], percent, detail=detail)


def _timing(report: Report) -> Iterable[Row]:
    real = entry(report, "sets", "real", "timing") or {}
    timed = _said("words with a time", real.get("words_timed"), percent) if real else ""
    value = real.get("median_error_ms")
    row = Row("timing of held-out words, median error", value, milliseconds, 100.0, Sense.AT_MOST, timed)
    if value is None and real.get("words"):  # most words have no time at all
        row = Row(row.measure, float("inf"), lambda v: "none" if v == float("inf") else milliseconds(v), 100.0,
                  Sense.AT_MOST, timed)  # fmt: skip
    yield row
    made = entry(report, "sets", "generated", "timing") or {}
    detail = _said("real", real.get("monotone"), percent) if real else ""
    yield Row("monotone alignment", made.get("monotone"), percent, 0.95, detail=detail)


def _notes(report: Report) -> Row:
    sets = {key: entry(report, "sets", key, "notes") or {} for key in SETS}
    detail = ", ".join(_said(key, sets[key].get("within_50_cents"), percent) for key in SETS[:-1])
    chance = _said("by chance", sets["real"].get("by_chance"), percent)
    made, real = sets["generated"].get("voiced"), sets["real"].get("voiced")
    voiced = f"voiced {'–' if made is None else percent(made)} of the frames, {_said('real', real, percent)}"
    enough = made is not None and real is not None and made >= ENOUGH_VOICED * real
    value = sets["generated"].get("within_50_cents")
    shown = f"{voiced}; {detail}; {chance}" if any(sets.values()) else ""
    return Row("notes in the song's key", value, percent, 0.75, detail=shown, enough=enough)


def _distance(report: Report) -> Row:
    names = (*SETS[1:-1], "training")
    found = {key: entry(report, "sets", key, "distance", "frechet") for key in (*names, "generated")}
    measured = found["bottom"] is not None
    detail = ", ".join(_said(key, found[key], plain) for key in names) if measured else ""
    return Row("Fréchet distance to held-out songs", found["generated"], plain, detail=detail)


def _faults(report: Report) -> Row:
    figures = entry(report, "sets", "generated", "faults") or {}
    clips = figures.get("clips", 0)
    kinds = ", ".join(f"{name} {count}" for name, count in figures.items() if name not in ("clips", "faulty"))
    real = entry(report, "sets", "real", "faults", "faulty")
    detail = f"of {clips} songs: {kinds}; {_said('real', real, whole)}" if clips else ""
    if clips and clips < ENOUGH_SAMPLES:
        detail += f"; {ENOUGH_SAMPLES} songs are asked for"
    enough = clips >= ENOUGH_SAMPLES
    return Row("songs with a fault", figures.get("faulty"), whole, 0, Sense.AT_MOST, detail, enough)


# ------------------------------------------------------------------------------------------- tables


def columns(report: Report, before: Report | None = None) -> list[list[str]]:
    """The scorecard as text: a head and one list per row; with ``before`` a column of an earlier report."""
    head = ["measure", *(["before"] if before is not None else []), "now", "goal", "", "beside it"]
    earlier = {row.measure: row.shown for row in rows(before)} if before is not None else {}
    table = [head]
    for row in rows(report):
        old = [earlier.get(row.measure, "–")] if before is not None else []
        table.append([row.measure, *old, row.shown, row.goal_shown, row.verdict.value, row.detail])
    return table


SET_ROWS: tuple[tuple[str, tuple[str, ...], Callable[[float], str]], ...] = (
    ("genre recognised", ("labels", "genre", "accuracy"), percent),
    ("artist recognised", ("labels", "artist", "accuracy"), percent),
    ("flatness by genre, rank correlation with real", ("structure", "order_kept", "flatness"), plain),
    ("onsets by genre, rank correlation with real", ("structure", "order_kept", "onsets"), plain),
    ("pulse clarity", ("structure", "pulse"), plain),
    ("strokes keep to the bars", ("structure", "bars"), plain),
    ("pulse clarity by genre, rank correlation with real", ("structure", "order_kept", "pulse"), plain),
    ("pitch by genre, rank correlation with real", ("structure", "order_kept", "pitch"), plain),
    ("median word error rate, own lyrics", ("words", "median_right"), plain),
    ("median word error rate, another's lyrics", ("words", "median_wrong"), plain),
    ("own lyrics clearly heard", ("words", "understood"), percent),
    ("told letters heard", ("letters", "heard"), percent),
    ("timing, median error", ("timing", "median_error_ms"), milliseconds),
    ("monotone alignment", ("timing", "monotone"), percent),
    ("voiced frames", ("notes", "voiced"), percent),
    ("notes in the song's key", ("notes", "within_50_cents"), percent),
    ("tune of the real song kept", ("notes", "tune_kept"), percent),
    ("told notes sung", ("notes", "told_sung"), percent),
    ("Fréchet distance to held-out songs", ("distance", "frechet"), plain),
    ("clips with a fault", ("faults", "faulty"), whole),
)


def set_columns(report: Report) -> list[list[str]]:
    """The same measures of all sets, as text."""
    table = [["", *SETS]]
    for name, path, show in SET_ROWS:
        values = [entry(report, "sets", key, *path) for key in SETS]
        table.append([name, *("" if value is None else show(value) for value in values)])
    return table


def markdown(report: Report, before: Report | None = None) -> str:
    """Both tables for a model card."""
    excerpts, samples = entry(report, "excerpts", "seconds"), entry(report, "samples", "count")
    songs = entry(report, "songs", "count")
    lines = [_markdown_table(columns(report, before)), "", _markdown_table(set_columns(report))]
    if excerpts is not None:
        lines.append(f"\n{songs} held-out songs in pieces of {excerpts:g} s, {samples} generated songs.")
    return "\n".join(lines) + "\n"


def _markdown_table(table: Sequence[Sequence[str]]) -> str:
    head, *body = [[cell.replace("|", "\\|") for cell in row] for row in table]
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def text(report: Report, before: Report | None = None) -> str:
    """The scorecard for a terminal."""
    table = columns(report, before)
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in table
    )
