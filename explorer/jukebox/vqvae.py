"""The VQ-VAE: audio to codes and back at several rates.

Knows: encoders, decoders and their published parameter names, so that a released state dict loads
as it is. Does not know training, files, or sampling. Every level has an encoder and a decoder of
its own; they share nothing (Dhariwal et al. 2020, section 3.1).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from explorer.jukebox.bottleneck import Bottleneck
from explorer.jukebox.config import VQVAEConfig

ENCODE_PIECE = 2**15
"""Audio samples encoded at once: pieces that stay in a processor's cache are encoded fastest."""


class ResidualUnit(nn.Module):
    """x + scale·f(x): ReLU, dilated convolution over three steps, ReLU, pointwise convolution."""

    def __init__(self, width: int, dilation: int, m_conv: float, scale: float = 1.0) -> None:
        super().__init__()
        hidden = int(m_conv * width)
        self.model = nn.Sequential(
            nn.ReLU(),
            nn.Conv1d(width, hidden, 3, padding=dilation, dilation=dilation),
            nn.ReLU(),
            nn.Conv1d(hidden, width, 1),
        )
        self.scale = scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, width, time] → the same."""
        y: torch.Tensor = self.model(x)
        return x + (y if self.scale == 1.0 else self.scale * y)


def residual_units(
    width: int,
    depth: int,
    growth: int,
    cycle: int | None,
    m_conv: float,
    reverse: bool = False,
    scale: float = 1.0,
) -> list[ResidualUnit]:
    """``depth`` units with dilations growth^(j mod cycle), largest first where ``reverse``."""
    dilations = [growth ** (j if cycle is None else j % cycle) for j in range(depth)]
    if reverse:
        dilations.reverse()
    return [ResidualUnit(width, d, m_conv, scale) for d in dilations]


class ResidualStack(nn.Module):
    """Residual units under the published name ``model``."""

    def __init__(self, units: list[ResidualUnit]) -> None:
        super().__init__()
        self.model = nn.Sequential(*units)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.model(x)
        return y


class ConvBlock(nn.Module):
    """One level's stretch of an encoder or decoder, under the published name ``model``."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.model(x)
        return y


def _encoder_block(config: VQVAEConfig, level: int, block: int) -> ConvBlock:
    width, depth = config.width * config.multipliers[level], config.depth * config.multipliers[level]
    stride = config.strides_t[block]
    stages = []
    channels = 1 if block == 0 else config.emb_width
    for _ in range(config.downs_t[block]):
        units = residual_units(width, depth, config.dilation_growth, config.dilation_cycle, config.m_conv)
        stages.append(
            nn.Sequential(
                nn.Conv1d(channels, width, 2 * stride, stride=stride, padding=stride // 2), ResidualStack(units)
            )
        )
        channels = width
    return ConvBlock(*stages, nn.Conv1d(width, config.emb_width, 3, padding=1))


def _decoder_block(config: VQVAEConfig, level: int, block: int) -> ConvBlock:
    width, depth = config.width * config.multipliers[level], config.depth * config.multipliers[level]
    stride, downs = config.strides_t[block], config.downs_t[block]
    stages: list[nn.Module] = [nn.Conv1d(config.emb_width, width, 3, padding=1)]
    for i in range(downs):
        units = residual_units(width, depth, config.dilation_growth, config.dilation_cycle, config.m_conv, reverse=True)
        out = config.emb_width if i == downs - 1 else width
        stages.append(
            nn.Sequential(
                ResidualStack(units),
                nn.ConvTranspose1d(width, out, 2 * stride, stride=stride, padding=stride // 2),
            )
        )
    return ConvBlock(*stages)


class Encoder(nn.Module):
    """From audio all the way to one level."""

    def __init__(self, config: VQVAEConfig, level: int) -> None:
        super().__init__()
        self.level_blocks = nn.ModuleList([_encoder_block(config, level, b) for b in range(level + 1)])

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """[batch, 1, samples] → [batch, emb_width, samples / hop]."""
        x = audio
        for block in self.level_blocks:
            x = block(x)
        return x


class Decoder(nn.Module):
    """From one level all the way to audio."""

    def __init__(self, config: VQVAEConfig, level: int) -> None:
        super().__init__()
        self.level_blocks = nn.ModuleList([_decoder_block(config, level, b) for b in range(level + 1)])
        self.out = nn.Conv1d(config.emb_width, 1, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, emb_width, codes] → [batch, 1, codes · hop]."""
        for block in reversed(self.level_blocks):
            x = block(x)
        return _to_one_channel(x, self.out)


def _to_one_channel(x: torch.Tensor, conv: nn.Conv1d) -> torch.Tensor:
    """``conv`` (one output channel, three taps, padding 1) as a matrix product and two shifts.

    [batch, width, time] → [batch, 1, time]. Library convolutions with a single output channel
    spend most of a training step here; this is several times faster forwards and backwards.
    """
    assert conv.bias is not None
    taps = torch.matmul(conv.weight[0].t(), x)  # [batch, 3, time]
    y = taps[:, 1] + F.pad(taps[:, 0, :-1], (1, 0)) + F.pad(taps[:, 2, 1:], (0, 1))
    return (y + conv.bias).unsqueeze(1)


class VQVAE(nn.Module):
    """Encoders, codebooks and decoders of all levels, finest first.

    Audio is [batch, samples, 1] in [-1, 1] as published; codes are int64 [batch, codes].
    """

    def __init__(self, config: VQVAEConfig) -> None:
        super().__init__()
        self.config = config
        self.encoders = nn.ModuleList([Encoder(config, level) for level in range(config.levels)])
        self.decoders = nn.ModuleList([Decoder(config, level) for level in range(config.levels)])
        self.bottleneck = Bottleneck(config.levels, config.codes, config.emb_width)

    def encode_continuous(self, audio: torch.Tensor, level: int) -> torch.Tensor:
        """[batch, samples, 1] → [batch, emb_width, codes] before quantisation."""
        x: torch.Tensor = self.encoders[level](audio.transpose(1, 2))
        return x

    def encode(self, audio: torch.Tensor, level: int) -> torch.Tensor:
        """[batch, samples, 1] → codes [batch, samples // hop] int64.

        Samples beyond a multiple of the hop are ignored. Long audio is encoded in pieces with as
        much context as a code can hear. Raises ValueError for less than one hop.
        """
        hop = self.config.hop(level)
        total = audio.shape[1] // hop
        if total == 0:
            raise ValueError(f"{audio.shape[1]} samples are less than one code of {hop} samples")
        reach = self.config.encoder_reach(level)
        size = max(1, ENCODE_PIECE // hop)
        pieces = []
        for start in range(0, total, size):
            stop = min(total, start + size)
            low, high = max(0, start - reach), min(total, stop + reach)
            x = self.encode_continuous(audio[:, low * hop : high * hop], level)[..., start - low : stop - low]
            pieces.append(self.bottleneck.level(level).encode(x.transpose(1, 2)))
        return torch.cat(pieces, dim=1)

    def decode(self, codes: torch.Tensor, level: int) -> torch.Tensor:
        """codes [batch, codes] → audio [batch, codes · hop, 1], not clipped."""
        x = self.bottleneck.level(level).decode(codes).transpose(1, 2)
        y: torch.Tensor = self.decoders[level](x)
        return y.transpose(1, 2)

    def reconstruct(
        self, audio: torch.Tensor, level: int, precision: torch.dtype = torch.float32
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Training pass with the straight-through gradient (van den Oord et al. 2017).

        [batch, samples, 1] → (audio' of the same shape, commitment loss scalar, encoder rows
        [batch · codes, emb_width] and their codes [batch · codes]). ``precision`` is that of the
        convolutions' products only: codes are always looked up in float32.
        """
        faster = torch.autocast(audio.device.type, precision, enabled=precision is not torch.float32)
        with faster:
            x = self.encode_continuous(audio, level)
        x = x.float()
        rows = x.transpose(1, 2).reshape(-1, x.shape[1])
        book = self.bottleneck.level(level)
        with torch.no_grad():
            codes = book.encode(rows)
        quantised = book.decode(codes)
        commit = F.mse_loss(rows, quantised.detach())
        straight = rows + (quantised - rows).detach()
        with faster:
            y = self.decoders[level](straight.view(x.shape[0], -1, x.shape[1]).transpose(1, 2))
        return y.float().transpose(1, 2), commit, rows.detach(), codes
