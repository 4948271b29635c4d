"""Searching, stars, the bin, galleries, and an index that is only a cache."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.durable import StorageError, write_json
from explorer.jukebox.song import LevelSampling, SamplingOptions
from explorer.library import Library, LibraryError, Query, RecordError, Scope, SortKey
from explorer.library.index import Index
from explorer.library.query import COLUMNS, clock, fold, match_expression
from explorer.library.record import record_to_json
from tests.library.making import finished, record


def add(library: Library, id: str, **entries: Any) -> None:
    library.create(record(id, **entries)).close()


def put(folder: Path, id: str, **entries: Any) -> None:
    """A sample folder written by another program."""
    (folder / id).mkdir(parents=True)
    write_json(folder / id / "sample.json", record_to_json(record(id, **entries)))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    put(tmp_path / "gallery", "gal-1", title="Gallery song", collection="Unseen lyrics", created="2026-10-01T00:00:00Z")
    library = Library(tmp_path / "mine", [tmp_path / "gallery"])
    add(
        library,
        "song-1",
        song={"genre": "0.5 Bossa nova / 0.5 Soul", "artist": "Céline Dion", "lyrics": "Oh naïve RIVER"},
    )
    add(library, "song-2", model="1b_lyrics", title="Straße nach Köln", created="2026-11-23T10:00:00Z",
        options=SamplingOptions(top=LevelSampling(0.995)), song={"lyrics": "", "seconds": 65.0})  # fmt: skip
    add(library, "song-3", title="노래 하나", song={"genre": "Metal", "artist": "Żółw"})
    return library


def found(library: Library, anywhere: str = "", **columns: str) -> set[str]:
    page = library.search(Query(columns=columns, anywhere=anywhere))
    assert page.total == len(page.rows)
    return {row.id for row in page.rows}


@pytest.mark.parametrize(
    ("column", "typed", "ids"),
    [
        ("genre", "bossa", {"song-1"}),
        ("genre", "SOUL bos", {"song-1"}),
        ("genre", "ossa", set()),
        ("artist", "celine", {"song-1"}),
        ("artist", "CÉLI", {"song-1"}),
        ("artist", "ce\u0301l", {"song-1"}),
        ("artist", "dion cel", {"song-1"}),
        ("artist", "żo", {"song-3"}),
        ("title", "strasse", {"song-2"}),
        ("title", "koln", {"song-2"}),
        ("title", "하", {"song-3"}),
        ("title", "naive river", {"song-1"}),
        ("title", "gallery", {"gal-1"}),
        ("temp", "0.995", {"song-2"}),
        ("temp", "0.98", {"song-1", "song-3", "gal-1"}),
        ("temp", "0.9", {"song-1", "song-2", "song-3", "gal-1"}),
        ("length", "1:05", {"song-2"}),
        ("length", "0:0", {"song-1", "song-3", "gal-1"}),
        ("date", "2026-11-23", {"song-2"}),
        ("date", "2026-10", {"gal-1"}),
        ("model", "1b_", {"song-2"}),
        ("collection", "unseen ly", {"gal-1"}),
        ("collection", "my", {"song-1", "song-2", "song-3"}),
        ("artist", "river", set()),
    ],
)
def test_every_column_finds_beginnings_of_words(library: Library, column: str, typed: str, ids: set[str]) -> None:
    assert found(library, **{column: typed}) == ids


def test_boxes_narrow_together(library: Library) -> None:
    assert found(library, genre="bossa", artist="dion", title="river") == {"song-1"}
    assert found(library, genre="bossa", artist="zolw") == set()
    assert found(library, anywhere="dion bossa river 0.98") == {"song-1"}


@settings(max_examples=80)
@given(st.text(max_size=20), st.sampled_from(COLUMNS))
def test_any_typed_text_is_a_search_and_never_an_error(typed: str, column: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE VIRTUAL TABLE words USING fts5 (model, collection, genre, artist, temp, title, lyrics, length, date)"
    )
    for query in (Query(columns={column: typed}), Query(anywhere=typed)):
        expression = match_expression(query)
        if expression is not None:
            expression = expression.encode("utf-8", "replace").decode()
            connection.execute("SELECT rowid FROM words WHERE words MATCH ?", (expression,)).fetchall()


@settings(max_examples=25)
@given(
    words=st.lists(
        st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd"]), min_size=1, max_size=8), min_size=1, max_size=4
    ),
    data=st.data(),
)
def test_every_beginning_of_a_title_word_finds_it(tmp_path_factory: Any, words: list[str], data: Any) -> None:
    path = tmp_path_factory.mktemp("index") / "i"
    index = Index(path)
    from explorer.library.index import Entry

    index.put([Entry(record(title=" ".join(words)), "/x", "", False, True)])
    word = data.draw(st.sampled_from(words))
    typed = word[: data.draw(st.integers(1, len(word)))]
    if any(c.isalnum() for c in fold(typed)):
        rows, total = index.search(Query(columns={"title": typed.swapcase()}))
        assert total == len(rows) == 1
    index.close()


def test_scopes_counts_and_pages(library: Library) -> None:
    library.star(["gal-1", "song-2", "no-such"])
    counts = library.counts()
    assert (counts.all, counts.gallery, counts.mine, counts.starred) == (4, 1, 3, 2)
    for scope, ids in ((Scope.GALLERY, {"gal-1"}), (Scope.STARRED, {"gal-1", "song-2"})):
        assert {row.id for row in library.search(Query(scope=scope)).rows} == ids
    pages = [library.search(Query(sort=SortKey.MODEL, limit=2, offset=o)) for o in (0, 2, 4)]
    assert [page.total for page in pages] == [4, 4, 4]
    assert sorted(row.id for page in pages for row in page.rows) == ["gal-1", "song-1", "song-2", "song-3"]


@pytest.mark.parametrize(
    ("key", "first"),
    [
        (SortKey.DATE, "gal-1"),
        (SortKey.MODEL, "song-2"),
        (SortKey.COLLECTION, "song-2"),
        (SortKey.GENRE, "song-1"),
        (SortKey.ARTIST, "song-1"),
        (SortKey.TITLE, "gal-1"),
        (SortKey.TEMP, "song-3"),
        (SortKey.LENGTH, "song-3"),
    ],
)
def test_sorting(library: Library, key: SortKey, first: str) -> None:
    up = library.search(Query(sort=key, descending=False)).rows
    assert up[0].id == first
    down = library.search(Query(sort=key, descending=True)).rows
    value = {"date": "created", "length": "seconds"}.get(key.value, key.value)
    keys = [getattr(row, value) for row in down]
    keys = [fold(k) if isinstance(k, str) else k for k in keys]
    assert keys == sorted(keys, reverse=True)


def test_queries_are_checked() -> None:
    with pytest.raises(ValueError, match="no column"):
        Query(columns={"mood": "x"})
    with pytest.raises(ValueError):
        Query(limit=-1)
    assert clock(59.6) == "1:00"


def test_index_can_be_deleted_damaged_or_old(library: Library) -> None:
    library.star(["song-3"])
    before = library.search(Query())
    library.close()
    path = library.folder / ".index.sqlite3"
    for spoil in ("missing", "text", "half", "version", "tables"):
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        if spoil == "missing":
            path.unlink()
        elif spoil == "text":
            path.write_text("no database" * 1000)
        elif spoil == "half":
            path.write_bytes(path.read_bytes()[:5000])
        else:
            with sqlite3.connect(path) as connection:
                connection.execute("PRAGMA user_version = 99" if spoil == "version" else "DROP TABLE samples")
            connection.close()
        again = Library(library.folder, library.galleries)
        assert again.search(Query()) == before, spoil
        assert found(again, title="river") == {"song-1"}
        again.close()


def test_reindex_and_refresh_follow_the_folders(library: Library) -> None:
    put(library.folder, "new-1", title="From elsewhere")
    shutil.rmtree(library.folder / "song-2")
    data = record_to_json(record("song-3", title="Changed outside"))
    write_json(library.folder / "song-3" / "sample.json", data)
    library.refresh()
    assert found(library) == {"song-1", "song-3", "gal-1", "new-1"}
    assert found(library, title="changed outside") == {"song-3"}
    library.reindex()
    assert found(library) == {"song-1", "song-3", "gal-1", "new-1"}


def test_damaged_and_foreign_folders_are_left_out_and_reported(library: Library) -> None:
    (library.folder / "song-2" / "sample.json").write_text("{")
    put(library.folder, "other-1")
    os.rename(library.folder / "other-1", library.folder / "renamed-1")
    os.symlink(library.folder / "song-1", library.folder / "link-1")
    (library.folder / "notes").mkdir()
    library.refresh()
    assert found(library) == {"song-1", "song-3", "gal-1"}
    problems = {problem.folder.name: problem.message for problem in library.verify()}
    assert set(problems) == {"song-2", "renamed-1"}
    assert "not JSON" in problems["song-2"]
    with pytest.raises(LibraryError):
        library.sample("song-2")


def test_a_sample_that_is_damaged_after_indexing_is_a_record_error(library: Library) -> None:
    (library.folder / "song-2" / "sample.json").write_text("[]")
    with pytest.raises(RecordError):
        library.sample("song-2")
    with pytest.raises(LibraryError, match="no song"):
        library.sample("../../etc/passwd")
    with pytest.raises(LibraryError):
        library.row("nobody-1")


def test_linked_files_are_not_followed(library: Library, tmp_path: Path) -> None:
    secret = tmp_path / "secret.flac"
    secret.write_bytes(b"x")
    from explorer.jukebox.config import Level

    (library.folder / "song-1" / "top.flac").symlink_to(secret)
    with pytest.raises(RecordError, match="link"):
        library.sample("song-1").audio_path(Level.TOP)


def test_stars_outlive_the_index_and_a_damaged_list(library: Library) -> None:
    library.star(["song-1", "gal-1"])
    library.star(["song-1"], False)
    library.close()
    again = Library(library.folder, library.galleries)
    assert again.row("gal-1").starred and not again.row("song-1").starred
    again.close()
    (library.folder / "stars.json").write_text("[[[")
    last = Library(library.folder, library.galleries)
    assert last.counts().starred == 0
    last.star(["song-1"])
    assert json.loads((library.folder / "stars.json").read_text()) == ["song-1"]


def test_deleting_spares_starred_gallery_and_unfinished_and_can_be_undone(library: Library) -> None:
    library.star(["song-1"])
    writer = library.reopen("song-3")
    done = library.delete(["song-1", "song-2", "song-3", "gal-1", "none-1", "song-2"], spare_starred=True)
    assert done.ids == ("song-2",)
    assert set(done.spared) == {"song-1", "song-3", "gal-1", "none-1"}
    assert found(library) == {"song-1", "song-3", "gal-1"}
    assert not (library.folder / "song-2").exists()
    library.undo(done)
    assert found(library) == {"song-1", "song-2", "song-3", "gal-1"}
    assert library.search(Query(columns={"title": "strasse"})).total == 1
    writer.close()
    done = library.delete(["song-1", "song-3"])
    assert done.ids == ("song-1", "song-3")
    library.undo(done)
    assert library.row("song-1").starred
    with pytest.raises(LibraryError, match="not in the bin"):
        library.undo(done)


def test_emptying_the_bin_is_for_good(library: Library) -> None:
    library.star(["song-1"])
    done = library.delete(["song-1"])
    library.empty_bin()
    with pytest.raises(LibraryError):
        library.undo(done)
    assert found(library) == {"song-2", "song-3", "gal-1"}
    assert json.loads((library.folder / "stars.json").read_text()) == []


def test_the_users_own_copy_comes_before_the_gallerys(library: Library) -> None:
    put(library.folder, "gal-1", title="My own version")
    library.refresh()
    assert library.row("gal-1").mine and library.row("gal-1").title == "My own version"
    library.delete(["gal-1"])
    assert not library.row("gal-1").mine and library.row("gal-1").title == "Gallery song"


def test_renaming(library: Library) -> None:
    library.rename("song-2", "  A better\n name ")
    assert library.sample("song-2").record.title == "A better name"
    assert found(library, title="better") == {"song-2"}
    for id, title in (("song-2", " "), ("song-2", "x" * 500), ("gal-1", "y"), ("none-1", "z")):
        with pytest.raises(LibraryError):
            library.rename(id, title)


def test_left_overs_of_a_killed_program_are_swept(library: Library) -> None:
    library.close()
    (library.folder / "song-1" / ".top.flac.1234.part").write_bytes(b"half")
    (library.folder / ".stars.json.99.part").write_bytes(b"half")
    (library.folder / ".new-song-9").mkdir()
    Library(library.folder, library.galleries).close()
    assert len(list(library.folder.rglob("*.part"))) == 2, "another program may be writing these"
    for left in (*library.folder.rglob("*.part"), library.folder / ".new-song-9"):
        os.utime(left, (0, 0))
    again = Library(library.folder, library.galleries)
    assert not list(library.folder.rglob("*.part")) and not (library.folder / ".new-song-9").exists()
    assert found(again) == {"song-1", "song-2", "song-3", "gal-1"}


def test_no_room_for_the_index_stops_no_song(library: Library) -> None:
    connection = library._index._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    lyrics = "\n".join(f"word{k} other{k}" for k in range(900))
    finished(library, "long-1", song={"lyrics": lyrics})
    assert library.folder.joinpath("long-1", "bottom.flac").exists()
    assert "long-1" not in found(library)
    with pytest.raises(StorageError, match="No song is lost") as caught:
        library.refresh()
    assert caught.value.full
    connection.execute("PRAGMA max_page_count = 100000")
    library.refresh()
    assert found(library, title="word899") == {"long-1"}


def test_text_that_is_no_text_can_be_stored_and_searched(library: Library) -> None:
    add(library, "odd-1", title="a\ud800b \0 <script>", song={"lyrics": "x" * 20_000})
    assert "odd-1" in found(library)
    assert found(library, title="\ud800") == set() or "odd-1" in found(library, title="\ud800")
    assert found(library, title="script") == {"odd-1"}


def test_worker_and_server_at_once(library: Library) -> None:
    failures: list[BaseException] = []
    stop = threading.Event()

    def serve() -> None:
        try:
            while not stop.is_set():
                page = library.search(Query(columns={"title": "paper"}, sort=SortKey.TITLE))
                assert page.total >= len(page.rows)
                library.star(["song-1"], not library.row("song-1").starred)
                for row in page.rows[:1]:
                    library.sample(row.id).codes()
                library.refresh()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=serve) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for k in range(2):
            finished(library, f"busy-{k}")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert found(library, title="paper") >= {"busy-0", "busy-1"}


def test_ten_thousand_songs(tmp_path: Path) -> None:
    from explorer.library.index import Entry

    index = Index(tmp_path / "i")
    genres = ["Reggae", "Bossa nova", "Metal", "Jazz"]
    index.put(
        Entry(
            record(f"song-{k:05d}", title=f"Song number {k}",
                   song={"genre": genres[k % 4], "lyrics": f"line {k % 97}"}),
            "/x", "", k % 10 == 0, k % 2 == 0,
        )
        for k in range(10_000)
    )  # fmt: skip
    rows, total = index.search(Query(columns={"genre": "boss", "title": "line 9"}, sort=SortKey.TITLE, limit=50))
    wanted = [k for k in range(10_000) if k % 4 == 1 and str(k % 97).startswith("9")]
    also_by_number = [k for k in range(10_000) if k % 4 == 1 and str(k).startswith("9")]
    assert len(rows) == 50
    assert total == len(set(wanted) | set(also_by_number))
    assert index.counts() == {Scope.ALL: 10_000, Scope.GALLERY: 5000, Scope.MINE: 5000, Scope.STARRED: 1000}
    last = index.search(Query(sort=SortKey.TITLE, limit=100, offset=9_950))
    assert len(last[0]) == 50
