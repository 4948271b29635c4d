"""The form's and the jobs' routes: plan, start, follow, cancel, resume.

Knows: how requests and jobs look as JSON. Does not know: how they are judged (``form``) or run.
"""

from __future__ import annotations

import dataclasses
import json
import platform
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse

from explorer.audio.files import AudioError, read_recipe
from explorer.engine import Jukebox
from explorer.jukebox.config import Level
from explorer.jukebox.song import Song, SongError, recipe_from_dict
from explorer.library import Query, Scope
from explorer.studio import Forecast, JobView, Studio
from explorer.web import truth
from explorer.web.form import Reading, Typed, from_recipe, from_record, read, sampling_form
from explorer.web.services import Services

EXAMPLE = "Paper boats on the morning rain,\none for the river and one for the train."
"""Words in a form that nobody has written into yet."""
MOST_RECIPE = 4 * 2**20
"""Bytes of a recipe that is dropped on the page."""


def job_json(studio: Studio, view: JobView) -> dict[str, Any]:
    """A job as the page shows it."""
    data = dataclasses.asdict(view)
    return data | {
        "active": view.state.active,
        "resumable": view.resumable,
        "takes": studio.record(view.id).request.takes,
        "levels": [dataclasses.asdict(level) for level in view.levels],
    }


def forecast_json(forecast: Forecast) -> dict[str, Any]:
    return dataclasses.asdict(forecast)


def routes(services: Services) -> APIRouter:
    """/api/about, /api/form, /api/names, /api/plan, /api/prompt, /api/recipe/{id}, /api/jobs..."""
    library, studio, uploads, model = services.library, services.studio, services.uploads, services.model
    router = APIRouter()

    def understood(typed: Typed) -> Reading:
        return read(typed, model, services.usual, studio.settings.limits.takes, uploads.path)

    @router.get("/api/about")
    def about() -> dict[str, str]:
        engine = studio.engine(model)
        threads = engine.threads
        where = f"{engine.device.type.upper()}, {threads} thread{'' if threads == 1 else 's'}"
        place = where if engine.device.type == "cpu" else str(engine.device)
        return {"device": f"{engine.name} on {place}", "reason": f"{engine.precision.reason} ({platform.machine()})"}

    @router.get("/api/form")
    def first_form() -> dict[str, Any]:
        """A form that can be sent as it is: the style of a song that is here."""
        rows = library.search(Query(scope=Scope.GALLERY, limit=1)).rows
        if rows:
            genre, artist = rows[0].genre, rows[0].artist
        else:
            engine = studio.engine(model)
            genre, artist = (_first(engine, kind) for kind in ("genre", "artist"))
        return {"genre": genre, "artist": artist, "lyrics": EXAMPLE, "seconds": "12", "takes": "1"} | {
            "sampling": sampling_form(services.usual)
        }

    @router.get("/api/names")
    def names(kind: Literal["genre", "artist"], q: str = "") -> dict[str, Any]:
        return truth.find_names(studio.engine(model), kind, q[:200])

    @router.post("/api/plan")
    def plan(typed: Typed) -> dict[str, Any]:
        """Everything the form shows about itself: problems, what each level receives, the forecast."""
        reading = understood(typed)
        answer: dict[str, Any] = {
            "problems": reading.problems,
            "fixes": reading.fixes,
            "takes": reading.takes,
            "lyrics_note": _lyrics_note(typed),
            "truth": None,
            "forecast": None,
            "total_seconds": None,
        }
        if reading.song is None:
            return answer
        engine = studio.engine(model)
        try:
            labels = engine.describe(reading.song)
            answer["truth"] = truth.describe(engine, reading.song, reading.options, bool(typed.prompt))
            answer["total_seconds"] = truth.total_seconds(engine, labels[Level.TOP])
        except SongError as error:
            answer["problems"].setdefault(_blame(engine, reading.song), str(error))
            return answer
        if reading.request is not None:
            try:
                answer["forecast"] = forecast_json(studio.forecast(reading.request))
            except ValueError as error:
                answer["problems"].setdefault("prompt" if typed.prompt else "form", str(error))
        return answer

    @router.post("/api/jobs")
    def start(typed: Typed) -> dict[str, Any]:
        """Queue the song, or say what stands against it: an answer, not an error."""
        reading = understood(typed)
        if reading.song is not None and reading.request is not None:
            engine = studio.engine(model)
            try:
                engine.describe(reading.song)
                engine.plan(reading.song, reading.options)
            except SongError as error:
                reading.problems[_blame(engine, reading.song)] = str(error)
        if reading.problems or reading.request is None:
            return {"job": None, "problems": reading.problems, "fixes": reading.fixes}
        job = studio.submit(reading.request)
        position = sum(view.state.active for view in studio.jobs())
        return {"job": job, "position": position}

    @router.get("/api/jobs")
    def jobs(revision: int = -1) -> dict[str, Any]:
        """All jobs, or only the revision where nothing changed since ``revision``."""
        now = studio.revision
        if now == revision:
            return {"revision": now}
        return {"revision": now, "jobs": [job_json(studio, view) for view in studio.jobs()]}

    @router.post("/api/jobs/{job}/{action}")
    def act(job: str, action: Literal["cancel", "resume", "remove"]) -> dict[str, Any]:
        if action == "cancel":
            return job_json(studio, studio.cancel(job))
        if action == "resume":
            return job_json(studio, studio.resume(job))
        studio.remove(job)
        return {"removed": job}

    @router.post("/api/prompt")
    async def prompt(request: Request, name: str = "audio") -> dict[str, Any]:
        """Keep a file to go on from, or say why it cannot be used."""
        try:
            kept = await uploads.receive(name, request.stream())
            return kept | {"recipe": _recipe_form(read_recipe(uploads.path(kept["token"])))}
        except AudioError as error:
            return {"token": None, "message": str(error)}

    @router.get("/api/prompt/{token}")
    def prompt_sound(token: str) -> FileResponse:
        """The file itself, for listening to the part that is chosen."""
        return FileResponse(
            uploads.path(token), media_type="application/octet-stream", headers={"X-Content-Type-Options": "nosniff"}
        )

    @router.post("/api/recipe")
    async def dropped_recipe(request: Request) -> dict[str, Any]:
        """The form of a recipe or a sample.json that was dropped on the page."""
        body = await request.body()
        try:
            data = json.loads(body[:MOST_RECIPE]) if len(body) <= MOST_RECIPE else None
        except (ValueError, RecursionError):
            data = None
        form = _recipe_form(data)
        if form is None:
            return {"form": None, "message": "This file holds no recipe. Drop a sample.json or a sound made here."}
        return {"form": form, "message": ""}

    @router.get("/api/recipe/{id}")
    def recipe(id: str, mode: str = "again") -> dict[str, Any]:
        form, said = from_record(library.sample(id).record, mode)
        return {"form": form, "said": said}

    return router


def _recipe_form(data: Any) -> dict[str, Any] | None:
    """Form values of a recipe, alone or inside a sample's record; None where there is none that can be read."""
    if isinstance(data, dict) and isinstance(data.get("recipe"), dict):
        data = data["recipe"]
    try:
        return from_recipe(*recipe_from_dict(data))
    except (SongError, TypeError):
        return None


def _first(engine: Jukebox, kind: str) -> str:
    names = truth.find_names(engine, kind, "")["names"]
    return str(names[0]["name"]) if names else ""


def _lyrics_note(typed: Typed) -> str:
    if typed.instrumental:
        return "Voices may still appear: the model can leak them."
    count = len(typed.lyrics)
    return f"{count:,} character{'' if count == 1 else 's'}"


def _blame(engine: Jukebox, song: Song) -> str:
    """The field without which the song could be made: there its message belongs."""
    trials: dict[str, dict[str, Any]] = {
        "genre": {"genre": ""},
        "artist": {"artist": ""},
        "place": {"offset_seconds": 0.0, "total_seconds": None},
    }
    for name, neutral in trials.items():
        try:
            engine.describe(dataclasses.replace(song, **neutral))
        except SongError:
            continue
        return name
    return "seconds"
