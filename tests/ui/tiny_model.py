"""A tiny random model as a checkpoint folder, for the page's tests while nothing trained is at hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from explorer.checkpoints import save_model_folder
from explorer.jukebox.config import LEVELS
from tests.tiny import tiny_config, tiny_jukebox

TEMPERATURE, GUIDANCE = (1.0, 0.97, 0.95), (1.0, 1.0, 1.5)
"""Each: bottom, middle, top."""


def write_tiny_model(folder: Path) -> Path:
    """Write the model of ``tests.tiny`` to ``folder``; it makes noise, at real windows and levels."""
    jukebox = tiny_jukebox()
    states = {"vqvae": jukebox._vqvae.state_dict()}
    states |= {level.value: jukebox._priors[level].state_dict() for level in LEVELS}
    config = replace(tiny_config(name=folder.name), temperature=TEMPERATURE, guidance=GUIDANCE)
    save_model_folder(folder, config, states, jukebox.lists)
    return folder


if __name__ == "__main__":
    import sys

    write_tiny_model(Path(sys.argv[1]))
