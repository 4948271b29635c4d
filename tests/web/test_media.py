"""The routes that feed the player: records, arrays, sound with ranges, and what they refuse."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fastapi import FastAPI
from fastapi.testclient import TestClient

from explorer.audio.spectra import band_of
from explorer.jukebox.config import Level
from explorer.jukebox.sheet import LeadSheet
from explorer.library import Library
from explorer.web import media, pictures
from tests.songs import LYRICS, RATE, add_song, noise, tune, write_level

SECONDS = 4.0


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(tmp_path / "library")
    yield library
    library.close()


@pytest.fixture
def client(library: Library) -> TestClient:
    app = FastAPI()
    app.include_router(media.routes(library))
    return TestClient(app)


def unpack(data: bytes) -> tuple[dict[str, Any], np.ndarray]:
    (length,) = struct.unpack("<I", data[:4])
    header = json.loads(data[4 : 4 + length])
    return header, np.frombuffer(data[4 + length :], np.uint8).reshape(header["columns"], header["rows"])


def test_record_tells_levels_recipe_and_times(client: TestClient, library: Library) -> None:
    add_song(library, "song-one", SECONDS)
    sample = client.get("/api/samples/song-one").json()
    assert sample["title"] == "Paper boats on the rain"
    assert (sample["seconds"], sample["duration"], sample["state"]) == (SECONDS, SECONDS, "finished")
    assert sample["recipe"]["song"]["seed"] == 7
    assert list(sample["levels"]) == ["top", "middle", "bottom"]
    top = sample["levels"]["top"]
    assert top["codes_per_second"] == pytest.approx(RATE / 128)
    assert top["kbit_per_second"] == pytest.approx(RATE / 128 * 11 / 1000)
    index, start, end, _ = sample["alignment"]["characters"][0]
    assert (LYRICS[index], start) == ("P", 0.25) and end > start
    first = sample["alignment"]["words"][0]
    assert LYRICS[first[0] : first[1]] == "Paper"
    assert client.get(top["url"]).status_code == 200


def test_partial_song_has_the_time_axis_of_the_finished_one(client: TestClient, library: Library) -> None:
    add_song(
        library, "song-part", SECONDS, sounds={Level.TOP: tune(SECONDS, 3), Level.MIDDLE: tune(1.5, 9)}, finish=False
    )
    sample = client.get("/api/samples/song-part").json()
    assert sample["state"] == "partial" and sample["duration"] == SECONDS
    assert sample["levels"]["top"]["finished"] and not sample["levels"]["middle"]["finished"]
    assert sample["levels"]["middle"]["seconds"] == pytest.approx(1.5, abs=0.01)
    assert "bottom" not in sample["levels"]
    assert client.get("/api/samples/song-part/spectrum/bottom").status_code == 404
    assert client.get("/api/samples/song-part/entropy/bottom").status_code == 404


def test_spectrum_shows_a_tone_at_its_band_and_level(client: TestClient, library: Library) -> None:
    time = np.arange(round(SECONDS * RATE)) / RATE
    tone = (0.1 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    half = (0.05 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    add_song(library, "song-tone", SECONDS, sounds={Level.TOP: tone, Level.BOTTOM: half})
    header, columns = unpack(client.get("/api/samples/song-tone/spectrum/top").content)
    assert header["rows"] == 160 and header["decibel"] == [-60.0, 0.0] and len(header["hertz"]) == 160
    assert header["seconds"] == pytest.approx(SECONDS, abs=0.05)
    middle = columns[len(columns) // 2]
    assert abs(int(middle.argmax()) - int(band_of(1000))) <= 1
    # A tenth of full scale is -20 dB; nothing is rescaled per clip, so half of it is 6 dB less.
    decibels = -60 + middle.max() / 255 * 60
    assert decibels == pytest.approx(-20, abs=1.5)
    _, softer = unpack(client.get("/api/samples/song-tone/spectrum/bottom").content)
    difference = (int(middle.max()) - int(softer[len(softer) // 2].max())) / 255 * 60
    assert difference == pytest.approx(6.02, abs=0.5)


def test_long_songs_are_narrowed_without_changing_the_time(client: TestClient, library: Library, monkeypatch) -> None:
    add_song(library, "song-long", SECONDS)
    whole, _ = unpack(client.get("/api/samples/song-long/spectrum/top").content)
    monkeypatch.setattr(pictures, "MAX_COLUMNS", 50)
    add_song(library, "song-same", SECONDS)
    narrow, columns = unpack(client.get("/api/samples/song-same/spectrum/top").content)
    assert len(columns) <= 50 and narrow["seconds"] == pytest.approx(whole["seconds"], rel=0.03)


def test_attention_rows_name_their_characters(client: TestClient, library: Library) -> None:
    add_song(library, "song-one", SECONDS)
    header, columns = unpack(client.get("/api/samples/song-one/attention").content)
    assert header["rows"] == len(header["characters"]) == len(LYRICS.replace("\n", ""))
    assert header["characters"][0] == 0 and LYRICS[header["characters"][-1]] == "w"
    assert header["seconds"] == pytest.approx(SECONDS, abs=0.02)
    assert columns.max() == round(255 * 0.7**0.7)
    assert columns.argmax(axis=0)[0] < columns.argmax(axis=0)[-1]


def test_entropy_is_scaled_to_the_bits_of_the_codebook(client: TestClient, library: Library) -> None:
    add_song(library, "song-one", SECONDS)
    header, columns = unpack(client.get("/api/samples/song-one/entropy/top").content)
    assert header["bits"] == 11 and header["rows"] == 1 and header["given"] == 0
    bits = columns[:, 0] / 255 * 11
    assert bits.max() == pytest.approx(8, abs=0.1) and bits.min() == pytest.approx(2, abs=0.1)


def test_chroma_finds_the_pitch_and_onsets_the_strokes(client: TestClient, library: Library) -> None:
    time = np.arange(round(SECONDS * RATE)) / RATE
    tone = (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    strokes = np.zeros_like(tone)
    for start in (0.5, 1.5, 2.5):
        inside = time >= start
        strokes[inside] += 0.3 * np.exp(-30 * (time[inside] - start)) * noise(SECONDS, 1)[inside] * 10
    silence = np.zeros_like(tone)
    add_song(
        library,
        "song-view",
        SECONDS,
        sounds={Level.TOP: tone, Level.MIDDLE: strokes.clip(-1, 1), Level.BOTTOM: silence},
    )
    header, columns = unpack(client.get("/api/samples/song-view/chroma/top").content)
    assert header["rows"] == 12 and header["seconds"] == pytest.approx(SECONDS, abs=0.1)
    assert columns[len(columns) // 2].argmax() == 9, "A"
    header, columns = unpack(client.get("/api/samples/song-view/onsets/middle").content)
    assert header["onsets"] == pytest.approx([0.5, 1.5, 2.5], abs=0.06) and columns.max() > 100
    for view in ("chroma", "onsets"):
        header, columns = unpack(client.get(f"/api/samples/song-view/{view}/bottom").content)
        assert columns.max() == 0 and not header.get("onsets")
    assert client.get("/api/samples/song-view/nonsense/top").status_code == 404
    assert client.get("/api/samples/song-view/chroma/original").status_code == 404


def test_instrumentals_have_no_attention(client: TestClient, library: Library) -> None:
    add_song(library, "song-two", SECONDS, lyrics="")
    assert client.get("/api/samples/song-two").json()["alignment"] is None
    assert client.get("/api/samples/song-two/attention").status_code == 404


def test_sound_whole_and_in_ranges(client: TestClient, library: Library) -> None:
    add_song(library, "song-one", SECONDS)
    whole = client.get("/media/song-one/top.flac")
    assert whole.status_code == 200 and whole.headers["content-type"] == "audio/flac"
    assert whole.headers["accept-ranges"] == "bytes"
    data, rate = soundfile.read(io.BytesIO(whole.content), dtype="float32")
    assert rate == RATE and np.abs(data - tune(SECONDS, 3)).max() < 1e-4
    size = len(whole.content)
    for asked, expected, said in [
        ("bytes=0-99", whole.content[:100], f"bytes 0-99/{size}"),
        ("bytes=100-", whole.content[100:], f"bytes 100-{size - 1}/{size}"),
        ("bytes=-50", whole.content[-50:], f"bytes {size - 50}-{size - 1}/{size}"),
        (f"bytes=10-{size + 500}", whole.content[10:], f"bytes 10-{size - 1}/{size}"),
    ]:
        part = client.get("/media/song-one/top.flac", headers={"Range": asked})
        assert (part.status_code, part.headers["content-range"]) == (206, said)
        assert part.content == expected and part.headers["content-length"] == str(len(expected))
    beyond = client.get("/media/song-one/top.flac", headers={"Range": f"bytes={size}-"})
    assert beyond.status_code == 416 and beyond.headers["content-range"] == f"bytes */{size}"
    for odd in ("bytes=5", "bytes=a-b", "bytes=0-1,5-6", "lines=1-2", "bytes=-", "bytes=9-²"):
        answer = client.get("/media/song-one/top.flac", headers={"Range": odd.encode()})
        assert answer.status_code == 200 and len(answer.content) == size, odd
    head = client.head("/media/song-one/top.flac")
    assert head.status_code == 200 and head.content == b"" and head.headers["content-length"] == str(size)


def test_growing_sound_changes_its_version(client: TestClient, library: Library) -> None:
    writer = add_song(library, "song-grow", SECONDS, sounds={Level.TOP: noise(1.0, 1)}, finish=False)
    before = client.get("/api/samples/song-grow").json()
    url = before["levels"]["top"]["url"]
    first = client.get(url)
    assert "immutable" in first.headers["cache-control"]
    assert client.get(url, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    picture = client.get("/api/samples/song-grow/spectrum/top")
    unchanged = client.get("/api/samples/song-grow/spectrum/top", headers={"If-None-Match": picture.headers["etag"]})
    assert unchanged.status_code == 304 and unchanged.content == b""

    write_level(writer, Level.TOP, noise(2.0, 1), done=False)
    after = client.get("/api/samples/song-grow").json()
    assert after["levels"]["top"]["url"] != url
    assert after["levels"]["top"]["seconds"] == pytest.approx(2.0, abs=0.01)
    stale = client.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert stale.status_code == 200 and stale.headers["cache-control"] == "no-cache"
    # A range of the old version must not be glued to the new one.
    glued = client.get(url, headers={"Range": "bytes=10-20", "If-Range": first.headers["etag"]})
    assert glued.status_code == 200 and len(glued.content) == len(stale.content)
    longer, _ = unpack(client.get("/api/samples/song-grow/spectrum/top").content)
    assert longer["seconds"] == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize(
    "path",
    [
        "/api/samples/nobody",
        "/api/samples/..%2Fsecret",
        "/api/samples/%2e%2e",
        "/api/samples/song-one%00",
        "/api/samples/" + "a" * 5000,
        "/api/samples/song-one/spectrum/original",
        "/api/samples/song-one/spectrum/..%2f..%2fsecret",
        "/api/samples/song-one/entropy/bottom.flac",
        "/media/song-one/sample.json",
        "/media/song-one/codes.safetensors",
        "/media/song-one/..%2f..%2fsecret.flac",
        "/media/..%2f..%2fsecret/top.flac",
        "/media/.%2e/secret.flac",
        "/media//etc/passwd",
        "/media/song-one/TOP.flac",
    ],
)
def test_addresses_name_nothing_but_samples(client: TestClient, library: Library, tmp_path: Path, path: str) -> None:
    add_song(library, "song-one", 1.0)
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "secret.flac").write_text("secret")
    answer = client.get(path)
    assert answer.status_code == 404
    assert b"secret" not in answer.content.replace(b"..", b"") or "detail" in answer.json()
    assert str(tmp_path) not in answer.text


def test_links_out_of_the_library_are_not_followed(client: TestClient, library: Library, tmp_path: Path) -> None:
    writer = add_song(library, "song-link", 1.0)
    (tmp_path / "outside.flac").write_bytes(b"fLaC secret")
    target = writer.folder / "top.flac"
    target.unlink()
    target.symlink_to(tmp_path / "outside.flac")
    assert client.get("/media/song-link/top.flac").status_code == 404
    assert list(client.get("/api/samples/song-link").json()["levels"]) == ["middle", "bottom"]


def test_damaged_sound_is_told_and_not_guessed(client: TestClient, library: Library) -> None:
    writer = add_song(library, "song-bad", 1.0)
    (writer.folder / "top.flac").write_bytes(b"fLaC" + b"\0" * 400)
    answer = client.get("/api/samples/song-bad/spectrum/top")
    assert answer.status_code == 422 and "top.flac" in answer.json()["detail"]
    (writer.folder / "codes.safetensors").write_bytes(b"\xff" * 64)
    assert client.get("/api/samples/song-bad/entropy/top").status_code == 422
    (writer.folder / "alignment.npz").write_bytes(b"PK nothing")
    record = client.get("/api/samples/song-bad")
    assert record.status_code == 200 and record.json()["alignment"] is None
    assert "alignment.npz" in record.json()["notes"][0]
    (writer.folder / "sheet.json").write_text("{}")
    record = client.get("/api/samples/song-bad")
    assert record.status_code == 200 and record.json()["sheet"] is None
    assert "sheet.json" in record.json()["notes"][1]


def test_a_record_tells_what_the_song_was_told(client: TestClient, library: Library) -> None:
    sheet = LeadSheet("Eb minor", 1.5, 3, -0.5, ("Ebm", "Abm Gb"), ((0.5, 1.0, 63),))
    add_song(library, "song-told", 1.0, sheet=sheet)
    assert client.get("/api/samples/song-told").json()["sheet"] == {
        "key": "Eb minor", "bar": 1.5, "beats": 3, "first": -0.5, "chords": ["Ebm", "Abm Gb"], "notes": [[0.5, 1.0, 63]]
    }  # fmt: skip
    add_song(library, "song-untold", 1.0)
    assert client.get("/api/samples/song-untold").json()["sheet"] is None
