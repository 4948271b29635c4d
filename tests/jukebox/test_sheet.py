"""Lead sheets say of every moment of a sample what the plan of the whole song says of it."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.ground import HALVES, Ground
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.sheet import LeadSheet, lead_sheet
from explorer.jukebox.tune import SungNote, Tune

RATE = 1_000


def labels(ground: Ground | None, tune: Tune | None = None, offset: int = 0) -> SongLabels:
    return SongLabels(((0, 1.0),), ((0, 1.0),), 60 * RATE, offset, ground=ground, tune=tune)


@given(
    bar=st.integers(500, 4_000),
    first=st.integers(-6_000, 6_000),
    offset=st.integers(0, 20_000),
    seconds=st.floats(0.5, 20.0),
    chords=st.lists(st.none() | st.integers(0, 35), max_size=40),
    when=st.floats(0.0, 0.999),
)
def test_every_moment_has_the_chord_that_the_ground_has_there(
    bar: int, first: int, offset: int, seconds: float, chords: list[int | None], when: float
) -> None:
    ground = Ground(float(bar), float(first), 9, tuple(chords))
    sheet = lead_sheet(labels(ground, offset=offset), seconds, RATE)
    assert sheet is not None and sheet.notes is None and sheet.bar == bar / RATE
    assert -sheet.bar < sheet.first <= 1e-9, "the first bar is the one in which the sample begins"
    assert sheet.first + len(sheet.chords) * sheet.bar >= seconds - 1e-9, "the bars reach to its end"
    halves = HALVES * (offset + when * seconds * RATE - first) / bar
    if abs(halves - round(halves)) < 1e-6:
        return  # on a border either is right
    told = ground.chord_at(offset + when * seconds * RATE)
    place = (when * seconds - sheet.first) / sheet.bar
    names = sheet.chords[math.floor(place)].split()
    if told is not None:
        half = Ground(1.0, 0.0, 0, (told,)).bar_names[0]
        assert half in names and (len(names) == 1 or names[math.floor(HALVES * (place % 1))] == half)
    elif len(names) == 1:  # the other half of the bar alone is told
        other = math.floor(halves) ^ 1
        assert 0 <= other < len(chords) and chords[other] is not None
    else:
        assert names == []


@given(
    st.lists(st.tuples(st.integers(1, 900), st.integers(0, 900), st.integers(36, 84)), max_size=20),
    st.integers(0, 8_000),
)
def test_the_notes_of_the_stretch_and_no_others(spans: list[tuple[int, int, int]], offset: int) -> None:
    notes, at = [], 0
    for length, rest, midi in spans:
        notes.append(SungNote(at, at + length, midi))
        at += length + rest
    sheet = lead_sheet(labels(Ground(2_000.0, 0.0, 0), Tune(tuple(notes)), offset), 3.0, RATE)
    assert sheet is not None and sheet.notes is not None
    assert all(0 <= begin < end <= 3.0 for begin, end, _ in sheet.notes)
    assert all(a[1] <= b[0] for a, b in pairwise(sheet.notes))
    inside = [n for n in notes if n.end > offset and n.begin < offset + 3 * RATE]
    assert [midi for _, _, midi in sheet.notes] == [n.midi for n in inside]
    sung = sum(min(n.end, offset + 3 * RATE) - max(n.begin, offset) for n in inside)
    assert sum(end - begin for begin, end, _ in sheet.notes) * RATE == pytest.approx(sung)


def test_where_no_ground_is_told_there_is_no_sheet() -> None:
    assert lead_sheet(labels(None), 3.0, RATE) is None


def test_how_it_reads() -> None:
    sheet = LeadSheet("C major", 2.0, 4, 0.0, ("C",), ((0.0, 1.0, 57), (1.0, 2.0, 64), (2.0, 3.0, 60)))
    assert sheet.tempo == 120 and sheet.range == "A3 to E4"
    assert LeadSheet("C major", 1.5, 3, 0.0, (), ()).range == ""
