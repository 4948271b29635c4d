"""When each character is sung: attention of the top level, and times read from it.

Knows: which windows' attention is put together how (jukebox fact sheet, section f), and a monotone
path through it. Does not know files or plots.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn import functional as F

from explorer.jukebox.following import heard_places
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.prior import Prior
from explorer.jukebox.rows import window_conditioning, window_lyric_bias, window_lyric_indices
from explorer.jukebox.windows import window_starts

SILENT_SHARE = 0.2
"""A character sounds from where its attention first exceeds this share of its largest."""


@dataclass(frozen=True)
class CharacterTime:
    """One character of ``Song.lyrics``: seconds of the audio, confidence 0 to 1."""

    index: int
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class SpanTime:
    """A word or a line: characters start_index … end_index − 1 of ``Song.lyrics``."""

    start_index: int
    end_index: int
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Alignment:
    """Attention and the times read from it. Characters that the music does not reach have no time."""

    weights: torch.Tensor
    """[top codes, lyric tokens] float32: where in the lyrics the model looked at each code."""
    token_characters: tuple[int, ...]
    """For each column the index of its character in ``Song.lyrics``."""
    characters: tuple[CharacterTime, ...]
    words: tuple[SpanTime, ...]
    lines: tuple[SpanTime, ...]
    confidence: float
    """Mean share of attention that lies on or next to the path."""


def lyric_attention(
    prior: Prior,
    labels: Sequence[SongLabels],
    codes: torch.Tensor,
    hop_fraction: float,
    device: torch.device,
    places: torch.Tensor | None = None,
) -> list[torch.Tensor]:
    """Attention [codes, lyric tokens] of the alignment layer and head for every song.

    ``codes`` [songs, n] of the top level. Every window is run with its own stretch of lyrics; where
    windows overlap the earlier one wins in the columns it sees. ``places`` [songs, n], where a model that follows
    its lyrics was told them; otherwise it listens. Raises ValueError for a model without an alignment layer.
    """
    config = prior.config
    layer, head = config.alignment_layer, config.alignment_head
    if layer is None or head is None or config.lyrics is None:
        raise ValueError("this model names no layer and head whose attention follows the lyrics")
    length, n_ctx = codes.shape[1], config.n_ctx
    padded = F.pad(codes, (0, max(0, n_ctx - length)))
    results: list[torch.Tensor] = []
    starts = window_starts(padded.shape[1], n_ctx, hop_fraction)
    for number, (song, row) in enumerate(zip(labels, padded, strict=True)):
        known = None
        if config.follows:
            heard = heard_places(prior.listener, song, row[:length].to(device)) if places is None else places[number]
            known = F.pad(heard[None], (0, max(0, n_ctx - length)), value=int(heard[-1]))
        # one more column collects what falls on padding tokens
        matrix = torch.zeros(padded.shape[1], len(song.lyric_tokens) + 1)
        for start in reversed(starts):
            with torch.inference_mode():
                conditioning = window_conditioning(prior, [song], start, None, device)
                if known is not None:
                    bias = window_lyric_bias(prior, [song], [start], known[:, start : start + n_ctx])
                    conditioning = replace(conditioning, lyric_bias=bias.to(device))
                window = row[start : start + n_ctx].unsqueeze(0).to(device)
                weights = prior.lyric_weights(window, conditioning, layer)[0, head].cpu()
            columns = torch.tensor(window_lyric_indices(prior, song, start))
            columns[columns < 0] = len(song.lyric_tokens)
            # as published, only the window's own columns are replaced where windows overlap
            matrix[start : start + n_ctx, columns] = weights
        results.append(matrix[:length, :-1].clone())
    return results


def align(weights: torch.Tensor, labels: SongLabels, lyrics: str, seconds_per_code: float) -> Alignment:
    """Times per character, word and line from attention [codes, tokens].

    The most likely monotone path (each code stays on its character or moves to the next one) is
    found by dynamic programming; it may begin and end anywhere in the lyrics, since a stretch of a
    longer song holds only some of them.
    """
    path = monotone_path(weights)
    near = _near_path(weights, path)
    total = weights.sum(1).clamp_min(1e-9)
    characters = []
    for column, first, last in _runs(path):
        stretch = weights[first:last, column]
        loud = (stretch >= SILENT_SHARE * stretch.max()).nonzero().flatten()
        begin, end = (first + int(loud[0]), first + int(loud[-1]) + 1) if len(loud) else (first, last)
        confidence = float((near[first:last] / total[first:last]).mean())
        for token, its_begin, its_end in _tokens_of_column(column, weights.shape[1], begin, end):
            index = labels.token_characters[token]
            characters.append(
                CharacterTime(index, its_begin * seconds_per_code, its_end * seconds_per_code, confidence)
            )
    merged = _one_per_character(characters)
    return Alignment(
        weights=weights,
        token_characters=labels.token_characters,
        characters=tuple(merged),
        words=_spans(merged, lyrics, str.isspace),
        lines=_spans(merged, lyrics, lambda c: c == "\n"),
        confidence=float((near / total).mean()) if len(path) else 0.0,
    )


def _runs(path: list[int]) -> list[tuple[int, int, int]]:
    """(column, first code, past-last code) of every column on the path."""
    runs: list[tuple[int, int, int]] = []
    for code, column in enumerate(path):
        if runs and runs[-1][0] == column:
            runs[-1] = (column, runs[-1][1], code + 1)
        else:
            runs.append((column, code, code + 1))
    return runs


def _tokens_of_column(column: int, columns: int, begin: int, end: int) -> list[tuple[int, float, float]]:
    """(token, begin, end) that attention to ``column`` stands for.

    The key of column j has read the tokens up to j − 1, so it stands for that token; the last
    column stands for the last token too, which no key of its own has read.
    """
    if column < columns - 1:
        return [(column - 1, begin, end)] if column else []
    half = (begin + end) / 2
    return [(column - 1, begin, half), (column, half, end)] if column else [(column, begin, end)]


def monotone_path(weights: torch.Tensor) -> list[int]:
    """The column of every row [codes, tokens] on the likeliest path that stays or moves on by one."""
    codes, tokens = weights.shape
    if codes == 0 or tokens == 0:
        return []
    # a floor keeps rows without any attention on lyrics from deciding where the path goes
    scores = (weights / weights.sum(1, keepdim=True).clamp_min(1e-9)).clamp_min(1e-4).log()
    best = scores[0]
    moved = torch.zeros(codes, tokens, dtype=torch.bool)
    for t in range(1, codes):
        step = torch.cat([best.new_full((1,), -math.inf), best[:-1]])
        moved[t] = step > best
        best = torch.maximum(best, step) + scores[t]
    column = int(best.argmax())
    path = [column]
    for t in range(codes - 1, 0, -1):
        column -= int(moved[t, column])
        path.append(column)
    return path[::-1]


def _near_path(weights: torch.Tensor, path: list[int]) -> torch.Tensor:
    """[codes] attention on the path's column and its two neighbours."""
    if not path:
        return weights.new_zeros(0)
    columns = torch.tensor(path)
    padded = F.pad(weights, (1, 1))
    rows = torch.arange(len(path))
    return padded[rows, columns] + padded[rows, columns + 1] + padded[rows, columns + 2]


def _one_per_character(times: list[CharacterTime]) -> list[CharacterTime]:
    """Several tokens of one written character (a sign spelled out) become one time."""
    merged: list[CharacterTime] = []
    for time in times:
        if merged and merged[-1].index == time.index:
            last = merged.pop()
            confidence = (last.confidence + time.confidence) / 2
            time = CharacterTime(time.index, last.start, time.end, confidence)
        merged.append(time)
    return merged


def _spans(times: list[CharacterTime], lyrics: str, is_gap: Callable[[str], bool]) -> tuple[SpanTime, ...]:
    """Runs of timed characters between gaps in the lyrics."""
    spans: list[SpanTime] = []
    run: list[CharacterTime] = []

    def close() -> None:
        if run:
            confidence = sum(t.confidence for t in run) / len(run)
            spans.append(SpanTime(run[0].index, run[-1].index + 1, run[0].start, run[-1].end, confidence))
            run.clear()

    previous = -1
    for time in times:
        if any(is_gap(c) for c in lyrics[previous + 1 : time.index + 1]):
            close()
        if not is_gap(lyrics[time.index]):
            run.append(time)
        previous = time.index
    close()
    return tuple(spans)
