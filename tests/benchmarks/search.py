"""How long searches take in a library of 10,000 songs: python -m tests.benchmarks.search

Prints the median and the largest time; asserts nothing, since machines differ.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from pathlib import Path

from explorer.library import Query, Scope, SortKey
from explorer.library.index import Entry, Index
from tests.library.making import record

WORDS = (
    ["paper", "boats", "river", "morning", "light", "stairwell", "radio", "ferry", "lamps", "engine", "salt", "window", "street", "copper", "tell", "house"]
)


def main() -> None:
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        index = Index(Path(folder) / "index")
        began = time.perf_counter()
        index.put(
            Entry(
                record(
                    f"song-{k:05d}",
                    title=" ".join(chance.choices(WORDS, k=5)),
                    song={
                        "genre": chance.choice(["Reggae", "Bossa nova", "Metal", "Jazz"]),
                        "lyrics": "\n".join(" ".join(chance.choices(WORDS, k=6)) for _ in range(12)),
                    },
                ),
                "/nowhere", "", chance.random() < 0.05, chance.random() < 0.5,
            )
            for k in range(10_000)
        )  # fmt: skip
        print(f"building the index of 10,000 songs: {time.perf_counter() - began:.1f} s")
        queries = {
            "no search": Query(),
            "sorted by title": Query(sort=SortKey.TITLE, descending=False),
            "one letter": Query(columns={"title": "p"}, sort=SortKey.ARTIST),
            "two columns": Query(columns={"genre": "boss", "title": "river mor"}),
            "anywhere, starred": Query(anywhere="pap reg 0.98", scope=Scope.STARRED),
            "last page": Query(offset=9_900),
        }
        for name, query in queries.items():
            times = []
            for _ in range(20):
                began = time.perf_counter()
                index.search(query)
                times.append((time.perf_counter() - began) * 1000)
            print(f"{name:20s} median {statistics.median(times):6.1f} ms   largest {max(times):6.1f} ms")


if __name__ == "__main__":
    main()
