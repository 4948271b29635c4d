"""Requests that make no sense, records that survive, and what a damaged file does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.jukebox.song import LevelSampling, SamplingOptions, Song
from explorer.studio.jobs import (
    JobMode,
    JobRecord,
    JobRequest,
    JobState,
    LevelProgress,
    PromptAudio,
    StudioError,
    record_from_dict,
    record_to_dict,
)
from explorer.studio.messages import clock, kept_sentence
from explorer.studio.store import JobStore

SONG = Song(lyrics="\n first line \nsecond", genre="reggae")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"takes": 0}, "At least 1 take"),
        ({"mode": JobMode.PRIMED}, "Choose the audio"),
        ({"mode": JobMode.CONTINUE}, "Choose the sample to continue"),
        ({"mode": JobMode.UPSAMPLE}, "Choose one sample or one audio file"),
        ({"prompt": PromptAudio(Path("a.wav"))}, "choose another mode"),
        ({"parent_sample": "some-song", "mode": JobMode.PRIMED}, "Choose the audio"),
    ],
)
def test_requests_must_fit_together(change: dict[str, Any], words: str) -> None:
    with pytest.raises(StudioError, match=words):
        replace(JobRequest(SONG), **change)


def test_a_prompt_must_last() -> None:
    for start, stop in ((-1.0, None), (2.0, 2.0), (3.0, 1.0)):
        with pytest.raises(StudioError):
            PromptAudio(Path("a.wav"), start, stop)


def test_titles_come_from_the_words_or_the_style() -> None:
    assert JobRequest(SONG).display_title == "first line"
    assert JobRequest(Song(genre="reggae", artist="Tin")).display_title == "Instrumental: reggae, Tin"
    assert JobRequest(Song()).display_title == "Untitled"
    assert JobRequest(SONG, title=" Mine ").display_title == "Mine"


progress = st.builds(
    LevelProgress,
    windows_done=st.integers(0, 99),
    codes_done=st.integers(0, 10**6),
    kept_seconds=st.floats(0, 600),
    finished=st.booleans(),
)
requests = st.builds(
    JobRequest,
    song=st.builds(Song, lyrics=st.text(max_size=40), artist=st.text(max_size=9), seed=st.integers(0, 2**40)),
    options=st.builds(
        SamplingOptions,
        top=st.builds(LevelSampling, temperature=st.floats(0.1, 2), top_k=st.integers(0, 9)),
        stop_after=st.sampled_from(Level),
        hop_fraction=st.dictionaries(st.sampled_from(Level), st.floats(0.1, 1)),
        strands=st.dictionaries(st.sampled_from([Level.MIDDLE, Level.BOTTOM]), st.integers(1, 64)),
    ),
    takes=st.integers(1, 16),
    title=st.text(max_size=20),
)
records = st.builds(
    JobRecord,
    id=st.just("20261122-110000-abcdef"),
    request=requests,
    state=st.sampled_from(JobState),
    created=st.just("2026-11-22T11:00:00+00:00"),
    order=st.integers(0, 99),
    sample_ids=st.lists(st.text(min_size=1, max_size=8), max_size=3).map(tuple),
    levels=st.fixed_dictionaries({level: progress for level in SAMPLING_ORDER}),
    message=st.text(max_size=40),
    preview_seconds=st.none() | st.floats(0, 100),
)


@settings(max_examples=40)
@given(records)
def test_records_survive_the_disk(record: JobRecord) -> None:
    text = json.dumps(record_to_dict(record), ensure_ascii=True)
    assert record_from_dict(json.loads(text)) == record


@settings(max_examples=40)
@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=5)
)
def test_anything_else_is_no_record(data: Any) -> None:
    with pytest.raises(StudioError):
        record_from_dict(data)


def test_an_unreadable_record_is_set_aside_and_the_others_are_kept(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    good = JobRecord("20261122-110000-aaaaaa", JobRequest(SONG), JobState.WAITING, "2026-11-22T11:00:00+00:00", 1)
    store.save(good)
    (tmp_path / "20261122-110000-bbbbbb.json").write_text('{"schema": 1, "id"')
    (tmp_path / "20261122-110000-cccccc.json").write_text('{"schema": 99}')
    assert store.load() == [good]
    assert sorted(file.suffix for file in tmp_path.glob("*-?bbbbb.*")) == [".unreadable"]
    assert store.load() == [good]
    store.close()


def test_what_is_kept_is_said_level_by_level() -> None:
    record = JobRecord("x", JobRequest(SONG), JobState.RUNNING, "", 0)
    assert kept_sentence(record) == "No window was finished yet."
    record = record.with_level(Level.TOP, finished=True)
    assert kept_sentence(record) == "Top is kept."
    record = record.with_level(Level.MIDDLE, kept_seconds=14.96)
    assert kept_sentence(record) == "Top and middle to 0:14.9 are kept."
    record = record.with_level(Level.BOTTOM, kept_seconds=67.4)
    assert kept_sentence(record) == "Top, middle to 0:14.9 and bottom to 1:07.4 are kept."


def test_clock_never_promises_more_than_there_is() -> None:
    assert [clock(s) for s in (0, 7.4, 59.99, 60, 605.05)] == ["0:00.0", "0:07.4", "0:59.9", "1:00.0", "10:05.0"]
