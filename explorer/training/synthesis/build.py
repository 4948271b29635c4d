"""Building a corpus: many songs, in parallel, into folders that are whole at every moment.

Knows: which songs a corpus of so many hours has, how they are shared among processes, and how a build
goes on where it was stopped. Does not know how a song sounds: it is given the renderer.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from explorer.durable import write_bytes
from explorer.training.synthesis.artists import artists
from explorer.training.synthesis.catalogue import FIRST_NUMBER, HELDOUT_SONGS
from explorer.training.synthesis.errors import SynthesisError
from explorer.training.synthesis.files import is_complete, save_song
from explorer.training.synthesis.performance import Render
from explorer.training.synthesis.song import write_song

PLAN = "plan.json"

MakeRenderer = Callable[[], Render]
"""Called once in each process; picklable."""


@dataclass(frozen=True)
class Order:
    """What was asked for. The songs of a smaller order are the first songs of a larger one."""

    seed: int
    hours: float
    """Of songs to train on; held-out songs come on top."""
    song_seconds: float | None = None
    """About how long each song is; by chance where not given."""


@dataclass(frozen=True)
class Planned:
    """One song of a plan."""

    number: int
    name: str
    split: str
    seconds: float


@dataclass(frozen=True)
class Progress:
    """How far a build is; only ``rendered_seconds`` were made by this run."""

    songs: int
    of_songs: int
    rendered_seconds: float
    left_seconds: float


def plan(order: Order) -> list[Planned]:
    """All songs of a corpus, those to train on first. Raises SynthesisError for no hours."""
    if not order.hours > 0:
        raise SynthesisError(f"a corpus of {order.hours} hours has no songs")
    songs: list[Planned] = []
    seconds = 0.0
    while seconds < order.hours * 3600:
        songs.append(_planned(order, len(songs)))
        seconds += songs[-1].seconds
    turns = len(songs) / len(artists())
    for split, most in HELDOUT_SONGS.items():
        wanted = min(most, max(1, round(turns * most / 24)))
        songs += [_planned(order, FIRST_NUMBER[split] + index) for index in range(wanted)]
    return songs


def build(out: Path, order: Order, make_renderer: MakeRenderer, workers: int = 1) -> Iterator[Progress]:
    """Make all songs that ``out`` has not yet; yields after each one.

    Songs are written whole or not at all, so a build may be killed at any time and started again. Raises
    SynthesisError if ``out`` holds another corpus, StorageError when the disk refuses.
    """
    songs = open_plan(out, order)
    todo = [song for song in songs if not is_complete(out / song.split, song.name)]
    for folder in {song.split for song in songs}:
        for part in (out / folder).glob(".*.part"):
            part.unlink()
    left = sum(song.seconds for song in todo)
    done, rendered = len(songs) - len(todo), 0.0
    yield Progress(done, len(songs), 0.0, left)
    for seconds in (
        _in_process(out, order, todo, make_renderer)
        if workers == 1
        else _in_parallel(out, order, todo, make_renderer, workers)
    ):
        done, rendered, left = done + 1, rendered + seconds, left - seconds
        yield Progress(done, len(songs), rendered, max(0.0, left))


def open_plan(out: Path, order: Order) -> list[Planned]:
    """The songs that belong in ``out``, with their folders made. Raises SynthesisError for a folder that
    holds something else, or a corpus of another seed or song length."""
    file = out / PLAN
    wanted = asdict(order)
    if file.exists():
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
            before = data["order"]
            if before == wanted:
                return [Planned(*entry) for entry in data["songs"]]
        except (KeyError, TypeError, ValueError) as error:
            raise SynthesisError(f"{file} is not the plan of a corpus: {error}") from error
        if (before["seed"], before["song_seconds"]) != (order.seed, order.song_seconds) or before[
            "hours"
        ] > order.hours:
            raise SynthesisError(
                f"{out} holds a corpus of {before['hours']} h with seed {before['seed']}; "
                "choose another folder, or the same seed and more hours"
            )
    elif out.exists() and any(out.iterdir()):
        raise SynthesisError(f"{out} is not empty and holds no corpus; choose another folder")
    songs = plan(order)
    for split in {song.split for song in songs}:
        (out / split).mkdir(parents=True, exist_ok=True)
    entries = [[song.number, song.name, song.split, round(song.seconds, 3)] for song in songs]
    write_bytes(file, json.dumps({"order": wanted, "songs": entries}).encode())
    return songs


def _planned(order: Order, number: int) -> Planned:
    score = write_song(order.seed, number, order.song_seconds)
    return Planned(number, score.name, score.split, score.seconds)


_state: dict[str, Any] = {}
"""Of a worker process: its renderer and order."""


def _start(out: Path, order: Order, make_renderer: MakeRenderer) -> None:
    _state.update(out=out, order=order, render=make_renderer())


def _start_worker(out: Path, order: Order, make_renderer: MakeRenderer) -> None:
    """As ``_start``; Ctrl-C is for the parent, which lets songs under way be finished."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _start(out, order, make_renderer)


def _render(number: int) -> float:
    """Make one song; returns its seconds."""
    order: Order = _state["order"]
    score = write_song(order.seed, number, order.song_seconds)
    recording = _state["render"](score, order.seed)
    save_song(_state["out"] / score.split, score, recording, order.seed)
    return score.seconds


def _in_process(out: Path, order: Order, todo: list[Planned], make_renderer: MakeRenderer) -> Iterator[float]:
    if todo:
        _start(out, order, make_renderer)
    for song in todo:
        yield _render(song.number)


def _in_parallel(
    out: Path, order: Order, todo: list[Planned], make_renderer: MakeRenderer, workers: int
) -> Iterator[float]:
    if not todo:
        return
    # One thread a worker: the libraries read these when a process starts.
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in threads}
    os.environ.update(dict.fromkeys(threads, "1"))
    pool = ProcessPoolExecutor(
        min(workers, len(todo)), get_context("spawn"), initializer=_start_worker, initargs=(out, order, make_renderer)
    )
    try:
        waiting = iter(todo)
        running: set[Future[float]] = set()
        while True:
            for song in waiting:
                running.add(pool.submit(_render, song.number))
                if len(running) > workers:
                    break
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()
    except BrokenProcessPool as error:
        raise SynthesisError(
            "a worker process died, perhaps for want of memory; whole songs are kept: run it again with fewer workers"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
