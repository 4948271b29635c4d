"""Proof that the model code computes what the published code does: reference vectors in, verdicts out.

Knows: the folder format of the reference vectors (small random models in the published archive
format with the outputs of the published code) and how far two correct implementations may differ.
Does not know: how the vectors were made; all sizes come from the files.
"""

from explorer.checkpoints.conformance.report import Check, Report
from explorer.checkpoints.conformance.run import run_conformance

__all__ = ["Check", "Report", "run_conformance"]
