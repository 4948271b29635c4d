"""Helper processes: they draw what the engine itself would, also when they die or are given up."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from explorer.checkpoints import save_model_folder
from explorer.crew import Helpers
from explorer.engine import Jukebox
from explorer.jukebox.config import LEVELS, SAMPLING_ORDER, Level
from explorer.jukebox.events import LevelDone, Progress
from explorer.jukebox.song import SamplingOptions, Song
from explorer.settings import CHECKOUT
from tests.tiny import tiny_jukebox

SONG = Song(lyrics="a tin whistle", seconds=6.0)
STRANDS = SamplingOptions(strands={Level.MIDDLE: 8, Level.BOTTOM: 16})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    jukebox = tiny_jukebox()
    path = tmp_path_factory.mktemp("models") / "tiny"
    states = {"vqvae": jukebox._vqvae.state_dict()}
    states |= {level.value: jukebox.prior(level).state_dict() for level in LEVELS}
    config = dataclasses.replace(jukebox.config, strands=(16, 8, 1))
    save_model_folder(path, config, states, jukebox.lists)
    return path


@pytest.fixture
def helped(folder: Path) -> Iterator[tuple[Jukebox, Helpers]]:
    jukebox = Jukebox.load(folder, "cpu", precision="float32")
    jukebox.close()
    crew = Helpers(folder, {}, 1, torch.device("cpu"))
    jukebox._crew = crew
    yield jukebox, crew
    jukebox.close()


def ready(crew: Helpers) -> None:
    crew.start()
    crew.wait()
    assert all(helper.ready for helper in crew._helpers), "the helper has not loaded its model"


def codes_of(jukebox: Jukebox) -> dict[Level, torch.Tensor]:
    return {event.level: event.codes for event in jukebox.generate(SONG, STRANDS) if isinstance(event, LevelDone)}


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[Level, torch.Tensor]:
    jukebox = Jukebox.load(folder, "cpu", precision="float32")
    jukebox.close()
    # nobody is started: the same shares, all drawn by this process
    jukebox._crew = Helpers(folder, {}, 1, torch.device("cpu"))
    jukebox._crew.start = lambda: None  # type: ignore[method-assign]
    return codes_of(jukebox)


def test_codes_are_the_same_with_and_without_help(
    helped: tuple[Jukebox, Helpers], expected: dict[Level, torch.Tensor]
) -> None:
    jukebox, crew = helped
    ready(crew)
    asked = []
    (helper,) = crew._helpers
    ask = helper.ask
    helper.ask = lambda batch: (asked.append(batch.level), ask(batch))[1]  # type: ignore[method-assign, func-returns-value]
    found = codes_of(jukebox)
    assert set(asked) == {Level.MIDDLE, Level.BOTTOM}
    for level in SAMPLING_ORDER:
        assert torch.equal(found[level], expected[level])


def test_takes_are_shared_out_at_every_level(
    helped: tuple[Jukebox, Helpers], expected: dict[Level, torch.Tensor]
) -> None:
    jukebox, crew = helped
    ready(crew)
    (helper,) = crew._helpers
    asked = []
    ask = helper.ask
    helper.ask = lambda batch: (asked.append(batch.level), ask(batch))[1]  # type: ignore[method-assign, func-returns-value]
    takes = [SONG, dataclasses.replace(SONG, seed=9)]
    found = {event.level: event.codes for event in jukebox.generate(takes, STRANDS) if isinstance(event, LevelDone)}
    assert set(asked) == set(LEVELS)
    assert helper.alive and helper.ready
    assert torch.equal(found[Level.TOP][:1], expected[Level.TOP])


def test_a_helper_that_is_killed_is_not_missed(
    helped: tuple[Jukebox, Helpers], expected: dict[Level, torch.Tensor]
) -> None:
    jukebox, crew = helped
    ready(crew)
    (helper,) = crew._helpers
    found = {}
    for event in jukebox.generate(SONG, STRANDS):
        if isinstance(event, Progress) and event.level is Level.MIDDLE and helper.alive:
            os.kill(helper._process.pid, signal.SIGKILL)
            helper._process.wait()
        if isinstance(event, LevelDone):
            found[event.level] = event.codes
    for level in SAMPLING_ORDER:
        assert torch.equal(found[level], expected[level])
    ready(crew)  # the next song has a new one


def test_a_song_that_is_given_up_does_not_disturb_the_next(
    helped: tuple[Jukebox, Helpers], expected: dict[Level, torch.Tensor]
) -> None:
    jukebox, crew = helped
    ready(crew)
    events = jukebox.generate(dataclasses.replace(SONG, seed=5), STRANDS)
    for event in events:
        if isinstance(event, Progress) and event.level is Level.BOTTOM:
            break
    events.close()  # type: ignore[attr-defined]
    found = codes_of(jukebox)
    for level in SAMPLING_ORDER:
        assert torch.equal(found[level], expected[level])
    assert crew._helpers[0].alive


def test_helpers_end_with_the_engine(folder: Path) -> None:
    crew = Helpers(folder, {}, 1, torch.device("cpu"))
    ready(crew)
    process = crew._helpers[0]._process
    crew.close()
    assert process.poll() is not None
    assert crew.size == 2


def test_who_waits_for_a_helper_that_cannot_load_does_not_wait_for_ever(tmp_path: Path) -> None:
    crew = Helpers(tmp_path / "nowhere", {}, 1, torch.device("cpu"))
    crew.start()
    crew.wait()
    assert not crew._helpers[0].ready
    crew.close()


def test_a_program_ends_in_good_order_while_helpers_draw(folder: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "import torch\n"
        "from explorer import Jukebox, SamplingOptions, Song\n"
        "from explorer.crew import Helpers\n"
        "from explorer.jukebox.events import Progress\n"
        "from explorer.jukebox.config import Level\n"
        "jukebox = Jukebox.load(sys.argv[1], 'cpu', precision='float32')\n"
        "jukebox._crew = Helpers(Path(sys.argv[1]), {}, 1, torch.device('cpu'))\n"
        "jukebox.prepare(wait=True)\n"
        "strands = SamplingOptions(strands={Level.MIDDLE: 8, Level.BOTTOM: 16})\n"
        "for event in jukebox.generate(Song(lyrics='a tin whistle', seconds=6.0), strands):\n"
        "    if isinstance(event, Progress) and event.level is Level.BOTTOM:\n"
        "        break\n"
        "print(jukebox._crew._helpers[0]._process.pid)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(folder)], cwd=CHECKOUT, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(ended.stdout), 0)
