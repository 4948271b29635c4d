"""The table's routes: rows as they are searched, stars, deletion with undo.

Knows: how a library's answers look as JSON. Does not know: how the library searches.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from explorer.library import Deletion, Library, LibraryError, Row, Scope, SortKey
from explorer.library import Query as Search
from explorer.studio import Studio
from explorer.web.meanings import COLLECTIONS


class Ids(BaseModel):
    """Body of a deletion."""

    ids: list[str]
    spare_starred: bool = False


class Star(BaseModel):
    """Body of a star request."""

    starred: bool


class Stars(BaseModel):
    """Body of a star request for several songs."""

    ids: list[str]
    starred: bool


def row_json(row: Row, making: bool) -> dict[str, Any]:
    """One table row; ``making``: a job is at work on it now."""
    return {
        "id": row.id,
        "model": row.model,
        "collection": row.collection,
        "meaning": COLLECTIONS.get(row.collection, ""),
        "genre": row.genre,
        "artist": row.artist,
        "temp": f"{row.temp:.3f}".rstrip("0").ljust(4, "0"),
        "title": row.title,
        "seconds": row.seconds,
        "date": _local_day(row.created),
        "state": row.state,
        "starred": row.starred,
        "mine": row.mine,
        "making": making,
    }


def _local_day(created: str) -> str:
    """The day of an ISO time in this machine's zone: people look for "today"."""
    try:
        return datetime.fromisoformat(created).astimezone().date().isoformat()
    except ValueError:
        return created[:10]


def routes(library: Library, studio: Studio) -> APIRouter:
    """GET /api/songs (search), POST /api/songs/{id}/star and /api/songs/star, POST /api/songs/delete and .../undo."""
    router = APIRouter()
    last: list[Deletion] = []

    def being_made() -> set[str]:
        return {sample for job in studio.jobs() if job.state.active for sample in job.sample_ids}

    @router.get("/api/songs")
    def songs(
        scope: Scope = Scope.ALL,
        sort: SortKey = SortKey.DATE,
        descending: bool = True,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        any: Annotated[str, Query(max_length=500)] = "",
        model: Annotated[str, Query(max_length=200)] = "",
        collection: Annotated[str, Query(max_length=200)] = "",
        genre: Annotated[str, Query(max_length=200)] = "",
        artist: Annotated[str, Query(max_length=200)] = "",
        temp: Annotated[str, Query(max_length=200)] = "",
        title: Annotated[str, Query(max_length=200)] = "",
        length: Annotated[str, Query(max_length=200)] = "",
        date: Annotated[str, Query(max_length=200)] = "",
        find: Annotated[str, Query(max_length=200)] = "",
    ) -> dict[str, Any]:
        columns = {
            "model": model,
            "collection": collection,
            "genre": genre,
            "artist": artist,
            "temp": temp,
            "title": title,
            "length": length,
            "date": date,
        }
        search = Search(
            columns={name: typed for name, typed in columns.items() if typed},
            anywhere=any,
            scope=scope,
            sort=sort,
            descending=descending,
            limit=limit,
            offset=offset,
        )
        page = library.search(search)
        counts = library.counts()
        making = being_made()
        answer: dict[str, Any] = {
            "total": page.total,
            "counts": {"all": counts.all, "gallery": counts.gallery, "mine": counts.mine, "starred": counts.starred},
            "rows": [row_json(row, row.id in making) for row in page.rows],
        }
        if find:
            everything = library.search(Search(scope=scope, sort=sort, descending=descending, limit=page.total))
            places = (place for place, row in enumerate(everything.rows) if row.id == find)
            answer["found"] = next(places, None)
        return answer

    @router.post("/api/songs/{id}/star")
    def star(id: str, body: Star) -> dict[str, bool]:
        library.row(id)
        library.star([id], body.starred)
        return {"starred": body.starred}

    @router.post("/api/songs/star")
    def star_all(body: Stars) -> dict[str, bool]:
        library.star(body.ids, body.starred)
        return {"starred": body.starred}

    @router.post("/api/songs/delete")
    def delete(body: Ids) -> dict[str, Any]:
        """To the bin, which is emptied when the program closes. Gallery songs and songs being made are spared."""
        deletion = library.delete(body.ids, body.spare_starred)
        if deletion.ids:
            last[:] = [deletion]
        return {"deleted": list(deletion.ids), "spared": deletion.spared}

    @router.post("/api/songs/undo")
    def undo() -> dict[str, Any]:
        """Take the songs of the last deletion out of the bin again."""
        if not last:
            raise LibraryError("Nothing was deleted since the program started.")
        deletion = last.pop()
        library.undo(deletion)
        return {"restored": list(deletion.ids)}

    return router
