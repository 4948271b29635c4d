"""Songs on their way through their lyrics, for a prior that follows them: from window to window.

Knows: where a song begins in its lyrics, and which of a song's places a window sees. Does not know how places are found
(``following``) or how windows are drawn (``rows``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from explorer.jukebox.following import STRIDE, Follower, Listener, WindowPlaces, begin_at
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.prior import Prior
from explorer.jukebox.rows import window_lyric_indices


def song_tokens(songs: Sequence[SongLabels]) -> torch.Tensor:
    """int64 [songs, J] of whole songs, 0 behind the last of a song."""
    rows = [torch.tensor(song.lyric_tokens, dtype=torch.int64) for song in songs]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def tokens_before(prior: Prior, songs: Sequence[SongLabels], start: int) -> torch.Tensor:
    """int64 [songs] how many tokens of each song lie before the columns of the window from code ``start`` on; below 0
    where the first columns are padding."""
    assert prior.config.lyrics is not None
    last = [window_lyric_indices(prior, song, start)[-1] for song in songs]
    return torch.tensor(last) + 1 - prior.config.lyrics.n_tokens


@dataclass(frozen=True)
class Track:
    """Where songs are in their lyrics at code ``start``. Tensors are on the CPU."""

    tokens: torch.Tensor
    """int64 [songs, J], as ``song_tokens``."""
    state: torch.Tensor
    """[songs, (1 + J) · STAGES] how likely each place is at the last multiple of STRIDE, as ``Follower`` has it."""
    earlier: torch.Tensor
    """[songs, n] the codes before ``start`` that still matter."""
    start: int

    @classmethod
    def begin(cls, songs: Sequence[SongLabels]) -> Track:
        """At the songs' first codes. What comes before them in the imagined whole songs has had its share of tokens."""
        tokens = song_tokens(songs)
        begun = torch.tensor([len(song.lyric_tokens) * song.offset // song.total_length for song in songs])
        return cls(tokens, begin_at(begun, tokens.shape[1]), tokens[:, :0], 0)

    @property
    def position(self) -> int:
        """The last multiple of STRIDE."""
        return self.start // STRIDE * STRIDE

    def on(self, prior: Prior, codes: torch.Tensor, start: int, device: torch.device) -> Track:
        """At a later code ``start`` of ``codes`` [songs, ≥ start], which begin with the songs."""
        position = start // STRIDE * STRIDE
        earlier = codes[:, max(0, position - Listener.CONTEXT) : start]
        with torch.inference_mode():
            follower = self._follower(prior, device)
            before = codes[:, max(0, self.position - Listener.CONTEXT) : self.position]
            follower.hear(codes[:, self.position : position].to(device), before.to(device))
        return Track(self.tokens, follower.state.cpu().clone(), earlier, start)

    def window(
        self, prior: Prior, songs: Sequence[SongLabels], given: torch.Tensor, device: torch.device
    ) -> WindowPlaces:
        """The places in the window that begins here; ``given`` [songs, n] its codes so far."""
        assert prior.config.lyrics is not None
        heard = self.earlier.shape[1] - (self.start - self.position)
        codes = torch.cat([self.earlier[:, heard:], given], dim=1)
        return WindowPlaces(
            self._follower(prior, device),
            self.earlier[:, :heard].to(device),
            codes.to(device),
            self.start,
            tokens_before(prior, songs, self.start).to(device),
            prior.config.lyrics.n_tokens,
        )

    def nearness(
        self, prior: Prior, songs: Sequence[SongLabels], codes: torch.Tensor, device: torch.device
    ) -> torch.Tensor:
        """[songs, n_ctx, n_tokens] ``Conditioning.nearness`` of the window that begins here, all of whose ``codes``
        [songs, n_ctx] are known."""
        with torch.inference_mode():
            return self.window(prior, songs, codes, device).nearness(0, codes.shape[1])[:, 0]

    def rows(self, rows: Sequence[int]) -> Track:
        """That of some of the songs, in any order."""
        index = torch.tensor(rows)
        return Track(self.tokens[index], self.state[index], self.earlier[index], self.start)

    def _follower(self, prior: Prior, device: torch.device) -> Follower:
        return Follower(prior.listener, self.tokens.to(device), self.state.to(device), self.position)


def device_of(prior: Prior) -> torch.device:
    """Where the prior's weights are."""
    return prior.prior.x_emb.weight.device
