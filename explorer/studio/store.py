"""Job records on disk: one JSON file per job, and a lock that keeps a second program out.

Knows: the folder of records. Does not know: what runs when.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from explorer.durable import storage_error, write_bytes, write_json
from explorer.studio.jobs import JobRecord, StudioError, record_from_dict, record_to_dict

log = logging.getLogger(__name__)


def new_job_id() -> str:
    """Sorts by time; the random tail keeps two jobs of one second apart."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


class JobStore:
    """The folder of job records. Only one process may hold it at a time."""

    def __init__(self, folder: Path) -> None:
        """Open or create. Raises StudioError where another process works here already."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        # The operating system releases the lock when its holder dies, so a kill leaves none behind.
        self._lock = FileLock(folder / "lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise StudioError(
                f"Another program already works on the library {folder.parent}. Close it, or choose another library."
            ) from None

    def close(self) -> None:
        self._lock.release()

    def load(self) -> list[JobRecord]:
        """All readable records. One that cannot be read is set aside, not deleted, and reported in the log."""
        records = []
        for file in sorted(self.folder.glob("*.json")):
            try:
                records.append(record_from_dict(json.loads(file.read_text(encoding="utf-8"))))
            except (OSError, ValueError) as error:
                log.warning("The job record %s cannot be read and was set aside: %s", file.name, error)
                file.rename(file.with_suffix(".unreadable"))
        for leftover in self.folder.glob("*.part"):
            leftover.unlink(missing_ok=True)
        return records

    def save(self, record: JobRecord) -> None:
        """Write or replace a record. Raises StorageError (a full disk) and then leaves the old one."""
        write_json(self.folder / f"{record.id}.json", record_to_dict(record))

    def delete(self, job: str) -> None:
        """Remove a record and everything kept with it (prompt, report)."""
        for file in self.folder.glob(f"{job}.*"):
            file.unlink(missing_ok=True)

    def keep_prompt(self, job: str, source: Path) -> Path:
        """Copy audio that a job goes on from: the original may be a temporary upload. Returns the copy."""
        kept = self.folder / f"{job}.prompt{source.suffix.lower()[:8]}"
        partial = kept.with_name(kept.name + ".part")
        try:
            shutil.copyfile(source, partial)
            os.replace(partial, kept)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise storage_error(error, kept) from error
        return kept

    def report(self, job: str, text: str) -> Path:
        """Keep the details of a failure for whoever wants to look into it."""
        file = self.folder / f"{job}.log"
        write_bytes(file, text.encode("utf-8", "replace"))
        return file
