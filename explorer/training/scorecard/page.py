"""The scorecard on one page: a panel per family of measures, all sets beside each other, and the rows.

Knows: the entries of a report and matplotlib. Does not know how anything was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from explorer.jukebox.config import SAMPLING_ORDER
from explorer.training.scorecard.rows import CONVERGENCE, SETS, Report, Verdict, columns, entry

COLOURS = {
    "real": "#3b3b46",
    "bottom": "#6d45c2",
    "middle": "#9a7bd9",
    "top": "#c6b4ec",
    "upsampled": "#3f8f8a",
    "generated": "#d9822b",
}
GOAL: dict[str, Any] = {"color": "#2e7d4f", "linestyle": "--", "linewidth": 1}
VERDICTS = {Verdict.MET.value: "#2e7d4f", Verdict.MISSED.value: "#b3261e"}
NONE = "not measured"


def draw(report: Report, target: Path, before: Report | None = None) -> None:
    """Write the page as the ending of ``target`` says (PNG, PDF, SVG)."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    figure = Figure(figsize=(16, 27), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(3.2, 1))
    upper, lower = parts
    panels: Sequence[Any] = upper.subplots(5, 3).flatten()
    drawings: Sequence[Callable[[Any, Report], None]] = (
        _convergence, _bits, _worth, _labels, _confusion, _words, _timing, _notes, _distance,
        _flatness, _onsets, _pulse, _pitch,
    )  # fmt: skip
    for axes in panels[len(drawings) :]:
        axes.axis("off")
    for axes, drawing in zip(panels, drawings, strict=False):
        drawing(axes, report)
        axes.tick_params(labelsize=8)
        if not axes.has_data():
            axes.text(0.5, 0.5, NONE, ha="center", va="center", transform=axes.transAxes, color="#777777")
            axes.set(xticks=[], yticks=[])
    songs, samples = entry(report, "songs", "count"), entry(report, "samples", "count")
    figure.suptitle(f"{report['model']}: {songs} held-out songs, {samples} generated songs", fontsize=14)
    handles: list[Any] = [Patch(color=COLOURS[name], label=name) for name in SETS]
    handles.append(Line2D([], [], label="goal", **GOAL))
    upper.legend(handles=handles, fontsize=9, loc="outside lower center", ncols=len(handles))
    _table(lower.subplots(), report, before)
    figure.savefig(target, dpi=100)


def _title(axes: Any, text: str, unit: str = "") -> None:
    axes.set_title(text, fontsize=10)
    axes.set_ylabel(unit, fontsize=8)


def _levels(report: Report, *path: str) -> list[float]:
    values = [entry(report, "levels", level.value, *path) for level in SAMPLING_ORDER]
    return [float("nan") if value is None else value for value in values]


def _convergence(axes: Any, report: Report) -> None:
    _title(axes, "spectral convergence of the reconstruction", "dB, lower is better")
    values = _levels(report, "reconstruction", "spectral_convergence_db")
    if np.isnan(values).all():
        return
    for i, level in enumerate(SAMPLING_ORDER):
        axes.bar(i, values[i], color=COLOURS[level.value])
        axes.plot([i - 0.45, i + 0.45], [CONVERGENCE[level.value]] * 2, **GOAL)
    axes.set_xticks(range(3), [level.value for level in SAMPLING_ORDER])


def _bits(axes: Any, report: Report) -> None:
    _title(axes, "bits per held-out code (line: by frequency alone)", "bits")
    values, unigram = _levels(report, "codes", "music_bits"), _levels(report, "codes", "unigram_bits")
    if np.isnan(values).all():
        return
    axes.bar(range(3), values, color=[COLOURS[level.value] for level in SAMPLING_ORDER])
    for i, value in enumerate(unigram):
        axes.plot([i - 0.45, i + 0.45], [value] * 2, color="#777777", linewidth=1)
    axes.set_xticks(range(3), [level.value for level in SAMPLING_ORDER])


def _worth(axes: Any, report: Report) -> None:
    _title(axes, "what conditioning is worth (goal: lyrics)", "bits per code")
    pairs = {
        "labels": ("wrong_labels_bits", "music_bits"),
        "labels,\nopening": ("opening_wrong_labels_bits", "opening_bits"),
        "lyrics": ("sung_wrong_lyrics_bits", "sung_bits"),
        "bars, key,\nchords": ("without_ground_bits", "music_bits"),
        "tune": ("without_tune_bits", "music_bits"),
    }
    for j, level in enumerate(SAMPLING_ORDER):
        figures = entry(report, "levels", level.value, "codes") or {}
        for i, (wrong, right) in enumerate(pairs.values()):
            if wrong in figures and right in figures:
                axes.bar(i + 0.27 * (j - 1), figures[wrong] - figures[right], 0.25, color=COLOURS[level.value])
    if axes.has_data():
        axes.plot([1.6, 2.4], [0.15, 0.15], **GOAL)
        axes.set_xticks(range(len(pairs)), list(pairs))


def _set_bars(axes: Any, report: Report, figures: Sequence[tuple[str, tuple[str, ...]]]) -> None:
    """Groups of bars, one per set."""
    for i, (_, path) in enumerate(figures):
        for j, name in enumerate(SETS):
            value = entry(report, "sets", name, *path)
            if value is not None:
                axes.bar(i + 0.14 * (j - 2.5), value, 0.13, color=COLOURS[name])
    if axes.has_data():
        axes.set_xticks(range(len(figures)), [label for label, _ in figures])


def _labels(axes: Any, report: Report) -> None:
    _title(axes, "recognised by a classifier of the real songs", "share")
    _set_bars(axes, report, [(name, ("labels", name, "accuracy")) for name in ("genre", "artist")])
    for i, (name, goal) in enumerate((("genre", 0.80), ("artist", 0.65))):
        ceiling = entry(report, "sets", "bottom", "labels", name, "accuracy")
        if ceiling is not None:
            axes.plot([i - 0.4, i + 0.4], [goal * ceiling] * 2, **GOAL)
    if axes.has_data():
        axes.set_ylim(0, 1.02)


def _confusion(axes: Any, report: Report) -> None:
    _title(axes, "generated songs: asked for (rows), recognised (columns)")
    found = entry(report, "sets", "generated", "labels", "genre") or {}
    if not found.get("clips"):
        return
    counts = np.array(found["confusion"], dtype=float)
    axes.imshow(counts / np.maximum(1, counts.sum(axis=1, keepdims=True)), vmin=0, vmax=1, cmap="Purples")
    names = found["classes"]
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right")
    axes.set_yticks(range(len(names)), names)


def _words(axes: Any, report: Report) -> None:
    _title(axes, "words heard (goal: own lyrics clearly heard)", "rate, share")
    kinds = (("median error,\nown lyrics", "median_right"), ("median error,\nanother's", "median_wrong"),
             ("own lyrics\nclearly heard", "understood"))  # fmt: skip
    letters = ("told letters\nheard", ("letters", "heard"))
    _set_bars(axes, report, [*((label, ("words", name)) for label, name in kinds), letters])
    if axes.has_data():
        axes.plot([1.6, 2.4], [0.8, 0.8], **GOAL)


def _timing(axes: Any, report: Report) -> None:
    _title(axes, "timing of held-out words: share within", "share of the words")
    deciles = entry(report, "sets", "real", "timing", "error_deciles_ms") or []
    timed = [(value, (i + 1) / 10) for i, value in enumerate(deciles) if value is not None]
    if not timed:
        return
    axes.plot([value for value, _ in timed], [share for _, share in timed], "o-", color=COLOURS["real"], markersize=4)
    axes.set_xscale("symlog", linthresh=100)
    axes.axvline(100, **GOAL)
    axes.axhline(0.5, **GOAL)
    axes.set_xlabel("ms", fontsize=8)
    axes.set_ylim(0, 1)


def _notes(axes: Any, report: Report) -> None:
    _title(axes, "notes: voiced frames, and those of them in the key", "share")
    _set_bars(axes, report, [("voiced", ("notes", "voiced")), ("in the song's key", ("notes", "within_50_cents"))])
    chance = entry(report, "sets", "real", "notes", "by_chance")
    if chance is not None:
        axes.plot([0.6, 1.4], [chance] * 2, color="#777777", linewidth=1)
        axes.plot([0.6, 1.4], [0.75, 0.75], **GOAL)


def _distance(axes: Any, report: Report) -> None:
    _title(axes, "Fréchet distance to held-out songs", "lower is closer")
    names = [*SETS[1:], "training"]
    values = [entry(report, "sets", name, "distance", "frechet") for name in names]
    kept = [(name, value) for name, value in zip(names, values, strict=True) if value is not None]
    if kept:
        colours = [COLOURS.get(name, "#777777") for name, _ in kept]
        axes.bar(range(len(kept)), [value for _, value in kept], color=colours)
        axes.set_xticks(range(len(kept)), [name for name, _ in kept])


def _by_genre(axes: Any, report: Report, figure: str) -> None:
    """A point per genre and set; genres in the order of the real songs' figures."""
    real = entry(report, "sets", "real", "structure", "genres") or {}
    genres = sorted((g for g in real if real[g].get(figure) is not None), key=lambda genre: real[genre][figure])
    for name in SETS:
        own = entry(report, "sets", name, "structure", "genres") or {}
        values = [own.get(genre, {}).get(figure) for genre in genres]
        kept = [(i, value) for i, value in enumerate(values) if value is not None]
        if kept:
            style = "-" if name in ("real", "generated") else ""
            axes.plot(*zip(*kept, strict=True), linestyle=style, marker="o", markersize=4, color=COLOURS[name])
    if axes.has_data():
        axes.set_xticks(range(len(genres)), genres, rotation=60, ha="right")


def _flatness(axes: Any, report: Report) -> None:
    _title(axes, "spectral flatness by genre", "0: a tone, 1: white noise")
    _by_genre(axes, report, "flatness")
    if axes.has_data():
        axes.set_yscale("log")


def _onsets(axes: Any, report: Report) -> None:
    _title(axes, "beginnings of notes and strokes by genre", "per second")
    _by_genre(axes, report, "onsets")


def _pulse(axes: Any, report: Report) -> None:
    _title(axes, "pulse clarity by genre", "0.15: chance, 1: a machine's beat")
    _by_genre(axes, report, "pulse")


def _pitch(axes: Any, report: Report) -> None:
    _title(axes, "median pitch by genre", "Hz")
    _by_genre(axes, report, "pitch")


def _table(axes: Any, report: Report, before: Report | None) -> None:
    head, *body = columns(report, before)
    axes.axis("off")
    table = axes.table(body, colLabels=head, loc="upper center", cellLoc="left", edges="horizontal")
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    table.auto_set_column_width(list(range(len(head))))
    verdict = len(head) - 2
    for number, line in enumerate(body, start=1):
        table[number, verdict].get_text().set_color(VERDICTS.get(line[verdict], "#777777"))
