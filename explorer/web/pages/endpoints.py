"""What other programs may call, through ``gradio_client``.

    from gradio_client import Client

    client = Client("http://127.0.0.1:7860")
    for step in client.submit("reggae", "Harbour Sound", "Paper boats", 6.0, 7, api_name="/generate"):
        print(step["state"], [level["windows_done"] for level in step["levels"]])
    song = client.predict(step["sample_ids"][0], api_name="/song")

Knows: names, types and order of the parameters. Does not know: the page. A job belongs to the
server: it goes on when the caller goes away.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from gradio.events import api

from explorer.jukebox.song import Song, recipe_to_dict
from explorer.library import Query
from explorer.studio import JobRequest
from explorer.web.routes.making import job_json
from explorer.web.routes.songs import row_json
from explorer.web.services import Services


def add(services: Services) -> None:
    """Register /generate, /songs and /song; to be called inside the Blocks."""
    studio, library = services.studio, services.library

    def generate(
        genre: str, artist: str, lyrics: str, seconds: float = 12.0, seed: int = 0
    ) -> Iterator[dict[str, Any]]:
        """Make a song; yields the job as it advances, the last time when it ended. Empty lyrics: instrumental."""
        song = Song(genre=genre, artist=artist, lyrics=lyrics, seconds=seconds, seed=seed)
        studio.engine(services.model).describe(song)
        job = studio.submit(JobRequest(song=song, options=services.usual, model=services.model))
        revision = -1
        while True:
            view = studio.job(job)
            if view.revision != revision:
                revision = view.revision
                yield job_json(studio, view)
            if not view.state.active:
                return
            # not a wait for the revision: the caller's end must be noticed here
            time.sleep(0.25)

    def songs(search: str = "", limit: int = 100) -> list[dict[str, Any]]:
        """Songs of the gallery and the library in which every word of ``search`` begins a word; newest first."""
        page = library.search(Query(anywhere=search, limit=max(0, min(limit, 1000))))
        return [row_json(row, making=False) for row in page.rows]

    def song(id: str) -> dict[str, Any]:
        """One song: its recipe, its state, and the files of its levels on this machine."""
        sample = library.sample(id)
        record = sample.record
        return {
            "id": record.id,
            "title": record.title,
            "model": record.model,
            "state": record.state.value,
            "recipe": recipe_to_dict(record.song, record.options),
            "files": {level.value: str(sample.audio_path(level)) for level in record.levels if sample.has_audio(level)},
        }

    api(generate, api_name="generate", concurrency_limit=4)
    api(songs, api_name="songs")
    api(song, api_name="song")
