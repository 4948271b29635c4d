"""Whether genre and artist can be recognised: a linear classifier that has heard the real songs.

Knows: a fixed description of sound (timbre, harmony, rhythm) and labels. Does not know models.
Sound is brought to one loudness first, so that it cannot be recognised by that.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from explorer.training.recognition import EvaluatorMissing, how_to_install

LOUDNESS = 0.1
"""Root mean square to which every clip is brought."""
HEARD_DB = 40.0
"""What lies further below the loudest moment is levelled out: there an autoencoder's noise fills the
gaps, and a classifier of clean songs would hear little else."""
RHYTHM_LAGS = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 1.0)
"""Seconds after which onsets are compared with themselves."""


def describe_sound(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """[figures] of one clip: mean, spread and movement of MFCCs, strengths of the pitch classes in order,
    and how onsets repeat."""
    import librosa

    sound = np.asarray(audio, np.float32)
    sound = sound * (LOUDNESS / max(1e-6, float(np.sqrt(np.square(sound).mean()))))
    hop, size = sample_rate // 50, 2 ** int(np.log2(0.1 * sample_rate))
    sound = np.pad(sound, (0, max(0, size - len(sound))))
    power = np.square(np.abs(librosa.stft(sound, n_fft=size, hop_length=hop)))
    mel = librosa.feature.melspectrogram(S=power, sr=sample_rate, n_mels=64)
    decibel = librosa.power_to_db(mel, top_db=HEARD_DB)
    timbre = librosa.feature.mfcc(S=decibel, n_mfcc=20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of silence no tuning can be told
        classes = np.nan_to_num(librosa.feature.chroma_stft(S=power, sr=sample_rate, tuning=0.0))
    onsets = librosa.onset.onset_strength(S=decibel, sr=sample_rate)
    figures = [
        timbre.mean(axis=1),
        timbre.std(axis=1),
        np.abs(np.diff(timbre, axis=1)).mean(axis=1) if timbre.shape[1] > 1 else np.zeros(len(timbre)),
        np.sort(classes.mean(axis=1)),  # in order of strength: the key says nothing about the artist
        _repetition(onsets),
        [onsets.mean(), onsets.std()],
    ]
    return np.concatenate(figures).astype(np.float64)


def _repetition(onsets: np.ndarray) -> np.ndarray:
    """Autocorrelation of the onset curve (50 a second) at RHYTHM_LAGS."""
    curve = onsets - onsets.mean()
    power = float(np.square(curve).sum()) + 1e-9
    lags = [round(50 * lag) for lag in RHYTHM_LAGS]
    return np.array([float((curve[lag:] * curve[:-lag]).sum()) / power if len(curve) > lag else 0.0 for lag in lags])


def new_classifier() -> Any:
    """A logistic regression on standardised figures. Raises EvaluatorMissing."""
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise EvaluatorMissing(how_to_install(str(error))) from error
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=3000))


def train_classifier(figures: np.ndarray, labels: Sequence[str]) -> Any:
    """One that has learned the labels of figures [clips, figures]."""
    return new_classifier().fit(figures, list(labels))


def recognised(classifier: Any, figures: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """How often the right label is said, over clips whose label the classifier knows, and what is said instead.

    ``confusion`` [label][said] counts, in the order of ``classes``; a set that is heard as one thing
    only fills one column.
    """
    classes = [str(name) for name in classifier.classes_]
    kept = [i for i, label in enumerate(labels) if label in classes]
    if not kept:
        return {"clips": 0, "accuracy": None}
    said = Counter(zip([labels[i] for i in kept], map(str, classifier.predict(figures[kept])), strict=True))
    right = sum(count for (label, heard), count in said.items() if label == heard)
    return {
        "clips": len(kept),
        "accuracy": round(right / len(kept), 4),
        "classes": classes,
        "confusion": [[said[label, heard] for heard in classes] for label in classes],
    }
