"""Where the time of one sampling step goes, for every level of a model:

    python -m tests.benchmarks.step --model pocket

Prints the median of steps without a profiler, and from steps with one which shares torch spends in matrix products,
attention, normalisation and all else; what is left is Python between the operators, the profiler's own work included.
The weights are read in the formats that are chosen here, on one thread, as songs are drawn.
"""

from __future__ import annotations

import argparse
import statistics
from collections import Counter
from time import perf_counter

import torch
from torch.profiler import ProfilerActivity, profile

from explorer.benchmark import stream_bytes_per_second, usual_decoding, weight_bytes
from explorer.engine import Jukebox
from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.jukebox.song import usual_sampling

WARM_UP, TIMED, PROFILED = 40, 80, 80
GROUPS = {
    "matrix products": ("linear", "addmm", "aten::mm", "aten::bmm"),
    "attention": ("attention",),
    "layer normalisation": ("layer_norm",),
}
"""Parts of operators' names; what has none of them is "other operators"."""


def group(operator: str) -> str:
    return next((name for name, parts in GROUPS.items() if any(part in operator for part in parts)), "other operators")


@torch.inference_mode()
def profiled(engine: Jukebox, level: Level) -> dict[str, float]:
    """Milliseconds of one step of so many rows, what reading the weights once would take, and shares of a step."""
    rows = engine.config.strands[level.index] * usual_sampling(engine.config).level(level).runs
    decoding = usual_decoding(engine, level, rows)

    def step() -> float:
        began = perf_counter()
        decoding.step(lambda logits: logits.argmax(-1))
        return 1000 * (perf_counter() - began)

    for _ in range(WARM_UP):
        step()
    alone = statistics.median(step() for _ in range(TIMED))
    with profile(activities=[ProfilerActivity.CPU]) as record:
        watched = sum(step() for _ in range(PROFILED))
    shares: Counter[str] = Counter()
    for operator in record.key_averages():
        shares[group(operator.key)] += operator.self_cpu_time_total / 1000 / watched
    limit = 1000 * weight_bytes(engine, level) / stream_bytes_per_second(engine)
    return {"rows": rows, "a step, ms": alone, "reading the weights once, ms": limit} | {
        **shares, "between operators": 1 - sum(shares.values())
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="pocket")
    options = parser.parse_args()
    engine = Jukebox.load(options.model)
    torch.set_num_threads(1)
    for level in SAMPLING_ORDER:
        print(f"{level}, {engine.precision.name(level)}")
        for name, value in profiled(engine, level).items():
            print(f"  {name}: {value:.3g}")


if __name__ == "__main__":
    main()
