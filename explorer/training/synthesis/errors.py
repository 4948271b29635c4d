"""What can go wrong in making a corpus; the message says what to do."""

from __future__ import annotations


class SynthesisError(ValueError):
    """A corpus cannot be made as asked for, or a data file is wrong."""


class PackageMissing(SynthesisError):
    """Something that only building a corpus needs is not installed."""
