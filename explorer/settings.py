"""Where things live on this machine and what one run may use, decided once at start.

Knows: the user's folders, the device and thread choices, and the limits on what people may hand
in. Does not know: any model, library or page. Nothing is ever kept inside the checkout.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

CHECKOUT = Path(__file__).resolve().parents[1]
"""The folder that holds the program itself."""

HOME_VARIABLE = "JUKEBOX_HOME"

DEVICES = ("auto", "cpu", "cuda", "mps")

PRECISIONS = ("auto", "float32", "float16", "bfloat16", "int8")
"""Number formats of a model's weights while sampling on a CPU; auto is the fastest in a trial."""


class SettingsError(ValueError):
    """A setting that cannot work; the message says which and what to do."""


@dataclass(frozen=True)
class Limits:
    """Bounds on one request, so that a slip of the finger cannot fill a machine."""

    takes: int = 16
    """Most takes of one job."""
    prompt_bytes: int = 200 * 2**20
    """Largest audio file that is accepted as a prompt."""
    prompt_seconds: float = 600.0
    free_bytes: int = 64 * 2**20
    """Disk space that must be free before a job starts."""
    waiting_jobs: int = 100


@dataclass(frozen=True)
class Settings:
    """Folders, device and limits of one run of the program."""

    home: Path
    """Everything the user owns, unless a folder below is set apart."""
    library: Path
    """The user's samples, one folder each."""
    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    """Compute threads on the CPU; None leaves torch's choice."""
    limits: Limits = field(default_factory=Limits)

    @property
    def models(self) -> Path:
        """Downloaded and imported models, one folder each."""
        return self.home / "models"

    @property
    def jobs(self) -> Path:
        """Job records. They stand beside the samples that they make, so that a library moves whole."""
        return self.library / ".jobs"

    @property
    def speeds(self) -> Path:
        """Speeds measured on this machine."""
        return self.home / "speeds.json"

    @classmethod
    def from_environment(
        cls,
        library: Path | str | None = None,
        device: str = "auto",
        threads: int | None = None,
        precision: str = "auto",
        environ: Mapping[str, str] | None = None,
    ) -> Settings:
        """Folders from ``library`` (an option), JUKEBOX_HOME, or the platform's user data folder.

        Creates nothing. Raises SettingsError for a folder inside the program's own, an unknown
        device or precision, or fewer than one thread.
        """
        environ = os.environ if environ is None else environ
        named = environ.get(HOME_VARIABLE, "").strip()
        home = Path(named) if named else Path(platformdirs.user_data_dir("jukebox-explorer", appauthor=False))
        home = home.expanduser().resolve()
        folder = Path(library).expanduser().resolve() if library is not None else home / "library"
        for what, path in ((HOME_VARIABLE, home), ("the library", folder)):
            if path.is_relative_to(CHECKOUT):
                raise SettingsError(f"{path} is inside the program's own folder; choose a folder elsewhere for {what}.")
            if path.exists() and not path.is_dir():
                raise SettingsError(f"{path} is a file; choose a folder for {what}.")
        if device not in DEVICES and not device.startswith("cuda:"):
            raise SettingsError(f"The device {device!r} is unknown; use {', '.join(DEVICES)}.")
        if precision not in PRECISIONS:
            raise SettingsError(f"The precision {precision!r} is unknown; use {', '.join(PRECISIONS)}.")
        if threads is not None and threads < 1:
            raise SettingsError(f"The number of threads must be at least 1, not {threads}.")
        return cls(home=home, library=folder, device=device, precision=precision, threads=threads)

    def apply_threads(self) -> None:
        """Tell torch how many threads it may use; to be called once, before any model runs."""
        if self.threads is not None:
            import torch

            torch.set_num_threads(self.threads)
