"""Forecasts: what is known before a job starts, and what is said when it will not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from explorer.engine import Jukebox
from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.jukebox.presets import RELEASED
from explorer.jukebox.song import LevelSampling, SamplingOptions
from explorer.settings import Settings
from explorer.studio import JobMode, JobRequest, Studio, forecast
from explorer.studio.forecast import Remedy
from explorer.studio.memory import parameters, weight_bytes
from explorer.studio.speed import SpeedBook, calibrate
from tests.studio.conftest import SONG, ended, wait_for

Opener = Callable[..., Studio]


def test_nothing_is_invented_before_a_measurement(open_studio: Opener) -> None:
    studio = open_studio(start=False)
    found = studio.forecast(JobRequest(SONG, model="tiny", takes=2))
    assert [level.level for level in found.levels] == list(SAMPLING_ORDER)
    assert [level.windows for level in found.levels] == [3, 5, 11]
    assert [level.codes for level in found.levels] == [93, 372, 744]
    assert found.seconds is None and found.first_sound_seconds is None
    assert all(level.codes_per_second is None for level in found.levels)
    assert found.fits and not found.message and not found.alternatives


def test_a_calibration_measures_every_level_and_is_kept(engine: Jukebox, settings: Settings) -> None:
    book = SpeedBook(settings.speeds)
    calibrate(engine, book)
    again = SpeedBook(settings.speeds)
    assert again.measured(engine)
    for level in SAMPLING_ORDER:
        rate = again.get(engine, level, 1)
        assert rate == book.get(engine, level, 1) and rate is not None and 1 < rate < 1e6


def test_measured_speeds_become_seconds(open_studio: Opener, engine: Jukebox) -> None:
    studio = open_studio(start=False)
    for level, rate in zip(SAMPLING_ORDER, (10.0, 20.0, 40.0), strict=True):
        studio.speeds.put(engine, level, 1, rate)
    found = studio.forecast(JobRequest(SONG, model="tiny"))
    assert found.seconds == pytest.approx(93 / 10 + 372 / 20 + 744 / 40)
    assert found.first_sound_seconds == pytest.approx(93 / 10 / 3)
    only_top = studio.forecast(JobRequest(SONG, SamplingOptions(stop_after=Level.TOP), "tiny"))
    assert only_top.seconds == pytest.approx(9.3) and len(only_top.levels) == 1


def test_speeds_of_other_batches_are_bounds_from_below(engine: Jukebox, settings: Settings) -> None:
    book = SpeedBook(settings.speeds)
    assert book.get(engine, Level.TOP, 1) is None
    book.put(engine, Level.TOP, 2, 100.0)
    assert book.get(engine, Level.TOP, 1) == 100.0
    assert book.get(engine, Level.TOP, 4) == 50.0
    book.put(engine, Level.TOP, 2, 50.0)
    assert book.get(engine, Level.TOP, 2) == 75.0
    assert book.get(engine, Level.MIDDLE, 1) is None


def test_a_damaged_speed_file_is_measured_anew(engine: Jukebox, settings: Settings) -> None:
    settings.speeds.write_text("{ half")
    assert not SpeedBook(settings.speeds).measured(engine)


def test_given_codes_are_not_forecast(open_studio: Opener) -> None:
    studio = open_studio()
    parent = wait_for(studio, studio.submit(JobRequest(SONG, SamplingOptions(stop_after=Level.TOP), "tiny")), ended)
    wish = replace(SONG, seconds=400.0)  # the parent decides the length
    request = JobRequest(wish, model="tiny", parent_sample=parent.sample_ids[0], mode=JobMode.UPSAMPLE)
    found = studio.forecast(request)
    assert [level.codes for level in found.levels] == [0, 372, 744]
    assert found.levels[0].seconds == 0.0


def test_what_does_not_fit_gets_a_plain_no_with_alternatives_that_fit(
    open_studio: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = open_studio(start=False)
    big = JobRequest(replace(SONG, seconds=60.0), model="tiny", takes=8)
    needed = studio.forecast(big).memory_bytes
    one = studio.forecast(replace(big, takes=1)).memory_bytes
    assert one < needed
    monkeypatch.setattr(forecast, "_free_memory", lambda device: (one + needed) // 2)
    found = studio.forecast(big)
    assert not found.fits and found.message.startswith("This needs ")
    fewer = next(a for a in found.alternatives if a.remedy is Remedy.FEWER_TAKES)
    assert 1 <= int(fewer.value) < 8 and fewer.text == f"Use {fewer.value} takes"
    assert studio.forecast(replace(big, takes=int(fewer.value))).fits
    monkeypatch.setattr(forecast, "_free_memory", lambda device: 1000)
    hopeless = studio.forecast(big)
    assert not hopeless.fits and not hopeless.alternatives and "smaller model" in hopeless.message


def test_a_small_disk_is_told_before_the_start(open_studio: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = open_studio(start=False)
    monkeypatch.setattr(forecast.shutil, "disk_usage", lambda folder: SimpleNamespace(free=10_000))
    found = studio.forecast(JobRequest(SONG, model="tiny"))
    assert not found.fits and "disk space" in found.message
    assert [alternative.remedy for alternative in found.alternatives] == [Remedy.FREE_DISK]


def test_weights_of_the_released_models_are_counted_as_published() -> None:
    import torch

    vqvae, priors = parameters(RELEASED["1b_lyrics"])
    assert priors == 2 * 981_298_176 + 942_643_200
    assert weight_bytes(RELEASED["1b_lyrics"], torch.float16) == 4 * vqvae + 2 * priors


def test_stretches_sampled_together_are_forecast_by_their_steps(open_studio: Opener, engine: Jukebox) -> None:
    studio = open_studio(start=False)
    song = replace(SONG, seconds=6.0)
    together = SamplingOptions(strands={Level.BOTTOM: 3})
    plan = engine.plan(song, together)[Level.BOTTOM]
    assert plan.steps < plan.new_codes <= 3 * plan.steps
    for level in SAMPLING_ORDER:
        studio.speeds.put(engine, level, 1, 50.0)
        studio.speeds.put(engine, level, 3, 40.0)
    found = studio.forecast(JobRequest(song, together, model="tiny")).levels[-1]
    assert found.seconds == pytest.approx(plan.steps / 40.0)
    alone = studio.forecast(JobRequest(song, model="tiny")).levels[-1]
    assert alone.seconds == pytest.approx(plan.new_codes / 50.0)


def test_guidance_is_forecast_as_two_sequences(open_studio: Opener, engine: Jukebox) -> None:
    studio = open_studio(start=False)
    for rows, rate in ((1, 50.0), (2, 40.0)):
        studio.speeds.put(engine, Level.TOP, rows, rate)
    guided = SamplingOptions(top=LevelSampling(guidance=2.0), stop_after=Level.TOP)
    found = studio.forecast(JobRequest(SONG, guided, "tiny"))
    assert found.seconds == pytest.approx(93 / 40)
    plain = studio.forecast(JobRequest(SONG, replace(guided, top=LevelSampling()), "tiny"))
    assert plain.seconds == pytest.approx(93 / 50) and plain.memory_bytes <= found.memory_bytes
