"""The prior of one level: codes given labels, lyrics and the codes of the level above.

Knows: how the published top levels and upsamplers are put together, and their loss in bits.
Does not know sampling, windows or names. Where this differs on purpose from the published code:
the separate-lyrics loss works for any batch size (theirs fails above 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn import functional as F

from explorer.jukebox.autoregressive import Autoregressive, Decoding
from explorer.jukebox.conditioning import Conditioner, LabelBatch, LabelConditioner
from explorer.jukebox.config import PriorConfig
from explorer.jukebox.diction import Diction
from explorer.jukebox.following import Listener
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.lyrics import alphabet
from explorer.jukebox.pacing import planned_lines, planned_places
from explorer.jukebox.phones import PhoneLengths
from explorer.jukebox.transformer import Conv1D, LayerNorm, Reading

NOT_TOLD = -1
"""In the place of a code of the level above: nothing is told of that level."""


@dataclass(frozen=True)
class Conditioning:
    """Everything that a window's codes depend on besides the codes before them."""

    start: torch.Tensor | None
    """[batch, 1, width] at position 0; None: the learned start token."""
    positions: torch.Tensor | None
    """[batch, n_ctx, width] added at every music position."""
    lyrics: torch.Tensor | None
    """[batch, n_tokens] lyric tokens."""
    encoder: torch.Tensor | None
    """[batch, n_tokens, width] what cross-attention layers read."""
    encoder_hidden: torch.Tensor | None = None
    """[batch, n_tokens, encoder width], for the lyric loss."""
    lyric_bias: torch.Tensor | None = None
    """[batch, heads or 1, n_ctx, n_tokens] where in the lyrics a model that follows them is throughout its window (see
    ``following``). None for other models."""


@dataclass(frozen=True)
class PriorLoss:
    """In bits per token: the published weighted sum and its parts."""

    total: torch.Tensor
    music: torch.Tensor
    lyrics: torch.Tensor


class Prior(nn.Module):
    """One level's model. Codes are int64 [batch, n_ctx]."""

    def __init__(self, config: PriorConfig, sample_rate: int, hop: int, upsampling: tuple[int, int] | None) -> None:
        """``hop``: samples per code. ``upsampling``: (stages, stride) from the level above, for upsamplers."""
        super().__init__()
        self.config, self.hop = config, hop
        sequence, width = config.sequence, config.transformer.width
        scale = sequence.init_scale
        self.conditioner_blocks = nn.ModuleList()
        self.upsampling = 1
        if config.conditioner is not None:
            if upsampling is None:
                raise ValueError("the coarsest level has no level above to be conditioned on")
            stages, stride = upsampling
            self.upsampling = stride**stages
            self.conditioner_blocks.append(Conditioner(config.conditioner, config.codes, width, stages, stride, scale))
        if config.labels is not None:
            self.y_emb = LabelConditioner(config.labels, sample_rate, config.n_ctx, width, scale)
        self.prior = Autoregressive(
            sequence,
            config.bins,
            labelled=config.labels is not None,
            tied=not config.merged_decoder,
            add_again=not config.merged_decoder,
            prime_tokens=config.prefix,
        )
        lyrics = config.lyrics
        if lyrics is not None and lyrics.encoder is not None:
            encoder = lyrics.encoder
            self.prime_prior = Autoregressive(encoder, lyrics.vocabulary_size, labelled=False, head=False)
            self.prime_state_proj = Conv1D(encoder.width, width, 0.02 * encoder.init_scale)
            self.prime_state_ln = LayerNorm(width)
            self.prime_x_out = nn.Linear(width, lyrics.vocabulary_size, bias=False)
            nn.init.normal_(self.prime_x_out.weight, std=0.02 * scale)
        if config.diction is not None:
            self.diction = Diction(config.diction, width)
        if lyrics is not None and lyrics.listener is not None:
            self.listener = Listener(config.codes, lyrics.listener, alphabet(lyrics.vocabulary))
            self.phone_lengths = PhoneLengths()

    @property
    def window_length(self) -> int:
        """Samples of one full window, as told to the timing embeddings."""
        return self.config.n_ctx * self.hop

    def grounded(self, song: SongLabels, seed: int) -> SongLabels:
        """A song that is made from nothing, with the ground that its seed gives it, and the tune, where they are
        told."""
        config, lyrics = self.config.labels, self.config.lyrics
        if config is None or config.bar_parts is None:
            return song
        ground = self.y_emb.habits.plan(song.artists, seed, song.total_length, self.y_emb.sample_rate)
        song = replace(song, ground=ground)
        if not config.tune or not song.lyric_tokens:
            return song
        assert lyrics is not None
        line_end = 1 + alphabet(lyrics.vocabulary).index("\n")
        lines = planned_lines(self.listener, self.phone_lengths, song, seed, self.hop, line_end)
        return replace(song, tune=self.y_emb.tune_habits.plan(song.artists, ground, lines, seed))

    def places(self, song: SongLabels, seed: int, codes: int, prompt: torch.Tensor | None = None) -> torch.Tensor:
        """``pacing.planned_places`` of a prior that follows its lyrics."""
        return planned_places(self.listener, self.phone_lengths, song, seed, codes, self.hop, prompt)

    def condition(self, labels: LabelBatch | None, upper: torch.Tensor | None = None) -> Conditioning:
        """Embed one window's labels, lyrics and the codes [batch, ≤ n_ctx / factor] of the level above.

        Where the song ends inside the window, ``upper`` is shorter and the rest is left at zero:
        those positions are never sampled. A row of ``NOT_TOLD`` is a song whose level above is not told: zero
        throughout. Raises ValueError for a missing or too long input.
        """
        config = self.config
        start = positions = tokens = encoder = hidden = None
        if config.labels is not None:
            if labels is None:
                raise ValueError("this prior needs labels")
            start = self.y_emb.style(labels)
            positions = self.y_emb.time(labels)
            if config.labels.everywhere:
                positions = _added(positions, start.expand(-1, config.n_ctx, -1))
            positions = _added(positions, self.y_emb.ground(labels))
            positions = _added(positions, self.y_emb.tune(labels))
        if config.conditioner is not None:
            if upper is None or upper.shape[1] * self.upsampling > config.n_ctx:
                raise ValueError(f"an upsampler needs up to {config.n_ctx // self.upsampling} codes of the level above")
            positions = _added(positions, self._stretched(upper))
        if config.diction is not None and labels is not None and labels.sung is not None:
            positions = _added(positions, self.diction(labels.sung))
        if config.lyrics is not None:
            if labels is None or labels.lyric_tokens is None:
                raise ValueError("this prior needs lyric tokens")
            tokens = labels.lyric_tokens
            if config.lyrics.encoder is not None:
                hidden = self.prime_prior(tokens, None, None)
                encoder = self.prime_state_ln(self.prime_state_proj(hidden))
        return Conditioning(start, positions, tokens, encoder, hidden)

    def _stretched(self, upper: torch.Tensor) -> torch.Tensor:
        """Codes of the level above [batch, n] as embeddings [batch, n_ctx, width]; zero where none is told."""
        conditioner = self.conditioner_blocks[0]
        told = (upper != NOT_TOLD).all(dim=1)
        width = self.config.transformer.width
        out = next(conditioner.parameters()).new_zeros(len(upper), self.config.n_ctx, width)
        if bool(told.any()):
            known = conditioner(upper[told])
            out[told, : known.shape[1]] = known.to(out.dtype)
        return out

    def _sequence_conditioning(self, conditioning: Conditioning) -> torch.Tensor | None:
        """Conditioning of the whole sequence: zeros before the music where lyrics are merged."""
        positions = conditioning.positions
        if positions is None or not self.config.prefix:
            return positions
        return F.pad(positions, (0, 0, self.config.prefix, 0))

    def _sequence(self, codes: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        """Codes as the token sequence of the stack: shifted past the lyric ids and put behind them."""
        config = self.config
        if not config.prefix or config.lyrics is None:
            return codes
        assert conditioning.lyrics is not None
        return torch.cat([conditioning.lyrics, codes + config.lyrics.vocabulary_size], dim=1)

    def forward(self, codes: torch.Tensor, conditioning: Conditioning, reading: Reading | None = None) -> torch.Tensor:
        """Teacher-forced logits [batch, prefix + n_ctx, bins]."""
        hidden = self.prior(
            self._sequence(codes, conditioning),
            conditioning.start,
            self._sequence_conditioning(conditioning),
            conditioning.encoder,
            reading,
            self._lyric_bias(conditioning),
        )
        return self.prior.head(hidden)

    def _lyric_bias(self, conditioning: Conditioning) -> torch.Tensor | None:
        """``Conditioning.lyric_bias`` of a model that follows its lyrics. Raises ValueError without it."""
        if not self.config.follows:
            return None
        if conditioning.lyric_bias is None:
            raise ValueError("this prior follows its lyrics: its conditioning must tell where it is in them")
        return conditioning.lyric_bias

    def loss(
        self,
        codes: torch.Tensor,
        conditioning: Conditioning,
        reading: Reading | None = None,
        shown: torch.Tensor | None = None,
    ) -> PriorLoss:
        """Cross-entropies in bits: music, lyrics, and their published weighted sum.

        ``shown`` [batch, n_ctx]: what each code is predicted from in the place of ``codes``.
        """
        config = self.config
        logits = self(codes if shown is None else shown, conditioning, reading)
        tokens = self._sequence(codes, conditioning)
        music = _bits(logits[:, config.prefix :], tokens[:, config.prefix :])
        if config.lyrics is None:
            return PriorLoss(music, music, music.new_zeros(()))
        n_tokens = config.lyrics.n_tokens
        if config.prefix:
            lyrics = _bits(logits[:, : config.prefix], tokens[:, : config.prefix])
        else:
            lyrics = _bits(self.lyric_logits(conditioning), _known(conditioning.lyrics))
        whole = n_tokens + config.n_ctx
        total = config.lyrics.loss_fraction * lyrics * n_tokens / whole + music * config.n_ctx / whole
        return PriorLoss(total, music, lyrics)

    def code_bits(self, codes: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        """−log2 probability of every music code [batch, n_ctx], given those before it."""
        prefix = self.config.prefix
        tokens, logits = self._sequence(codes, conditioning)[:, prefix:], self(codes, conditioning)[:, prefix:]
        nats = F.cross_entropy(logits.flatten(0, 1).float(), tokens.flatten(), reduction="none")
        return nats.view(tokens.shape) / math.log(2)

    def lyric_logits(self, conditioning: Conditioning) -> torch.Tensor:
        """Next-character logits [batch, n_tokens, vocabulary] of a separate lyric encoder."""
        y: torch.Tensor = self.prime_x_out(_known(conditioning.encoder))
        return y

    def lyric_weights(self, codes: torch.Tensor, conditioning: Conditioning, layer: int) -> torch.Tensor:
        """Attention [batch, heads, n_ctx, n_tokens] of one layer from music to lyrics."""
        config = self.config
        if config.lyrics is None:
            raise ValueError("this prior has no lyrics to attend to")
        inputs = self.prior.inputs(
            self._sequence(codes, conditioning), conditioning.start, self._sequence_conditioning(conditioning)
        )
        weights = self.prior.transformer.layer_weights(
            inputs, layer, conditioning.encoder, self._lyric_bias(conditioning)
        )
        return weights[:, :, config.prefix :, : config.lyrics.n_tokens]

    def sampler(
        self, conditioning: Conditioning, batch: int, music: int, prompt: torch.Tensor, chunk: int
    ) -> CodeDecoding:
        """Begin to sample a window of up to ``music`` codes behind the prompt [batch, n]."""
        return CodeDecoding(self, conditioning, batch, music, prompt, chunk)


class CodeDecoding:
    """Codes of one window, drawn one after another."""

    def __init__(
        self, prior: Prior, conditioning: Conditioning, batch: int, music: int, prompt: torch.Tensor, chunk: int
    ) -> None:
        config = prior.config
        self._shift = config.lyrics.vocabulary_size if config.lyrics and config.prefix else 0
        self._decoding = Decoding(
            prior.prior,
            batch,
            config.prefix + music,
            conditioning.start,
            prior._sequence_conditioning(conditioning),
            conditioning.encoder,
        )
        lyric_bias = prior._lyric_bias(conditioning)
        if lyric_bias is not None:
            self._decoding.follow(lyric_bias)
        known = prior._sequence(prompt, conditioning)
        self._decoding.prefill(known, chunk)
        self._previous = known[:, -1] if known.shape[1] else None

    def step(self, choose: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """Draw the next code [batch]: ``choose`` maps logits [batch, bins] to tokens [batch].

        As published, nothing keeps a merged model from drawing a lyric id: it is fed back as it is
        and reported as code 0.
        """
        token = choose(self._decoding.step(self._previous))
        self._previous = token
        return (token - self._shift).clamp_min(0) if self._shift else token


def _added(one: torch.Tensor | None, other: torch.Tensor | None) -> torch.Tensor | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other


def _bits(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten()) / math.log(2)


def _known(value: torch.Tensor | None) -> torch.Tensor:
    if value is None:
        raise ValueError("this prior has no separate lyric encoder")
    return value
