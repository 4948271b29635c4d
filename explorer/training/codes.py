"""A corpus as codes: what the priors are trained on.

Knows: encoding whole songs with a trained VQ-VAE and keeping the result. Does not know batches.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import torch

from explorer.jukebox.config import Level
from explorer.jukebox.vqvae import VQVAE
from explorer.training.corpus import Corpus

_log = logging.getLogger(__name__)

SONGS_A_FILE = 50
"""So many songs are encoded before they are kept: a minute's work, which is lost when a run is killed."""


class CorpusCodes:
    """Codes of every song of a corpus at some levels; songs in the corpus' order."""

    def __init__(self, corpus: Corpus, levels: dict[Level, tuple[np.ndarray, ...]], hops: dict[Level, int]) -> None:
        self.corpus = corpus
        self.hops = hops
        self._levels = levels

    def song(self, index: int, level: Level) -> np.ndarray:
        """int16 [codes] of one whole song."""
        return self._levels[level][index]

    def frequencies(self, level: Level, codes: int) -> np.ndarray:
        """[codes] how often each code occurs."""
        counts = np.zeros(codes, dtype=np.int64)
        for row in self._levels[level]:
            counts += np.bincount(row, minlength=codes)
        return counts

    @classmethod
    def encode(cls, corpus: Corpus, vqvae: VQVAE, levels: tuple[Level, ...], folder: Path) -> CorpusCodes:
        """Encode whole songs, but those that ``folder`` holds from earlier calls with the same weights,
        finished or not.

        Songs are cut to whole codes of the coarsest level, so that the levels fit each other.
        """
        folder.mkdir(parents=True, exist_ok=True)
        coarsest = vqvae.config.hop(vqvae.config.levels - 1)
        found = {}
        for level in levels:
            family = f"{level}-{_fingerprint(vqvae, level)}"
            rows = _stored(folder, family)
            missing = [index for index, song in enumerate(corpus.songs) if song.name not in rows]
            for begin in range(0, len(missing), SONGS_A_FILE):
                new = {}
                for done, index in enumerate(missing[begin : begin + SONGS_A_FILE], start=begin + 1):
                    _log.info("%s codes: song %d of %d", level, done, len(missing))
                    new[corpus.songs[index].name] = _encode(corpus, index, vqvae, level, coarsest)
                file = folder / f"{family}-{len(rows) + len(new)}.npz"
                part = file.with_suffix(".part.npz")
                np.savez(part, **new)  # type: ignore[arg-type]
                part.replace(file)
                rows |= new
            found[level] = tuple(rows[song.name] for song in corpus.songs)
        return cls(corpus, found, {level: vqvae.config.hop(level.index) for level in levels})


def _stored(folder: Path, family: str) -> dict[str, np.ndarray]:
    """Codes from earlier calls, by the names of the songs."""
    rows: dict[str, np.ndarray] = {}
    for file in sorted(folder.glob(f"{family}-*.npz")):
        if not file.name.endswith(".part.npz"):
            with np.load(file) as data:
                rows |= {name: data[name] for name in data.files}
    return rows


def same_codes(one: VQVAE, other: VQVAE, level: Level) -> bool:
    """Whether both encode songs alike at ``level``."""
    return _fingerprint(one, level) == _fingerprint(other, level)


def _fingerprint(vqvae: VQVAE, level: Level) -> str:
    """Changes with the weights that decide the codes of ``level``."""
    total = sum(float(p.double().abs().sum()) for p in vqvae.encoders[level.index].parameters())
    return f"{total + float(vqvae.bottleneck.level(level.index).k.double().abs().sum()):.6f}"


@torch.inference_mode()
def _encode(corpus: Corpus, index: int, vqvae: VQVAE, level: Level, coarsest: int) -> np.ndarray:
    song = corpus.songs[index]
    audio = corpus.audio(song, 0, song.samples // coarsest * coarsest)
    codes = vqvae.encode(torch.from_numpy(audio).view(1, -1, 1), level.index)
    return codes[0].numpy().astype(np.int16)
