"""The VQ-VAE: audio to codes and back at several rates.

Knows: encoders, decoders and their published parameter names, so that a released state dict loads
as it is. Does not know training, files, or sampling. Every level has an encoder and a decoder of
its own; they share nothing (Dhariwal et al. 2020, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass

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
        return self.extend(x.transpose(1, 2)).transpose(1, 2)

    def extend(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, time, width] → the same: with the channels last, processors convolve half as fast again."""
        _, first, _, second = self.model
        assert isinstance(first, nn.Conv1d) and isinstance(second, nn.Conv1d)
        dilation = first.dilation[0]
        image = F.relu(x).transpose(1, 2).unsqueeze(2)  # of height one, in the memory format channels_last
        # three taps: the padding that keeps the length is the dilation
        image = F.conv2d(image, first.weight.unsqueeze(2), first.bias, padding=(0, dilation), dilation=(1, dilation))
        y = F.linear(F.relu(image.squeeze(2).transpose(1, 2)), second.weight.squeeze(2), second.bias)
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
        """[batch, width, time] → the same."""
        y = x.transpose(1, 2).contiguous()
        for unit in self.model:
            assert isinstance(unit, ResidualUnit)
            y = unit.extend(y)
        return y.transpose(1, 2)


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
        for block in list(self.level_blocks)[:0:-1]:
            x = block(x)
        finest = self.level_blocks[0]
        assert isinstance(finest, ConvBlock)
        for layer in finest.model[:-1]:
            x = layer(x)
        residuals, stretch = finest.model[-1].children()
        assert isinstance(stretch, nn.ConvTranspose1d)
        return _to_audio(residuals(x), stretch, self.out)


def _to_audio(x: torch.Tensor, stretch: nn.ConvTranspose1d, out: nn.Conv1d) -> torch.Tensor:
    """``out(stretch(x))`` [batch, width, n] → [batch, 1, n · stride], without the channels at the audio's rate.

    Nothing but addition lies between the two, so they are one transposed convolution with a single
    output channel: a small matrix product and an overlap-add. Library convolutions spend a quarter
    of a training step here. Always in float32.
    """
    assert stretch.bias is not None and out.bias is not None
    stride = stretch.stride[0]
    padding = stride // 2
    with torch.autocast(x.device.type, enabled=False):
        frames = x.float().transpose(1, 2)
        kernel, taps = stretch.weight.float(), out.weight[0].float()  # [width, channels, 2·stride], [channels, 3]
        # sample n of the product hears stretched samples n − 1, n and n + 1: [width, 2·stride + 2]
        joint = sum(F.pad(torch.einsum("wck,c->wk", kernel, taps[:, tap]), (2 - tap, tap)) for tap in range(3))
        assert isinstance(joint, torch.Tensor)
        pieces = F.pad(frames @ joint, (0, stride - 2))
        pieces = pieces.view(*pieces.shape[:2], 3, stride)
        summed = sum(F.pad(pieces[:, :, part], (0, 0, part, 2 - part)) for part in range(3))
        assert isinstance(summed, torch.Tensor)
        samples = summed.flatten(1)[:, padding + 1 : padding + 1 + frames.shape[1] * stride]
        bias = stretch.bias.float()
        audio = samples + (bias @ taps.sum(1) + out.bias.float())
        # ``out`` hears silence before the first and behind the last sample, not what ``stretch`` would put there
        early = (frames[:, 0] @ kernel[:, :, padding - 1] + bias) @ taps[:, 0]
        late = (frames[:, -1] @ kernel[:, :, stride + padding] + bias) @ taps[:, 2]
        inner = audio.shape[1] - 2
        audio = audio - torch.cat([early[:, None], audio.new_zeros(audio.shape[0], inner), late[:, None]], dim=1)
    return audio.unsqueeze(1)


@dataclass(frozen=True)
class Reconstruction:
    """One training pass of one level."""

    audio: torch.Tensor
    """[batch, samples, 1]"""
    commit: torch.Tensor
    """Commitment loss, scalar."""
    rows: torch.Tensor
    """[batch · codes, emb_width] what the encoder put out, detached."""
    codes: torch.Tensor
    """[batch · codes]"""
    quantised: torch.Tensor
    """[batch, emb_width, codes] what the decoder saw; its gradient reaches the encoder."""


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

    def reconstruct(self, audio: torch.Tensor, level: int, precision: torch.dtype = torch.float32) -> Reconstruction:
        """Training pass over audio [batch, samples, 1] with the straight-through gradient (van den Oord et al. 2017).

        ``precision`` is that of the convolutions' products only: codes are always looked up in float32.
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
        straight = (rows + (quantised - rows).detach()).view(x.shape[0], -1, x.shape[1]).transpose(1, 2)
        with faster:
            y = self.decoders[level](straight)
        return Reconstruction(y.float().transpose(1, 2), commit, rows.detach(), codes, straight)
