"""Jukebox Explorer: generate music as raw audio and see how three levels of a neural net made it.

The public API is the names below; they are loaded when first used, since torch takes seconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.engine import Jukebox as Jukebox
    from explorer.jukebox.config import Level as Level
    from explorer.jukebox.song import LevelSampling as LevelSampling
    from explorer.jukebox.song import SamplingOptions as SamplingOptions
    from explorer.jukebox.song import Song as Song

__version__ = "0.1.0"

_HOMES = {
    "Jukebox": "explorer.engine",
    "Level": "explorer.jukebox.config",
    "LevelSampling": "explorer.jukebox.song",
    "SamplingOptions": "explorer.jukebox.song",
    "Song": "explorer.jukebox.song",
    "events": "explorer.jukebox.events",
}

__all__ = ["Jukebox", "Level", "LevelSampling", "SamplingOptions", "Song", "__version__", "events"]


def __getattr__(name: str) -> Any:
    if name == "events":
        return importlib.import_module(_HOMES[name])
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
