"""Checkpoints: folders of safetensors, official archives, downloads, and proof that they are right.

Knows: every file format in which weights come. Does not know what weights are used for: the models
stand in ``jukebox``, and ``engine`` puts them to work. A folder holds ``config.json``, one
``.safetensors`` file per part, the label lists and a model card.
"""

from explorer.checkpoints.errors import CheckpointError
from explorer.checkpoints.folder import (
    PARTS,
    find_model,
    load_config,
    load_lists,
    load_part,
    load_state,
    model_hashes,
    model_names,
    new_module,
    save_model_folder,
)

__all__ = [
    "PARTS",
    "CheckpointError",
    "find_model",
    "load_config",
    "load_lists",
    "load_part",
    "load_state",
    "model_hashes",
    "model_names",
    "new_module",
    "save_model_folder",
]
