"""The one error that everything about weights raises."""

from __future__ import annotations

from collections.abc import Collection


class CheckpointError(ValueError):
    """Weights or their folder cannot be used; the message says what happened and what to do."""


def key_mismatch(missing: Collection[str], unexpected: Collection[str], shapes: Collection[str]) -> str:
    """What is wrong with a set of keys, in one sentence each, with at most twelve names of a kind."""
    kinds = (("missing", missing), ("unexpected", unexpected), ("of another shape", shapes))
    sentences = []
    for kind, names in kinds:
        if names:
            listed = sorted(names)
            more = f" and {len(listed) - 12} more" if len(listed) > 12 else ""
            sentences.append(f"{len(listed)} {kind}: {', '.join(listed[:12])}{more}.")
    return " ".join(sentences)
