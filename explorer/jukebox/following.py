"""Where in the lyrics the music is, for a model that is told.

A model that attends to all of its lyrics at once must find the words anew at every code, from what it has sung; the
published models learn that from a million songs. Ours is told its place: the lyric layers add to their scores which key
is the one that is sung. For a song that is being made the place is planned (``pacing``); in music that exists it is
heard. A listener, a small network, tells from the codes which character is being sung, and the place at a code is the
median of its probabilities in a hidden Markov model (Rabiner 1989, section III.A, the forward-backward procedure): from
code to code the song stays at its character or moves on.

Knows: the listener, and how places are found and told. A place is the number of tokens that have begun: 0 before the
first. Does not know layers, windows or how a listener learns.
"""

from __future__ import annotations

import string

import torch
from torch import nn
from torch.nn import functional as F

from explorer.jukebox.labels import SongLabels

TRUST = 0.12
"""Share of what is heard that counts: neighbouring codes tell the same again."""
SKIPS = 0.05
"""Share of the moves that leave out a token: line ends have no length, and quick characters hardly any."""
STAGES = 3
"""Through which each token passes one after another: characters last more evenly than chance would have it."""
FAINTEST = 1e-4
"""Probability that is told of the keys that are not sung."""
PIECE = 1024
"""Codes whose states are held in memory at once."""

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
        x = self.embedding(codes)
        for layer, norm, dilation in zip(self.layers, self.norms, self.DILATIONS, strict=True):
            before = F.pad(norm(x).transpose(1, 2), (2 * dilation, 0))
            x = x + F.gelu(layer(before).transpose(1, 2))
        logits: torch.Tensor = self.last(x)
        return logits

    def sounds_of(self, tokens: torch.Tensor) -> torch.Tensor:
        """The sounds of token ids, in the same shape."""
        return torch.tensor(self._sounds, device=tokens.device)[tokens]


class _Chain:
    """The ways through one song's lyrics. A state is a stage of a place; states are probabilities [places · STAGES]."""

    def __init__(self, listener: Listener, tokens: torch.Tensor) -> None:
        """``tokens`` int64 [J]"""
        moves = (STAGES * listener.moves[F.pad(tokens, (1, 0))]).clamp_max(0.95).unsqueeze(1).repeat(1, STAGES)
        moves[-1, -1] = 0.0  # nobody moves on from the last token
        skips = torch.zeros_like(moves)
        skips[:-2, -1] = moves[:-2, -1] * SKIPS
        self._stay, self._on, self._skip = (1 - moves).flatten(), (moves - skips).flatten(), skips.flatten()
        self._sound = F.pad(listener.sounds_of(tokens), (1, 0)).repeat_interleave(STAGES)

    def likelier(self, heard: torch.Tensor) -> torch.Tensor:
        """[n, SOUNDS] how much likelier what is heard is with each sound → [n, states] in each state."""
        return heard[:, self._sound]

    def forwards(self, state: torch.Tensor, likelier: torch.Tensor) -> torch.Tensor:
        """One code on, from the state at a code at which ``likelier`` [states] is heard."""
        state = state * likelier
        state = state / state.sum()
        moved = state * self._stay
        moved[1:] += (state * self._on)[:-1]
        moved[1 + STAGES :] += (state * self._skip)[: -1 - STAGES]
        return moved

    def backwards(self, likely: torch.Tensor, likelier: torch.Tensor) -> torch.Tensor:
        """How likely all that follows is from each state of the code before one at which ``likelier`` is heard and
        from whose states what follows is ``likely``."""
        likely = likely * likelier
        moved = likely * self._stay
        moved[:-1] += self._on[:-1] * likely[1:]
        moved[: -1 - STAGES] += self._skip[: -1 - STAGES] * likely[1 + STAGES :]
        return moved / moved.max()


@torch.inference_mode()
def heard_places(listener: Listener, song: SongLabels, codes: torch.Tensor) -> torch.Tensor:
    """int64 [n] on the CPU: where in its lyrics a song is at each of its ``codes`` [n], by all that is heard."""
    device = codes.device
    chain = _Chain(listener, torch.tensor(song.lyric_tokens, dtype=torch.int64, device=device))
    share = listener.share.clamp_min(1e-6).log()
    heard = ((listener(codes.unsqueeze(0))[0].float().log_softmax(-1) - share) * TRUST).exp()
    state = torch.zeros(STAGES * (1 + len(song.lyric_tokens)), device=device)
    # what comes before the song in the imagined whole has had its share of tokens
    state[STAGES * (len(song.lyric_tokens) * song.offset // song.total_length)] = 1.0
    pieces = []
    for piece in heard.split(PIECE):
        pieces.append((state, piece))
        for likelier in chain.likelier(piece):
            state = chain.forwards(state, likelier)
    likely, places = torch.ones_like(state), []
    for before, piece in reversed(pieces):
        states = [before]
        for likelier in chain.likelier(piece[:-1]):
            states.append(chain.forwards(states[-1], likelier))
        for state, likelier in zip(reversed(states), reversed(chain.likelier(piece)), strict=True):
            # all that is heard up to here, here, and from here on
            found = (state * likelier * likely).view(-1, STAGES).sum(1).cumsum(0)
            places.append(int((found < 0.5 * found[-1]).sum()))
            likely = chain.backwards(likely, likelier)
    return torch.tensor(places[::-1]).cummax(0).values


def tokens_ahead(heads: int, alignment_head: int) -> torch.Tensor:
    """[heads] how many tokens ahead of the place each head of a lyric layer reads: the alignment head at the place,
    the others one after another from there, since what comes next shapes a sound as well."""
    return (torch.arange(heads) - alignment_head) % heads


def place_bias(
    places: torch.Tensor, before: torch.Tensor, n_tokens: int, heads: int, alignment_head: int
) -> torch.Tensor:
    """Known places [batch, n] as an attention bias, which the lyric layers add to their scores: [batch, heads, n,
    n_tokens], logarithms. Each head is told where it reads (``tokens_ahead``).

    ``before`` [batch] tokens of the song before the window's first column, below 0 where that is padding. The key of a
    column has read the tokens before it, so a column is a place.
    """
    ahead = tokens_ahead(heads, alignment_head).to(places.device)
    index = (places - before.unsqueeze(1)).unsqueeze(1) + ahead.unsqueeze(1)
    there = F.one_hot(index.clamp(0, n_tokens - 1), n_tokens).float()
    return (there + FAINTEST).log()
