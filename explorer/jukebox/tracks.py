"""Songs on their way through their lyrics in music that exists, for a prior that follows them: from window to window.

Knows: where a song begins in its lyrics, and which of its places a window sees. Does not know how places are found
(``following``) or planned (``pacing``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from explorer.jukebox.following import STRIDE, Follower, Listener, begin_at, columns
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.prior import Prior
from explorer.jukebox.rows import tokens_before


@dataclass(frozen=True)
class Track:
    """Where songs are in their lyrics at code ``position``, a multiple of STRIDE. Tensors are on the CPU."""

    tokens: torch.Tensor
    """int64 [songs, J] of whole songs, 0 behind the last of a song."""
    state: torch.Tensor
    """[songs, (1 + J) · STAGES] how likely each place is, as ``Follower`` has it."""
    position: int

    @classmethod
    def begin(cls, songs: Sequence[SongLabels]) -> Track:
        """At the songs' first codes. What comes before them in the imagined whole songs has had its share of tokens."""
        rows = [torch.tensor(song.lyric_tokens, dtype=torch.int64) for song in songs]
        tokens = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        begun = torch.tensor([len(song.lyric_tokens) * song.offset // song.total_length for song in songs])
        return cls(tokens, begin_at(begun, tokens.shape[1]), 0)

    def on(self, prior: Prior, codes: torch.Tensor, start: int, device: torch.device) -> Track:
        """At the last multiple of STRIDE before code ``start``; ``codes`` [songs, ≥ start] begin with the songs."""
        position = start // STRIDE * STRIDE
        with torch.inference_mode():
            follower = self._follower(prior, device)
            follower.hear(codes[:, self.position : position].to(device), self._before(codes, device))
        return Track(self.tokens, follower.state.cpu().clone(), position)

    def nearness(
        self, prior: Prior, songs: Sequence[SongLabels], codes: torch.Tensor, start: int, device: torch.device
    ) -> torch.Tensor:
        """[songs, 1, n_ctx, n_tokens] ``Conditioning.nearness`` of the window from code ``start`` of ``codes`` on, less
        than a STRIDE behind. Places are foreseen, so none depends on codes that come later."""
        assert prior.config.lyrics is not None
        n_ctx, skipped = prior.config.n_ctx, start - self.position
        heard = codes[:, self.position : start + n_ctx]
        heard = F.pad(heard, (0, -heard.shape[1] % STRIDE))
        before = torch.tensor([tokens_before(prior, song, start) for song in songs])
        with torch.inference_mode():
            follower = self._follower(prior, device)
            places = follower.foresee(follower.hear(heard.to(device), self._before(codes, device)))
            near = columns(places[:, skipped : skipped + n_ctx], before.to(device), prior.config.lyrics.n_tokens)
        return near.unsqueeze(1)

    def _before(self, codes: torch.Tensor, device: torch.device) -> torch.Tensor:
        return codes[:, max(0, self.position - Listener.CONTEXT) : self.position].to(device)

    def _follower(self, prior: Prior, device: torch.device) -> Follower:
        return Follower(prior.listener, self.tokens.to(device), self.state.to(device), self.position)
