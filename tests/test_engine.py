"""The engine end to end on a tiny model: every mode, and what must not change the codes."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.engine import Jukebox
from explorer.jukebox.config import LEVELS, Level
from explorer.jukebox.events import (
    AlignmentDone,
    Event,
    Finished,
    LevelDone,
    LevelStarted,
    Planned,
    Preview,
    Progress,
    WindowDone,
)
from explorer.jukebox.rows import window_conditioning
from explorer.jukebox.song import LevelSampling, SamplingOptions, Song, SongError
from tests.tiny import tiny_jukebox

SONG = Song("reggae", "0.6 Harbour Sound / 0.4 Tin Whistle", "one two three\nfour five", 1.6, seed=3)
SECOND = Song("metal", "Café Névoa", "", 1.6, seed=11)


@pytest.fixture(scope="module", params=[False, True], ids=["separate", "merged"])
def jukebox(request: pytest.FixtureRequest) -> Jukebox:
    return tiny_jukebox(request.param)


@pytest.fixture(scope="module")
def events(jukebox: Jukebox) -> list[Event]:
    return list(jukebox.generate([SONG, SECOND]))


def codes_of(events: list[Event]) -> dict[Level, torch.Tensor]:
    assert isinstance(events[-1], Finished)
    return events[-1].codes


def test_events_tell_the_whole_story(jukebox: Jukebox, events: list[Event]) -> None:
    tell_the_whole_story(jukebox, events, SONG, SamplingOptions())


def tell_the_whole_story(jukebox: Jukebox, events: list[Event], song: Song, options: SamplingOptions) -> None:
    levels = [e.level for e in events if isinstance(e, LevelStarted)]
    assert levels == [Level.TOP, Level.MIDDLE, Level.BOTTOM]
    for level in levels:
        plan = jukebox.plan(song, options)[level]
        started = next(e for e in events if isinstance(e, LevelStarted) and e.level is level)
        windows = [e for e in events if isinstance(e, WindowDone) and e.level is level]
        assert started.windows == plan.windows == len(windows)
        assert started.new_codes == plan.new_codes == plan.length == started.length
        position = 0
        for window in windows:
            assert window.start == position and window.codes.shape == (2, window.stop)
            assert window.entropy.shape == (2, window.stop - window.start)
            assert (window.entropy >= 0).all() and (window.entropy <= 7).all()
            position = window.stop
        assert position == plan.length
        progress = [e.codes_done for e in events if isinstance(e, Progress) and e.level is level]
        assert progress == sorted(progress) and progress[-1] == plan.length


def test_previews_add_up_to_the_level(events: list[Event]) -> None:
    audio: dict[Level, torch.Tensor] = {}
    for event in events:
        if isinstance(event, Preview):
            before = audio.get(event.level, event.audio[:, :0])[:, : event.start]
            audio[event.level] = torch.cat([before, event.audio], dim=1)
        elif isinstance(event, LevelDone):
            torch.testing.assert_close(audio[event.level], event.audio, atol=1e-3, rtol=0)
            assert event.audio.abs().max() <= 1


def test_a_long_window_is_heard_while_it_is_made(jukebox: Jukebox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.engine.EARLY_SECONDS", 0.5)
    events = list(jukebox.generate(replace(SONG, seconds=1.02), SamplingOptions(stop_after=Level.MIDDLE)))
    test_previews_add_up_to_the_level(events)
    kinds = [type(e) for e in events if isinstance(e, Preview | WindowDone) and e.level is Level.MIDDLE]
    assert kinds.index(Preview) < kinds.index(WindowDone)


def test_an_alignment_for_the_sung_song_only(events: list[Event]) -> None:
    (done,) = [e for e in events if isinstance(e, AlignmentDone)]
    sung, instrumental = done.alignments
    assert instrumental is None and sung is not None
    assert sung.weights.shape == (codes_of(events)[Level.TOP].shape[1], len(SONG.lyrics))
    starts = [c.start for c in sung.characters]
    assert starts == sorted(starts) and starts[0] >= 0 and sung.characters[-1].end <= 1.6 + 1e-6


@functools.cache
def made_at_once(
    listener: int | None, bar_parts: int | None, diction: bool
) -> tuple[Jukebox, dict[Level, torch.Tensor]]:
    """A model, and what it makes when nothing comes between: the same for every example."""
    jukebox = tiny_jukebox(listener=listener, bar_parts=bar_parts, diction=diction, tune=bar_parts is not None)
    return jukebox, codes_of(list(jukebox.generate([SONG, SECOND])))


@pytest.mark.parametrize(("listener", "bar_parts", "diction"), [(None, None, False), (8, None, False), (8, 12, True)])
@settings(max_examples=8)
@given(chunk=st.integers(1, 70), max_batch=st.integers(1, 2), cut=st.floats(0.0, 0.99), data=st.data())
def test_chunks_batches_and_interruptions_change_no_code(
    listener: int | None,
    bar_parts: int | None,
    diction: bool,
    chunk: int,
    max_batch: int,
    cut: float,
    data: st.DataObject,
) -> None:
    jukebox, whole = made_at_once(listener, bar_parts, diction)
    stopped_at = data.draw(st.sampled_from(LEVELS))
    kept = {level: codes for level, codes in whole.items() if level.index > stopped_at.index}
    kept[stopped_at] = whole[stopped_at][:, : int(cut * whole[stopped_at].shape[1])]
    options = SamplingOptions(chunk=chunk, max_batch=max_batch)
    again = codes_of(list(jukebox.generate([SONG, SECOND], options, kept)))
    # an interruption inside a window leaves later codes of that window a different prompt length,
    # not different codes
    for level in LEVELS:
        assert torch.equal(whole[level], again[level]), level


STRANDS = SamplingOptions(strands={Level.MIDDLE: 2, Level.BOTTOM: 3})
LONG = replace(SONG, seconds=6.0)


@pytest.fixture(scope="module")
def in_strands() -> list[Event]:
    return list(tiny_jukebox().generate([LONG, replace(LONG, seed=5)], STRANDS))


def test_strands_are_planned_reported_and_heard_as_windows_are(in_strands: list[Event]) -> None:
    jukebox = tiny_jukebox()
    tell_the_whole_story(jukebox, in_strands, LONG, STRANDS)
    test_previews_add_up_to_the_level(in_strands)
    lone = jukebox.plan(LONG)[Level.BOTTOM].windows
    assert jukebox.plan(LONG, STRANDS)[Level.BOTTOM].windows < lone


def test_the_first_strand_is_what_one_window_after_another_gives(in_strands: list[Event]) -> None:
    jukebox = tiny_jukebox()
    middle = codes_of(list(jukebox.generate([LONG], replace(SamplingOptions(), stop_after=Level.MIDDLE))))
    size = jukebox.config.prior(Level.MIDDLE).n_ctx
    assert torch.equal(codes_of(in_strands)[Level.TOP][:1], middle[Level.TOP])
    assert torch.equal(codes_of(in_strands)[Level.MIDDLE][:1, :size], middle[Level.MIDDLE][:, :size])
    assert not torch.equal(codes_of(in_strands)[Level.MIDDLE][:1], middle[Level.MIDDLE])


@settings(max_examples=8)
@given(max_batch=st.integers(1, 6), cut=st.floats(0.0, 0.99), stopped_at=st.sampled_from([Level.MIDDLE, Level.BOTTOM]))
def test_batches_and_interruptions_change_no_code_of_a_strand(
    in_strands: list[Event], max_batch: int, cut: float, stopped_at: Level
) -> None:
    whole = codes_of(in_strands)
    kept = {level: codes for level, codes in whole.items() if level.index > stopped_at.index}
    kept[stopped_at] = whole[stopped_at][:, : int(cut * whole[stopped_at].shape[1])]
    options = replace(STRANDS, max_batch=max_batch)
    again = codes_of(list(tiny_jukebox().generate([LONG, replace(LONG, seed=5)], options, kept)))
    for level in LEVELS:
        assert torch.equal(whole[level], again[level]), level


def test_an_upsampler_that_is_told_what_is_sung_needs_the_words_and_when_they_come() -> None:
    jukebox = tiny_jukebox(listener=8, diction=True)
    top = codes_of(list(jukebox.generate(SONG, SamplingOptions(stop_after=Level.TOP))))[Level.TOP]

    def middle(song: Song, prompt: int = 0) -> torch.Tensor:
        options = SamplingOptions(stop_after=Level.MIDDLE)
        return codes_of(list(jukebox.generate(song, options, {Level.TOP: top}, prompt)))[Level.MIDDLE]

    told = middle(SONG)
    assert torch.equal(told, middle(SONG))
    assert not torch.equal(told, middle(replace(SONG, lyrics="uno" + SONG.lyrics[3:])))
    assert not torch.equal(told, middle(replace(SONG, lyrics="")))
    # what is sung when is heard in music that was not made for the song
    assert not torch.equal(told, middle(SONG, prompt=top.shape[1]))


def test_the_global_generator_is_left_alone(jukebox: Jukebox) -> None:
    state = torch.get_rng_state()
    short = replace(SONG, seconds=0.4)
    list(jukebox.generate(short))
    assert torch.equal(state, torch.get_rng_state())


def test_a_model_that_follows_its_lyrics_does_not_know_what_is_far_ahead() -> None:
    options = SamplingOptions(stop_after=Level.TOP)
    sung = replace(SONG, lyrics="paper boats on r", seconds=8.0)
    other = replace(sung, lyrics="paper boats xyzz")
    jukebox = tiny_jukebox(listener=8)
    one, two = (codes_of(list(jukebox.generate(song, options)))[Level.TOP][0] for song in (sung, other))
    assert torch.equal(one[:32], two[:32]) and not torch.equal(one, two)


def test_seeds_labels_and_lyrics_matter(jukebox: Jukebox, events: list[Event]) -> None:
    top = codes_of(events)[Level.TOP][0]
    options = SamplingOptions(stop_after=Level.TOP)
    for other in (replace(SONG, seed=4), replace(SONG, genre="metal"), replace(SONG, lyrics="la la la la")):
        assert not torch.equal(codes_of(list(jukebox.generate(other, options)))[Level.TOP][0], top), other


def test_stop_after_a_level(jukebox: Jukebox) -> None:
    options = SamplingOptions(stop_after=Level.MIDDLE)
    assert set(codes_of(list(jukebox.generate(SONG, options)))) == {Level.TOP, Level.MIDDLE}
    assert set(jukebox.plan(SONG, options)) == {Level.TOP, Level.MIDDLE}


def test_upsampling_keeps_the_top(jukebox: Jukebox, events: list[Event]) -> None:
    whole = codes_of(events)
    options = SamplingOptions(max_batch=1)
    again = codes_of(list(jukebox.upsample(whole[Level.TOP][:1], SONG, options)))
    for level in LEVELS:
        assert torch.equal(again[level], whole[level][:1])


def test_continuing_real_audio_keeps_it(jukebox: Jukebox) -> None:
    audio = torch.sin(torch.arange(4000) * 0.3).unsqueeze(0) * 0.5
    prompt = jukebox.encode(audio)
    assert {level: codes.shape[1] for level, codes in prompt.items()} == {
        level: 4000 // 128 * 128 // jukebox.config.hop(level) for level in LEVELS
    }
    whole = codes_of(list(jukebox.continue_from(prompt, SONG)))
    for level in LEVELS:
        n = prompt[level].shape[1]
        assert torch.equal(whole[level][:, :n], prompt[level]) and whole[level].shape[1] > n


def test_a_song_from_nothing_says_first_what_it_is_told() -> None:
    jukebox = tiny_jukebox(listener=8, bar_parts=12, tune=True)
    options = SamplingOptions(stop_after=Level.TOP)
    first, *rest = jukebox.generate([SONG, replace(SONG, seed=5)], options)
    assert isinstance(first, Planned) and not any(isinstance(event, Planned) for event in rest)
    assert first.sheets == (jukebox.lead_sheet(SONG), jukebox.lead_sheet(replace(SONG, seed=5)))
    assert first.sheets[0] is not None and first.sheets[0].notes and first.sheets[0] != first.sheets[1]
    prompt = {Level.TOP: torch.zeros(1, 4, dtype=torch.int64)}
    assert not any(isinstance(event, Planned) for event in jukebox.generate(SONG, options, prompt, 4))
    assert not any(isinstance(event, Planned) for event in tiny_jukebox().generate(SONG, options))


def test_a_model_that_is_told_when_to_sing_knows_how_the_words_sound() -> None:
    jukebox = tiny_jukebox(listener=8, bar_parts=12, tune=True)
    told = jukebox.describe(SONG)
    assert [word.phones for word in told[Level.TOP].words] == ["wʌn", "tu", "θɹi", "fɔɹ", "fIv"]
    assert not told[Level.MIDDLE].words and not tiny_jukebox().describe(SONG)[Level.TOP].words
    sheet = jukebox.lead_sheet(replace(SONG, seconds=9.0, total_seconds=9.0))
    assert sheet is not None and sheet.notes is not None and len(sheet.notes) == 5, "a note for every vowel"
    options = SamplingOptions(stop_after=Level.TOP)
    whole = codes_of(list(jukebox.generate(SONG, options)))[Level.TOP]
    again = codes_of(list(jukebox.generate(SONG, options, {Level.TOP: whole[:, :20]})))[Level.TOP]
    assert torch.equal(whole, again)
    prompt = {Level.TOP: whole[:, :20]}
    (heard,) = next(e.alignments for e in jukebox.generate(SONG, options, prompt, 20) if isinstance(e, AlignmentDone))
    assert heard is not None and [c.index for c in heard.characters] == sorted(c.index for c in heard.characters)


def test_what_was_there_before_is_heard_and_not_planned() -> None:
    jukebox = tiny_jukebox(listener=8)
    prompt = jukebox.encode(torch.sin(torch.arange(9000) * 0.3).unsqueeze(0) * 0.5)
    have = prompt[Level.TOP].shape[1]
    events = list(jukebox.continue_from(prompt, SONG))
    whole = codes_of(events)
    (told,) = next(event.alignments for event in events if isinstance(event, AlignmentDone))
    (planned,) = jukebox.align(whole[Level.TOP], SONG, 0)
    assert told is not None and planned is not None and not np.array_equal(told.weights, planned.weights)
    cut = {Level.TOP: whole[Level.TOP][:, : have + 3]}
    again = codes_of(list(jukebox.generate(SONG, None, cut, have)))
    assert torch.equal(again[Level.TOP], whole[Level.TOP])
    (heard,) = jukebox.align(whole[Level.TOP], SONG)
    upsampled = list(jukebox.upsample(whole[Level.TOP], SONG))
    (shown,) = next(event.alignments for event in upsampled if isinstance(event, AlignmentDone))
    assert heard is not None and shown is not None and np.array_equal(heard.weights, shown.weights)


def test_greedy_draws_ignore_the_seed(jukebox: Jukebox) -> None:
    options = SamplingOptions(top=LevelSampling(top_k=1), stop_after=Level.TOP)
    a, b = (codes_of(list(jukebox.generate(replace(SONG, seed=s), options)))[Level.TOP] for s in (1, 2))
    assert torch.equal(a, b)


@settings(max_examples=12)
@given(position=st.integers(0, 63), seed=st.integers(0, 50))
def test_a_code_changes_no_logit_at_or_before_itself(position: int, seed: int) -> None:
    jukebox = tiny_jukebox(merged=bool(seed % 2))
    prior = jukebox._priors[Level.TOP]
    labels = [jukebox.describe(SONG)[Level.TOP]]
    codes = torch.randint(0, 32, (1, 64), generator=torch.Generator().manual_seed(seed))
    changed = codes.clone()
    changed[0, position] = (changed[0, position] + 1 + seed) % 32
    with torch.inference_mode():
        conditioning = window_conditioning(prior, labels, 0, None, torch.device("cpu"))
        a, b = (prior(z, conditioning)[0, prior.config.prefix :] for z in (codes, changed))
    assert torch.equal(a[: position + 1], b[: position + 1])
    if position < 63 and not torch.equal(codes, changed):
        assert not torch.equal(a[position + 1], b[position + 1])


def test_impossible_songs_are_refused_before_any_work(jukebox: Jukebox) -> None:
    with pytest.raises(SongError, match="same length"):
        jukebox.generate([SONG, replace(SONG, seconds=2.0)])
    with pytest.raises(SongError, match="at least"):
        jukebox.generate(replace(SONG, seconds=0.001))
    with pytest.raises(SongError, match="rows"):
        jukebox.generate(SONG, given={Level.TOP: torch.zeros(2, 3)})


def test_names_told_everywhere_reach_every_position() -> None:
    """``LabelConfig.everywhere`` adds the style to each position; without it only the first one is told."""
    jukebox = tiny_jukebox()
    for everywhere in (False, True):
        prior = jukebox.prior(Level.TOP)
        assert prior.config.labels is not None
        prior.config = replace(prior.config, labels=replace(prior.config.labels, everywhere=everywhere))
        told = [
            window_conditioning(
                prior, [jukebox.describe(Song(genre=genre, seconds=1.0))[Level.TOP]], 0, None, jukebox.device
            )
            for genre in ("reggae", "metal")
        ]
        first, second = (conditioning.positions for conditioning in told)
        assert first is not None and second is not None
        assert told[0].start is not None and told[1].start is not None
        wanted = (told[0].start - told[1].start).expand_as(first) if everywhere else torch.zeros_like(first)
        torch.testing.assert_close(first - second, wanted)
