"""Downloads of the official weights: size first, resumable, hashed.

Knows: where the released archives are published and how to get a large file over an unreliable
line. Does not know: what is inside; ``archives`` does. Nothing is ever fetched unasked. The
official weights are licensed for non-commercial use only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from explorer.checkpoints.errors import CheckpointError
from explorer.durable import storage_error, write_bytes

_PREFIX = "https://openaipublic.azureedge.net/jukebox/models/"
_SHARED = {
    "vqvae": f"{_PREFIX}5b/vqvae.pth.tar",
    "bottom": f"{_PREFIX}5b/prior_level_0.pth.tar",
    "middle": f"{_PREFIX}5b/prior_level_1.pth.tar",
}
OFFICIAL: dict[str, dict[str, str]] = {
    name: {**_SHARED, "top": f"{_PREFIX}{name}/prior_level_2.pth.tar"} for name in ("5b", "5b_lyrics", "1b_lyrics")
}
"""Address of every part's archive; the models share all but the top level."""

CHUNK = 1 << 20
TIMEOUT = 30.0


@dataclass(frozen=True)
class Remote:
    """A file as its server describes it."""

    url: str
    size: int | None
    """Bytes; None where the server does not say."""


def _open(request: urllib.request.Request) -> HTTPResponse:
    response: HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    return response


def look_up(url: str) -> Remote:
    """Ask for a file's size without fetching it. Raises CheckpointError where there is no answer."""
    try:
        with _open(urllib.request.Request(url, method="HEAD")) as response:
            size = response.headers.get("Content-Length", "")
            return Remote(url, int(size) if size.isdecimal() else None)
    except (OSError, HTTPException, ValueError) as error:
        raise CheckpointError(f"{url} does not answer ({error}). Check the connection and try again.") from error


def download(
    remote: Remote,
    target: Path,
    progress: Callable[[int, int | None], bool] = lambda done, size: True,
    sha256: str | None = None,
) -> str:
    """Fetch a file to ``target``, going on where an earlier attempt stopped; returns its SHA-256.

    What has arrived waits in ``<target>.part``; the hash is noted in ``<target>.sha256`` and checked
    against ``sha256`` or an earlier note. ``progress`` gets (bytes so far, size) and stops the
    download by returning False. Raises CheckpointError saying what was kept.
    """
    part, note = target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.sha256")
    if sha256 is None and note.is_file():
        sha256 = note.read_text(encoding="utf-8").split(" ")[0].strip()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        have = part.stat().st_size if part.is_file() else 0
        free = shutil.disk_usage(target.parent).free
    except OSError as error:
        raise storage_error(error, target) from error
    if remote.size is not None and remote.size - have > free:
        raise CheckpointError(
            f"{target.name} needs {(remote.size - have) / 1e9:.1f} GB; only {free / 1e9:.1f} GB are free in "
            f"{target.parent}. Free some space or choose another folder."
        )
    if remote.size is None or have != remote.size:
        _receive(remote, part, have, progress)
    found = _hash(part)
    if sha256 is not None and found != sha256:
        part.unlink()
        raise CheckpointError(
            f"{target.name} arrived damaged or has changed: its SHA-256 is {found}, not {sha256}. "
            "It was removed; download it again."
        )
    write_bytes(note, f"{found}  {target.name}\n".encode())
    os.replace(part, target)
    return found


def _receive(remote: Remote, part: Path, have: int, progress: Callable[[int, int | None], bool]) -> None:
    """Append what is missing to ``part``; starts anew where the server cannot go on."""
    headers = {"Range": f"bytes={have}-"} if have else {}
    kept = "What has arrived is kept; run the same command to go on."
    try:
        with _open(urllib.request.Request(remote.url, headers=headers)) as response:
            resumed = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            done = have if resumed else 0
            with open(part, "ab" if resumed else "wb") as file:
                while chunk := response.read(CHUNK):
                    try:
                        file.write(chunk)
                    except OSError as error:
                        raise storage_error(error, part) from error
                    done += len(chunk)
                    if not progress(done, remote.size):
                        raise CheckpointError(f"The download of {remote.url} was stopped. {kept}")
    except urllib.error.HTTPError as error:
        if error.code == 416:  # what is kept is longer than the file: it is another file
            part.unlink()
            kept = "What was kept did not fit the file and was removed; run the same command again."
        raise CheckpointError(f"{remote.url} answers {error.code} {error.reason}. {kept}") from error
    except (OSError, HTTPException) as error:
        raise CheckpointError(f"The download of {remote.url} broke off ({error}). {kept}") from error
    if remote.size is not None and done != remote.size:
        if done > remote.size:
            part.unlink()
        raise CheckpointError(f"{remote.url} ended after {done:,} of {remote.size:,} bytes. {kept}")


def _hash(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
