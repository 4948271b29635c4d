"""Helper processes that draw rows of codes beside the engine's own thread.

A processor's cores are used best by one process each: the matrix products of a small model are too short to be
shared out, and Python threads wait for each other between them. Knows: how helpers are started, fed, and
replaced by the engine itself where they are missing. Does not know songs or windows. A helper
is this file run as a program; it ends when its standard input does.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import torch

from explorer.checkpoints.folder import load_config, load_part
from explorer.jukebox.config import LEVELS, Level
from explorer.jukebox.prior import Prior
from explorer.jukebox.products import WeightFormat
from explorer.jukebox.rows import RowBatch
from explorer.jukebox.sampling import Alone, Drawn, draw_one

Formats = Mapping[Level, WeightFormat]


class Helpers:
    """The engine's own thread and ``count`` helper processes. Not safe for two threads at once.

    Helpers are started by the first call of ``start`` and join in when they have loaded the model. One that is not
    ready, or dies, is not missed: its share is drawn here. Shares do not depend on that, so neither do codes.
    """

    def __init__(self, model: Path, formats: Formats, count: int, device: torch.device) -> None:
        self._alone = Alone(device)
        self._model, self._formats, self._count = model, dict(formats), count
        self._helpers: list[_Helper] = []
        # at the latest when Python ends, which must not happen while a thread is reading tensors
        weakref.finalize(self, _end, self._helpers)

    @property
    def size(self) -> int:
        return 1 + self._count

    def start(self) -> None:
        """Start the helpers unless they are running; returns at once."""
        alive = [helper for helper in self._helpers if helper.alive]
        self._helpers[:] = alive + [_Helper(self._model, self._formats) for _ in range(self._count - len(alive))]

    def wait(self) -> None:
        """Return when every helper has loaded the model, or has died of it."""
        for helper in self._helpers:
            helper.settled.wait()

    def close(self) -> None:
        """End the helpers."""
        _end(self._helpers)

    def draw(self, prior: Prior, batches: Sequence[RowBatch]) -> Iterator[Drawn]:
        waiting = list(range(len(batches)))
        asked: dict[int, _Helper] = {}
        try:
            while waiting or asked:
                for helper in self._helpers:
                    # the last batch is kept for this thread, which would have to wait otherwise
                    if len(waiting) > 1 and helper.ready and helper not in asked.values():
                        number = waiting.pop()
                        helper.ask(batches[number])
                        asked[number] = helper
                if waiting:
                    number = waiting.pop(0)
                    for drawn in draw_one(prior, number, batches[number], self._alone.device):
                        yield drawn
                        yield from self._arrived(asked, waiting, block=False)
                else:
                    yield from self._arrived(asked, waiting, block=True)
        finally:
            for helper in asked.values():
                helper.abandon()

    def _arrived(self, asked: dict[int, _Helper], waiting: list[int], block: bool) -> Iterator[Drawn]:
        """What the helpers have drawn since the last look; batches of helpers that died go back to ``waiting``."""
        for number, helper in list(asked.items()):
            while True:
                try:
                    drawn = helper.answer(block)
                except queue.Empty:
                    break
                except EOFError:
                    del asked[number]
                    waiting.append(number)
                    break
                yield Drawn(number, *drawn)
                if drawn[1] is not None:  # the entropy comes last
                    del asked[number]
                    break
                if block:
                    break


def _end(helpers: list[_Helper]) -> None:
    while helpers:
        helpers.pop().close()


class _Helper:
    """One process, and the thread that reads what it says."""

    def __init__(self, model: Path, formats: Formats) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "explorer.crew"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).resolve().parents[1],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        self._said: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._request = 0
        self.ready = False
        self.settled = threading.Event()
        """Set when it has become ready, or never will."""
        self._reader = threading.Thread(target=self._read, name="helper", daemon=True)
        self._reader.start()
        self._tell((str(model), {level.value: format.value for level, format in formats.items()}))

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            while True:
                request, codes, entropy, first = pickle.load(self._process.stdout)
                if request == 0:
                    self.ready = True
                    self.settled.set()
                else:
                    self._said.put((request, codes, entropy, first))
        except (EOFError, pickle.UnpicklingError, OSError, ValueError):
            self.ready = False
            self.settled.set()
            self._said.put(None)

    def _tell(self, message: Any) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # a dead helper is noticed by the reading thread
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()

    def ask(self, batch: RowBatch) -> None:
        self._request += 1
        self._tell((self._request, batch))

    def abandon(self) -> None:
        """Let the helper stop what it was asked for."""
        self._request += 1
        self._tell((self._request, None))

    def answer(self, block: bool) -> tuple[torch.Tensor | None, torch.Tensor | None, int]:
        """Codes, entropy and place of the next block. Raises queue.Empty, or EOFError where the helper died."""
        while True:
            said = self._said.get(block)
            if said is None:
                self._said.put(None)
                raise EOFError
            if said[0] == self._request:
                return said[1:]  # type: ignore[no-any-return]

    def close(self) -> None:
        self.ready = False
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()


class _Requests:
    """What the engine asks, read in a thread so that a newer request ends an older one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._newest = 0
        self._waiting: queue.SimpleQueue[tuple[int, RowBatch | None]] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while True:
                number, batch = pickle.load(self._stream)
                self._newest = number
                self._waiting.put((number, batch))
        except (EOFError, pickle.UnpicklingError, OSError):
            os._exit(0)

    def next(self) -> tuple[int, RowBatch | None]:
        return self._waiting.get()

    def outdated(self, number: int) -> bool:
        return number != self._newest


def help_out(asked: BinaryIO, answers: BinaryIO) -> None:
    """Load what the first message names, then draw one batch after another until ``asked`` ends."""
    folder, formats = pickle.load(asked)
    torch.set_num_threads(1)
    config = load_config(Path(folder))
    priors: dict[Level, Prior] = {}
    for level in LEVELS:
        prior = load_part(Path(folder), level.value, config, torch.float32)
        assert isinstance(prior, Prior)
        prior.prior.pack(WeightFormat(formats.get(level.value, WeightFormat.FLOAT32)))
        priors[level] = prior
    requests = _Requests(asked)

    def say(*answer: Any) -> None:
        pickle.dump(answer, answers)
        answers.flush()

    say(0, None, None, 0)
    while True:
        number, batch = requests.next()
        if batch is None:
            continue
        for drawn in draw_one(priors[batch.level], 0, batch, torch.device("cpu")):
            if requests.outdated(number):
                break
            say(number, drawn.codes, drawn.entropy, drawn.first)


if __name__ == "__main__":
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches all of a terminal's programs; the engine ends this one
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever libraries print must not get between the answers
    help_out(sys.stdin.buffer, out)
