"""How far a set of songs is from another one as a whole: the Fréchet distance of their embeddings.

Knows: matrices [pieces, width], and the states they are means of. Does not know where these come from. The
embedding is the encoder of the speech recogniser, averaged over pieces of two seconds: trained to hear
through any background, it also tells backgrounds apart (Gong et al. 2023, "Whisper-AT"), and its weights
are there already. Distances depend on the embedding and on the number of pieces, so only those of
one report, or of reports over the same songs, can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PIECE_SECONDS = 2.0


def piece_means(states: np.ndarray, frame_rate: int) -> np.ndarray:
    """[frames, width] → [pieces, width], the mean over each whole piece of PIECE_SECONDS."""
    size = round(PIECE_SECONDS * frame_rate)
    pieces = len(states) // size
    means: np.ndarray = states[: pieces * size].reshape(pieces, size, states.shape[1]).mean(axis=1)
    return means


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Between the normal distributions fitted to the rows of ``a`` and ``b`` (both [rows, width], ≥ 2 rows).

    |mean a − mean b|² + trace(A + B − 2 (A B)^½) with covariances A and B. The trace of the root is
    the sum of the singular values of the centred rows' product, which needs no root of a singular matrix.
    """
    if len(a) < 2 or len(b) < 2:
        raise ValueError("a distribution needs at least two rows")
    left = (a - a.mean(axis=0)).astype(np.float64) / np.sqrt(len(a) - 1)
    right = (b - b.mean(axis=0)).astype(np.float64) / np.sqrt(len(b) - 1)
    shift = np.square(a.mean(axis=0, dtype=np.float64) - b.mean(axis=0, dtype=np.float64)).sum()
    shared = np.linalg.svd(left @ right.T, compute_uv=False).sum()
    return max(0.0, float(shift + np.square(left).sum() + np.square(right).sum() - 2 * shared))


def equal_shares(sets: Sequence[np.ndarray], seed: int = 0) -> list[np.ndarray]:
    """The sets cut to as many rows as the smallest has, since size biases the distance.

    Rows are drawn without order; sets of equal size give the same places, so that a song and its
    reconstruction stay or go together.
    """
    size = min(len(rows) for rows in sets)
    return [rows[np.sort(np.random.default_rng(seed).permutation(len(rows))[:size])] for rows in sets]
