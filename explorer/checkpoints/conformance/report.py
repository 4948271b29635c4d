"""What a conformance run found: one entry per array.

Knows: tolerances and how to compare. Does not know: where the compared numbers come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

ROUNDING_TIE = 1e-4
"""Two logits closer than this may swap between correct implementations."""


@dataclass(frozen=True)
class Tolerance:
    """Differences up to ``absolute + relative · |expected|`` are rounding."""

    absolute: float
    relative: float

    def __str__(self) -> str:
        parts = [f"{self.absolute:g}" if self.absolute else "", f"{self.relative:g}·|x|" if self.relative else ""]
        return " + ".join(p for p in parts if p) or "exact"


EXACT = Tolerance(0.0, 0.0)
HIDDEN = Tolerance(1e-4, 1e-4)
"""Waveforms, encoder outputs, conditioning and hidden states."""
LOGITS = Tolerance(2e-3, 1e-3)
ATTENTION = Tolerance(1e-4, 0.0)
LOSS = Tolerance(0.0, 1e-4)
GRADIENT = Tolerance(0.0, 1e-3)


@dataclass(frozen=True)
class Check:
    """One array compared."""

    name: str
    passed: bool
    difference: float
    """Largest absolute difference; for exact arrays the number of entries that differ."""
    allowed: str
    note: str = ""

    def __str__(self) -> str:
        verdict = "ok  " if self.passed else "FAIL"
        note = f"  ({self.note})" if self.note else ""
        return f"{verdict} {self.name:<58} {self.difference:9.2e}  allowed {self.allowed}{note}"


@dataclass
class Report:
    """All checks of a run, and what could not be checked."""

    checks: list[Check] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """True where something was checked and nothing failed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def summary(self) -> Iterator[str]:
        """What was not checked, and the verdict on the rest."""
        yield from (f"not checked: {text}" for text in self.unchecked)
        failed = sum(not check.passed for check in self.checks)
        verdict = "all within tolerance" if not failed else f"{failed} OUT OF TOLERANCE"
        yield f"{len(self.checks)} arrays checked: {verdict}."


Array = torch.Tensor | np.ndarray | float


def _numbers(value: Array) -> np.ndarray:
    """Any array as NumPy: integers stay integers, the rest becomes float64."""
    found = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
    return found.astype(np.int64) if found.dtype.kind in "iub" else found.astype(np.float64)


def compare(name: str, expected: Array, got: Array, tolerance: Tolerance, free: np.ndarray | None = None) -> Check:
    """Compare two arrays of the same shape; entries where ``free`` is True may differ."""
    a, b = _numbers(expected), _numbers(got)
    if a.shape != b.shape:
        return Check(name, False, float("inf"), str(tolerance), f"shape {list(b.shape)} instead of {list(a.shape)}")
    held = np.ones(a.shape, dtype=bool) if free is None else ~free
    note = f"{int((~held).sum())} entries free after a rounding tie" if not held.all() else ""
    if tolerance == EXACT:
        wrong = int((a != b)[held].sum())
        return Check(name, wrong == 0, float(wrong), "exact", note)
    if not np.isfinite(b).all():
        return Check(name, False, float("inf"), str(tolerance), "not finite")
    difference = np.abs(a - b)[held]
    within = difference <= tolerance.absolute + tolerance.relative * np.abs(a)[held]
    return Check(name, bool(within.all()), float(difference.max(initial=0.0)), str(tolerance), note)


def compare_draws(name: str, expected: Array, got: Array, margins: Array) -> Check:
    """Compare sequences [batch, time] drawn step by step.

    ``margins`` [batch, time] is by how much each step's best choice won. A sequence may leave the
    expected one only at a rounding tie; what follows in it is then free to differ.
    """
    a, b, gaps = _numbers(expected), _numbers(got), _numbers(margins)
    if a.shape != b.shape:
        return compare(name, a, b, EXACT)
    free = np.zeros(a.shape, dtype=bool)
    for row, differs in enumerate(a != b):
        first = int(differs.argmax()) if differs.any() else None
        if first is not None and gaps[row, first] < ROUNDING_TIE:
            free[row, first:] = True
    return compare(name, a, b, EXACT, free)
