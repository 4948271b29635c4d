"""One step of the published models at full size, with random weights: ours in every weight format, and other
implementations in the same process where they are installed.

    python -m tests.benchmarks.full_size --out full_size.json

Other implementations, for this measurement only (called, neither read nor shipped; see their own licences):
    pip install transformers==4.46.3 && pip install --no-deps jukebox-infer==0.1.2

Needs 12 GB of memory and an idle machine. All times are medians of a few steps at the given context, in milliseconds.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import nn

from explorer.benchmark import WEIGHT_BYTES
from explorer.jukebox.autoregressive import Autoregressive, Decoding
from explorer.jukebox.config import PriorConfig
from explorer.jukebox.presets import TOP_1B_LYRICS, UPSAMPLER_BOTTOM
from explorer.jukebox.products import WeightFormat, available, pack

STEPS = 10
CONTEXT = 4096
"""Codes (merged lyrics included) before the step that is timed."""
WINDOWS = 8
"""Windows that our upsampler draws together."""
SIDE = 8192
"""Of the matrix by which streaming of weights is measured."""


def built(config: PriorConfig) -> Autoregressive:
    """The stack of a prior with random weights."""
    with torch.device("meta"):
        model = Autoregressive(
            config.sequence, config.bins, labelled=True, tied=not config.merged_decoder,
            add_again=not config.merged_decoder, prime_tokens=config.prefix,
        )  # fmt: skip
    model = model.to_empty(device="cpu").eval().requires_grad_(False)
    filled(model)
    return model


def filled(model: nn.Module) -> None:
    """The same small numbers everywhere: drawing a thousand million random ones would take longer than all else."""
    some = torch.randn(1 << 20) * 0.02
    for parameter in model.parameters():
        flat = parameter.data.view(-1)
        for first in range(0, len(flat), len(some)):
            flat[first : first + len(some)] = some[: len(flat) - first]


@torch.inference_mode()
def our_step(model: Autoregressive, rows: int) -> float:
    """Seconds of one step of ``rows`` sequences behind CONTEXT codes."""
    width = model.config.width
    decoding = Decoding(model, rows, CONTEXT + STEPS + 1, torch.zeros(rows, 1, width), None)
    decoding.position = CONTEXT
    token = torch.zeros(rows, dtype=torch.int64)
    times = []
    for _ in range(STEPS):
        began = perf_counter()
        token = decoding.step(token).argmax(-1)
        times.append(perf_counter() - began)
    return statistics.median(times)


@torch.inference_mode()
def streaming(format: WeightFormat) -> float:
    """Bytes of weights per second that one product with a vector reads; best of a few."""
    weight, vector = torch.randn(SIDE, SIDE), torch.randn(1, SIDE)
    size = WEIGHT_BYTES[format] * weight.numel()
    if format is WeightFormat.FLOAT32:
        product: Callable[[torch.Tensor], torch.Tensor] = lambda x: x @ weight  # noqa: E731
    else:
        product = pack(weight, None, format)
    best = float("inf")
    for _ in range(8):
        began = perf_counter()
        product(vector)
        best = min(best, perf_counter() - began)
    return size / best


def weights_of(model: Autoregressive) -> int:
    """Weights that a step reads: the layers and the head."""
    return sum(p.numel() for part in (model.transformer, model.x_out) for p in part.parameters())


@contextmanager
def timed_steps(stack: nn.Module) -> Iterator[list[float]]:
    """Collects how long the stack takes for single positions."""
    times: list[float] = []
    forward = stack.forward

    def timed(x: torch.Tensor, *args: Any, **named: Any) -> Any:
        began = perf_counter()
        y = forward(x, *args, **named)
        if x.shape[1] == 1:
            times.append(perf_counter() - began)
        return y

    stack.forward = timed  # type: ignore[method-assign]
    yield times


@torch.inference_mode()
def peer_step(model: nn.Module, stack: nn.Module, sample: Callable[[torch.Tensor], Any], bins: int) -> float:
    """Seconds of one step of another implementation behind CONTEXT codes: the stack alone, which favours it."""
    filled(model)
    known = torch.zeros(1, CONTEXT, dtype=torch.int64) + bins - 1
    with timed_steps(stack) as times:
        sample(known)
    return statistics.median(times[1:])


def transformers_peer(config: PriorConfig, dtype: torch.dtype) -> float:
    """transformers' JukeboxConditionalAutoregressive."""
    from transformers.models.deprecated.jukebox.configuration_jukebox import JukeboxPriorConfig
    from transformers.models.deprecated.jukebox.modeling_jukebox import JukeboxConditionalAutoregressive

    stack = config.sequence
    merged = config.prefix > 0
    theirs = JukeboxPriorConfig(
        attention_pattern="enc_dec_with_lyrics" if merged else "raw_column_previous_row_attention",
        num_layers=stack.depth, hidden_size=stack.width, n_heads=stack.heads, blocks=stack.blocks,
        attention_multiplier=stack.m_attn, mlp_multiplier=stack.m_mlp, n_ctx=stack.n_ctx, mask=True,
        nb_relevant_lyric_tokens=config.prefix, merged_decoder=config.merged_decoder, is_encoder_decoder=merged,
        metadata_conditioning=True,
    )  # fmt: skip
    model = JukeboxConditionalAutoregressive(
        theirs, n_ctx=stack.n_ctx, embed_dim=config.bins, audio_conditioning=False, metadata_conditioning=True
    )
    model = model.to(dtype).eval().requires_grad_(False)
    start = torch.zeros(1, 1, stack.width, dtype=dtype)

    def sample(known: torch.Tensor) -> None:
        model.primed_sample(1, known, metadata_conditioning=start, chunk_size=512, sample_tokens=CONTEXT + STEPS)

    return peer_step(model, model.transformer, sample, config.bins)


def infer_peer(config: PriorConfig) -> float:
    """jukebox-infer's ConditionalAutoregressive2D, in float32: on a CPU its half precision is not to be had."""
    from jukebox_infer.prior.autoregressive import ConditionalAutoregressive2D

    stack = config.sequence
    model = ConditionalAutoregressive2D(
        (stack.n_ctx,), config.bins, width=stack.width, depth=stack.depth, heads=stack.heads, blocks=stack.blocks,
        attn_order=stack.attention_order, m_attn=stack.m_attn, m_mlp=stack.m_mlp, x_cond=False, y_cond=True,
        merged_decoder=config.merged_decoder, prime_len=config.prefix or None, init_scale=stack.init_scale,
    ).eval().requires_grad_(False)  # fmt: skip
    start = torch.zeros(1, 1, stack.width)

    # it asserts that tokens are on a CUDA card
    torch.cuda.LongTensor = torch.LongTensor  # type: ignore[misc, assignment]

    def sample(known: torch.Tensor) -> None:
        model.primed_sample(1, known, y_cond=start, chunk_size=512, sample_tokens=CONTEXT + STEPS)

    return peer_step(model, model.transformer, sample, config.bins)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    report: dict[str, Any] = {"threads": options.threads, "torch": torch.__version__, "context": CONTEXT}

    def keep(name: str, value: Any) -> None:
        report[name] = value
        print(name, value, flush=True)
        options.out.write_text(json.dumps(report, indent=1))

    for model_name, config, rows in (("top_1b_lyrics", TOP_1B_LYRICS, 1), ("upsampler", UPSAMPLER_BOTTOM, WINDOWS)):
        model = built(config)
        for format in filter(available, WeightFormat):
            rate = streaming(format)
            model.pack(format)
            step = our_step(model, rows)
            size = WEIGHT_BYTES[format]
            limit = size * weights_of(model) / rate
            keep(f"{model_name} ours {format}", {
                "rows": rows, "milliseconds": round(1000 * step, 1), "codes_per_second": round(rows / step, 2),
                "limit_milliseconds": round(1000 * limit, 1), "share_of_limit": round(limit / step, 3),
            })  # fmt: skip
        del model
        gc.collect()
        peers: dict[str, Callable[[], float]] = {
            "jukebox-infer float32": lambda config=config: infer_peer(config),  # type: ignore[misc]
            "transformers float32": lambda config=config: transformers_peer(config, torch.float32),  # type: ignore[misc]
            "transformers bfloat16": lambda config=config: transformers_peer(config, torch.bfloat16),  # type: ignore[misc]
        }
        for peer, measure in peers.items():
            try:
                step = measure()
            except ImportError as error:
                keep(f"{model_name} {peer}", f"not installed: {error}")
                continue
            keep(f"{model_name} {peer}", {
                "rows": 1, "milliseconds": round(1000 * step, 1), "codes_per_second": round(1 / step, 2)
            })  # fmt: skip
            gc.collect()


if __name__ == "__main__":
    main()
