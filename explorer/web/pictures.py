"""The pictures of a sample as 8-bit arrays: spectrum, chroma, onsets, attention, uncertainty.

Knows: what a cell of each array means and how an array travels: a little-endian uint32 (length of
the header), the header as JSON, then one byte per cell in column order (time by time).
Does not know: addresses, browsers, colours.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.audio.analysis import chroma, onsets
from explorer.audio.files import inspect, read_audio
from explorer.audio.spectra import FLOOR_DB, band_centres, spectrum
from explorer.jukebox.config import Level
from explorer.library import RecordError, Sample

MAX_COLUMNS = 4000
"""Widest picture that is sent: neighbouring columns of longer songs are averaged."""
ONSET_DB = 12.0
"""Rise in level at the top of the picture of onsets: a hard stroke."""
ATTENTION_POWER = 0.7
"""Weights below 1 are lifted a little so that hesitant attention can be seen; the even floor stays dark."""

Bytes = npt.NDArray[np.uint8]


def spectrum_array(path: Path) -> bytes:
    """The mel spectrum of a sound file: 160 rows from low to high, byte 0 = -60 dB or less, 255 = 0 dB."""
    rate = inspect(path).sample_rate
    picture = spectrum(read_audio(path), rate)
    columns, factor = _narrow(picture.values.T.astype(np.float32))
    header = {
        "seconds": len(columns) * factor * picture.hop / rate,
        # A frame is centred on its sample, so the picture begins half a hop before the sound.
        "start": -0.5 * picture.hop / rate,
        "decibel": [FLOOR_DB, 0.0],
        "hertz": [round(float(f), 1) for f in band_centres()],
    }
    return _pack(np.rint(columns).astype(np.uint8), header)


def chroma_array(path: Path) -> bytes:
    """How strong each of the 12 pitch classes is, C at the bottom; byte 255 is the strongest of its moment."""
    rate = inspect(path).sample_rate
    values, hop = chroma(read_audio(path), rate)
    columns, factor = _narrow(values.T)
    header = {"seconds": len(columns) * factor * hop / rate, "start": -0.5 * hop / rate}
    return _pack(np.rint(255 * np.clip(columns, 0, 1)).astype(np.uint8), header)


def onset_array(path: Path) -> bytes:
    """Rise in level, averaged over bands, one row; byte 255 is ``decibel``. ``onsets`` in the header are seconds."""
    rate = inspect(path).sample_rate
    found = onsets(read_audio(path), rate)
    columns, factor = _narrow(found.strength[:, None])
    header = {
        "seconds": len(columns) * factor * found.hop / rate,
        "start": -0.5 * found.hop / rate,
        "decibel": ONSET_DB,
        "onsets": [round(float(time), 3) for time in found.times],
    }
    return _pack(np.rint(255 * np.clip(columns / ONSET_DB, 0, 1)).astype(np.uint8), header)


VIEWS: dict[str, Callable[[Path], bytes]] = {"chroma": chroma_array, "onsets": onset_array}
"""Further pictures of a sound: name in the address -> how it is made."""


def attention_array(sample: Sample) -> bytes:
    """Attention of each top code (columns) to each lyric token (rows), never rescaled.

    A byte is 255 · weight ** ATTENTION_POWER; ``characters`` in the header gives for each row the index in the lyrics.
    """
    alignment = sample.alignment()
    if alignment is None:
        raise RecordError("The alignment is gone.")
    weights = np.nan_to_num(np.asarray(alignment.weights, dtype=np.float32))
    columns, factor = _narrow(weights)
    rate = sample.record.codes_per_second(Level.TOP)
    header = {
        "seconds": len(columns) * factor / rate,
        "start": 0.0,
        "power": ATTENTION_POWER,
        "characters": list(alignment.token_characters),
    }
    return _pack(np.rint(255 * np.clip(columns, 0, 1) ** ATTENTION_POWER).astype(np.uint8), header)


def entropy_array(sample: Sample, level: Level) -> bytes:
    """Uncertainty of each code, one row: byte 255 = ``bits``, what a code of the codebook can hold at most.

    ``given`` is how many seconds at the beginning were not drawn and therefore have none.
    """
    bits = np.asarray(sample.entropy(level), dtype=np.float32)
    rate = sample.record.codes_per_second(level)
    drawn = np.flatnonzero(np.isfinite(bits))
    given = int(drawn[0]) if len(drawn) else len(bits)
    most = float(np.log2(sample.record.codebook))
    columns, factor = _narrow(np.nan_to_num(bits)[:, None])
    header = {"seconds": len(columns) * factor / rate, "start": 0.0, "bits": most, "given": given / rate}
    return _pack(np.rint(255 * np.clip(columns / most, 0, 1)).astype(np.uint8), header)


def _narrow(columns: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], int]:
    """[columns, rows] averaged over neighbours to at most MAX_COLUMNS, and how many went into one."""
    factor = -(-len(columns) // MAX_COLUMNS) or 1
    if factor == 1:
        return columns, 1
    rest = -len(columns) % factor
    padded = np.pad(columns, ((0, rest), (0, 0)), mode="edge")
    return padded.reshape(-1, factor, columns.shape[1]).mean(axis=1, dtype=np.float32), factor


def _pack(columns: Bytes, header: Mapping[str, Any]) -> bytes:
    head = json.dumps({"columns": columns.shape[0], "rows": columns.shape[1], **header}).encode()
    return struct.pack("<I", len(head)) + head + np.ascontiguousarray(columns).tobytes()
