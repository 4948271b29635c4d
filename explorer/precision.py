"""On which device and in which number formats a model runs, and why.

Knows: the devices of this machine, and how to find out by a short trial which weight format is fastest for
a stack of layers. Does not know files, songs or pages.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import torch

from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.jukebox.prior import Prior
from explorer.jukebox.products import WeightFormat, available
from explorer.jukebox.transformer import Block

TRIAL_BYTES = 64 * 2**20
"""Float32 weights that a trial reads at most, to the end of a layer: more than caches hold, so that memory is what is
measured."""
TRIAL_SECONDS = 0.05
"""For each format; the fastest pass counts."""
SMALL_BYTES = 2**20
"""A level with fewer float32 weights stays in float32: a core's cache holds them, and a trial would measure chance."""
WORTH = 0.85
"""Share of float32's time that another format must stay below: exactness is not given up for little."""

AUTO = "auto"


class DeviceError(ValueError):
    """A device or a number format that was asked for and cannot be had."""


@dataclass(frozen=True)
class Precision:
    """The number formats of the Transformers, and why they were chosen."""

    dtype: torch.dtype
    """Of activations and of unpacked weights."""
    reason: str
    formats: Mapping[Level, WeightFormat] = field(default_factory=dict)
    """How each level's weights are read; levels that are not named in ``dtype``."""

    def name(self, level: Level) -> str:
        """The number format of one level's weights, for records."""
        kept = str(self.dtype).removeprefix("torch.")
        return self.formats[level].value if level in self.formats else kept


def choose_device(wanted: str) -> torch.device:
    """``auto`` takes cuda, then mps, then cpu. Raises DeviceError for one that is not there."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == AUTO:
        wanted = next(name for name in ("cuda", "mps", "cpu") if available[name])
    kind = wanted.split(":")[0]
    if not available.get(kind, False):
        raise DeviceError(f"There is no device {wanted} here. Use auto, or one of: "
                          + ", ".join(name for name, there in available.items() if there) + ".")  # fmt: skip
    return torch.device(wanted)


def choose_precision(
    device: torch.device, wanted: str, priors: Mapping[Level, Prior], rows: Mapping[Level, int]
) -> Precision:
    """The formats in which ``priors`` shall run; on a CPU and with ``wanted`` "auto" those of a trial.

    ``rows``: sequences that each level runs together. Half precision on accelerators is as
    published (untested here). Raises DeviceError for a format that cannot be had.
    """
    if device.type in ("cuda", "mps"):
        if wanted not in (AUTO, WeightFormat.FLOAT32):
            raise DeviceError(f"{wanted} weights are for CPUs; on {device.type} use auto or float32.")
        if wanted == AUTO:
            return Precision(torch.float16, f"half precision on {device.type}, as the published models ran")
        return Precision(torch.float32, "float32, as asked for")
    if wanted == WeightFormat.FLOAT32:
        return Precision(torch.float32, "float32, as asked for")
    if wanted != AUTO:
        format = WeightFormat(wanted)
        if pass_seconds(priors[Level.TOP].prior.transformer.blocks, 1, format) is None:
            raise DeviceError(f"torch has no {wanted} products for this processor; use auto or float32.")
        return Precision(torch.float32, f"{wanted} weights, as asked for", dict.fromkeys(priors, format))
    formats, reasons = {}, []
    for level in (level for level in SAMPLING_ORDER if level in priors):
        blocks = priors[level].prior.transformer.blocks
        if sum(4 * product.w.numel() for block in blocks for product in block.products()) < SMALL_BYTES:
            formats[level] = WeightFormat.FLOAT32
            reasons.append(f"{level} {WeightFormat.FLOAT32} (small)")
            continue
        formats[level], times = fastest(blocks, rows[level])
        reasons.append(f"{level} {formats[level]} ({times})")
    return Precision(torch.float32, "the fastest weight formats in a trial here: " + "; ".join(reasons), formats)


def fastest(blocks: Sequence[Block], rows: int) -> tuple[WeightFormat, str]:
    """The format to sample with, and the times of all in words."""
    times = {format: pass_seconds(blocks, rows, format) for format in WeightFormat}
    exact = times[WeightFormat.FLOAT32]
    assert exact is not None
    known = {format: seconds for format, seconds in times.items() if seconds is not None}
    best = min(known, key=lambda format: known[format])
    if known[best] > WORTH * exact:
        best = WeightFormat.FLOAT32
    return best, ", ".join(f"{format} {seconds / exact:.2f}" for format, seconds in known.items())


@torch.inference_mode()
def pass_seconds(blocks: Sequence[Block], rows: int, format: WeightFormat) -> float | None:
    """Seconds of one sampling step of ``rows`` rows through the first blocks; None where torch has no products in
    ``format``.

    Whole steps, since a format also decides what is around its products. Leaves the blocks' weights unpacked.
    """
    if not available(format):
        return None
    sizes = itertools.accumulate(sum(4 * product.w.numel() for product in block.products()) for block in blocks)
    tried = blocks[: sum(size < TRIAL_BYTES for size in sizes) + 1]
    width, block_length = tried[0].attn.c_attn.w.shape[0], tried[0].attn.block_length
    # the second block of a song, half of it: every attention kind has something to attend to
    position = block_length + block_length // 2
    try:
        for block in tried:
            block.pack(format)
        lyrics = torch.zeros(rows, block_length, width)
        caches = [block.attn.start(rows, 2 * block_length, lyrics) for block in tried]
        best, end = float("inf"), perf_counter() + TRIAL_SECONDS
        while best == float("inf") or perf_counter() < end:
            x = torch.zeros(rows, 1, width)
            began = perf_counter()
            for block, cache in zip(tried, caches, strict=True):
                x = block.extend(x, cache, position)
            best = min(best, perf_counter() - began)
        return best
    except (RuntimeError, AttributeError, NotImplementedError):  # an operator that this build or processor lacks
        return None
    finally:
        for block in tried:
            block.pack(WeightFormat.FLOAT32)
