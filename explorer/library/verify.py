"""Whether the files of a sample fit together. Knows one sample folder; does not know the library."""

from __future__ import annotations

from pathlib import Path

from explorer.audio.files import AudioError, read_audio, read_recipe
from explorer.jukebox.config import SAMPLING_ORDER
from explorer.library.record import RecordError
from explorer.library.sample import LIMITS, Sample, read_entropy

_SLACK = 0.01
"""Seconds by which audio may differ from what the record says (rounding)."""


def problems_of(folder: Path, tags: bool = True) -> list[str]:
    """Every problem in words, empty for a sound sample. Reads all files completely.

    ``tags``: missing recipes in the audio files count as a problem.
    """
    try:
        sample = Sample.open(folder)
    except RecordError as error:
        return [str(error)]
    # Hidden files are what a killed program left, or what is being written right now.
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    found = [f"{name} is no part of a sample." for name in names if name not in LIMITS]
    found += _codes(sample) + _audio(sample, tags)
    try:
        sample.sheet()
    except RecordError as error:
        found.append(str(error))
    try:
        alignment = sample.alignment()
    except RecordError as error:
        return [*found, str(error)]
    if alignment is not None:
        characters = len(sample.record.song.lyrics)
        indices = [*alignment.token_characters, *(c.index for c in alignment.characters)]
        indices += [s.end_index - 1 for s in (*alignment.words, *alignment.lines)]
        if any(index >= characters for index in indices):
            found.append("alignment.npz names characters that the lyrics do not have.")
    return found


def _codes(sample: Sample) -> list[str]:
    try:
        codes, entropy = sample.codes(), read_entropy(sample.folder)
    except RecordError as error:
        return [str(error)]
    found = []
    for level, state in sample.record.levels.items():
        there = len(codes.get(level, ()))
        # A sample being made may be ahead of its record by a window, never behind it.
        if there < state.codes or (state.finished and there != state.codes):
            found.append(f"There are {there:,} {level} codes, the record says {state.codes:,}.")
        if level in entropy and len(entropy[level]) != there:
            found.append(f"There are {len(entropy[level]):,} {level} entropies for {there:,} codes.")
    return found


def _audio(sample: Sample, tags: bool) -> list[str]:
    found = []
    for level in SAMPLING_ORDER:
        state = sample.record.levels.get(level)
        if state is None or state.seconds == 0:
            if state is not None and state.finished:
                found.append(f"The {level} level is finished and has no sound.")
            continue
        try:
            path = sample.audio_path(level)
            seconds = len(read_audio(path)) / sample.record.sample_rate
            if tags and read_recipe(path) is None:
                found.append(f"{path.name} carries no recipe.")
        except (RecordError, AudioError) as error:
            found.append(str(error))
            continue
        if seconds < state.seconds - _SLACK or (state.finished and abs(seconds - state.seconds) > _SLACK):
            found.append(f"{path.name} lasts {seconds:.2f} s, the record says {state.seconds:.2f} s.")
    if sample.has_original():
        try:
            read_audio(sample.original_path())
        except (RecordError, AudioError) as error:
            found.append(str(error))
    return found
