"""What the page works with, opened and closed together.

Knows: the order in which services begin and end. Does not know: what they do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from explorer.checkpoints import find_model, load_config
from explorer.engine import Jukebox
from explorer.jukebox.song import SamplingOptions, usual_sampling
from explorer.library import Library
from explorer.settings import CHECKOUT, Settings
from explorer.studio import Studio
from explorer.web.uploads import Uploads

GALLERY = CHECKOUT / "samples"
"""Songs that come with the program."""


@dataclass(frozen=True)
class Services:
    """Everything that routes need. ``model`` is the name or folder of the model that makes new songs."""

    settings: Settings
    library: Library
    studio: Studio
    uploads: Uploads
    model: str
    usual: SamplingOptions
    """How that model's songs are sampled where nothing else is wished."""


@contextmanager
def opened(settings: Settings, model: str) -> Iterator[Services]:
    """Services at work; at the end what runs is interrupted so that it can be resumed.

    Raises CheckpointError, LibraryError or StudioError where something cannot be opened.
    """
    config = load_config(
        find_model(model, settings.models)
    )  # a missing model is told at once, the weights load meanwhile
    settings.apply_threads()
    library = Library(settings.library, [GALLERY] if GALLERY.is_dir() else [])
    try:
        studio = Studio(
            settings, library, lambda name: Jukebox.load(name, settings.device, settings.models, settings.precision)
        )
        studio.start()
        try:
            studio.calibrate(model)
            uploads = Uploads(settings.home / "uploads", settings.limits.prompt_bytes)
            yield Services(settings, library, studio, uploads, model, usual_sampling(config))
        finally:
            studio.close()
    finally:
        library.empty_bin()
        library.close()
