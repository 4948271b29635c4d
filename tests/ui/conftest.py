"""One server and one browser for all tests of the page, as a newcomer would have them.

The shipped model is used where it is there, else a tiny random one. Every page fails its test when
a request left the machine or anything was reported on the console.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect, sync_playwright

from explorer.checkpoints.folder import SHIPPED
from tests.ui.tiny_model import write_tiny_model

ROOT = Path(__file__).resolve().parents[2]
POCKET = SHIPPED / "pocket" / "config.json"
READY_SECONDS = 240.0
PATIENCE = 60_000
"""Milliseconds until something that should happen counts as failed: slow machines run these tests too."""

expect.set_options(timeout=PATIENCE)


@dataclass
class Server:
    """A running ``app.py``; ``seconds`` is a song length that takes it a few seconds to make.

    ``model`` and ``library`` are what it works with; None for a program that ran already.
    """

    address: str
    log: Path
    seconds: str
    model: str | None = None
    library: Path | None = None

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """GET ``path``, or POST ``body`` as JSON."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE / 1000) as answer:
            return dict(json.load(answer))

    def jobs(self) -> list[dict[str, Any]]:
        return list(self.ask("/api/jobs")["jobs"])

    def make(self, **form: Any) -> list[str]:
        """Songs of one job, made to its end: their ids."""
        job = self.ask("/api/jobs", form)["job"]
        end = time.monotonic() + 4 * PATIENCE / 1000
        while time.monotonic() < end:
            (view,) = [view for view in self.jobs() if view["id"] == job]
            if view["state"] == "finished":
                return list(view["sample_ids"])
            assert view["active"], view["message"]
            time.sleep(0.1)
        raise AssertionError(f"the song was not made in time: {form}")

    def quiet(self) -> None:
        """No test may stand in the next one's queue: cancel what is active, forget what ended."""
        end = time.monotonic() + PATIENCE / 1000
        while (jobs := self.jobs()) and time.monotonic() < end:
            for job in jobs:
                if not job["active"]:
                    self.ask(f"/api/jobs/{job['id']}/remove", {})
                elif not job["cancelling"]:
                    self.ask(f"/api/jobs/{job['id']}/cancel", {})
            time.sleep(0.1)
        assert not jobs, "the server does not come to rest"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if "JUKEBOX_ADDRESS" in os.environ:  # a program that runs already, while the tests themselves are being written
        yield Server(os.environ["JUKEBOX_ADDRESS"], Path(os.devnull), "4")
        return
    home = tmp_path_factory.mktemp("home")
    model = "pocket" if POCKET.is_file() else str(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = home / "app.log"
    # exact, so that what is made again elsewhere is the same: a trial of formats may choose otherwise on a busy machine
    command = [sys.executable, "app.py", "--model", model, "--precision", "float32", "--port", str(port)]
    environment = os.environ | {"JUKEBOX_HOME": str(home / "jukebox")}
    with open(log, "wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(f"http://127.0.0.1:{port}/api/songs", process, log)
        yield Server(f"http://127.0.0.1:{port}", log, "4", model, home / "jukebox" / "library")
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.fail(f"app.py ended with {process.returncode}:\n{log.read_text(errors='replace')[-3000:]}")
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"app.py did not answer within {READY_SECONDS:.0f} s:\n{log.read_text(errors='replace')[-3000:]}")


def _chromium() -> str | None:
    """The browser: CHROMIUM, the system's, or (None) the one that playwright installed."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests. While it lives, its event loop occupies the main thread."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
        arguments += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # a microphone that beeps
        chromium = playwright.chromium.launch(executable_path=_chromium(), args=arguments)
        yield chromium
        chromium.close()


@dataclass
class Watch:
    """What went wrong behind the page's back."""

    elsewhere: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext, address: str) -> None:
        here = urlsplit(address).netloc

        def route(route: Route) -> None:
            parts = urlsplit(route.request.url)
            if parts.scheme in ("data", "blob") or parts.netloc == here:
                route.continue_()
            else:
                self.elsewhere.append(route.request.url)
                route.abort()

        def console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.reported.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

        context.route("**/*", route)
        context.on("console", console)
        context.on("weberror", lambda error: self.reported.append(f"exception: {error.error}"))


@pytest.fixture
def open_page(server: Server, browser: Browser) -> Iterator[Callable[..., Page]]:
    """``open_page(path="/", **context options)``; afterwards every page must have been clean."""
    server.quiet()
    contexts: list[BrowserContext] = []
    watch = Watch()

    def open_one(path: str = "/", **options: object) -> Page:
        context = browser.new_context(
            **{"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"} | options
        )  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        watch.over(context, server.address)
        contexts.append(context)
        page = context.new_page()
        page.goto(server.address + path)
        # Parts are shown when their scripts are at work; the header opens the tab that the address names.
        part = path.partition("#")[2] or "explore"
        page.locator(f"#tab-{part} [data-mounted]").wait_for()
        expect(page.locator("[id^=part-] .html-container > div:not([data-mounted])")).to_have_count(0)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not watch.elsewhere, "requests left the machine"
    assert not watch.reported, "the console is not clean"


class Listening:
    """Whether the player has begun to play since this was made: short songs are over before one can look."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.evaluate(
            """() => {
                 window.begun = false;
                 document.addEventListener('jukebox:state', event => { window.begun ||= event.detail.playing; });
               }"""
        )

    def wait(self) -> None:
        self._page.wait_for_function("() => window.begun")


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keep a screenshot in the folder that JUKEBOX_SCREENSHOTS names, if it does."""
    folder = os.environ.get("JUKEBOX_SCREENSHOTS")

    def keep(page: Page, name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{name}.png")

    return keep
