"""How long searches take in a library of 10,000 songs: python -m tests.benchmarks.search

Prints how long the search computed and how long its caller waited (longer on a busy machine); asserts
nothing, since machines differ.
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
    "paper boats river morning light stairwell radio ferry lamps engine salt window street copper tell house".split()  # noqa: SIM905
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
            waited, computed = [], []
            for _ in range(20):
                began, began_computing = time.perf_counter(), time.thread_time()
                index.search(query)
                waited.append((time.perf_counter() - began) * 1000)
                computed.append((time.thread_time() - began_computing) * 1000)
            print(
                f"{name:20s} computing {statistics.median(computed):6.1f} ms   waited: median "
                f"{statistics.median(waited):6.1f} ms, largest {max(waited):6.1f} ms"
            )


if __name__ == "__main__":
    main()
