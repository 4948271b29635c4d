"""How long the top level of the published 1b_lyrics takes to load, and how much memory that needs:

    python -m tests.benchmarks.loading

Writes one with small numbers for weights, in float32 and in float16, and loads each in a new process as the engine
does, then reads every weight once. Needs 6 GB of disk where temporary files go, and as much memory. The file was just
written, so it comes from the system's cache and not from the disk; the pages of a file in float32 are mapped and the
system can take them back at any time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from explorer.checkpoints.folder import new_module
from explorer.checkpoints.tensors import TensorWriter
from explorer.durable import write_json
from explorer.jukebox.config import Level, to_dict
from explorer.jukebox.presets import RELEASED

LOAD = """
import json, sys, time
from pathlib import Path
import torch
from explorer.checkpoints.folder import load_config, load_part

def memory(name):
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(fields[name].split()[0])

folder, before = Path(sys.argv[1]), memory("VmRSS")
began = time.perf_counter()
prior = load_part(folder, "top", load_config(folder), torch.float32)
loaded = time.perf_counter()
total = sum(float(parameter.sum()) for parameter in prior.parameters())
read = time.perf_counter()
print(json.dumps({
    "load_seconds": loaded - began,
    "load_and_read_seconds": read - began,
    "peak_bytes": memory("VmHWM") - before,
    "resident_bytes": sum(4 * parameter.numel() for parameter in prior.parameters()),
}))
"""


def write_model(folder: Path, dtype: torch.dtype) -> None:
    """A folder with 1b_lyrics' configuration and its top level only."""
    config = replace(RELEASED["1b_lyrics"], name="full-size")
    write_json(folder / "config.json", to_dict(config))
    shapes = {name: tuple(tensor.shape) for name, tensor in new_module(config, Level.TOP.value).state_dict().items()}
    some = torch.randn(1 << 24) * 0.02
    with TensorWriter(folder / "top.safetensors", [(name, dtype, shape) for name, shape in shapes.items()]) as writer:
        for name, shape in shapes.items():
            count = torch.Size(shape).numel()
            writer.write(name, some.repeat(-(-count // len(some)))[:count].view(shape).to(dtype))


def main() -> None:
    for dtype in (torch.float32, torch.float16):
        with tempfile.TemporaryDirectory() as folder:
            write_model(Path(folder), dtype)
            command = [sys.executable, "-c", LOAD, folder]
            found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        ratio = found["peak_bytes"] / found["resident_bytes"]
        print(
            f"stored in {dtype}: loaded in {found['load_seconds']:.1f} s, every weight read after "
            f"{found['load_and_read_seconds']:.1f} s, peak {found['peak_bytes'] / 1e9:.2f} GB, "
            f"{ratio:.2f} times the {found['resident_bytes'] / 1e9:.2f} GB of weights in float32"
        )


if __name__ == "__main__":
    main()
