"""Settings of all property tests: examples count, not how fast a loaded machine runs them."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
