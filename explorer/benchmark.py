"""How fast a model makes songs here: what ``python -m explorer bench`` reports.

Knows: which times are taken and how far they are from what this machine's memory allows. Does not
know: other implementations, or how a report is shown. Every figure
is wall time of this machine as it is; only ratios inside one report mean something elsewhere.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from explorer.engine import Jukebox
from explorer.fidelity import format_costs
from explorer.jukebox.config import LEVELS, SAMPLING_ORDER, Level
from explorer.jukebox.events import LevelDone, LevelStarted, Preview
from explorer.jukebox.prior import CodeDecoding, Conditioning, Prior
from explorer.jukebox.products import WeightFormat
from explorer.jukebox.rows import window_conditioning, window_lyric_bias
from explorer.jukebox.song import SEQUENTIAL, SamplingOptions, Song, usual_sampling
from explorer.jukebox.windows import plan_windows

STREAM_SIZE = 4096
"""Side of the square matrix whose product with a vector measures how fast weights can be read."""

WEIGHT_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "int8": 1}
"""Bytes that a step reads of each weight, by number format."""

FORMAT_SECONDS, FORMAT_CODES = 6.0, 512
"""Length of the song along which number formats are compared, and its codes of each level that are."""

STEPS = 200
"""Sampling steps over which one step is timed."""


def run_benchmark(model: str | Path, models_folder: Path, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """The whole report for one model, songs of ``seconds``. Raises CheckpointError."""
    say("loading")
    report: dict[str, Any] = {"loading": loading(model, models_folder)}
    engine = Jukebox.load(model, models_folder=models_folder)
    report = {"machine": machine(engine), "model": engine.name, "weights": engine.hashes} | report
    say("getting ready")
    began = perf_counter()
    engine.prepare(wait=True)  # as the page does while its user writes
    report["loading"]["prepare_seconds"] = round(perf_counter() - began, 3)
    song = Song(lyrics="paper boats on the morning rain\none for the river and one for the train", seconds=seconds)
    report["songs"] = []
    for name, wanted, takes in (("one song", 1.0, 1), ("three times as long", 3.0, 1), ("four takes", 1.0, 4)):
        say(f"{name}: {wanted * seconds:g} s of audio, {takes} at once")
        report["songs"].append(
            {"name": name} | time_song(engine, dataclasses.replace(song, seconds=wanted * seconds), takes)
        )
    one, long, four = report["songs"]
    report["ratios"] = {
        "three_times_as_long": round(long["wall_seconds"] / one["wall_seconds"], 3),
        "four_takes": round(four["wall_seconds"] / one["wall_seconds"], 3),
        "memory_three_times_as_long": round(long["peak_bytes"] / one["peak_bytes"], 3),
    }
    say("one step of each level")
    report["steps"] = {level.value: time_steps(engine, level) for level in SAMPLING_ORDER}
    say("what number formats cost")
    report["formats"] = formats_cost(engine, song)
    say("what strands cost")
    report["strands"] = strands_cost(engine, dataclasses.replace(song, seconds=min(seconds, 12.0)))
    return report


def machine(engine: Jukebox) -> dict[str, Any]:
    """The processor and what was chosen for it."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "device": str(engine.device),
        "precision": {level.value: engine.precision.name(level) for level in SAMPLING_ORDER},
        "precision_reason": engine.precision.reason,
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def loading(model: str | Path, models_folder: Path) -> dict[str, float]:
    """Seconds to import and to load in a new process, and its peak memory above that of the imports."""
    program = (
        "import resource, sys, time\n"
        "from pathlib import Path\n"
        "began = time.perf_counter()\n"
        "from explorer import Jukebox\n"
        "imported = time.perf_counter()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "jukebox = Jukebox.load(sys.argv[1], models_folder=Path(sys.argv[2]))\n"
        "done = time.perf_counter()\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(imported - began, done - imported, peak - before)\n"
    )
    command = [sys.executable, "-c", program, str(model), str(models_folder)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    imports, load, peak = map(float, answer.stdout.split())
    return {
        "import_seconds": round(imports, 3),
        "load_seconds": round(load, 3),
        "load_peak_bytes": peak * _MAXRSS_UNIT,
    }


_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes per unit of ru_maxrss: macOS counts bytes, Linux kilobytes."""


def time_song(engine: Jukebox, song: Song, takes: int) -> dict[str, Any]:
    """Make ``takes`` songs at once, decoding and alignment included."""
    began = perf_counter()
    first: float | None = None
    levels: dict[str, float] = {}
    level_began = began
    songs = [dataclasses.replace(song, seed=song.seed + take) for take in range(takes)]
    for event in engine.generate(songs):
        now = perf_counter()
        if isinstance(event, LevelStarted):
            level_began = now
        elif isinstance(event, Preview):
            first = first or now - began
        elif isinstance(event, LevelDone):
            levels[event.level.value] = round(now - level_began, 3)
    wall = perf_counter() - began
    assert first is not None
    return {
        "seconds": song.seconds,
        "takes": takes,
        "wall_seconds": round(wall, 3),
        "wall_per_second_of_audio": round(wall / song.seconds / takes, 3),
        "first_preview_seconds": round(first, 3),
        "level_seconds": levels,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT,
    }


def first_window(
    engine: Jukebox, level: Level, song: Song, upper: torch.Tensor | None, rows: int = 1, count: int = STEPS
) -> Conditioning:
    """What the first window of ``song`` depends on, ``rows`` times, where up to ``count`` codes are drawn in it.
    ``upper`` [1, n]: codes of the level above, for upsamplers."""
    prior, labels = engine.prior(level), [engine.prior(level).grounded(engine.describe(song)[level], song.seed)] * rows
    above = None if upper is None else upper.expand(rows, -1)
    conditioning = window_conditioning(prior, labels, 0, above, engine.device)
    if not prior.config.follows:
        return conditioning
    places = prior.places(labels[0], song.seed, min(count, prior.config.n_ctx))
    bias = window_lyric_bias(prior, labels, [0] * rows, places.expand(rows, -1))
    return dataclasses.replace(conditioning, lyric_bias=bias.to(engine.device))


def usual_decoding(engine: Jukebox, level: Level, rows: int) -> CodeDecoding:
    """Sequences of one level that are about to be drawn, without a prompt."""
    prior = engine.prior(level)
    upper = torch.zeros(1, prior.config.n_ctx, dtype=torch.int64)
    conditioning = first_window(engine, level, Song(lyrics="paper boats", seconds=60.0), upper, rows)
    prompt = torch.zeros(rows, 0, dtype=torch.int64, device=engine.device)
    return prior.sampler(conditioning, rows, min(STEPS, prior.config.n_ctx), prompt, 256)


@torch.inference_mode()
def time_steps(engine: Jukebox, level: Level) -> dict[str, Any]:
    """One sampling step with as many rows as the model runs together, against reading its weights once."""
    strands = engine.config.strands[level.index]
    rows = strands * usual_sampling(engine.config).level(level).runs
    decoding = usual_decoding(engine, level, rows)
    count = min(STEPS, engine.config.prior(level).n_ctx)
    times = []
    for _ in range(count):
        began = perf_counter()
        decoding.step(lambda logits: logits.argmax(-1))
        times.append(perf_counter() - began)
    read = weight_bytes(engine, level)
    limit = read / stream_bytes_per_second(engine)
    step = statistics.median(times)
    return {
        "rows": rows,
        "step_milliseconds": round(1000 * step, 3),
        "codes_per_second": round(strands / step, 1),
        "weight_bytes": read,
        "limit_milliseconds": round(1000 * limit, 3),
        "share_of_limit": round(limit / step, 3),
    }


def weight_bytes(engine: Jukebox, level: Level) -> int:
    """Bytes of weights that one sampling step reads: the layers and the head."""
    stack = engine.prior(level).prior
    weights = sum(p.numel() for part in (stack.transformer, stack.x_out) for p in part.parameters())
    return weights * WEIGHT_BYTES[engine.precision.name(level)]


def stream_bytes_per_second(engine: Jukebox) -> float:
    """How fast matrix × vector products read weights in the engine's precision; best of a few."""
    matrix = torch.randn(STREAM_SIZE, STREAM_SIZE, device=engine.device).to(engine.precision.dtype)
    vector = matrix[0].clone()
    best = float("inf")
    for _ in range(8):
        began = perf_counter()
        (matrix @ vector).sum().item()
        best = min(best, perf_counter() - began)
    return matrix.numel() * matrix.element_size() / best


def formats_cost(engine: Jukebox, song: Song) -> dict[str, Any]:
    """By level: how far each number format of the weights is from float32 along the codes of the model's own song."""
    song = dataclasses.replace(song, seconds=FORMAT_SECONDS)
    codes = _codes(engine, song, usual_sampling(engine.config), {})
    found: dict[str, Any] = {}
    for level in SAMPLING_ORDER:
        prior = engine.prior(level)
        upper = None if level is Level.TOP else codes[SAMPLING_ORDER[SAMPLING_ORDER.index(level) - 1]]
        drawn = codes[level][:, : min(prior.config.n_ctx, FORMAT_CODES)].to(engine.device)
        conditioning = first_window(engine, level, song, upper, count=drawn.shape[1])
        kept = engine.precision.formats.get(level, WeightFormat.FLOAT32)
        costs = format_costs(prior, conditioning, drawn, kept) if engine.device.type == "cpu" else {}
        found[level.value] = {
            "in_use": engine.precision.name(level),
            "against_float32": {
                format.value: {
                    "codes": cost.distributions,
                    "divergence_nats": round(cost.divergence, 6),
                    "greedy_agreement": round(cost.agreement, 4),
                }
                for format, cost in costs.items()
            },
        }
    return found


def strands_cost(engine: Jukebox, song: Song) -> dict[str, Any]:
    """What sampling stretches together costs, by level: bits per code under windows one after another.

    Codes drawn in strands and codes drawn one window after another, for the same codes of the level
    above, are both scored by the sequential model. ``flux_ratio`` is the median spectral flux at
    the seams between strands over that elsewhere; 1 means that seams do not stand out.
    """
    together = dict(zip(LEVELS, engine.config.strands, strict=True))
    if max(together.values()) == 1:
        return {}
    apart = _codes(engine, song, dataclasses.replace(usual_sampling(engine.config), strands=SEQUENTIAL), {})
    found: dict[str, Any] = {}
    for level, above in ((Level.MIDDLE, Level.TOP), (Level.BOTTOM, Level.MIDDLE)):
        given = {known: codes for known, codes in apart.items() if known.index >= above.index}
        codes = _codes(engine, song, dataclasses.replace(usual_sampling(engine.config), stop_after=level), given)[level]
        seams = range(0, codes.shape[1], engine.config.prior(level).n_ctx)[1:]
        found[level.value] = {
            "strands": together[level],
            "bits_together": round(bits_per_code(engine, level, song, codes, apart[above]), 4),
            "bits_one_after_another": round(bits_per_code(engine, level, song, apart[level], apart[above]), 4),
            "seams": len(seams),
            "flux_ratio": _flux_ratio(engine, codes, level, [seam * engine.config.hop(level) for seam in seams]),
        }
    return found


def _codes(
    engine: Jukebox, song: Song, options: SamplingOptions, given: dict[Level, torch.Tensor]
) -> dict[Level, torch.Tensor]:
    """Codes [1, n] of every level that ``generate`` makes or is given."""
    events = engine.generate(song, options, given)
    return {event.level: event.codes for event in events if isinstance(event, LevelDone)}


@torch.inference_mode()
def bits_per_code(engine: Jukebox, level: Level, song: Song, codes: torch.Tensor, upper: torch.Tensor) -> float:
    """Mean −log2 probability of codes [1, n], each in the window in which it would be sampled."""
    prior: Prior = engine.prior(level)
    labels = [engine.describe(song)[level]]
    fraction = engine.config.hop_fraction[level.index]
    total = 0.0
    for window in plan_windows(codes.shape[1], prior.config.n_ctx, fraction, 0):
        conditioning = window_conditioning(prior, labels, window.start, upper, engine.device)
        piece = codes[:, window.start : window.stop].to(engine.device)
        missing = prior.config.n_ctx - piece.shape[1]
        # a window that the song ends in is filled up; what follows changes nothing before it
        bits = prior.code_bits(torch.nn.functional.pad(piece, (0, missing)), conditioning)
        total += float(bits[0, window.new - window.start : piece.shape[1]].sum())
    return total / codes.shape[1]


def _flux_ratio(engine: Jukebox, codes: torch.Tensor, level: Level, seams: list[int]) -> float | None:
    """Median spectral flux of the frames that hold a seam over the median of all others; None without seams."""
    if not seams:
        return None
    size, hop = 1024, 256
    audio = engine.decode(codes, level)[0]
    spectrum = torch.stft(audio, size, hop, window=torch.hann_window(size), return_complex=True).abs()
    flux = (spectrum[:, 1:] - spectrum[:, :-1]).clamp_min(0).sum(0)
    held = torch.zeros(len(flux), dtype=torch.bool)
    for seam in seams:
        held[max(0, (seam - size // 2) // hop) : (seam + size // 2) // hop + 1] = True
    return round(float(flux[held].median() / flux[~held].median()), 3)
