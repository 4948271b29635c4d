"""One FastAPI application: JSON routes, media, static files, and the Gradio page at "/".

Knows: which address leads where, and that only this page may operate the routes.
Does not know: what the routes do.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import gradio as gr
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from explorer.audio.files import AudioError
from explorer.checkpoints.errors import CheckpointError
from explorer.durable import StorageError
from explorer.jukebox.song import SongError
from explorer.library import LibraryError, RecordError
from explorer.studio import StudioError
from explorer.web import media, pages
from explorer.web.components import STATIC
from explorer.web.routes import comparing, learning, making, songs
from explorer.web.services import Services
from explorer.web.theme import theme, token_css

STYLES = ("frame", "base", "table", "create", "player", "compare", "learn")
USER_ERRORS = (AudioError, CheckpointError, LibraryError, RecordError, SongError, StorageError, StudioError)
"""Errors whose message is for the person at the page."""


class FreshFiles(StaticFiles):
    """Static files that the browser asks about again each time, so that an update is seen at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _head() -> str:
    links = "".join(f'<link rel="stylesheet" href="/ui/{name}.css">' for name in STYLES)
    return f'<link rel="icon" href="/ui/icon.svg" type="image/svg+xml"><style>{token_css()}</style>{links}'


class SameOrigin:
    """Refuses what another site's page sends here: writing needs the page's own origin."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin and urlsplit(origin).netloc != headers.get("host"):
                refusal = JSONResponse({"message": "Only this program's own page may do that."}, status_code=403)
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


async def _explain(_: Request, error: Exception) -> Response:
    return JSONResponse({"message": str(error)}, status_code=422)


def build(services: Services) -> FastAPI:
    """The application that serves the page with these services behind it."""
    app = FastAPI(title="Jukebox Explorer", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(SameOrigin)
    for kind in USER_ERRORS:
        app.add_exception_handler(kind, _explain)
    app.include_router(songs.routes(services.library, services.studio))
    app.include_router(making.routes(services))
    app.include_router(comparing.routes(services.library))
    app.include_router(learning.routes(services))
    app.include_router(media.routes(services.library))
    app.mount("/ui", FreshFiles(directory=STATIC), name="ui")
    mounted: FastAPI = gr.mount_gradio_app(
        app,
        pages.build(services),
        path="/",
        theme=theme(),
        head=_head(),
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        max_file_size="100mb",
        show_error=True,
    )
    return mounted
