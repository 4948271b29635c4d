"""What each level really receives for a song, as the page shows it; and names as pickers show them.

Knows: how labels, words and windows read in plain words. Does not know: HTTP or the queue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from explorer.engine import Jukebox
from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.jukebox.ground import PHRASE
from explorer.jukebox.labels import UNKNOWN, NoteKind, SongLabels
from explorer.jukebox.lyrics import lyric_window
from explorer.jukebox.sheet import LeadSheet
from explorer.jukebox.song import SamplingOptions, Song
from explorer.jukebox.windows import window_starts
from explorer.library.query import fold

MAX_WINDOWS = 12
"""Lyric windows that are listed; longer songs show the first ones."""
MAX_NAMES = 60
"""Suggestions of a picker at once."""

_READS = {Level.TOP: "the words", Level.MIDDLE: "top codes", Level.BOTTOM: "middle codes"}
_CHANGED = (NoteKind.LYRICS_REPLACED, NoteKind.LYRICS_DROPPED)


def describe(engine: Jukebox, song: Song, options: SamplingOptions, goes_on: bool) -> dict[str, Any]:
    """Rows, notes and lyric windows for ``song``, which may go on from music that exists. Raises SongError where it
    cannot be conditioned on."""
    labels = engine.describe(song)
    readers = [level for level in SAMPLING_ORDER if engine.config.prior(level).vocabulary is not None]
    cells: dict[str, dict[str, dict[str, Any]]] = {"Genre": {}, "Artist": {}, "Words": {}, "Place": {}, "Reads": {}}
    for level in SAMPLING_ORDER:
        known = engine.lists[level]
        received = labels[level]
        cells["Genre"][level.value] = _names(received.genres, known.genres, bool(song.genre))
        cells["Artist"][level.value] = _names(received.artists, known.artists, bool(song.artist))
        cells["Words"][level.value] = _words(received)
        rate = engine.config.sample_rate
        place = f"{_clock(received.offset / rate)} of {_clock(received.total_length / rate)}"
        cells["Place"][level.value] = {"text": place, "known": None}
        cells["Reads"][level.value] = {"text": _reads(level, received), "known": None}
    sheet = engine.lead_sheet(song)
    plan = {} if sheet is None else {"Bars": _bars(sheet)}
    if sheet is not None and sheet.notes is not None:
        plan["Tune"] = sheet.range or "no notes"
    for name, planned in plan.items():
        texts = {level: "not used" for level in SAMPLING_ORDER} | {Level.TOP: "by ear" if goes_on else planned}
        cells[name] = {level.value: {"text": text, "known": None} for level, text in texts.items()}
    return {
        "levels": [level.value for level in SAMPLING_ORDER],
        "rows": [{"name": name, "cells": row} for name, row in cells.items()],
        "notes": _notes(labels, readers),
        "windows": _windows(engine, song, labels[Level.TOP], options),
        "seconds": song.seconds,
    }


def total_seconds(engine: Jukebox, labels: SongLabels) -> float:
    """Seconds of the imagined whole song."""
    return labels.total_length / engine.config.sample_rate


def _reads(level: Level, received: SongLabels) -> str:
    if level is Level.TOP and not received.lyric_tokens:
        return "no words"
    if level is not Level.TOP and received.lyric_tokens:
        return f"{_READS[level]} and the words"
    return _READS[level]


def _bars(sheet: LeadSheet) -> str:
    """Tempo, key, and the chords of the first phrase."""
    chords = " | ".join(name or "–" for name in sheet.chords[:PHRASE]) if any(sheet.chords) else ""
    return "\n".join(part for part in (f"{sheet.tempo:.0f} beats a minute", sheet.key, chords) if part)


def _names(ids: Sequence[tuple[int, float]], known: Mapping[str, int], asked: bool) -> dict[str, Any]:
    """Ids with their names and weights; ``known`` is None where nothing was asked for."""
    names = {value: name for name, value in known.items()}
    if not ids:
        return {"text": "not used", "known": None}
    parts = []
    for value, weight in ids:
        share = f"{weight:.2f} " if len(ids) > 1 and weight != 1.0 else ""
        parts.append(f"{share}{names.get(value, 'unknown') if value != UNKNOWN else 'unknown'}, {value}")
    return {"text": "\n".join(parts), "known": all(value != UNKNOWN for value, _ in ids) if asked else None}


def _words(received: SongLabels) -> dict[str, Any]:
    changed = sum(note.kind in _CHANGED for note in received.notes)
    if not received.lyric_tokens:
        return {"text": "none", "known": False if changed else None}
    return {"text": f"{len(received.lyric_tokens):,} characters", "known": not changed}


def _notes(labels: Mapping[Level, SongLabels], readers: Sequence[Level]) -> list[str]:
    """Every note once, with the levels it is true for where it is not true for all, or for all ``readers`` of words."""
    found: dict[str, list[str]] = {}
    for level in SAMPLING_ORDER:
        for note in labels[level].notes:
            found.setdefault(note.text, []).append(level.value)
    unsaid = (["top"], [level.value for level in SAMPLING_ORDER], [level.value for level in readers])
    return [
        text if levels in unsaid else f"{' and '.join(levels).capitalize()}: {text}" for text, levels in found.items()
    ]


def _windows(engine: Jukebox, song: Song, labels: SongLabels, options: SamplingOptions) -> list[dict[str, Any]]:
    """Which part of the words each sampling window of the top level reads; times in seconds of the result."""
    config = engine.config
    prior = config.prior(Level.TOP)
    if prior.lyrics is None or not labels.lyric_tokens:
        return []
    hop, rate = config.hop(Level.TOP), config.sample_rate
    length = int(song.seconds * rate / hop + 1e-6)
    fraction = options.hop_fraction.get(Level.TOP, config.hop_fraction[Level.TOP.index])
    found = []
    for start in window_starts(length, prior.n_ctx, fraction)[:MAX_WINDOWS]:
        seen = lyric_window(
            len(labels.lyric_tokens),
            prior.lyrics.n_tokens,
            labels.total_length,
            labels.offset + start * hop,
            prior.n_ctx * hop,
            True,
        )
        places = [labels.token_characters[index] for index in seen if index >= 0]
        text = " ".join(song.lyrics[places[0] : places[-1] + 1].split()) if places else ""
        stop = min(length, start + prior.n_ctx)
        found.append({"from": start * hop / rate, "to": stop * hop / rate, "text": _middle_out(text)})
    return found


def _middle_out(text: str, most: int = 64) -> str:
    """The beginning and the end of a long text."""
    return text if len(text) <= most else f"{text[: most // 2].rstrip()} … {text[-most // 2 :].lstrip()}"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def find_names(engine: Jukebox, kind: str, typed: str) -> dict[str, Any]:
    """Names of ``kind`` ("genre" or "artist") of which every typed word begins a word, best first.

    {"names": [{"name", "note"}], "total"}; the note says which levels do not know a name.
    """
    by_level = {level: _of_kind(engine, level, kind) for level in SAMPLING_ORDER}
    wanted = fold(typed).replace("_", " ").split()
    found: list[tuple[bool, str, str]] = []
    for name in dict.fromkeys(name for names in by_level.values() for name in names):
        folded = fold(name).replace("_", " ")
        words = folded.split()
        if all(any(word.startswith(part) for word in words) for part in wanted):
            found.append((not folded.startswith(" ".join(wanted)), folded, name))
    found.sort()
    entries = []
    for _, _, name in found[:MAX_NAMES]:
        lacking = [level.value for level in SAMPLING_ORDER if name not in by_level[level]]
        entries.append({"name": name, "note": f"unknown to {' and '.join(lacking)}" if lacking else ""})
    return {"names": entries, "total": len(found)}


def _of_kind(engine: Jukebox, level: Level, kind: str) -> dict[str, int]:
    lists = engine.lists[level]
    names = lists.genres if kind == "genre" else lists.artists
    return {name: value for name, value in names.items() if value != UNKNOWN}
