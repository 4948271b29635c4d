"""How far each number format of the weights is from float32 on the reference vectors:

    python -m tests.benchmarks.formats

Prints, for every prior of tests/golden, the mean Kullback-Leibler divergence of next-code distributions and how often
the likeliest code is the same. For a whole model ``python -m explorer bench`` reports the same along its own song.
"""

from __future__ import annotations

from pathlib import Path

import torch

from explorer.checkpoints.conformance.priors import read_window
from explorer.checkpoints.conformance.vectors import Vectors
from explorer.fidelity import format_costs
from explorer.jukebox.products import WeightFormat

GOLDEN = Path(__file__).parents[1] / "golden"


def main() -> None:
    with Vectors(GOLDEN, torch.device("cpu")) as vectors, torch.inference_mode():
        for name in vectors.prior_names:
            window = read_window(vectors, name)
            for format, cost in format_costs(
                window.prior, window.condition(), window.codes, WeightFormat.FLOAT32
            ).items():
                print(
                    f"{name} {format}: {cost.divergence:.6f} nats, {cost.agreement:.1%} the same likeliest code, "
                    f"{cost.distributions} codes"
                )


if __name__ == "__main__":
    main()
