"""sample.json: round trips, and whatever a stranger may have put there."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.jukebox.config import LEVELS, Level
from explorer.jukebox.song import LevelSampling, SamplingOptions, Song
from explorer.library.record import (
    LevelRecord,
    Mode,
    RecordError,
    SampleRecord,
    SampleState,
    default_title,
    new_record,
    record_from_json,
    record_to_json,
    valid_id,
)
from tests.library.making import record
from tests.tiny import tiny_config

seconds = st.floats(0.01, 600)
samplings = st.builds(LevelSampling, st.floats(0.1, 2), st.integers(0, 50))
levels = st.builds(
    LevelRecord,
    st.integers(0, 10**6),
    st.floats(0, 600),
    st.booleans(),
    st.integers(0, 100),
    st.integers(0, 100),
    st.floats(0, 1e5),
)
text = st.text(max_size=30)
records = st.builds(
    SampleRecord,
    id=st.from_regex(r"[a-z0-9][a-z0-9-]{2,40}[a-z0-9]", fullmatch=True),
    title=text,
    model=text,
    sample_rate=st.integers(1000, 48000),
    song=st.builds(Song, text, text, text, seconds, st.integers(0, 2**63 - 1), st.none() | seconds, st.floats(0, 500)),
    options=st.builds(
        SamplingOptions,
        samplings,
        samplings,
        samplings,
        st.sampled_from(LEVELS),
        st.dictionaries(st.sampled_from(LEVELS), st.floats(0.01, 1)),
    ),
    created=st.datetimes(min_value=__import__("datetime").datetime(1000, 1, 1)).map(
        lambda d: d.strftime("%Y-%m-%dT%H:%M:%SZ")
    ),
    collection=text,
    mode=st.sampled_from(Mode),
    state=st.sampled_from(SampleState),
    levels=st.dictionaries(st.sampled_from(LEVELS), levels),
    hops=st.dictionaries(st.sampled_from(LEVELS), st.integers(1, 1024)),
    codebook=st.integers(2, 4096),
    weights=st.dictionaries(text, text, max_size=3),
    engine_version=text,
    device=text,
    licence=text,
    job=st.none() | text,
    take=st.integers(1, 99),
    parent=st.none() | st.just("song-0"),
    prompt_seconds=st.floats(0, 600),
    notes=st.lists(text, max_size=3).map(tuple),
)


@settings(max_examples=100)
@given(records)
def test_records_round_trip_through_json(one: SampleRecord) -> None:
    assert record_from_json(json.loads(json.dumps(record_to_json(one)))) == one


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to every entry of nested JSON."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    return found


WHOLE = record_to_json(record(levels={Level.TOP: LevelRecord(10, 1.0)}, notes=("a",)))


@settings(max_examples=400)
@given(st.sampled_from(places(WHOLE)), anything)
def test_any_value_anywhere_gives_a_record_or_a_record_error(path: tuple[Any, ...], value: Any) -> None:
    data = copy.deepcopy(WHOLE)
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    try:
        one = record_from_json(data)
    except RecordError:
        return
    assert record_from_json(json.loads(json.dumps(record_to_json(one)))) == one


@pytest.mark.parametrize(
    ("entry", "value", "words"),
    [
        ("schema", 2, "newer version"),
        ("schema", True, "schema"),
        ("id", "../../etc", "id of a sample"),
        ("id", "a/b-c-d", "id of a sample"),
        ("origin", "recorded", "origin"),
        ("recipe", {"song": {"seconds": -1}}, "recipe"),
        ("recipe", {"song": {}, "sampling": 7}, "recipe"),
        ("created", "yesterday", "created"),
        ("state", "done", "state"),
        ("title", 5, "title"),
        ("title", "x" * 5000, "title"),
        ("levels", {"topmost": {}}, "levels"),
        ("levels", {"top": {"codes": -1, "seconds": 0}}, "codes"),
        ("levels", {"top": {"codes": 1, "seconds": float("nan")}}, "seconds"),
        ("parent", "../x", "parent"),
        ("notes", "none", "notes"),
    ],
)
def test_errors_name_the_entry(entry: str, value: Any, words: str) -> None:
    with pytest.raises(RecordError, match=words):
        record_from_json({**copy.deepcopy(WHOLE), entry: value})


def test_later_versions_may_add_entries() -> None:
    assert record_from_json({**WHOLE, "mood": "calm"}) == record_from_json(WHOLE)


def test_record_says_that_it_is_generated() -> None:
    assert WHOLE["origin"] == "AI-generated"
    assert WHOLE["schema"] == 1


@pytest.mark.parametrize(
    "bad", ["", "abc", "..", "a" * 65, "Song-1", "song_1", "-song", "song-", "song/1", "sóng-1", "a\nbcd"]
)
def test_ids_are_plain_folder_names(bad: str) -> None:
    assert not valid_id(bad)
    with pytest.raises(RecordError):
        record(bad)


def test_new_records_know_their_model_and_get_distinct_ids() -> None:
    config = tiny_config()
    made = [new_record("", config, Song(lyrics="\n Lo, the river,\nx"), SamplingOptions(), licence="CC0") for _ in "ab"]
    assert made[0].id != made[1].id and valid_id(made[0].id)
    assert made[0].title == "Lo, the river"
    assert made[0].hops == {level: config.hop(level) for level in LEVELS}
    assert made[0].engine_version
    assert record_from_json(record_to_json(made[0])) == made[0]
    assert default_title(Song()) == "Instrumental"


def test_figures_of_a_record() -> None:
    one = record(
        levels={Level.TOP: LevelRecord(10, 1.5, True), Level.MIDDLE: LevelRecord(4, 0.5), Level.BOTTOM: LevelRecord()}
    )
    assert one.seconds == 1.5
    assert one.finest is Level.MIDDLE
    assert record().finest is None
    assert one.codes_per_second(Level.TOP) == 62.5
    assert one.kbit_per_second(Level.TOP) == pytest.approx(62.5 * 11 / 1000)
