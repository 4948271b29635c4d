"""How the page does with a library of 10,000 songs in a real browser: python -m tests.benchmarks.page

Loads, filters, sorts and scrolls the table, and prints what the server took and what the browser
waited until the rows stood there; asserts nothing, since machines differ.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from explorer.durable import write_json
from explorer.library.record import record_to_json
from tests.benchmarks.search import WORDS
from tests.library.making import record
from tests.ui.tiny_model import write_tiny_model

SONGS = 10_000
ROOT = Path(__file__).resolve().parents[2]
QUERIES = {
    "all": "limit=100",
    "a word": "title=river&limit=100",
    "two columns": "genre=boss&title=pap+riv",
    "last page": "offset=9900",
    "sorted by title": "sort=title&descending=false",
}
GENRES = ["Reggae", "Bossa nova", "Metal", "Jazz"]

SETTLED = """async before => {
  const began = performance.now(), count = document.querySelector('.count');
  const waits = () => count.textContent === before || document.querySelector('.tr.wait');
  while (waits()) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""
"""Milliseconds until the count is no longer what it was and every row in view is filled."""

SCROLL = """async () => {
  const body = document.querySelector('.gbody'), frames = [];
  let most = 0, last = performance.now();
  for (let step = 0; step < 240; step += 1) {
    body.scrollTop = body.scrollHeight * step / 240;
    await new Promise(requestAnimationFrame);
    frames.push(performance.now() - last);
    last = performance.now();
    most = Math.max(most, body.querySelectorAll('.tr').length);
  }
  frames.sort((a, b) => a - b);
  return {median: frames[120], late: frames[228], longest: frames.at(-1), rows: most};
}"""


def fill(library: Path, count: int) -> None:
    """Records alone, as folders: what the table reads."""
    chance = random.Random(1)
    for k in range(count):
        one = record(
            f"song-{k:05d}",
            title=" ".join(chance.choices(WORDS, k=5)),
            song={
                "genre": chance.choice(GENRES),
                "lyrics": "\n".join(" ".join(chance.choices(WORDS, k=6)) for _ in range(12)),
            },
        )
        folder = library / one.id
        folder.mkdir(parents=True)
        write_json(folder / "sample.json", record_to_json(one))


def timed(path: str, times: int = 15) -> float:
    """Median milliseconds of one request, connection included."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        with urllib.request.urlopen(path, timeout=60) as answer:
            answer.read()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def measure(page: Page, address: str) -> None:
    began = time.perf_counter()
    page.goto(address)
    page.locator(".tr .ti").first.wait_for()
    print(f"opening the page until rows are there {(time.perf_counter() - began) * 1000:8.0f} ms")
    title, genre = page.get_by_label("Search Title or first line"), page.get_by_label("Search Genre")

    def until(name: str, act: Callable[[], None]) -> None:
        before = page.locator(".count").text_content()
        act()
        took = page.evaluate(SETTLED, before)
        print(f"{name:40s} {took:8.0f} ms, 80 of them for the next letter: {page.locator('.count').text_content()}")

    until("one column, one word", lambda: genre.fill("boss"))
    until("two columns, prefixes in the lyrics", lambda: title.fill("paper riv"))
    until("no match", lambda: title.fill("xyzzy"))
    until("back to one column", lambda: title.fill(""))
    until("back to all", lambda: genre.fill(""))
    figures = page.evaluate(SCROLL)
    print(
        f"scrolling through all in 240 frames: median {figures['median']:.1f} ms a frame, 95 % below "
        f"{figures['late']:.1f} ms, longest {figures['longest']:.1f} ms; at most {figures['rows']} rows in the page"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        home = Path(folder)
        began = time.perf_counter()
        fill(home / "jukebox" / "library", SONGS)
        print(f"writing {SONGS:,} records: {time.perf_counter() - began:.1f} s")
        model = write_tiny_model(home / "tiny")
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        address = f"http://127.0.0.1:{port}"
        command = [sys.executable, "app.py", "--model", str(model), "--device", "cpu", "--port", str(port)]
        for start in ("first, the index is built", "next, the index is there"):
            began = time.perf_counter()
            server = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"JUKEBOX_HOME": str(home / "jukebox")})
            try:
                while True:
                    try:
                        urllib.request.urlopen(address + "/api/songs?limit=1", timeout=5).close()
                        break
                    except OSError:
                        time.sleep(0.1)
                print(f"start of the program ({start}): {time.perf_counter() - began:.1f} s")
                if start.startswith("next"):
                    for name, query in QUERIES.items():
                        print(f"request, {name:20s} {timed(f'{address}/api/songs?{query}'):8.1f} ms")
                    with sync_playwright() as playwright:
                        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
                        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                        measure(browser.new_page(viewport={"width": 1440, "height": 900}), address)
                        browser.close()
            finally:
                server.terminate()
                server.wait(60)


if __name__ == "__main__":
    main()
