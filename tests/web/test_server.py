"""The whole application without a browser: table, stars, bin, form, comparison, and who may write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from explorer.audio.files import AudioFormat, audio_bytes
from explorer.jukebox.song import usual_sampling
from explorer.library import Library
from explorer.settings import Settings
from explorer.studio import Studio
from explorer.web.server import build
from explorer.web.services import Services
from explorer.web.uploads import Uploads
from tests.songs import RATE, add_song, tune
from tests.tiny import tiny_config, tiny_jukebox


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home, home / "library", device="cpu")
    library = Library(settings.library)
    for name in ("song-one", "song-two"):
        add_song(library, name, 1.0)
    studio = Studio(settings, library, lambda _: tiny_jukebox())
    yield Services(settings, library, studio, Uploads(home / "uploads", 10**6), "tiny", usual_sampling(tiny_config()))
    studio.close()
    library.close()


@pytest.fixture(scope="module")
def client(services: Services) -> TestClient:
    return TestClient(build(services))


def ids(answer: dict[str, Any]) -> list[str]:
    return [row["id"] for row in answer["rows"]]


def test_the_page_names_no_other_host(client: TestClient) -> None:
    page = client.get("/").text
    assert "Jukebox Explorer" in page and "/ui/base.css" in page
    for host in ("fonts.googleapis", "cdn.", "huggingface.co/"):
        assert f"https://{host}" not in page.split("window.gradio_config")[0]


def test_rows_pages_and_places(client: TestClient) -> None:
    answer = client.get("/api/songs", params={"limit": 1}).json()
    assert answer["total"] == 2 and len(answer["rows"]) == 1 and answer["counts"]["all"] == 2
    for place, id in enumerate(ids(client.get("/api/songs").json())):
        assert client.get("/api/songs", params={"find": id, "limit": 1}).json()["found"] == place
    assert client.get("/api/songs", params={"find": "nobody"}).json()["found"] is None
    assert client.get("/api/songs", params={"title": "café"}).json()["total"] == 2
    assert client.get("/api/songs", params={"artist": "zzz"}).json()["total"] == 0
    assert client.get("/api/songs", params={"limit": 10_000}).status_code == 422


def test_stars(client: TestClient) -> None:
    assert client.post("/api/songs/song-one/star", json={"starred": True}).json() == {"starred": True}
    assert ids(client.get("/api/songs", params={"scope": "starred"}).json()) == ["song-one"]
    client.post("/api/songs/song-one/star", json={"starred": False})
    assert client.get("/api/songs", params={"scope": "starred"}).json()["total"] == 0
    lost = client.post("/api/songs/nobody/star", json={"starred": True})
    assert lost.status_code == 422 and lost.json()["message"]


def test_deleting_spares_and_undoes(client: TestClient) -> None:
    client.post("/api/songs/song-one/star", json={"starred": True})
    answer = client.post("/api/songs/delete", json={"ids": ["song-one", "song-two"], "spare_starred": True}).json()
    assert answer["deleted"] == ["song-two"] and list(answer["spared"]) == ["song-one"]
    assert client.get("/api/songs").json()["total"] == 1
    assert client.post("/api/songs/undo", json={}).json() == {"restored": ["song-two"]}
    assert client.get("/api/songs").json()["total"] == 2
    assert client.post("/api/songs/undo", json={}).status_code == 422
    client.post("/api/songs/song-one/star", json={"starred": False})


def test_another_site_may_not_write(client: TestClient) -> None:
    for origin, status in (("https://evil.example", 403), ("null", 403), ("http://testserver", 200)):
        answer = client.post("/api/songs/song-one/star", json={"starred": False}, headers={"Origin": origin})
        assert answer.status_code == status


def test_a_plan_of_a_good_form(client: TestClient) -> None:
    form = {"genre": "reggae", "artist": "Harbour Sound", "lyrics": "la la", "seconds": "3"}
    plan = client.post("/api/plan", json=form).json()
    assert plan["problems"] == {}
    assert [level["level"] for level in plan["forecast"]["levels"]] == ["top", "middle", "bottom"]
    assert plan["truth"]["windows"] and plan["total_seconds"] == pytest.approx(3, abs=0.05)


def test_what_the_model_cannot_be_told_stands_beside_its_field(client: TestClient) -> None:
    late = {"lyrics": "la", "seconds": "3", "total": "10", "offset": 400}
    assert set(client.post("/api/plan", json=late).json()["problems"]) == {"place"}
    long = {"lyrics": "la", "seconds": "300"}
    assert set(client.post("/api/plan", json=long).json()["problems"]) == {"seconds"}
    answer = client.post("/api/jobs", json=long).json()
    assert answer["job"] is None and "seconds" in answer["problems"]


def test_a_job_waits_and_is_cancelled(client: TestClient) -> None:
    job = client.post("/api/jobs", json={"lyrics": "la", "seconds": "2", "takes": "2"}).json()["job"]
    (view,) = client.get("/api/jobs").json()["jobs"]
    assert (view["id"], view["state"], view["takes"], view["active"]) == (job, "waiting", 2, True)
    revision = client.get("/api/jobs").json()["revision"]
    assert client.get("/api/jobs", params={"revision": revision}).json() == {"revision": revision}
    cancelled = client.post(f"/api/jobs/{job}/cancel").json()
    assert cancelled["state"] == "cancelled" and cancelled["resumable"] and cancelled["message"]
    assert client.post(f"/api/jobs/{job}/remove").json() == {"removed": job}
    assert client.get("/api/jobs").json()["jobs"] == []
    assert client.post(f"/api/jobs/{job}/resume").status_code == 422


def test_a_recipe_comes_back_as_a_form(client: TestClient) -> None:
    answer = client.get("/api/recipe/song-one", params={"mode": "exact"}).json()
    assert answer["form"]["seed"] == "7" and answer["said"]
    plan = client.post("/api/plan", json=answer["form"]).json()
    assert plan["problems"] == {}


def test_a_text_file_is_told_apart_from_sound(client: TestClient) -> None:
    answer = client.post("/api/prompt", params={"name": "riff.wav"}, content=b"no sound").json()
    assert answer["token"] is None and "riff.wav" in answer["message"]


def test_dropped_recipes_come_back(client: TestClient, services: Services) -> None:
    sample = services.library.sample("song-one")
    wanted = client.get("/api/recipe/song-one", params={"mode": "exact"}).json()["form"]
    record = (sample.folder / "sample.json").read_bytes()
    assert client.post("/api/recipe", content=record).json()["form"] == wanted
    assert client.post("/api/recipe", json=sample.record.recipe).json()["form"] == wanted
    for junk in (b"{", b"[]", b'{"song": {"seconds": -1}}', b'{"song": {"os": "x"}}', b"[" * 100_000):
        answer = client.post("/api/recipe", content=junk).json()
        assert answer["form"] is None and answer["message"]


def test_comparing(client: TestClient) -> None:
    sounds = ["song-one/middle", "song-one/bottom", "song-two/top"]
    answer = client.get("/api/compare", params={"sounds": sounds}).json()
    values = {measure["name"]: measure["values"] for measure in answer["measures"]}
    assert answer["seconds"] == pytest.approx(1, abs=0.01)
    assert all(len(row) == 3 for row in values.values())
    to_a, distance = values["Spectral convergence"], values["Log-spectral distance"]
    assert to_a[0] is None and distance[0] is None and min(distance[1:]) > 0
    same = client.get("/api/compare", params={"sounds": sounds[:1] * 2}).json()["measures"]
    assert same[0]["values"] == [None, None] and same[1]["values"] == [None, 0]
    for wrong in (sounds[:1], ["nobody/top", "song-one/top"], sounds * 3):
        assert client.get("/api/compare", params={"sounds": wrong}).status_code == 422
    for wrong in ("song-one/original", "song-one", "song-one/../top"):
        assert client.get("/api/compare", params={"sounds": [wrong, "song-one/top"]}).status_code == 404
    assert client.get("/api/choices", params={"q": "paper"}).json()["total"] == 2


def test_a_recording_is_read_and_stands_beside_its_levels(client: TestClient, services: Services) -> None:
    recording = audio_bytes(tune(1.5, 12), RATE, format=AudioFormat.WAV)
    answer = client.post("/api/clips", params={"name": "my riff.wav"}, content=recording).json()
    id = answer["id"]
    try:
        record = client.get(f"/api/samples/{id}").json()
        assert record["title"] == "my riff" and record["mode"] == "reconstruct" and record["state"] == "finished"
        assert record["original"]["seconds"] == pytest.approx(1.5, abs=0.02)
        assert client.get(record["original"]["url"]).headers["content-type"] == "audio/flac"
        assert client.get(f"/api/samples/{id}/spectrum/original").status_code == 200
        costs = client.get(f"/api/costs/{id}").json()
        assert costs["against"] == "original" and all(row["distance"] > 0 for row in costs["rows"])
        stretch = client.get(f"/api/learn/{id}", params={"start": 0.5}).json()
        assert len(stretch["original"]) == len(stretch["levels"]["bottom"]["wave"])
        both = {"sounds": [f"{id}/original", f"{id}/bottom"]}
        assert client.get("/api/compare", params=both).json()["measures"][1]["values"][1] > 0
        assert services.library.verify() == ()
        assert not list(services.uploads.folder.iterdir()), "the upload is kept as the sample only"
    finally:
        client.post("/api/songs/delete", json={"ids": [id]})


def test_what_is_no_recording_is_told_and_leaves_nothing(client: TestClient) -> None:
    before = client.get("/api/songs").json()["total"]
    for content in (b"no sound", audio_bytes([0.0] * 40, RATE, format=AudioFormat.WAV)):
        answer = client.post("/api/clips", params={"name": "riff.wav"}, content=content).json()
        assert answer["id"] is None and answer["message"]
    assert client.get("/api/songs").json()["total"] == before


def test_several_stars_at_once(client: TestClient) -> None:
    client.post("/api/songs/star", json={"ids": ["song-one", "song-two", "nobody"], "starred": True})
    assert client.get("/api/songs", params={"scope": "starred"}).json()["total"] == 2
    client.post("/api/songs/star", json={"ids": ["song-one", "song-two"], "starred": False})
    assert client.get("/api/songs", params={"scope": "starred"}).json()["total"] == 0


def test_a_prompt_can_be_heard_again(client: TestClient) -> None:
    recording = audio_bytes(tune(0.5, 12), RATE, format=AudioFormat.WAV)
    token = client.post("/api/prompt", params={"name": "riff.wav"}, content=recording).json()["token"]
    answer = client.get(f"/api/prompt/{token}")
    assert answer.content == recording and answer.headers["x-content-type-options"] == "nosniff"
    assert client.get("/api/prompt/abcdefghijklmnopqrst").status_code == 422


def test_files_of_the_page_are_asked_about_again(client: TestClient) -> None:
    assert client.get("/ui/table.js").headers["cache-control"] == "no-cache"
    assert client.get("/ui/../server.py").status_code == 404


def test_services_tell_at_once_that_a_model_is_missing(tmp_path: Path) -> None:
    from explorer.checkpoints import CheckpointError
    from explorer.web.services import opened

    with pytest.raises(CheckpointError, match="nowhere"), opened(Settings(tmp_path, tmp_path / "library"), "nowhere"):
        pytest.fail("it opened")
    assert not (tmp_path / "library").exists()


def test_a_stretch_in_codes(client: TestClient) -> None:
    answer = client.get("/api/learn/song-one", params={"start": 0.5, "seconds": 0.1}).json()
    rate, top = answer["sample_rate"], answer["levels"]["top"]
    first = int(0.5 * rate / 128)
    assert top["codes"][0] == first and top["begin"] == pytest.approx(first * 128 / rate)
    assert len(answer["levels"]["bottom"]["codes"]) == pytest.approx(0.1 * rate / 8, abs=2)
    assert len(top["wave"]) == pytest.approx(0.1 * rate, abs=2)
    assert top["shades"] is None, "the song of another model has no place in this model's codebook"
    assert client.get("/api/learn/song-one", params={"seconds": 50}).status_code == 422


def test_costs(client: TestClient) -> None:
    answer = client.get("/api/costs/song-one").json()
    top, _, bottom = answer["rows"]
    assert answer["against"] == "bottom" and bottom["distance"] is None and top["distance"] > 0
    assert top["kbit"] == pytest.approx(22050 / 128 * 11 / 1000)
    assert top["smaller"] == pytest.approx(22050 * 16 / 1000 / top["kbit"])
    assert top["used"] == int(22050 / 128) and max(top["usage"]) == 1
