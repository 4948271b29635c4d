"""A corpus of seconds, made on the spot: tones that follow the lyrics."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

RATE = 8000


def write_corpus(folder: Path, names: tuple[str, ...] = ("a_00", "b_00", "c_00"), seconds: float = 4.0) -> Path:
    """Songs of two genres and three artists; every letter is a tone of its own, 0.1 s long. Of the sung ones bars, key,
    chords and tune are told."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        lyrics = "la di da\nto me so" if number != 1 else ""
        start = 0.5
        characters, audio = [], np.zeros(int(seconds * RATE), dtype=np.float32)
        for i, text in enumerate(lyrics):
            begin, end = start + 0.1 * i, start + 0.1 * (i + 1)
            characters.append([text, begin, end])
            if text.isalpha():
                time = np.arange(int(0.1 * RATE)) / RATE
                first = int(begin * RATE)
                audio[first : first + len(time)] += 0.3 * np.sin(2 * np.pi * (200 + 40 * (ord(text) % 16)) * time)
        audio += 0.2 * np.sin(2 * np.pi * (110 + 20 * number) * np.arange(len(audio)) / RATE)
        soundfile.write(folder / f"{name}.ogg", audio, RATE)
        record = {
            "genre": ("reggae", "metal")[number % 2],
            "artist": ("Harbour Sound", "Café Névoa", "Tin Whistle")[number % 3],
            "kind": "sung" if lyrics else "instrumental",
            "lyrics": lyrics,
            "chars": characters,
        }
        if lyrics:
            record |= {"bpm": 120, "beats": 3, "key": "G major"}
            record |= {"sections": [["verse", 0.5, 3.5]], "chords": ["G", "D"]}
            record["notes"] = [[0.5, 0.7, 55], [0.8, 1.0, 59], [1.1, 1.6, 62], [1.6, 1.9, 50]]
        (folder / f"{name}.json").write_text(json.dumps(record))
    return folder
