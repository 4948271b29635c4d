"""Reading what may be anything, writing without changing the level, recipes inside files."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.audio.files import (
    AudioError,
    AudioFormat,
    AudioTags,
    audio_bytes,
    inspect,
    read_audio,
    read_recipe,
    write_flac,
)

RATE = 22_050
each = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def tone(seconds: float = 0.5, hz: float = 440.0, rate: int = RATE) -> np.ndarray[Any, Any]:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@each
@given(hnp.arrays(np.float32, st.integers(1, 3000), elements=st.floats(-2, 2, width=32)))
def test_flac_keeps_the_level_to_half_a_step_and_clips(tmp_path: Path, waveform: np.ndarray[Any, Any]) -> None:
    path = tmp_path / "a.flac"
    write_flac(path, waveform, RATE)
    back = read_audio(path)
    assert back.dtype == np.float32
    assert np.abs(back - np.clip(waveform, -1, 32767 / 32768)).max() <= 0.5 / 32768
    # what was 16 bit once stays what it is
    write_flac(path, back, RATE)
    assert np.array_equal(read_audio(path), back)


def test_quiet_sound_stays_quiet(tmp_path: Path) -> None:
    write_flac(tmp_path / "a.flac", tone() * 0.01, RATE)
    assert np.abs(read_audio(tmp_path / "a.flac")).max() == pytest.approx(0.005, abs=1e-4)


@pytest.mark.parametrize("bad", [np.array([0.0, np.nan]), np.array([np.inf]), np.zeros((2, 5))])
def test_only_finite_mono_is_written(bad: np.ndarray[Any, Any]) -> None:
    with pytest.raises(AudioError):
        audio_bytes(bad, RATE)


recipes = st.fixed_dictionaries(
    {"song": st.fixed_dictionaries({"lyrics": st.text(max_size=300), "seed": st.integers(0, 2**63 - 1)})}
)


@each
@given(recipe=recipes, format=st.sampled_from(AudioFormat), title=st.text(max_size=40))
def test_recipes_come_back_from_every_format(
    tmp_path: Path, recipe: dict[str, Any], format: AudioFormat, title: str
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(audio_bytes(tone(0.2), RATE, AudioTags(title=title, artist="É", recipe=recipe), format))
    assert read_recipe(path) == recipe


@pytest.mark.parametrize("format", AudioFormat)
def test_long_recipes_come_back_too(tmp_path: Path, format: AudioFormat) -> None:
    recipe = {"song": {"lyrics": "한국어 가사\n" * 2800}}
    path = tmp_path / "a.bin"
    path.write_bytes(audio_bytes(tone(0.2), RATE, AudioTags(recipe=recipe), format))
    assert read_recipe(path) == recipe


@pytest.mark.parametrize("comment", ["", "recorded at home", "[1, 2]", '{"song": 3}', "[" * 100_000, '{"a": NaN}'])
def test_other_comments_are_no_recipe(tmp_path: Path, comment: str) -> None:
    path = tmp_path / "a.flac"
    with soundfile.SoundFile(path, "w", RATE, 1) as sound:
        if comment:
            sound.comment = comment
        sound.write(tone())
    assert read_recipe(path) is None


def test_other_programs_see_the_tags(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    write_flac(
        path, tone(), RATE, AudioTags(title="Größe", artist="Café", genre="Jazz", licence="CC0", recipe={"song": {}})
    )
    with soundfile.SoundFile(path) as sound:
        assert (sound.title, sound.artist, sound.genre, sound.license) == ("Größe", "Café", "Jazz", "CC0")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"these are words, not sound\n" * 500,
        "가사".encode() * 3000,
        b"RIFF",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"fLaC" + b"\0" * 1000,
        b"OggS" + b"\xff" * 1000,
        b"ID3\x04\x00" + b"\x7f" * 1000,
        bytes(range(256)) * 64,
    ],
)
def test_what_is_no_sound_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    for ending in ("wav", "flac", "raw", "txt"):
        path = tmp_path / f"riff.{ending}"
        path.write_bytes(content)
        with pytest.raises(AudioError, match=path.name):
            read_audio(path)
        with pytest.raises(AudioError, match=path.name):
            inspect(path)


@each
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"RIFF\xff\xff\xff\x7fWAVE", b"fLaC", b"OggS\0\2", b"\xff\xfb\x90d"])
)
def test_any_bytes_give_sound_or_an_audio_error(tmp_path: Path, content: bytes, start: bytes) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(start + content)
    try:
        assert np.isfinite(read_audio(path, RATE)).all()
    except AudioError as error:
        assert "x.wav" in str(error)


@pytest.mark.parametrize("format", [AudioFormat.WAV, AudioFormat.FLAC])
def test_cut_files_are_refused(tmp_path: Path, format: AudioFormat) -> None:
    whole = audio_bytes(np.random.default_rng(1).uniform(-0.5, 0.5, RATE), RATE, format=format)
    path = tmp_path / "cut.bin"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AudioError, match="cut short"):
        read_audio(path)


def test_streamed_wav_with_an_unknown_length_is_read(tmp_path: Path) -> None:
    whole = bytearray(audio_bytes(tone(), RATE, format=AudioFormat.WAV))
    position = whole.index(b"data")
    whole[position + 4 : position + 8] = struct.pack("<I", 0xFFFFFFFF)
    whole[4:8] = struct.pack("<I", 0xFFFFFFFF)
    path = tmp_path / "pipe.wav"
    path.write_bytes(whole)
    assert len(read_audio(path)) == len(tone())


def test_files_with_nan_are_refused(tmp_path: Path) -> None:
    samples = tone()
    samples[100] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="not numbers"):
        read_audio(tmp_path / "a.wav")


def test_absurd_rates_and_lengths_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "slow.wav", tone(), 11)
    with pytest.raises(AudioError, match="11 samples per second"):
        read_audio(tmp_path / "slow.wav")
    soundfile.write(tmp_path / "fast.wav", tone(), 10_000_000)
    with pytest.raises(AudioError, match="10,000,000"):
        inspect(tmp_path / "fast.wav")
    soundfile.write(tmp_path / "long.flac", np.zeros(4000 * 1801, np.int16), 4000)
    with pytest.raises(AudioError, match="minutes"):
        read_audio(tmp_path / "long.flac", seconds=1.0)
    with soundfile.SoundFile(tmp_path / "empty.wav", "w", RATE, 1):
        pass
    with pytest.raises(AudioError, match="no sound"):
        read_audio(tmp_path / "empty.wav")


def test_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.wav"):
        with pytest.raises(AudioError):
            read_audio(path)


def test_channels_are_averaged_and_pieces_cut_out(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    left = np.arange(RATE, dtype=np.int16)
    soundfile.write(path, np.stack([left, np.zeros_like(left)], axis=1), RATE)
    assert inspect(path).channels == 2
    assert np.allclose(read_audio(path) * 32768, left / 2)
    piece = read_audio(path, start=0.5, seconds=0.1)
    assert len(piece) == 2205
    assert piece[0] * 32768 == left[RATE // 2] / 2
    with pytest.raises(AudioError, match=r"lasts 1\.0 s"):
        read_audio(path, start=1.0)
    with pytest.raises(AudioError):
        read_audio(path, seconds=0.0)


@pytest.mark.parametrize(
    ("rate", "tolerance"),
    # 44,101 and 22,049 have no small ratio with 22,050: the pitch is off by thousandths of a cent
    [(8000, 2e-3), (16000, 2e-3), (44100, 2e-3), (48000, 2e-3), (96000, 2e-3), (44101, 0.04), (22049, 0.07)],
)
def test_resampling_keeps_pitch_and_level(tmp_path: Path, rate: int, tolerance: float) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1.0, rate=rate), rate, subtype="FLOAT")
    changed = read_audio(path, RATE)
    assert abs(len(changed) - RATE) <= 2
    middle = slice(2000, -2000)
    assert np.abs(changed[: RATE - 2][middle] - tone(1.0)[: RATE - 2][middle]).max() < tolerance


def test_ogg_and_mp3_are_read(tmp_path: Path) -> None:
    for format in (AudioFormat.OGG, AudioFormat.MP3):
        path = tmp_path / "music"  # no ending: the content counts
        path.write_bytes(audio_bytes(tone(2.0), RATE, format=format))
        samples = read_audio(path)
        assert abs(len(samples) / RATE - 2.0) < 0.1
        assert np.abs(samples).max() == pytest.approx(0.5, abs=0.1)
