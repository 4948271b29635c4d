"""Audio that people hand in on the page, kept until a job has taken its own copy.

Knows: how a file is received, named and checked. Does not know: jobs.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from explorer.audio.files import AudioError, inspect, read_audio
from explorer.studio import StudioError

KEPT_SECONDS = 2 * 24 * 3600.0
PEAKS = 400

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}(\.[a-z0-9]{1,5})?")


class Uploads:
    """Files of ``folder``, each under a token that cannot be guessed."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if old.is_file() and old.stat().st_mtime < time.time() - KEPT_SECONDS:
                old.unlink()

    async def receive(self, name: str, body: AsyncIterator[bytes]) -> dict[str, Any]:
        """Store and check one file: {"token", "name", "seconds", "peaks"}. Raises AudioError."""
        suffix = PurePosixPath(name).suffix.lower()
        token = secrets.token_urlsafe(24) + (suffix if re.fullmatch(r"\.[a-z0-9]{1,5}", suffix) else "")
        path = self.folder / token
        shown = PurePosixPath(name.replace("\\", "/")).name[:120] or "The file"
        size = 0
        try:
            with open(path, "xb") as file:
                async for chunk in body:
                    size += len(chunk)
                    if size > self.most_bytes:
                        raise AudioError(
                            f"{shown} is larger than {self.most_bytes // 2**20} MB. Cut out what you need."
                        )
                    file.write(chunk)
            seconds = inspect(path).seconds
            peaks = _peaks(path, seconds)
        except (AudioError, OSError) as error:
            path.unlink(missing_ok=True)
            text = str(error) if isinstance(error, AudioError) else f"{shown} could not be stored ({error.strerror})."
            # the reason, with the name that the person gave the file instead of ours
            raise AudioError(f"{text.replace(token, shown)} The form is kept.") from error
        return {"token": token, "name": shown, "seconds": seconds, "peaks": peaks}

    def drop(self, token: str) -> None:
        """Forget a file before its time."""
        self.path(token).unlink(missing_ok=True)

    def path(self, token: str) -> Path:
        """The file of ``token``. Raises StudioError where it is gone."""
        path = self.folder / token
        if not _TOKEN.fullmatch(token) or not path.is_file():
            raise StudioError("The audio file is not here any more. Choose it again.")
        return path


def _peaks(path: Path, seconds: float) -> list[float]:
    """The largest amplitude in each of ``PEAKS`` stretches; also proves that the file can be decoded."""
    sound = np.abs(read_audio(path, seconds=min(seconds, 600.0)))
    if not len(sound):
        return [0.0]
    edges = np.linspace(0, len(sound), min(PEAKS, len(sound)) + 1).astype(int)[:-1]
    return [round(float(peak), 3) for peak in np.maximum.reduceat(sound, edges)]
