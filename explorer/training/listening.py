"""How generated songs sound against the corpus, genre by genre: figures and a plot.

Knows: which figures are compared (``audio.analysis``), and that the finest level of a sample is
what is heard. Does not know models. Every figure is the median over the clips of a genre.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from explorer.audio.analysis import loudness, onset_rate, pitch_range, spectral_flatness
from explorer.audio.files import read_audio
from explorer.library.sample import Sample
from explorer.training.corpus import Corpus

FIGURES = {
    "flatness_db": "spectral flatness (dB)",
    "onsets_per_second": "onsets per second",
    "pitch_median_hz": "median pitch (Hz)",
    "pitch_semitones": "pitch range (semitones)",
    "voiced": "voiced share",
    "lufs": "loudness (LUFS)",
}


def describe_clip(audio: np.ndarray, sample_rate: int) -> dict[str, float]:
    """The figures of one clip [samples]; those that silence or noise do not have are left out."""
    flatness, loud = spectral_flatness(audio, sample_rate), loudness(audio, sample_rate)
    pitch = pitch_range(audio, sample_rate)
    found: dict[str, float] = {"onsets_per_second": onset_rate(audio, sample_rate)}
    if flatness:
        found["flatness_db"] = 10 * float(np.log10(flatness))
    if pitch is not None:
        found |= {"pitch_median_hz": pitch.median, "pitch_semitones": pitch.semitones, "voiced": pitch.voiced}
    if loud is not None:
        found["lufs"] = loud
    return found


def corpus_clips(corpus: Corpus, seconds: float) -> Iterable[tuple[str, dict[str, float]]]:
    """(genre, figures) of the beginning of every song, as long as the samples are."""
    for song in corpus.songs:
        count = min(song.samples, int(seconds * corpus.sample_rate))
        yield song.genre, describe_clip(corpus.audio(song, 0, count), corpus.sample_rate)


def sample_clips(folders: Iterable[Path]) -> Iterable[tuple[str, dict[str, float]]]:
    """(genre, figures) of every finished sample of one genre; mixtures are nobody's genre."""
    for folder in folders:
        record = (sample := Sample.open(folder)).record
        if record.finest is None or "/" in record.song.genre:
            continue
        audio = read_audio(sample.audio_path(record.finest), record.sample_rate)
        yield record.song.genre, describe_clip(audio, record.sample_rate)


def by_genre(clips: Iterable[tuple[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """genre → figure → median over its clips."""
    collected: dict[str, dict[str, list[float]]] = {}
    for genre, figures in clips:
        for name, value in figures.items():
            collected.setdefault(genre, {}).setdefault(name, []).append(value)
    return {
        genre: {name: round(statistics.median(values), 3) for name, values in found.items()}
        for genre, found in sorted(collected.items())
    }


def compare(corpus: dict[str, Any], samples: dict[str, Any]) -> dict[str, float]:
    """For every figure the rank correlation over genres between corpus and samples (Spearman's).

    1: the samples order the genres as the corpus does; about 0: the genre is not heard in it.
    """
    genres = [genre for genre in corpus if genre in samples]
    found = {}
    for name in FIGURES:
        pairs = [(corpus[g][name], samples[g][name]) for g in genres if name in corpus[g] and name in samples[g]]
        if len(pairs) >= 3:
            ranks = np.stack([np.argsort(np.argsort(column)) for column in zip(*pairs, strict=True)])
            found[name] = round(float(np.atleast_2d(np.corrcoef(ranks))[0, 1]), 3)
    return found


def plot(corpus: dict[str, Any], samples: dict[str, Any], target: Path) -> None:
    """One panel per figure: corpus against samples, a labelled point per genre."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 8), layout="constrained")
    panels: Sequence[Any] = figure.subplots(2, 3).flatten()
    for axes, (name, label) in zip(panels, FIGURES.items(), strict=True):
        for genre in corpus:
            if name in corpus[genre] and name in samples.get(genre, {}):
                x, y = corpus[genre][name], samples[genre][name]
                axes.plot(x, y, "o", markersize=4, color="#6d45c2")
                axes.annotate(genre, (x, y), fontsize=7, xytext=(3, 3), textcoords="offset points")
        axes.set_title(label, fontsize=9)
        axes.set_xlabel("corpus", fontsize=8)
        axes.set_ylabel("generated", fontsize=8)
    figure.savefig(target, dpi=110)
