"""A lead sheet comes back as it was written; what is none is refused with a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.sheet import LeadSheet
from explorer.library import RecordError
from explorer.library.sheet_file import read_sheet, write_sheet

SHEET = LeadSheet("Eb minor", 1.9, 4, -0.6, ("Ebm", "Abm Gb", ""), ((0.4, 0.9, 63), (0.9, 1.2, 66)))


@pytest.mark.parametrize("notes", [SHEET.notes, (), None])
def test_it_comes_back_as_it_was_written(tmp_path: Path, notes: Any) -> None:
    sheet = LeadSheet(SHEET.key, SHEET.bar, SHEET.beats, SHEET.first, SHEET.chords, notes)
    write_sheet(tmp_path / "sheet.json", sheet)
    assert read_sheet(tmp_path / "sheet.json") == sheet


@pytest.mark.parametrize(
    "change",
    [
        {"key": 3},
        {"key": "x" * 100},
        {"bar": 0},
        {"bar": float("nan")},
        {"bar": True},
        {"beats": 0},
        {"beats": 1.5},
        {"first": float("inf")},
        {"chords": "Ebm"},
        {"chords": [1]},
        {"chords": [""] * 20_001},
        {"notes": [[0, 1]]},
        {"notes": [[0, 1, 128]]},
        {"notes": [["0", 1, 60]]},
        {"notes": {}},
    ],
    ids=lambda change: f"{next(iter(change))} {str(next(iter(change.values())))[:12]}",
)
def test_what_does_not_fit_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    write_sheet(tmp_path / "sheet.json", SHEET)
    data = json.loads((tmp_path / "sheet.json").read_text())
    (tmp_path / "sheet.json").write_text(json.dumps({**data, **change}))
    with pytest.raises(RecordError, match=r"sheet\.json is no lead sheet"):
        read_sheet(tmp_path / "sheet.json")


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | st.just(b"[" * 100_000))
def test_garbage_is_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("sheet") / "sheet.json"
    path.write_bytes(data)
    with pytest.raises(RecordError):
        read_sheet(path)
