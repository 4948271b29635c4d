"""bench: how fast a model makes songs on this machine.

Knows: the options and the lines that a person reads. Does not know: what is measured how.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from explorer.cli.common import UsageError, add_command, settings_of


def add_commands(commands: Any) -> None:
    parser = add_command(
        commands,
        "bench",
        run_bench,
        "Measure loading, songs, takes and single steps on this machine; leave it alone meanwhile.",
        "python -m explorer bench --model pocket --out bench.json",
    )
    parser.add_argument("--model", default="pocket", metavar="NAME|DIR", help="model to measure (pocket)")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S", help="length of the songs (20)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the figures as JSON")


def run_bench(options: argparse.Namespace) -> int:
    from explorer.benchmark import run_benchmark
    from explorer.durable import write_bytes

    if not 1 <= options.seconds <= 200:
        raise UsageError("The songs must last 1 to 200 seconds.")

    def say(step: str) -> None:
        print(step, file=sys.stderr, flush=True)

    report = run_benchmark(options.model, settings_of(options).models, options.seconds, say)
    write_bytes(options.out, json.dumps(report, indent=1).encode())
    print("\n".join(summary(report)))
    return 0


def summary(report: dict[str, Any]) -> list[str]:
    """The report as lines of text."""
    lines = [f"{report['model']} on {report['machine']['processor']}, {report['machine']['threads']} threads"]
    for song in report["songs"]:
        lines.append(
            f"{song['name']}: {song['wall_seconds']:.1f} s, {song['wall_per_second_of_audio']:.2f} s per second of "
            f"audio, first sound after {song['first_preview_seconds']:.1f} s"
        )
    for level, step in report["steps"].items():
        lines.append(
            f"{level}: {step['step_milliseconds']:.2f} ms a step of {step['rows']}, {step['codes_per_second']:.0f} "
            f"codes per second; reading the weights once takes {step['limit_milliseconds']:.2f} ms"
        )
    for level, formats in report["formats"].items():
        costs = [
            f"{name} {cost['divergence_nats']:.4f} nats, {cost['greedy_agreement']:.1%} the same likeliest code"
            for name, cost in formats["against_float32"].items()
        ]
        lines.append(
            f"{level}, {formats['in_use']} in use, against float32: {'; '.join(costs) or 'no other format here'}"
        )
    for level, cost in report["strands"].items():
        lines.append(
            f"{level}, {cost['strands']} strands: {cost['bits_together']:.3f} bits per code, one window after "
            f"another {cost['bits_one_after_another']:.3f}"
        )
    return lines
