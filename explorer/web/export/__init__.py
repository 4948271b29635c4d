"""A library as a folder that plays in any browser without a server, from a disk or any web server.

    index.html           bar, song table and player: the markup of ``components``
    ui/                  the program's own styles, and its modules as one script
    songs.js             the rows of the table, with lyrics to search
    songs/<id>/*.js      a song's record, levels and attention
    export.json          what is in the folder

Browsers treat a page that was opened from a disk as a stranger to the files beside it: no modules,
no fetch(), no audio file in Web Audio. Classic scripts they do load. So the program's modules are
put one behind the other into one classic script (``bundle``), and data are scripts that hold one
value each (``songs``), loaded when they are asked for. In the page ``static/export/shelf.js`` stands
where the server would be and answers the same addresses, so the table and the player are those of
the program, unchanged.

Knows: the order of steps. Does not know: how songs are stored or shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from explorer.library import Library, Query
from explorer.web.export.folder import ExportError, check_target, drafted
from explorer.web.export.page import page_files
from explorer.web.export.songs import list_file, list_row, song_files

__all__ = ["ExportError", "Exported", "export"]

_ALL = 2**31


@dataclass(frozen=True)
class Exported:
    """What was written: so many songs in so many bytes; ``left_out`` maps ids to the reason."""

    folder: Path
    songs: int
    bytes: int
    left_out: dict[str, str] = field(default_factory=dict)


def export(
    library: Library, out: Path, words: str = "", progress: Callable[[int, int], None] = lambda done, of: None
) -> Exported:
    """Write the songs of ``library`` that hold ``words`` (in any column) as a page into ``out``.

    Songs that are damaged or have no sound yet are left out. ``progress`` is called after every
    song and may raise to stop. Raises ExportError, StorageError; then ``out`` is as it was.
    """
    check_target(out)
    found = library.search(Query(anywhere=words, limit=_ALL)).rows
    if not found:
        raise ExportError(
            f"No song of {library.folder} holds {words!r}." if words else f"{library.folder} has no songs."
        )
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    left_out: dict[str, str] = {}
    rows = []
    with drafted(out, created) as draft:
        for done, row in enumerate(found, 1):
            try:
                sample = library.sample(row.id)
                files, shown = song_files(library, sample), list_row(row, sample)
            except (ValueError, OSError) as error:
                left_out[row.id] = str(error)
            else:
                rows.append(shown)
                for name, data in files.items():
                    draft.write(name, data)
            progress(done, len(found))
        if not rows:
            raise ExportError(f"None of {len(found)} songs can be exported. {found[0].id}: {left_out[found[0].id]}.")
        draft.write("songs.js", list_file(rows, created))
        for name, data in page_files().items():
            draft.write(name, data)
    return Exported(out, len(rows), draft.bytes, left_out)
