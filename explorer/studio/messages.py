"""Sentences for people whose job ended early: what happened, what was kept, what to do next.

Knows: kinds of failure and how far a job was. Does not know: threads, files, the page.
"""

from __future__ import annotations

import errno

import torch

from explorer.durable import StorageError
from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.studio.jobs import JobRecord

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")


def clock(seconds: float) -> str:
    """Seconds as minutes, seconds and tenths: "1:05.3". Rounded down: never more than there is."""
    tenths = int(seconds * 10 + 1e-6)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def kept_sentence(record: JobRecord) -> str:
    """What of a job is on the disk: "Top, middle to 0:14.9 and bottom to 0:07.4 are kept."."""
    parts = []
    for level in SAMPLING_ORDER:
        progress = record.levels[level]
        if progress.finished:
            parts.append(level.value)
        elif progress.kept_seconds > 0:
            parts.append(f"{level.value} to {clock(progress.kept_seconds)}")
    if not parts:
        return "No window was finished yet."
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{listed[0].upper()}{listed[1:]} {'is' if len(parts) == 1 else 'are'} kept."


def out_of_memory(error: BaseException) -> bool:
    """Whether the machine (or its accelerator) had no memory left."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _MEMORY_WORDS)


def disk_full(error: BaseException) -> bool:
    if isinstance(error, StorageError):
        return error.full
    return isinstance(error, OSError) and error.errno in _FULL


def where(record: JobRecord, level: Level | None) -> str:
    """ " at bottom window 41 of 74", or nothing before the first level."""
    if level is None:
        return ""
    progress = record.levels[level]
    if not progress.windows:
        return f" at the {level.value} level"
    return f" at {level.value} window {min(progress.windows_done + 1, progress.windows)} of {progress.windows}"


def failure_message(
    error: BaseException,
    record: JobRecord,
    level: Level | None,
    report: str | None = None,
    again: str = "press Resume.",
) -> str:
    """The message of a failed job. ``level`` is the one being sampled, ``report`` the file with details,
    ``again`` how to go on, with its punctuation: a command ends without a full stop."""
    kept = kept_sentence(record)
    place = where(record, level)
    if disk_full(error):
        return f"The disk was full{place}. {kept} Free some space, then {again}"
    if out_of_memory(error):
        advice = (
            "Make fewer takes, close other programs, or use a smaller model."
            if record.request.takes > 1
            else "Close other programs, or use a smaller model."
        )
        return f"The memory was not enough{place}. {kept} {advice} Then {again}"
    if isinstance(error, ValueError):
        return f"{_sentence(str(error))} {kept}"
    details = f" Details: {report}." if report else ""
    return (
        f"Something went wrong inside the program{place} ({type(error).__name__}: {str(error)[:200]}). "
        f"{kept} To try again, {again}{details}"
    )


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
