"""What an export holds, what it leaves out, and which folders it may replace."""

from __future__ import annotations

import errno
import json
import re
import zlib
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.durable import StorageError
from explorer.jukebox.config import Level
from explorer.library import Library
from explorer.web import media, pictures
from explorer.web.components import STATIC
from explorer.web.export import ExportError, export
from explorer.web.export.bundle import BundleError, bundle
from explorer.web.export.folder import Draft
from tests.songs import LYRICS, add_song, noise

HOSTILE = '</script><img src=x onerror="alert(1)">\u2028 ${x} `\''


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(tmp_path / "library")
    yield library
    library.close()


def value(page: Path, name: str) -> Any:
    """What the script songs/<name>.js (or songs.js) puts into the page."""
    text = (page / ("songs.js" if name == "songs" else f"songs/{name}.js")).read_text(encoding="ascii")
    assert "<" not in text
    found = re.fullmatch(r'\(self\.jukebox \?\?= \{\}\)\["([^"]+)"\] = (.*);\n', text)
    assert found and found[1] == name
    return json.loads(found[2])


def unpacked(text: str) -> bytes:
    return zlib.decompress(b64decode(text))


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_songs_are_there_as_the_server_would_send_them(library: Library, tmp_path: Path) -> None:
    add_song(library, "song-one", 1.0)
    add_song(library, "song-still", 0.5, lyrics="", title="Instrumental", sounds={Level.TOP: noise(0.5, 1)})
    seen = []
    made = export(library, tmp_path / "new" / "page", progress=lambda *step: seen.append(step))
    page = made.folder
    assert (made.songs, made.left_out, seen) == (2, {}, [(1, 2), (2, 2)])
    assert made.bytes == sum((page / name).stat().st_size for name in files(page))
    sample = library.sample("song-one")
    told = value(page, "song-one/record")
    assert told["record"] == json.loads(json.dumps(media.describe(library, sample)))
    assert told["files"] == ["top", "middle", "bottom", "attention"]
    for level in Level:
        one = value(page, f"song-one/{level.value}")
        path = sample.audio_path(level)
        assert b64decode(one["sound"]) == path.read_bytes()
        assert unpacked(one["spectrum"]) == pictures.spectrum_array(path)
        assert unpacked(one["entropy"]) == pictures.entropy_array(sample, level)
    assert unpacked(value(page, "song-one/attention")["attention"]) == pictures.attention_array(sample)
    assert {name for name in files(page) if "still" in name} == {
        "songs/song-still/record.js",
        "songs/song-still/top.js",
    }
    rows = {row["id"]: row for row in value(page, "songs")["songs"]}
    assert rows["song-one"]["lyrics"] == LYRICS and rows["song-still"]["title"] == "Instrumental"
    assert {path.name for path in page.parent.iterdir()} == {"page"}


def test_the_page_is_the_programs_own(library: Library, tmp_path: Path) -> None:
    add_song(library, "song-one", 0.5)
    page = export(library, tmp_path / "page").folder
    html = (page / "index.html").read_text()
    assert "default-src 'none'" in html
    for name in re.findall(r'(?:src|href)="([^"#?]+)"', html):
        assert (page / name).is_file(), name
    assert not re.search(r"https?:", html)
    for name in ("base.css", "table.css", "player.css", "frame.css"):
        assert (page / "ui" / name).read_bytes() == (STATIC / name).read_bytes()
    script = (page / "ui" / "page.js").read_text()
    assert (STATIC / "player" / "colour.js").read_text().split("export function isDark", 1)[0].splitlines()[
        -3
    ] in script
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)


def test_words_of_people_are_data_only(library: Library, tmp_path: Path) -> None:
    add_song(library, "song-hostile", 0.5, lyrics=HOSTILE, title=HOSTILE, genre=HOSTILE, artist=HOSTILE)
    page = export(library, tmp_path / "page").folder
    assert value(page, "songs")["songs"][0]["title"] == HOSTILE
    assert value(page, "song-hostile/record")["record"]["lyrics"] == HOSTILE
    for name in files(page):
        assert b'onerror="alert' not in (page / name).read_bytes(), name
    clean = Library(tmp_path / "clean")
    add_song(clean, "song-clean", 0.5)
    other = export(clean, tmp_path / "other").folder
    clean.close()
    assert (other / "index.html").read_bytes() == (page / "index.html").read_bytes()


def test_search_picks_songs(library: Library, tmp_path: Path) -> None:
    add_song(library, "song-one", 0.5, genre="Reggae")
    add_song(library, "song-two", 0.5, genre="Jazz")
    export(library, tmp_path / "page", "jaz")
    assert [row["id"] for row in value(tmp_path / "page", "songs")["songs"]] == ["song-two"]
    with pytest.raises(ExportError, match="'polka'"):
        export(library, tmp_path / "none", "polka")
    assert not (tmp_path / "none").exists()


def test_damaged_and_silent_songs_are_left_out(library: Library, tmp_path: Path) -> None:
    add_song(library, "song-good", 0.5)
    add_song(library, "song-begun", 0.5, sounds={}, finish=False)
    writer = add_song(library, "song-bad", 0.5)
    (writer.folder / "top.flac").write_bytes(b"fLaC" + b"\0" * 400)
    made = export(library, tmp_path / "page")
    assert made.songs == 1 and not (made.folder / "songs" / "song-bad").exists()
    assert made.left_out["song-begun"] == "there is no sound of it yet"
    assert "top.flac" in made.left_out["song-bad"]


def test_a_library_without_any_sound_gives_no_page(library: Library, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="has no songs"):
        export(library, tmp_path / "page")
    add_song(library, "song-begun", 0.5, sounds={}, finish=False)
    with pytest.raises(ExportError, match=r"None of 1 songs can be exported\. song-begun: there is no sound"):
        export(library, tmp_path / "page")
    assert {path.name for path in tmp_path.iterdir()} == {"library"}


def test_only_earlier_exports_are_replaced(library: Library, tmp_path: Path) -> None:
    add_song(library, "song-one", 0.5)
    page = tmp_path / "page"
    page.mkdir()
    export(library, page)  # an empty folder is free
    add_song(library, "song-two", 0.5)
    export(library, page, "paper")
    assert len(value(page, "songs")["songs"]) == 2
    (page / "songs" / "diary.txt").write_text("mine")
    before = files(page)
    with pytest.raises(ExportError, match=r"songs/diary\.txt in it is not part"):
        export(library, page)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ExportError, match="is a file"):
        export(library, tmp_path / "file")
    with pytest.raises(ExportError, match="not empty and no earlier export"):
        export(library, library.folder)
    for mark in ("{", "[]", '{"made_by": "Jukebox Explorer"}', '{"made_by": "somebody", "files": []}'):
        (tmp_path / "theirs").mkdir(exist_ok=True)
        (tmp_path / "theirs" / "export.json").write_text(mark)
        with pytest.raises(ExportError, match="no earlier export"):
            export(library, tmp_path / "theirs")
    assert files(page) == before
    assert {path.name for path in tmp_path.iterdir()} == {"library", "page", "file", "theirs"}


def test_a_full_disk_or_a_stop_leaves_the_earlier_export(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_song(library, "song-one", 0.5)
    export(library, tmp_path / "page")
    before = {name: (tmp_path / "page" / name).read_bytes() for name in files(tmp_path / "page")}

    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(library, tmp_path / "page", progress=stop)
    write = Draft.write

    def full(self: Draft, name: str, data: bytes) -> None:
        if name == "songs.js":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, name, data)

    monkeypatch.setattr(Draft, "write", full)
    with pytest.raises(StorageError) as caught:
        export(library, tmp_path / "page")
    assert caught.value.full
    assert {name: (tmp_path / "page" / name).read_bytes() for name in files(tmp_path / "page")} == before
    assert {path.name for path in tmp_path.iterdir()} == {"library", "page"}


def test_modules_become_one_script_in_order(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "main.js").write_text("import { b as c } from './sub/b.js';\nexport const d = c;\n")
    (tmp_path / "sub" / "b.js").write_text("import { a } from '../a.js';\nexport async function b() { return a; }\n")
    (tmp_path / "a.js").write_text("export class a {}\n")
    script = bundle(tmp_path, "main.js")
    places = [script.index(f"modules['{name}'] =") for name in ("a.js", "sub/b.js", "main.js")]
    assert places == sorted(places)
    assert "const { b: c } = modules['sub/b.js'];\nconst d = c;\nreturn { d };" in script


@pytest.mark.parametrize(
    "source",
    [
        "import a from './a.js';",
        "import './a.js';",
        "import * as a from './a.js';",
        "export default 1;",
        "export { a };",
        "export let a = 1;",
        "const a = import('./a.js');",
        "const a = import.meta.url;",
        "import { a } from './main.js';",
    ],
)
def test_other_forms_of_modules_are_refused(tmp_path: Path, source: str) -> None:
    (tmp_path / "main.js").write_text(source + "\n")
    with pytest.raises(BundleError, match=r"main\.js"):
        bundle(tmp_path, "main.js")
