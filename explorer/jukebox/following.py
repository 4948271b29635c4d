"""Where in the lyrics the music is, for a model that is told.

A model that attends to all of its lyrics at once must find the words anew at every code, from what it has sung; the
published models learn that from a million songs. Ours is told its place: the lyric layers add to their scores how
likely each key is to be the one that is sung. For a song that is being made the place is planned (``pacing``); in music
that exists it is heard. A listener, a small network, tells from the codes so far which character is being sung, and the
place is found as in a hidden Markov model (Rabiner 1989, section III.A, the forward procedure): from code to code the
song stays at its character or moves on, and what is heard makes some places likelier.

Knows: the listener, and probabilities of places. A place is the number of tokens that have begun: 0 before the first.
Does not know layers, windows or how a listener learns.
"""

from __future__ import annotations

import string

import torch
from torch import nn
from torch.nn import functional as F

STRIDE = 16
"""What is heard counts from the next multiple of so many codes on; until then places are foreseen."""
TRUST = 0.08
"""Share of what is heard that counts: neighbouring codes tell the same again."""
SKIPS = 0.05
"""Share of the moves that leave out a token: line ends have no length, and quick characters hardly any."""
STAGES = 3
"""Through which each token passes one after another: characters last more evenly than chance would have it."""
NOWHERE = 1e-14
"""Added to every probability, so that none vanishes for good."""
FAINTEST = 1e-4
"""Probability below which places are equally unlikely to the lyric layers."""

_LETTERS = string.ascii_lowercase + "'"
SOUNDS = 1 + len(_LETTERS)
"""What a listener tells apart: 0 for gaps and all that is not a letter, then the letters."""
_CODES_OF_GAP = 40.0
"""Codes that a token lasts as long as nothing is known of it."""


def sounds(alphabet: str) -> tuple[int, ...]:
    """The sound of every token id; 0, padding, is a gap."""
    known = {letter: number for number, letter in enumerate(_LETTERS, start=1)}
    return (0, *(known.get(character.lower(), 0) for character in alphabet))


class Listener(nn.Module):
    """Causal convolutions over codes: which sound is heard at each."""

    DILATIONS = (1, 2, 4, 8, 16, 32)
    CONTEXT = 2 * sum(DILATIONS)
    """Codes before one that can change what is heard at it."""

    def __init__(self, codes: int, width: int, alphabet: str) -> None:
        super().__init__()
        self.embedding = nn.Embedding(codes, width)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.layers = nn.ModuleList([nn.Conv1d(width, width, 3, dilation=d) for d in self.DILATIONS])
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in self.DILATIONS])
        self.last = nn.Linear(width, SOUNDS)
        self.share: torch.Tensor
        """[SOUNDS] how often each is heard in the corpus."""
        self.register_buffer("share", torch.full((SOUNDS,), 1 / SOUNDS))
        self.moves: torch.Tensor
        """[token ids] the chance at each code to move on from a token; id 0: from the silence before the first."""
        self.register_buffer("moves", torch.full((1 + len(alphabet),), 1 / _CODES_OF_GAP))
        self._sounds = sounds(alphabet)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """[batch, n] → logits [batch, n, SOUNDS]; nothing is heard before the first code."""
        return self.listen(codes, None)[0]

    def listen(self, codes: torch.Tensor, memory: list[torch.Tensor] | None) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """``forward`` behind the codes that ``memory`` is left of, and what is left of all; None: the beginning."""
        x, left = self.embedding(codes), []
        for number, (layer, norm, dilation) in enumerate(zip(self.layers, self.norms, self.DILATIONS, strict=True)):
            assert isinstance(layer, nn.Conv1d)
            heard, n = norm(x), x.shape[1]
            known = F.pad(heard, (0, 0, 2 * dilation, 0)) if memory is None else torch.cat([memory[number], heard], 1)
            left.append(known[:, -2 * dilation :])
            # the convolution as one matrix product: of a few codes at a time it is ten times as fast
            taps = torch.cat([known[:, first : first + n] for first in (0, dilation, 2 * dilation)], dim=2)
            x = x + F.gelu(F.linear(taps, layer.weight.transpose(1, 2).flatten(1), layer.bias))
        logits: torch.Tensor = self.last(x)
        return logits, left

    def sounds_of(self, tokens: torch.Tensor) -> torch.Tensor:
        """The sounds of token ids, in the same shape."""
        return torch.tensor(self._sounds, device=tokens.device)[tokens]

    def likelier(self, logits: torch.Tensor) -> torch.Tensor:
        """Logits [..., SOUNDS] → how much likelier what is heard is where each sound is sung than elsewhere."""
        return ((logits.float().log_softmax(-1) - self.share.clamp_min(1e-6).log()) * TRUST).exp()


class Follower:
    """The places of a batch of songs, stride by stride.

    ``tokens`` int64 [batch, J] of whole songs, 0 behind a song's last; ``state`` float32 [batch, (1 + J) · STAGES] how
    likely each stage of each place is at the code ``position``, a multiple of STRIDE.
    """

    def __init__(self, listener: Listener, tokens: torch.Tensor, state: torch.Tensor, position: int = 0) -> None:
        self.listener, self.tokens, self.state, self.position = listener, tokens, state, position
        moves = (STAGES * listener.moves[F.pad(tokens, (1, 0))]).clamp_max(0.95).unsqueeze(2).repeat(1, 1, STAGES)
        # nobody moves on from the last token
        there = F.pad(tokens != 0, (0, 2))
        moves[:, :, -1] *= there[:, :-1]
        skips = torch.zeros_like(moves)
        skips[:, :, -1] = moves[:, :, -1] * there[:, 1:] * SKIPS
        self._stay, self._on, self._skip = (1 - moves).flatten(1), (moves - skips).flatten(1), skips.flatten(1)
        self._sound = F.pad(listener.sounds_of(tokens), (1, 0)).repeat_interleave(STAGES, dim=1).unsqueeze(1)
        self._memory: list[torch.Tensor] | None = None

    def _next(self, state: torch.Tensor) -> torch.Tensor:
        """Stages [..., batch, places · STAGES] one code on."""
        moved = state * self._stay
        moved[..., 1:] += (state * self._on)[..., :-1]
        moved[..., 1 + STAGES :] += (state * self._skip)[..., : -1 - STAGES]
        return moved

    def foresee(self, states: torch.Tensor) -> torch.Tensor:
        """States [strides, batch, places · STAGES] at the strides' first codes → the places at all their codes
        [batch, strides · STRIDE, places]."""
        foreseen = [states]
        for _ in range(STRIDE - 1):
            foreseen.append(self._next(foreseen[-1]))
        found = torch.stack(foreseen, dim=1).flatten(0, 1).transpose(0, 1)
        return found.reshape(*found.shape[:2], -1, STAGES).sum(3)

    def hear(self, codes: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """Go on over ``codes`` [batch, n], n a multiple of STRIDE. The first call needs the codes ``before`` them, the
        last Listener.CONTEXT or all there are.

        Returns the states [n / STRIDE, batch, places · STAGES] at the first code of every stride.
        """
        if codes.shape[1] == 0:
            return self.state.new_zeros(0, *self.state.shape)
        if self._memory is None and before.shape[1]:
            _, self._memory = self.listener.listen(before[:, -Listener.CONTEXT :], None)
        logits, self._memory = self.listener.listen(codes, self._memory)
        heard = self.listener.likelier(logits)
        states, state = [], self.state
        for first in range(0, codes.shape[1], STRIDE):
            states.append(state)
            sounds = self._sound.expand(-1, STRIDE, -1)
            for likelier in heard[:, first : first + STRIDE].gather(2, sounds).unbind(1):
                state = self._next(state * likelier)
            state = state / state.sum(-1, keepdim=True) + NOWHERE
        self.state = state
        self.position += codes.shape[1]
        return torch.stack(states)


def begin_at(places: torch.Tensor, tokens: int, spread: float = 0.0) -> torch.Tensor:
    """[batch] places → [batch, (1 + tokens) · STAGES] a state that has just come to them, give or take ``spread``."""
    distance = torch.arange(1 + tokens, device=places.device) - places.round().clamp(0, tokens).unsqueeze(1)
    there = (-0.5 * (distance / spread).square()).softmax(-1) if spread else (distance == 0).float()
    return F.pad(there.unsqueeze(2), (0, STAGES - 1)).flatten(1)


def sharp(places: torch.Tensor, before: torch.Tensor, n_tokens: int, heads: int, first: int) -> torch.Tensor:
    """Known places [batch, n] as what the lyric layers add to their scores: [batch, heads, n, n_tokens], logarithms.

    Head ``first`` reads at the place, the others one after another ahead of it: what comes next shapes a sound as well.
    ``before`` [batch] as in ``columns``.
    """
    ahead = (torch.arange(heads, device=places.device) - first) % heads
    index = (places - before.unsqueeze(1)).unsqueeze(1) + ahead.unsqueeze(1)
    there = F.one_hot(index.clamp(0, n_tokens - 1), n_tokens).float()
    return (there + FAINTEST).log()


def columns(places: torch.Tensor, before: torch.Tensor, n_tokens: int) -> torch.Tensor:
    """Probabilities of places [batch, n, places] as what the lyric layers add to the scores of the columns of a window:
    [batch, n, n_tokens], logarithms.

    ``before`` [batch] tokens of the song before the window's first column, below 0 where that is padding. The key of a
    column has read the tokens before it, so a column is a place; the last one stands for all that follow.
    """
    index = before.long().unsqueeze(1) + torch.arange(n_tokens, device=places.device)
    last = places.shape[-1] - 1
    known = ((index >= 0) & (index <= last)).unsqueeze(1)
    found = places.gather(2, index.clamp(0, last).unsqueeze(1).expand(-1, places.shape[1], -1)) * known
    behind = 1 - found.sum(-1) - _before(places, index[:, 0])
    found = torch.cat([found[..., :-1], (found[..., -1] + behind.clamp_min(0)).unsqueeze(-1)], dim=-1)
    return (found + FAINTEST).log()


def _before(places: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
    """[batch, n] probability of the places before the column place ``first`` [batch]."""
    there = torch.arange(places.shape[-1], device=places.device) < first.unsqueeze(1)
    return (places * there.unsqueeze(1)).sum(-1)
