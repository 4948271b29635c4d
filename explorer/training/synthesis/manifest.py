"""The manifest of a corpus: what it holds and what it was made with.

Knows: how songs are counted and hashed. Does not know how they are made.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from explorer.durable import write_json
from explorer.training.synthesis.bank import bank
from explorer.training.synthesis.build import Order
from explorer.training.synthesis.catalogue import heldout_crossings
from explorer.training.synthesis.lyrics import SPLITS
from explorer.training.synthesis.pronunciation import plain

MANIFEST = "manifest.json"
SCHEMA = 1


def write_manifest(root: Path, order: Order, versions: Mapping[str, str]) -> dict[str, Any]:
    """Count and hash all songs of ``root`` and write its manifest; returns what was written."""
    splits: dict[str, Any] = {}
    for split in SPLITS:
        records = sorted((root / split).glob("*.json"))
        if records:
            splits[split] = _split(records)
    manifest = {
        "schema": SCHEMA,
        "seed": order.seed,
        "hours asked": order.hours,
        "song seconds": order.song_seconds,
        "generator sha256": generator_hash(),
        "versions": dict(versions),
        "heldout words": sorted(bank().heldout),
        "heldout crossings": heldout_crossings(),
        "splits": splits,
    }
    write_json(root / MANIFEST, manifest)
    return manifest


def generator_hash() -> str:
    """One hash of the generator's sources and data: another hash may make other songs."""
    folder = Path(__file__).parent
    whole = hashlib.sha256()
    for path in sorted([*folder.glob("*.py"), *(folder / "data").iterdir()]):
        whole.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()


def _split(records: list[Path]) -> dict[str, Any]:
    counts: dict[str, dict[str, dict[str, float]]] = {name: {} for name in ("genre", "artist", "kind")}
    hashes: dict[str, str] = {}
    lines: set[str] = set()
    words: dict[str, int] = defaultdict(int)
    seconds = 0.0
    for path in records:
        record = json.loads(path.read_text(encoding="utf-8"))
        seconds += record["duration"]
        for name, of in counts.items():
            entry = of.setdefault(record[name], {"songs": 0, "hours": 0.0})
            entry["songs"] += 1
            entry["hours"] = round(entry["hours"] + record["duration"] / 3600, 4)
        lines |= {" ".join(plain(line)) for line in record["lyrics"].split("\n")} - {""}
        for word in plain(record["lyrics"]):
            words[word] += 1
        for file in (path, path.with_suffix(".ogg")):
            hashes[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return {
        "songs": len(records),
        "hours": round(seconds / 3600, 4),
        "distinct lines": len(lines),
        "distinct words": len(words),
        "words": sum(words.values()),
        **{f"by {name}": dict(sorted(of.items())) for name, of in counts.items()},
        "sha256": hashes,
    }
