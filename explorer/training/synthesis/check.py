"""Whether a folder is a sound corpus.

Knows: what must be true of every song and of the splits together. Does not know how songs are made;
it reads what is on the disk.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from explorer.training.synthesis.bank import bank
from explorer.training.synthesis.catalogue import heldout_crossings
from explorer.training.synthesis.errors import SynthesisError
from explorer.training.synthesis.files import HIGHEST_PEAK
from explorer.training.synthesis.instruments import RATE
from explorer.training.synthesis.lyrics import CROSSINGS, SPLITS, TRAIN, VALIDATION, WORDS
from explorer.training.synthesis.pronunciation import plain

_EDGE = 0.01
"""Seconds by which a rounded time may pass the end of a song."""


@dataclass
class Findings:
    """What a check found: faults in words, and the songs and seconds of each split."""

    faults: list[str] = field(default_factory=list)
    songs: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def check_corpus(root: Path) -> Findings:
    """Read every song of a corpus. Raises SynthesisError if ``root`` has no train folder with songs."""
    if not any((root / TRAIN).glob("*.json")):
        raise SynthesisError(f"{root} has no songs in {TRAIN}; it is not a corpus")
    found = Findings()
    lines: dict[str, set[str]] = defaultdict(set)
    for split in SPLITS:
        for path in sorted((root / split).glob("*.json")):
            try:
                record = json.loads(path.read_text(encoding="utf-8"))
                found.faults += [
                    f"{split}/{path.stem}: {fault}" for fault in song_faults(record, path.with_suffix(".ogg"))
                ]
                found.faults += [f"{split}/{path.stem}: {fault}" for fault in split_faults(record, split)]
                lines[split] |= {" ".join(plain(line)) for line in record["lyrics"].split("\n")} - {""}
                found.songs[split] = found.songs.get(split, 0) + 1
                found.seconds[split] = found.seconds.get(split, 0.0) + float(record["duration"])
            except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
                found.faults.append(f"{split}/{path.stem}: cannot be read: {error!r}")
        lonely = {p.stem for p in (root / split).glob("*.ogg")} - {p.stem for p in (root / split).glob("*.json")}
        found.faults += [f"{split}/{name}: sound without a record" for name in sorted(lonely)]
    for first, second in itertools.combinations(SPLITS, 2):
        found.faults += [
            f"{first} and {second} share the line {line!r}" for line in sorted(lines[first] & lines[second])
        ]
    return found


def song_faults(record: dict[str, Any], sound: Path) -> list[str]:
    """What is wrong with one song. Raises what reading a broken file raises."""
    audio, rate = soundfile.read(sound, dtype="float32", always_2d=True)
    seconds = len(audio) / rate
    faults = []
    if rate != RATE or audio.shape[1] != 1:
        faults.append(f"{audio.shape[1]} channels of {rate} samples per second")
    if abs(seconds - record["duration"]) > 0.05:
        faults.append(f"lasts {seconds:.2f} s, not {record['duration']} s")
    peak = float(np.abs(audio).max()) if len(audio) else 0.0
    if not 0.05 < peak < HIGHEST_PEAK:
        faults.append(f"peak {peak:.3f}")
    if "".join(character for character, _, _ in record["chars"]) != record["lyrics"]:
        faults.append("the timed characters are not the lyrics")
    if [word for word, _, _ in record["words"]] != plain(record["lyrics"]):
        faults.append("the timed words are not those of the lyrics")
    for name in ("chars", "words"):
        times = [time for _, start, end in record[name] for time in (start, end)]
        if any(later < earlier for earlier, later in itertools.pairwise(times)):
            faults.append(f"times of {name} run back")
        if times and not (times[0] >= 0 and times[-1] <= seconds + _EDGE):
            faults.append(f"times of {name} pass the song's ends")
    notes = record["notes"]
    if any(end <= start for start, end, _ in notes) or any(b[0] < a[1] - 0.002 for a, b in itertools.pairwise(notes)):
        faults.append("notes overlap or last no time")
    if not notes or notes[0][0] < 0 or notes[-1][1] > seconds + _EDGE:
        faults.append("notes pass the song's ends")
    return faults


def split_faults(record: dict[str, Any], split: str) -> list[str]:
    """What a song has that only another split may have."""
    faults = []
    if record["split"] != split:
        faults.append(f"belongs in {record['split']}")
    held = [word for word in plain(record["lyrics"]) if word in bank().heldout]
    if split != WORDS and held:
        faults.append(f"sings the held-out word {held[0]!r}")
    if split == WORDS and record["lyrics"] and not held:
        faults.append("has no held-out word")
    crossed = heldout_crossings().get(record["artist"]) == record["genre"]
    if crossed != (split == CROSSINGS):
        faults.append(f"{record['artist']} sings {record['genre']}")
    if split in (VALIDATION, WORDS) and "band" in record:
        faults.append("is a crossing")
    return faults
