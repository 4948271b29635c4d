"""Sample folders stay whole while they are written: killed, full disk, resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import explorer.durable
from explorer.audio.files import read_audio, read_recipe
from explorer.durable import StorageError
from explorer.jukebox.config import Level
from explorer.jukebox.song import recipe_from_dict
from explorer.library import Library, LibraryError, Sample, SampleState
from explorer.library.verify import problems_of
from tests.library.making import HOPS, SHEET, alignment, codes, finished, record, same_sound, sound, window

ROOT = Path(__file__).parents[2]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library")


def test_a_sample_exists_from_the_start_and_grows(library: Library) -> None:
    writer = library.create(record())
    assert Sample.open(writer.folder).record.state is SampleState.PARTIAL
    writer.start_level(Level.TOP, 2)
    writer.window_done(Level.TOP, codes(62), torch.ones(62), 1, 0.5)
    sample = Sample.open(writer.folder)
    assert torch.equal(sample.codes()[Level.TOP], codes(62))
    assert sample.record.levels[Level.TOP].codes == 62
    assert sample.record.levels[Level.TOP].seconds == 0
    assert not sample.has_audio(Level.TOP)
    writer.preview(Level.TOP, 0, sound(62 * 128))
    sample = Sample.open(writer.folder)
    assert same_sound(read_audio(sample.audio_path(Level.TOP)), sound(62 * 128))
    assert sample.record.levels[Level.TOP].seconds == pytest.approx(62 * 128 / 8000)
    assert problems_of(writer.folder) == []


def test_a_finished_sample_holds_everything(library: Library) -> None:
    written = finished(library)
    sample = library.sample("song-1")
    assert sample.record == written
    assert written.state is SampleState.FINISHED
    assert {name.name for name in sample.folder.iterdir()} == {
        "sample.json", "sheet.json", "codes.safetensors", "alignment.npz", "top.flac", "middle.flac", "bottom.flac"
    }  # fmt: skip
    for level, hop in HOPS.items():
        count = written.levels[level].codes
        assert torch.equal(sample.codes()[level], codes(count))
        assert sample.entropy(level).tolist() == [1.0] * (count // 2) + [2.0] * (count // 2)
        assert same_sound(read_audio(sample.audio_path(level)), sound(count * hop))
        assert written.levels[level].windows_done == written.levels[level].windows == 2
        assert written.levels[level].sampling_seconds == 1.0
        recipe = read_recipe(sample.audio_path(level))
        assert recipe is not None and recipe["model"] == "pocket" and recipe["origin"] == "AI-generated"
        assert recipe_from_dict(recipe) == (written.song, written.options)
    loaded, made = sample.alignment(), alignment()
    assert loaded is not None
    assert torch.equal(loaded.weights, made.weights)
    assert (loaded.characters, loaded.words, loaded.lines) == (made.characters, made.words, made.lines)
    assert (loaded.token_characters, loaded.confidence) == (made.token_characters, made.confidence)
    assert sample.sheet() == SHEET
    assert library.verify() == ()


def test_previews_replace_from_their_start_and_never_leave_a_gap(library: Library) -> None:
    writer = library.create(record())
    writer.start_level(Level.TOP, 2)
    writer.preview(Level.TOP, 0, sound(1000))
    writer.preview(Level.TOP, 600, sound(900, seed=2))
    expected = torch.cat([sound(1000)[:600], sound(900, seed=2)])
    assert same_sound(read_audio(writer.folder / "top.flac"), expected)
    with pytest.raises(ValueError, match="does not join"):
        writer.preview(Level.TOP, 1501, sound(10))
    assert same_sound(read_audio(writer.folder / "top.flac"), expected)


def test_reopened_samples_go_on(library: Library) -> None:
    writer = library.create(record())
    writer.start_level(Level.TOP, 2)
    window(writer, Level.TOP, 1, 62)
    writer.close()
    again = library.reopen("song-1")
    given = again.codes()[Level.TOP]
    assert torch.equal(given, codes(62))
    again.start_level(Level.TOP, 2, given)
    window(again, Level.TOP, 2, 62)
    again.level_done(Level.TOP, codes(124), sound(124 * 128))
    again.finish()
    sample = library.sample("song-1")
    assert sample.entropy(Level.TOP).tolist() == [1.0] * 62 + [2.0] * 62
    assert sample.record.levels[Level.TOP].sampling_seconds == 1.0
    assert problems_of(sample.folder) == []


def test_restarting_with_fewer_codes_drops_the_others(library: Library) -> None:
    writer = library.create(record())
    writer.start_level(Level.TOP, 2)
    window(writer, Level.TOP, 1, 62)
    writer.start_level(Level.TOP, 2, codes(62)[:30])
    assert len(writer.codes()[Level.TOP]) == 30
    sample = Sample.open(writer.folder)
    assert sample.record.levels[Level.TOP].codes == 30
    assert sample.entropy(Level.TOP).tolist() == [1.0] * 30


def test_entropy_of_given_codes_is_unknown(library: Library) -> None:
    writer = library.create(record())
    writer.start_level(Level.TOP, 1, codes(20))
    writer.window_done(Level.TOP, codes(50), torch.full((30,), 4.0), 1)
    bits = Sample.open(writer.folder).entropy(Level.TOP)
    assert np.isnan(bits[:20]).all() and (bits[20:] == 4.0).all()


def test_caller_may_change_its_tensors_afterwards(library: Library) -> None:
    writer = library.create(record())
    mine, tune = codes(10), sound(100)
    writer.start_level(Level.TOP, 1, mine)
    writer.preview(Level.TOP, 0, tune)
    mine.zero_()
    tune.zero_()
    writer.preview(Level.TOP, 100, sound(5))
    assert torch.equal(writer.codes()[Level.TOP], codes(10))
    assert same_sound(read_audio(writer.folder / "top.flac")[:100], sound(100))


def test_one_writer_per_sample_and_none_for_galleries(tmp_path: Path, library: Library) -> None:
    writer = library.create(record())
    with pytest.raises(LibraryError, match="being made"):
        library.reopen("song-1")
    with pytest.raises(LibraryError, match="already"):
        library.create(record())
    writer.close()
    with pytest.raises(RuntimeError):
        writer.change(title="x")
    other = Library(tmp_path / "other", [library.folder])
    with pytest.raises(LibraryError, match="read-only"):
        other.reopen("song-1")


@pytest.mark.parametrize("failing", ["codes.safetensors", "top.flac", "sample.json"])
def test_full_disk_keeps_everything_before_it(library: Library, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    writer = library.create(record())
    writer.start_level(Level.TOP, 2)
    window(writer, Level.TOP, 1, 62)
    before = writer.record
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target).name == failing:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(explorer.durable.os, "replace", full)
    with pytest.raises(StorageError) as caught:
        window(writer, Level.TOP, 2, 62)
    assert caught.value.full
    monkeypatch.undo()
    sample = Sample.open(writer.folder)
    assert problems_of(writer.folder) == []
    assert not list(library.folder.rglob("*.part"))
    if failing != "top.flac":
        assert sample.record == before
    # room again: the same window is written and nothing is missing
    window(writer, Level.TOP, 2, 62)
    assert torch.equal(Sample.open(writer.folder).codes()[Level.TOP], codes(124))
    assert same_sound(read_audio(writer.folder / "top.flac"), sound(124 * 128))


def test_full_file_system(tmp_path: Path) -> None:
    """A real one of 400 kB, where mounting is allowed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        library = Library(disk / "library")
        writer = library.create(record(song={"seconds": 60.0}))
        writer.start_level(Level.TOP, 100)
        done = 0
        with pytest.raises(StorageError) as caught:
            for done in range(1, 101):
                window(writer, Level.TOP, done, 62)
        assert caught.value.full
        assert done > 2
        assert problems_of(writer.folder) == []
        kept = Sample.open(writer.folder)
        assert len(kept.codes()[Level.TOP]) >= (done - 1) * 62
        assert not list(disk.rglob("*.part"))
        writer.close()
        library.close()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


class Killed(BaseException):
    """Stands for the end of the program between two file operations."""


def test_every_step_leaves_a_consistent_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program ends before the k-th file is renamed into place, for every k of a whole run."""
    replace, left = os.replace, 0
    for step in range(0, 100, 2):  # before and after are neighbours: every second one meets each kind of file
        left = step

        def counting(source: Path, target: Path) -> None:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            replace(source, target)

        library = Library(tmp_path / str(step))
        monkeypatch.setattr(explorer.durable.os, "replace", counting)
        try:
            finished(library)
            break
        except Killed:
            pass
        finally:
            monkeypatch.undo()
            library.close()
        again = Library(tmp_path / str(step))
        assert again.verify() == ()
        if (again.folder / "song-1").exists():
            assert again.sample("song-1").record.state is SampleState.PARTIAL
            assert again.counts().mine == 1
        again.close()
    else:
        pytest.fail("the run never ended")
    assert step > 30


CHILD = """
    import sys
    from pathlib import Path
    import torch
    torch.set_num_threads(1)
    from explorer.jukebox.config import Level
    from explorer.library import Library
    from tests.library.making import record, window
    library = Library(Path(sys.argv[1]))
    writer = library.create(record(song={"seconds": 300.0}))
    writer.start_level(Level.TOP, 1000)
    for done in range(1, 1000):
        window(writer, Level.TOP, done, 20)
        print(done, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_kill_at_any_moment_loses_at_most_a_window(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for attempt in range(2):
        root = tmp_path / str(attempt)
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(CHILD), str(root)],
            stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(random.uniform(0.05, 0.4))
        child.send_signal(signal.SIGKILL)
        said = int((child.stdout.read().split() or ["1"])[-1])
        child.wait()
        library = Library(root)
        folder = root / "song-1"
        assert problems_of(folder) == []
        stored = library.sample("song-1").codes()[Level.TOP]
        assert len(stored) in (said * 20, (said + 1) * 20)
        assert torch.equal(stored, codes(len(stored)))
        heard = read_audio(folder / "top.flac")
        assert len(heard) >= said * 20 * 128
        assert same_sound(heard, sound(len(heard)))
        library.reopen("song-1").close()
        library.close()
