"""What all commands share: options, one-line errors, progress with time left.

Knows: how the command line speaks to people (stderr) and to programs (stdout). Does not know: what
any command does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import math
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from explorer.settings import DEVICES, PRECISIONS, Settings

if TYPE_CHECKING:
    from explorer.engine import Jukebox

OPEN_END = 141
"""Exit code when the reader of the output went away, as the shell reports SIGPIPE."""


class UsageError(ValueError):
    """Options that do not fit together or a value that cannot be used."""


class Stopped(Exception):
    """Ctrl-C was pressed; the message says what was kept and how to go on."""


class Parser(argparse.ArgumentParser):
    """argparse whose errors are one line: what is wrong and where the help is."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        settings.setdefault("allow_abbrev", False)
        super().__init__(**settings)

    def error(self, message: str) -> NoReturn:
        complain(f"{message} (see {self.prog} --help)")
        sys.exit(2)


def add_command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], about: str, example: str
) -> argparse.ArgumentParser:
    """A command with its help, one example, and the function that runs it."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=about[0].lower() + about[1:].rstrip("."), description=about, epilog=f"example: {example}"
    )
    parser.set_defaults(run=run)
    return parser


def add_group(commands: Any, name: str, about: str) -> Any:
    """A command that only holds further commands."""
    parser = commands.add_parser(name, help=about[0].lower() + about[1:].rstrip("."), description=about)
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="pocket", metavar="NAME|DIR", help="model to use (default: pocket)")
    parser.add_argument("--device", default="auto", metavar="|".join(DEVICES), help="where to compute (default: auto)")
    parser.add_argument(
        "--precision",
        default="auto",
        metavar="|".join(PRECISIONS),
        help="number format of weights on a CPU: the fastest here; float32 to make songs again, to the last code only "
        "on a processor of the same kind and as many at once (default: auto)",
    )
    parser.add_argument("--threads", type=int, metavar="N", help="compute threads (default: one per core)")


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def add_library_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--library", type=Path, metavar="DIR", help="folder of samples (default: yours)")


def settings_of(options: argparse.Namespace) -> Settings:
    """Settings from the options a command has."""
    return Settings.from_environment(
        library=getattr(options, "library", None),
        device=getattr(options, "device", "auto"),
        threads=getattr(options, "threads", None),
        precision=getattr(options, "precision", "auto"),
    )


def load_engine(options: argparse.Namespace) -> Jukebox:
    """The model that ``options`` name. Raises CheckpointError, DeviceError or SettingsError."""
    from explorer.engine import Jukebox

    settings = settings_of(options)
    settings.apply_threads()
    return Jukebox.load(options.model, settings.device, settings.models, settings.precision)


def complain(message: str) -> None:
    """One line on stderr."""
    print(f"error: {' '.join(message.split())}", file=sys.stderr)


def report(value: Any, as_json: bool, plain: str) -> None:
    """The result on stdout: ``value`` for programs, ``plain`` for people."""
    print(json.dumps(value, ensure_ascii=False, indent=1) if as_json else plain, flush=True)


def duration(seconds: float | None) -> str:
    """Time left in words: "8 s", "3 min 20 s", "2 h 05 min"; "?" while nothing was measured."""
    if seconds is None or not math.isfinite(seconds):
        return "?"
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Progress:
    """One line on stderr that is rewritten on a terminal, and a new line every few seconds elsewhere."""

    EVERY = 5.0
    """Seconds between lines where they cannot be rewritten."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._shown = -math.inf
        self._width = 0

    def show(self, text: str) -> None:
        now = monotonic()
        if self._live:
            sys.stderr.write(f"\r{text.ljust(self._width)}")
            sys.stderr.flush()
            self._width = len(text)
        elif now - self._shown >= self.EVERY:
            print(text, file=sys.stderr, flush=True)
        else:
            return
        self._shown = now

    def end(self) -> None:
        """Leave the line as it is and go on below it."""
        if self._live and self._width:
            sys.stderr.write("\n")
            self._width = 0


@contextlib.contextmanager
def shown_log(name: str) -> Iterator[None]:
    """What the package ``name`` logs meanwhile is shown as progress."""
    progress, logger = Progress(), logging.getLogger(name)
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: progress.show(record.getMessage())  # type: ignore[method-assign]
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        progress.end()


class CtrlC:
    """While open, the first Ctrl-C only sets ``pressed``, so that nothing is cut off while it is
    written; the second one stops at once."""

    def __init__(self) -> None:
        self.pressed = False

    def __enter__(self) -> CtrlC:
        self._before = signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(self, *ending: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _press(self, number: int, frame: FrameType | None) -> None:
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True
        print("\nStopping at the next good moment. Press Ctrl-C again to stop at once.", file=sys.stderr, flush=True)


def whole_number(least: int) -> Callable[[str], int]:
    """An argparse type: a whole number from ``least`` on."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be a whole number, not {text!r}") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, not {value}")
        return value

    return convert
