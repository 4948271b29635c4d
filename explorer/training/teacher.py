"""What the top level's codes shall keep of a voice, as a speech recogniser hears it.

A codebook that is trained on sound alone spends its codes on what is loud. Codecs keep words at few bits a second when
a speech model teaches them (Zhang et al. 2023, SpeechTokenizer, section 3.3). Here the teacher is Whisper's encoder,
seen through the directions in which its states tell the sung characters apart: linear discriminants, found with the
corpus' exact character times, which leave the band out.

Knows: the teacher's states, the discriminants, and where both are kept. Does not know the student. Making them needs
the packages of ``requirements-evaluate.txt``; reading them does not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.training.corpus import Corpus, CorpusSong
from explorer.training.recognition import FRAME_RATE
from explorer.training.sung_letters import ALPHABET, sung_classes

if TYPE_CHECKING:
    from explorer.training.recognition import Recogniser

DIMENSIONS = len(ALPHABET)
"""Discriminants: one less than there are classes."""
FITTING = 9
"""Discriminants are found on every ninth song."""


class NotTaught(ValueError):
    """A corpus whose teaching has not been made; the message says how it is."""


class Teaching:
    """Targets for every song of one corpus."""

    def __init__(self, frames: np.ndarray, spans: dict[str, tuple[int, int]]) -> None:
        """``frames`` [all frames, DIMENSIONS]; ``spans`` first and past-last frame of each song by name."""
        self._frames, self._spans = frames, spans

    @classmethod
    def open(cls, folder: Path, corpus: Corpus) -> Teaching:
        """Raises NotTaught."""
        index, frames = _files(folder, corpus)
        if not index.exists():
            raise NotTaught(
                f"{folder} holds no teaching for this corpus; make it with: python -m explorer train teacher"
            )
        spans = {name: (first, last) for name, first, last in json.loads(index.read_text())}
        return cls(np.load(frames, mmap_mode="r"), spans)

    def targets(self, song: CorpusSong, start: int, hop: int, codes: int, sample_rate: int) -> np.ndarray:
        """float32 [codes, DIMENSIONS]: what is heard in the middle of each code of a clip from sample ``start`` on."""
        first, last = self._spans[song.name]
        place = (start + hop * (np.arange(codes) + 0.5)) / sample_rate * FRAME_RATE - 0.5
        below = np.clip(np.floor(place).astype(np.int64), 0, last - first - 1)
        above = np.minimum(below + 1, last - first - 1)
        share = np.clip(place - below, 0, 1)[:, None].astype(np.float32)
        rows = self._frames[first + below[0] : first + above[-1] + 1].astype(np.float32)
        mixed: np.ndarray = rows[below - below[0]] * (1 - share) + rows[above - below[0]] * share
        return mixed


def teach(folder: Path, corpora: list[Corpus], recogniser: Recogniser) -> Iterator[tuple[int, int]]:
    """Make the teaching of all corpora, discriminants found on the first; yields songs done and in all."""
    in_all, done = sum(len(corpus.songs) for corpus in corpora), 0
    fitting = corpora[0].songs[::FITTING]
    states, classes = {}, []
    for song in fitting:
        states[song.name] = recogniser.states(corpora[0].audio(song), corpora[0].sample_rate)
        classes.append(sung_classes(song.characters, len(states[song.name])))
        done += 1
        yield done, in_all
    discriminants = Discriminants(np.concatenate(list(states.values())), np.concatenate(classes))
    for corpus in corpora:
        frames, spans, at = [], [], 0
        for song in corpus.songs:
            known = states.get(song.name) if corpus is corpora[0] else None
            heard = recogniser.states(corpus.audio(song), corpus.sample_rate) if known is None else known
            frames.append(discriminants(heard).astype(np.float16))
            spans.append((song.name, at, at + len(heard)))
            at += len(heard)
            if known is None:
                done += 1
                yield done, in_all
        folder.mkdir(parents=True, exist_ok=True)
        index, target = _files(folder, corpus)
        part = target.with_suffix(".part.npy")
        np.save(part, np.concatenate(frames))
        os.replace(part, target)
        index.write_text(json.dumps(spans))


class Discriminants:
    """Directions along which classes differ most for how much they vary within (Fisher 1936)."""

    def __init__(self, states: np.ndarray, classes: np.ndarray) -> None:
        """``states`` [frames, width], ``classes`` [frames]."""
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        self._fit = LinearDiscriminantAnalysis(n_components=min(DIMENSIONS, len(np.unique(classes)) - 1))
        self._scale = float(self._fit.fit_transform(states, classes).std())

    def __call__(self, states: np.ndarray) -> np.ndarray:
        """[frames, width] → [frames, DIMENSIONS]; the first ones vary most, the mean variance is 1."""
        found: np.ndarray = self._fit.transform(states) / self._scale
        return np.pad(found, ((0, 0), (0, DIMENSIONS - found.shape[1])))


def _files(folder: Path, corpus: Corpus) -> tuple[Path, Path]:
    """Index and frames of a corpus: its songs name them."""
    return folder / f"teaching-{corpus.key}.json", folder / f"teaching-{corpus.key}.npy"
