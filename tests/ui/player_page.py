"""A page that holds only the player, served on a free port, and what it complains of or asks others for."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Page
from starlette.staticfiles import StaticFiles

from explorer.library import Library
from explorer.web import components, media
from explorer.web.theme import token_css


def _html() -> str:
    markup = {name: components.markup(name) for name in ("header", "player")}
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Player</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>{token_css()} body {{ margin: 0; background: var(--paper); height: 100dvh }}
body {{ display: flex; flex-direction: column }} #rest {{ flex: 1; min-height: 0 }}</style>
<link rel="stylesheet" href="/ui/base.css"><link rel="stylesheet" href="/ui/player.css"></head>
<body>{markup["header"]}
<main id="rest"><input id="field" aria-label="Field"></main>
<div id="part">{markup["player"]}</div>
<script type="module">import {{ mount }} from '/ui/player.js'; window.states = [];
document.addEventListener('jukebox:state', event => window.states.push(event.detail));
window.player = mount(document.getElementById('part'));</script></body></html>"""


@contextlib.contextmanager
def served(library: Library) -> Iterator[str]:
    """The address of a server with the player and its routes."""
    app = FastAPI()
    app.include_router(media.routes(library))
    app.mount("/ui", StaticFiles(directory=components.STATIC))
    app.get("/", response_class=HTMLResponse)(_html)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the test server did not start")
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join(10)


@dataclass
class Watched:
    """A page with everything it complained about and every other host it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)


def watch(page: Page, address: str) -> Watched:
    """Record what the console reports, and page errors, and refuse and record requests to other hosts."""
    seen = Watched(page)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on(
        "console",
        lambda message: seen.complaints.append(message.text) if message.type in ("error", "warning") else None,
    )

    def route(request) -> None:  # type: ignore[no-untyped-def]
        url = request.request.url
        if url.startswith((address, "data:", "blob:")):
            request.continue_()
        else:
            seen.strangers.append(url)
            request.abort()

    page.route("**/*", route)
    page.add_init_script(path=Path(__file__).parent / "player_probes.js")
    return seen
