"""Sound and samples read by a model without composing anything, as a sample folder.

Knows: what goes into the folder of a reconstruction: codes, what each level decodes to, and the
recording itself. Does not know: encoding and decoding (``engine``), or who asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.jukebox.song import SamplingOptions, Song
from explorer.library import Library, Mode, Sample
from explorer.studio.jobs import PromptAudio
from explorer.studio.run import begin_record, prompt_sound

if TYPE_CHECKING:
    from explorer.engine import Jukebox
    from explorer.jukebox.alignment import Alignment


def reconstruct(engine: Jukebox, library: Library, sound: PromptAudio, title: str) -> str:
    """Send a recording through the autoencoder; the id of the sample with it and all three levels.

    Raises AudioError, StudioError and StorageError; leaves no sample behind then.
    """
    original = prompt_sound(engine.config, sound)
    codes = engine.encode(original[None])
    song = sized(engine, Song(), codes)
    return write_reading(engine, library, song, codes, title, original=original).record.id


def sized(engine: Jukebox, song: Song, codes: Mapping[Level, torch.Tensor]) -> Song:
    """``song`` as long as its codes [1, n]."""
    config = engine.config
    seconds = max(row.shape[1] * config.hop(level) for level, row in codes.items()) / config.sample_rate
    return replace(song, seconds=seconds)


def write_reading(
    engine: Jukebox,
    library: Library,
    song: Song,
    codes: Mapping[Level, torch.Tensor],
    title: str,
    parent: Sample | None = None,
    alignment: Alignment | None = None,
    original: torch.Tensor | None = None,
) -> Sample:
    """A sample of codes [1, n] that were read, each level decoded; whole or not there at all."""
    record = begin_record(
        engine,
        song,
        SamplingOptions(),
        Mode.RECONSTRUCT,
        title=title,
        parent=parent.record.id if parent else None,
        prompt_seconds=song.seconds,
    )
    writer = library.create(record)
    try:
        if original is not None:
            writer.set_original(original)
        for level in SAMPLING_ORDER:
            if level in codes:
                writer.start_level(level, 0, codes[level][0])
                writer.level_done(level, codes[level][0], engine.decode(codes[level], level)[0])
        if alignment is not None:
            writer.set_alignment(alignment)
        writer.finish()
    except BaseException:
        writer.close()
        library.delete([record.id])
        raise
    return library.sample(record.id)
