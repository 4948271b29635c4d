"""A prior that goes on with other codes than it has learnt.

Where the autoencoder of its level, or of the level above, was trained on, the codes mean something else, and a prior
would have to learn all of them anew. But the same songs are known in both: each new code is put where the old ones are
that stand in its place, at the mean of their embeddings, weighed by how often they do.
Knows: codes of the same songs by two autoencoders, and where a prior keeps embeddings. Does not know where
autoencoders come from.
"""

from __future__ import annotations

from pathlib import Path

import torch

from explorer.jukebox.conditioning import Conditioner
from explorer.jukebox.config import LEVELS, Level
from explorer.jukebox.prior import Prior
from explorer.jukebox.vqvae import VQVAE
from explorer.training.codes import CorpusCodes
from explorer.training.corpus import Corpus

SONGS = 150
"""As many songs, or up to twice as many, are enough to count in: hundreds of places for each code of ``pocket``."""


def counterparts(old: CorpusCodes, new: CorpusCodes, level: Level, codes: int) -> torch.Tensor:
    """float32 [codes, codes]: of the places at which a new code (row) stands, the share at which each old code (column)
    does. A new code that stands nowhere has the old one of its number. Both are of the same songs."""
    counts = torch.zeros(codes * codes)
    for index in range(len(new.corpus.songs)):
        was, now = (torch.from_numpy(rows.song(index, level)).long() for rows in (old, new))
        counts += torch.bincount(now * codes + was, minlength=codes * codes)
    counts = counts.view(codes, codes)
    nowhere = counts.sum(1) == 0
    counts[nowhere, nowhere] = 1.0
    return counts / counts.sum(1, keepdim=True)


@torch.no_grad()
def recode(prior: Prior, level: Level, changed: tuple[Level, ...], old: CorpusCodes, new: CorpusCodes) -> None:
    """Have ``prior``, of ``level``, read and predict the ``new`` codes of the levels ``changed`` as far as it can tell
    from the ``old`` ones; other levels than its own and the one above do not concern it."""
    codes = prior.config.codes
    if level in changed:
        shares = counterparts(old, new, level, codes).to(prior.prior.x_emb.weight)
        # the head's weights are the embedding's where it is tied
        for weight in {prior.prior.x_emb.weight, prior.prior.x_out.weight}:
            weight.copy_(shares @ weight)
    if level is not Level.TOP and (above := LEVELS[level.index + 1]) in changed:
        conditioner = prior.conditioner_blocks[0]
        assert isinstance(conditioner, Conditioner)
        embedding = conditioner.x_emb.weight
        embedding.copy_(counterparts(old, new, above, codes).to(embedding) @ embedding)


def recode_for(
    prior: Prior, level: Level, changed: tuple[Level, ...], vqvaes: tuple[VQVAE, VQVAE], corpus: Corpus, folder: Path
) -> None:
    """``recode`` by some songs of ``corpus`` as the earlier and the present one of ``vqvaes`` encode them; ``folder``
    keeps the codes."""
    few = corpus.thinned(max(1, len(corpus.songs) // SONGS))
    old, new = (CorpusCodes.encode(few, vqvae, changed, folder) for vqvae in vqvaes)
    recode(prior, level, changed, old, new)
