"""Settings of all tests: property tests count examples, not how fast a loaded machine runs them; and torch computes
in one thread, since what tests compute is too small to be shared out, and threads that wait for each other beside
other programs take several times as long."""

from __future__ import annotations

import torch
from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
torch.set_num_threads(1)
