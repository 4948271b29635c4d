"""From a request to sample folders: the one way in which anything is generated, page or command line.

Knows: where given codes come from in each mode, and that every event is stored before the caller
sees it. Does not know: queues, threads, or how a job is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

import torch

from explorer import __version__
from explorer.audio import files as audio_files
from explorer.jukebox.config import SAMPLING_ORDER, Level, ModelConfig
from explorer.jukebox.events import (
    AlignmentDone,
    Event,
    Finished,
    LevelDone,
    LevelStarted,
    Planned,
    Preview,
    WindowDone,
)
from explorer.jukebox.song import SamplingOptions, Song
from explorer.library import Library, Mode, Sample, SampleRecord, SampleState, SampleWriter, new_record
from explorer.studio.jobs import JobMode, JobRequest, PromptAudio, StudioError

if TYPE_CHECKING:
    from explorer.engine import Jukebox

Codes = Mapping[Level, torch.Tensor]
"""Per level [takes or 1, n] int64."""


# ------------------------------------------------------------------------------------- given codes


def given_lengths(config: ModelConfig, request: JobRequest, parent: Sample | None) -> dict[Level, int]:
    """Codes per level that a request brings along, without encoding anything: for forecasts.

    Raises what ``given_codes`` raises.
    """
    if request.prompt is not None:
        info = audio_files.inspect(request.prompt.path)
        stop = min(info.seconds, request.prompt.stop if request.prompt.stop is not None else info.seconds)
        samples = whole_codes(int((stop - request.prompt.start) * config.sample_rate), config)
        levels = SAMPLING_ORDER if request.mode is JobMode.PRIMED else (Level.TOP,)
        return {level: samples // config.hop(level) for level in levels}
    return {level: codes.shape[1] for level, codes in parent_codes(config, request, parent).items()}


def given_codes(engine: Jukebox, request: JobRequest, parent: Sample | None) -> dict[Level, torch.Tensor]:
    """What a run of ``request`` starts from, per level [1, n]; empty for a song from nothing.

    Raises AudioError for a prompt that is no sound, RecordError for a damaged parent, StudioError
    where the parent and the model or the length do not fit together.
    """
    if request.prompt is not None:
        codes = encode_prompt(engine, request.prompt)
        if request.mode is JobMode.UPSAMPLE:
            return {Level.TOP: codes[Level.TOP]}
        check_grows(engine.config, request.song, codes[Level.TOP].shape[1])
        return codes
    return parent_codes(engine.config, request, parent)


def parent_codes(config: ModelConfig, request: JobRequest, parent: Sample | None) -> dict[Level, torch.Tensor]:
    """The codes [1, n] of the parent that ``request`` keeps; raises as ``given_codes``."""
    if parent is None:
        return {}
    check_parent(config, parent)
    if request.mode is JobMode.CONTINUE:
        return continued_codes(config, parent, request.song)
    if request.mode is JobMode.AGAIN:
        return begun_codes(config, parent)
    return upsampled_codes(parent)


def encode_prompt(engine: Jukebox, prompt: PromptAudio) -> dict[Level, torch.Tensor]:
    """The chosen part of an audio file as codes of all levels, cut to a whole number of top codes."""
    return engine.encode(prompt_sound(engine.config, prompt)[None])


def prompt_sound(config: ModelConfig, prompt: PromptAudio) -> torch.Tensor:
    """The chosen part of an audio file [samples] at the model's rate, cut to a whole number of top codes."""
    seconds = None if prompt.stop is None else prompt.stop - prompt.start
    waveform = torch.from_numpy(audio_files.read_audio(prompt.path, config.sample_rate, prompt.start, seconds))
    samples = whole_codes(len(waveform), config)
    if not samples:
        raise StudioError(
            f"The audio is too short: at least {config.hop(Level.TOP) / config.sample_rate:.3f} s are needed."
        )
    return waveform[:samples]


def check_prompt(request: JobRequest, max_bytes: int, max_seconds: float) -> None:
    """Raise AudioError or StudioError where the prompt cannot be used; reads only the file's header."""
    prompt = request.prompt
    assert prompt is not None
    if prompt.path.is_file() and prompt.path.stat().st_size > max_bytes:
        raise StudioError(f"{prompt.path.name} is larger than {max_bytes // 2**20} MB; cut it first.")
    info = audio_files.inspect(prompt.path)
    stop = min(info.seconds, prompt.stop if prompt.stop is not None else info.seconds)
    if stop <= prompt.start:
        raise StudioError(f"{prompt.path.name} lasts {info.seconds:.1f} s; the part to use begins after its end.")
    if stop - prompt.start > max_seconds:
        raise StudioError(f"At most {max_seconds:.0f} s of audio can be used; choose a part of {prompt.path.name}.")
    if request.mode is JobMode.PRIMED and request.song.seconds <= stop - prompt.start:
        raise StudioError(
            f"The song ({request.song.seconds:g} s) must be longer than the audio it goes on from "
            f"({stop - prompt.start:.1f} s)."
        )


def continued_codes(config: ModelConfig, parent: Sample, song: Song) -> dict[Level, torch.Tensor]:
    """Every code of the parent that lies within ``song``; the rest is new."""
    codes = {level: c for level, c in parent.codes().items() if len(c)}
    if Level.TOP not in codes:
        raise StudioError("The sample to continue has no finished window yet.")
    check_grows(config, song, len(codes[Level.TOP]))
    return {level: c[None] for level, c in codes.items()}


def upsampled_codes(parent: Sample) -> dict[Level, torch.Tensor]:
    """The parent's top codes, and its middle ones where only the bottom is missing.

    Where nothing is missing, both finer levels are made anew.
    """
    codes, levels = parent.codes(), parent.record.levels
    done = {level for level in SAMPLING_ORDER if level in levels and levels[level].finished}
    if Level.TOP not in done:
        raise StudioError("The top level of this sample is not finished; resume it first.")
    kept = [Level.TOP]
    if Level.MIDDLE in done and Level.BOTTOM not in done:
        kept.append(Level.MIDDLE)
    return {level: codes[level][None] for level in kept}


def begun_codes(config: ModelConfig, parent: Sample) -> dict[Level, torch.Tensor]:
    """What the parent itself went on from: the codes of its prompt, or the top codes that were upsampled."""
    codes, record = parent.codes(), parent.record
    if not record.went_on:
        raise StudioError("This sample was made from nothing; its recipe alone makes it again.")
    if record.mode is Mode.UPSAMPLE:
        return {Level.TOP: codes[Level.TOP][None]}
    count = prompt_codes(config, record) * config.hop(Level.TOP)
    return {level: row[None, : count // config.hop(level)] for level, row in codes.items()}


def prompt_codes(config: ModelConfig, record: SampleRecord) -> int:
    """Top codes of a sample that its prompt gave."""
    return round(record.prompt_seconds * config.sample_rate / config.hop(Level.TOP))


def check_grows(config: ModelConfig, song: Song, given: int) -> None:
    """Raise StudioError where ``song`` is not longer than the ``given`` top codes it goes on from."""
    hop = config.hop(Level.TOP)
    if int(song.seconds * config.sample_rate / hop) <= given:
        raise StudioError(
            f"There are {given * hop / config.sample_rate:.1f} s already; choose a whole length above that to go on."
        )


def check_parent(config: ModelConfig, parent: Sample) -> None:
    """Raise StudioError where a model cannot read the parent's codes."""
    hops = {level: config.hop(level) for level in SAMPLING_ORDER}
    if parent.record.sample_rate != config.sample_rate or dict(parent.record.hops) != hops:
        raise StudioError(
            f"The sample was made by {parent.record.model}, whose codes {config.name} cannot read. "
            f"Choose {parent.record.model}, or use the sample's audio as a prompt."
        )


def whole_codes(samples: int, config: ModelConfig) -> int:
    """``samples`` cut to a whole number of top codes."""
    hop = config.hop(Level.TOP)
    return samples // hop * hop


def fitted(config: ModelConfig, request: JobRequest, parent: Sample | None) -> JobRequest:
    """``request`` with the length that its given codes fix when it upsamples."""
    if request.mode is not JobMode.UPSAMPLE:
        return request
    codes = given_lengths(config, request, parent)[Level.TOP]
    return replace(request, song=replace(request.song, seconds=codes * config.hop(Level.TOP) / config.sample_rate))


# ------------------------------------------------------------------------------------ sample folders


@dataclass
class Takes:
    """The sample folders that one run writes, and what it was given."""

    writers: list[SampleWriter]
    songs: tuple[Song, ...]
    given: dict[Level, torch.Tensor]
    """[takes, n] per level."""

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(writer.record.id for writer in self.writers)

    def close(self) -> None:
        """Stop writing; what is there stays."""
        for writer in self.writers:
            writer.close()


def create_takes(
    engine: Jukebox, request: JobRequest, library: Library, parent: Sample | None = None, job: str | None = None
) -> Takes:
    """Make one folder per take.

    Raises what ``given_codes`` raises, SongError for a song that the model cannot be conditioned
    on, and StorageError; leaves no folder behind then.
    """
    config = engine.config
    request = fitted(config, request, parent)
    given = {
        level: codes.expand(request.takes, -1).contiguous()
        for level, codes in given_codes(engine, request, parent).items()
    }
    mode = parent.record.mode if parent and request.mode is JobMode.AGAIN else Mode(request.mode.value)
    prompt = 0.0
    if given and mode is not Mode.UPSAMPLE:
        prompt = given[Level.TOP].shape[1] * config.hop(Level.TOP) / config.sample_rate
    records = [
        begin_record(
            engine,
            song,
            request.options,
            mode,
            title=request.title,
            job=job,
            take=take,
            parent=request.parent_sample,
            prompt_seconds=prompt,
        )
        for take, song in enumerate(request.songs, start=1)
    ]
    takes = new_takes(library, records, given)
    if mode is Mode.UPSAMPLE and parent is not None and (sheet := parent.sheet()) is not None:
        for writer in takes.writers:  # the top codes that they keep were told it
            writer.set_sheet(sheet)
    return takes


def new_takes(library: Library, records: Sequence[SampleRecord], given: Codes) -> Takes:
    """Make a folder for every record, with its row of the ``given`` codes stored in it, so that it can go on by itself.
    Raises StorageError; leaves no folder behind then."""
    writers: list[SampleWriter] = []
    try:
        for row, record in enumerate(records):
            writers.append(library.create(record))
            for level, codes in given.items():
                writers[-1].start_level(level, 0, codes[row])
    except BaseException:
        for writer in writers:
            writer.close()
        library.delete([writer.record.id for writer in writers])
        raise
    return Takes(writers, tuple(record.song for record in records), dict(given))


def begin_record(engine: Jukebox, song: Song, options: SamplingOptions, mode: Mode, **entries: Any) -> SampleRecord:
    """The record of a sample that ``engine`` is about to make. ``entries`` are further fields of it."""
    notes = dict.fromkeys(note.text for labels in engine.describe(song).values() for note in labels.notes)
    return new_record(
        entries.pop("title", ""),
        engine.config,
        song,
        options,
        mode=mode,
        weights=engine.hashes,
        engine_version=__version__,
        device=str(engine.device),
        formats={level: engine.precision.name(level) for level in SAMPLING_ORDER},
        notes=tuple(notes),
        **entries,
    )


def reopen_takes(engine: Jukebox, library: Library, ids: Sequence[str]) -> Takes:
    """Take up folders that were not finished. A kill between the takes' checkpoints may have left
    one a window ahead: all go on from the shortest, the rest is drawn again and comes out equal.
    Takes that are finished already are left alone; where all are, ``writers`` is empty.

    Raises LibraryError where a folder is gone, StudioError where the weights are not those that
    the take was begun with: the rest would not fit what is there.
    """
    writers: list[SampleWriter] = []
    try:
        for id in ids:
            record = library.sample(id).record
            if record.state is SampleState.FINISHED:
                continue
            if record.weights and engine.hashes and dict(record.weights) != engine.hashes:
                raise StudioError(f"{record.model} has other weights than those that began this. Keep it as it is.")
            writers.append(library.reopen(id))
        stored = [writer.codes() for writer in writers]
    except BaseException:
        for writer in writers:
            writer.close()
        raise
    given = {}
    for level in SAMPLING_ORDER:
        shortest = min((len(codes[level]) if level in codes else 0 for codes in stored), default=0)
        if shortest:
            given[level] = torch.stack([codes[level][:shortest] for codes in stored])
    return Takes(writers, tuple(writer.record.song for writer in writers), given)


# -------------------------------------------------------------------------------------------- running


def run_takes(engine: Jukebox, takes: Takes) -> Iterator[Event]:
    """Sample and store. Every event has been written to all takes when it is yielded, so a caller
    that stops asking (or a kill) loses at most the window in the making.

    Raises what the engine raises, and StorageError.
    """
    if not takes.writers:
        return
    record = takes.writers[0].record
    store = _Store(engine, takes)
    there = takes.given[Level.TOP].shape[1] if record.mode is Mode.UPSAMPLE else prompt_codes(engine.config, record)
    for event in engine.generate(takes.songs, record.options, takes.given or None, there):
        store.take_in(event)
        yield event


class _Store:
    """Writes events into the folders of the takes."""

    def __init__(self, engine: Jukebox, takes: Takes) -> None:
        self.engine = engine
        self.takes = takes
        self.began = monotonic()
        self.earlier: dict[Level, int] = {}
        """Windows that earlier runs finished."""

    def take_in(self, event: Event) -> None:
        writers = self.takes.writers
        if isinstance(event, Planned):
            for writer, sheet in zip(writers, event.sheets, strict=True):
                if sheet is not None:
                    writer.set_sheet(sheet)
        elif isinstance(event, LevelStarted):
            self._start(event)
        elif isinstance(event, WindowDone):
            elapsed, self.began = monotonic() - self.began, monotonic()
            done = self.earlier[event.level] + event.window + 1
            for writer, codes, entropy in zip(writers, event.codes, event.entropy, strict=True):
                writer.window_done(event.level, codes, entropy, done, elapsed)
        elif isinstance(event, Preview):
            for writer, audio in zip(writers, event.audio, strict=True):
                writer.preview(event.level, event.start, audio)
        elif isinstance(event, LevelDone):
            for writer, codes, audio in zip(writers, event.codes, event.audio, strict=True):
                writer.level_done(event.level, codes, audio)
        elif isinstance(event, AlignmentDone):
            for writer, alignment in zip(writers, event.alignments, strict=True):
                if alignment is not None:
                    writer.set_alignment(alignment)
        elif isinstance(event, Finished):
            for writer in writers:
                writer.finish()

    def _start(self, event: LevelStarted) -> None:
        known = [writer.record.levels.get(event.level) for writer in self.takes.writers]
        self.earlier[event.level] = min(level.windows_done if level else 0 for level in known)
        given = self.takes.given.get(event.level)
        for take, writer in enumerate(self.takes.writers):
            windows = self.earlier[event.level] + event.windows
            writer.start_level(event.level, windows, None if given is None else given[take])
        if given is not None and event.windows:
            # New audio must join the given one, of which a kill may have left less than of its codes.
            for writer, audio in zip(self.takes.writers, self.engine.decode(given, event.level), strict=True):
                writer.preview(event.level, 0, audio)
        self.began = monotonic()
