"""A loaded model and what can be done with it: the one entrance for app, command line and notebooks.

Knows: how levels follow each other, when to decode, which device and precision to use. Does not
know sample folders, jobs or pages. Loading reads a checkpoint folder; everything else opens no
file, prints nothing and touches no global random generator.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from explorer.checkpoints.folder import find_model, load_config, load_lists, load_part, model_hashes
from explorer.crew import Helpers
from explorer.jukebox.alignment import Alignment, align, lyric_attention
from explorer.jukebox.config import LEVELS, SAMPLING_ORDER, Level, ModelConfig
from explorer.jukebox.events import AlignmentDone, Event, Finished, LevelDone, Planned, Preview, Progress, WindowDone
from explorer.jukebox.labels import LabelLists, SongLabels, label_song
from explorer.jukebox.prior import Prior
from explorer.jukebox.products import WeightFormat
from explorer.jukebox.sampling import Alone, Crew, LevelTask, sample_level
from explorer.jukebox.sheet import LeadSheet, lead_sheet
from explorer.jukebox.song import SamplingOptions, Song, SongError, usual_sampling
from explorer.jukebox.vqvae import VQVAE
from explorer.jukebox.windows import plan_waves
from explorer.precision import AUTO, Precision, choose_device, choose_precision
from explorer.pronunciation import pronounce
from explorer.transliteration import transliterate

T = TypeVar("T")

DECODE_CHUNK = 2**17
"""Audio samples decoded at once: bounds memory for long songs."""

DECODE_LENGTHS = 4
"""Lengths that pieces up to a chunk have, by hearing more before them than they need: convolutions are got ready
for each length once, and what they need for it is kept."""

MOST_HELPERS = 3
"""Processes beside this one that draw strands: each takes some 300 MB, and a song has few strands to share."""

SMALL_PRODUCT = 2**20
"""Weights of a layer's largest matrix below which its products are faster on one thread than shared out."""

EARLY_SECONDS = 1.0
"""New audio inside an unfinished window that is worth decoding, so that something is heard at once."""

EARLY_SHARE = 0.25
"""The same as a share of what is there: audio files are written whole, so pieces must grow with them."""


@dataclass(frozen=True)
class LevelPlan:
    """How much work a level is."""

    length: int
    """Codes of the finished level."""
    windows: int
    """Windows, or waves of windows sampled together: after each something is stored and heard."""
    new_codes: int
    """Per song."""
    steps: int
    """Codes drawn one after another; fewer than ``new_codes`` where stretches are sampled together."""
    runs: int
    """How often each stretch is run for a code."""

    @property
    def together(self) -> float:
        """Codes of a song drawn in one step, on average."""
        return self.new_codes / self.steps if self.steps else 1.0


class Jukebox:
    """One model on one device. ``generate`` and ``align`` are not safe for two threads at once: ``studio``
    gives them one worker. ``encode`` and ``decode`` keep nothing between calls and may run beside it."""

    def __init__(
        self,
        config: ModelConfig,
        vqvae: VQVAE,
        priors: Mapping[Level, Prior],
        lists: Mapping[Level, LabelLists],
        device: torch.device,
        precision: Precision,
        crew: Crew | None = None,
    ) -> None:
        self.config = config
        self.name = config.name
        self.device = device
        self.precision = precision
        self.lists = dict(lists)
        self.hashes: dict[str, str] = {}
        """SHA-256 of each weight file that was loaded; empty for a model that was built in memory."""
        self._vqvae = vqvae
        self._priors = dict(priors)
        self._crew = crew or Alone(device)
        self.threads = torch.get_num_threads()
        """That operations are shared out to where they are large enough."""

    @classmethod
    def load(
        cls,
        model: str | Path = "pocket",
        device: str = AUTO,
        models_folder: Path | None = None,
        precision: str = AUTO,
    ) -> Jukebox:
        """Load a model by name or folder; ``precision`` is auto or a WeightFormat.

        Raises CheckpointError or DeviceError.
        """
        folder = find_model(model, models_folder)
        config = load_config(folder)
        place = choose_device(device)
        # files may hold half precision; embeddings, conditioners and heads always run in float32
        vqvae = load_part(folder, "vqvae", config, torch.float32)
        assert isinstance(vqvae, VQVAE)
        priors = {}
        for level in LEVELS:
            prior = load_part(folder, level.value, config, torch.float32)
            assert isinstance(prior, Prior)
            priors[level] = prior
        usual = usual_sampling(config)
        rows = {level: strands * usual.level(level).runs for level, strands in zip(LEVELS, config.strands, strict=True)}
        chosen = choose_precision(place, precision, priors, rows)
        for level, prior in priors.items():
            prior.prior.transformer.to(chosen.dtype)
            prior.prior.pack(chosen.formats.get(level, WeightFormat.FLOAT32))
            prior.to(place)
        vqvae.to(place)
        helpers = min(MOST_HELPERS, (os.cpu_count() or 1) - 1) if place.type == "cpu" and max(config.strands) > 1 else 0
        crew = Helpers(folder, chosen.formats, helpers, place) if helpers else Alone(place)
        jukebox = cls(config, vqvae, priors, load_lists(folder), place, chosen, crew)
        jukebox.hashes = model_hashes(folder)
        return jukebox

    def prior(self, level: Level) -> Prior:
        """The network of one level."""
        return self._priors[level]

    # -------------------------------------------------------------------------------- generating

    def generate(
        self,
        songs: Song | Sequence[Song],
        options: SamplingOptions | None = None,
        given: Mapping[Level, torch.Tensor] | None = None,
        prompt: int = 0,
    ) -> Iterator[Event]:
        """Sample songs level by level; the caller stops by not asking for the next event.

        All songs of one call need the same length. ``given`` holds codes [songs, n] that exist
        already: a prompt at any level, a finished level to be upsampled, or what an interrupted
        call had finished; the outcome is the same as without the interruption. ``prompt`` is how many of
        the given top codes were not drawn for these songs: a model that is told its place in the lyrics
        hears it there. Raises SongError for songs that this model cannot be conditioned on, before the
        first event.
        """
        batch = [songs] if isinstance(songs, Song) else list(songs)
        options = options or usual_sampling(self.config)
        given = dict(given or {})
        labels = {level: [self._labels(song, level) for song in batch] for level in LEVELS}
        lengths = self._lengths(batch)
        for level, codes in given.items():
            if codes.shape[0] != len(batch):
                raise SongError(f"{codes.shape[0]} rows of {level} codes were given for {len(batch)} songs.")
        return self._run(batch, options, given, labels, lengths, prompt)

    def _run(
        self,
        songs: Sequence[Song],
        options: SamplingOptions,
        given: Mapping[Level, torch.Tensor],
        labels: Mapping[Level, Sequence[SongLabels]],
        lengths: Mapping[Level, int],
        prompt: int,
    ) -> Iterator[Event]:
        finished: dict[Level, torch.Tensor] = {}
        upper: torch.Tensor | None = None
        self._crew.start()
        if not prompt:
            labels = {level: self._grounded(level, songs, labels[level]) for level in LEVELS}
            sheets = tuple(map(self._sheet, labels[Level.TOP], songs))
            if any(sheet is not None for sheet in sheets):
                yield Planned(sheets)
        heard_of = given[Level.TOP][:, :prompt].cpu().long() if prompt else None
        top_places = self._places(labels[Level.TOP], songs, lengths[Level.TOP], heard_of)
        for level in SAMPLING_ORDER:
            codes = given.get(level, torch.zeros(len(songs), 0, dtype=torch.int64)).cpu().long()[:, : lengths[level]]
            task = LevelTask(
                level,
                labels[level],
                [song.seed for song in songs],
                codes,
                lengths[level],
                upper,
                self._hop_fraction(level, options),
                options.level(level),
                options.max_batch,
                options.chunk,
                self.strands(level, options),
                self._places_at(level, top_places),
            )
            heard = codes.shape[1]
            for event in _with_threads(self._threads(level), sample_level(self._priors[level], task, self._crew)):
                yield event
                if isinstance(event, WindowDone):
                    codes = event.codes
                    yield self._preview(level, codes, heard)
                    heard = codes.shape[1]
                elif isinstance(event, Progress) and event.codes is not None and self._worth_hearing(event, heard):
                    yield self._preview(level, event.codes, heard)
                    heard = event.codes.shape[1]
            yield LevelDone(level, codes, self.decode(codes, level))
            finished[level] = codes
            if level is Level.TOP:
                yield AlignmentDone(self._align(codes, songs, labels[Level.TOP], top_places))
            if level is options.stop_after:
                break
            upper = codes
        yield Finished(finished)

    def _grounded(self, level: Level, songs: Sequence[Song], labels: Sequence[SongLabels]) -> list[SongLabels]:
        """What ``level`` receives of songs that are made from nothing."""
        return [self._priors[level].grounded(one, song.seed) for one, song in zip(labels, songs, strict=True)]

    def _places(
        self, labels: Sequence[SongLabels], songs: Sequence[Song], length: int, heard: torch.Tensor | None = None
    ) -> torch.Tensor | None:
        """[songs, length] how many tokens of its lyrics each song has begun at each top code; None for a model that is
        not told. ``heard`` [songs, n]: first top codes that were not drawn for these songs."""
        prior = self._priors[Level.TOP]
        if not prior.config.follows:
            return None
        rows = [None] * len(songs) if heard is None else heard
        return torch.stack(
            [
                prior.places(its, song.seed, length, row)
                if its.lyric_tokens
                else torch.zeros(length, dtype=torch.int64)
                for its, song, row in zip(labels, songs, rows, strict=True)
            ]
        )

    def _places_at(self, level: Level, top: torch.Tensor | None) -> torch.Tensor | None:
        """Places at the rate of ``level``, from those at the top codes."""
        rate = self.config.hop(Level.TOP) // self.config.hop(level)
        return None if top is None else top.repeat_interleave(rate, dim=1)

    def _threads(self, level: Level) -> int:
        """How many threads one product of a sampling step is shared out to."""
        shape = self.config.prior(level).sequence
        small = shape.width * max(shape.hidden_width, 3 * shape.state_width) < SMALL_PRODUCT
        return 1 if small and self.device.type == "cpu" else self.threads

    def prepare(self, wait: bool = False) -> None:
        """Start what draws songs, so that a first song need not; ``wait`` until it is there."""
        self._crew.start()
        if wait:
            self._crew.wait()

    def close(self) -> None:
        """End the helper processes; the engine can still be used and starts them again."""
        self._crew.close()

    def continue_from(
        self, codes: Mapping[Level, torch.Tensor], song: Song, options: SamplingOptions | None = None
    ) -> Iterator[Event]:
        """Go on behind ``codes`` (per level [1, n]) until the song's length."""
        return self.generate(song, options, codes, codes[Level.TOP].shape[1])

    def upsample(self, codes: torch.Tensor, song: Song, options: SamplingOptions | None = None) -> Iterator[Event]:
        """Sample middle and bottom for finished top codes [1, n]; the song's length follows from them."""
        seconds = codes.shape[1] * self.config.hop(Level.TOP) / self.config.sample_rate
        return self.generate(dataclasses.replace(song, seconds=seconds), options, {Level.TOP: codes}, codes.shape[1])

    def plan(
        self, song: Song, options: SamplingOptions | None = None, given_lengths: Mapping[Level, int] | None = None
    ) -> dict[Level, LevelPlan]:
        """Windows and codes per level that ``generate`` would sample."""
        options = options or usual_sampling(self.config)
        lengths = self._lengths([song])
        plans = {}
        for level in SAMPLING_ORDER:
            have = min((given_lengths or {}).get(level, 0), lengths[level])
            n_ctx = self.config.prior(level).n_ctx
            fraction, strands = self._hop_fraction(level, options), self.strands(level, options)
            waves = plan_waves(lengths[level], n_ctx, fraction, have, strands)
            steps = sum(wave.steps for wave in waves)
            plans[level] = LevelPlan(
                lengths[level], len(waves), lengths[level] - have, steps, options.level(level).runs
            )
            if level is options.stop_after:
                break
        return plans

    def _hop_fraction(self, level: Level, options: SamplingOptions) -> float:
        return options.hop_fraction.get(level, self.config.hop_fraction[level.index])

    def strands(self, level: Level, options: SamplingOptions) -> int:
        """Stretches of a song that are sampled together at ``level``."""
        return options.strands.get(level, self.config.strands[level.index])

    def _lengths(self, songs: Sequence[Song]) -> dict[Level, int]:
        """Codes per level; the length is cut to whole codes of the top level."""
        seconds = {song.seconds for song in songs}
        if len(seconds) != 1:
            raise SongError("Songs made together must have the same length.")
        hop = self.config.hop(Level.TOP)
        # seconds that came from codes must give the same number of codes again
        codes = int(seconds.pop() * self.config.sample_rate / hop + 1e-6)
        if codes < 1:
            raise SongError(f"The length must be at least {hop / self.config.sample_rate:.3f} seconds.")
        return {level: codes * hop // self.config.hop(level) for level in LEVELS}

    def _labels(self, song: Song, level: Level) -> SongLabels:
        return label_song(song, self.config, level, self.lists[level], transliterate, pronounce)

    def describe(self, song: Song) -> dict[Level, SongLabels]:
        """What each level really receives: ids, tokens, and notes on what is unknown or dropped."""
        return {level: self._labels(song, level) for level in SAMPLING_ORDER}

    def lead_sheet(self, song: Song) -> LeadSheet | None:
        """Bars, key, chords and tune that a song made from nothing is told; None for a model that is told none."""
        return self._sheet(self._priors[Level.TOP].grounded(self._labels(song, Level.TOP), song.seed), song)

    def _sheet(self, told: SongLabels, song: Song) -> LeadSheet | None:
        return lead_sheet(told, song.seconds, self.config.sample_rate)

    # ------------------------------------------------------------------------ encode and decode

    @torch.inference_mode()
    def encode(self, waveform: torch.Tensor) -> dict[Level, torch.Tensor]:
        """Waveform [batch, samples] in [-1, 1] at the model's rate → codes per level.

        The end is cut to whole top codes. Raises ValueError for less than one.
        """
        hop = self.config.hop(Level.TOP)
        usable = waveform.shape[1] // hop * hop
        audio = waveform[:, :usable].unsqueeze(-1).to(self.device, torch.float32)
        return {level: self._vqvae.encode(audio, level.index).cpu() for level in SAMPLING_ORDER}

    def decode(self, codes: torch.Tensor, level: Level) -> torch.Tensor:
        """Codes [batch, n] → waveform [batch, n · hop] float32 in [-1, 1], on the CPU."""
        return self._decode_range(codes, level, 0, codes.shape[1])

    @torch.inference_mode()
    def _decode_range(self, codes: torch.Tensor, level: Level, first: int, last: int) -> torch.Tensor:
        """Audio of codes first … last − 1, decoded in chunks with as much context as they can hear."""
        hop = self.config.hop(level)
        reach = self._vqvae.config.decoder_reach(level.index)
        size = max(1, DECODE_CHUNK // hop)
        step = max(1, size // DECODE_LENGTHS)
        pieces = [torch.zeros(codes.shape[0], 0)]
        for start in range(first, last, size):
            stop = min(last, start + size)
            high = min(codes.shape[1], stop + reach)
            needed = high - max(0, start - reach)
            low = max(0, high - math.ceil(needed / step) * step)
            audio = self._vqvae.decode(codes[:, low:high].to(self.device), level.index)[..., 0]
            pieces.append(audio[:, (start - low) * hop : (stop - low) * hop].float().clamp(-1, 1).cpu())
        return torch.cat(pieces, dim=1)

    def _worth_hearing(self, event: Progress, heard: int) -> bool:
        """Whether enough is new inside a window to decode it: a second, and later a share of what is there."""
        assert event.codes is not None
        new = (event.codes.shape[1] - heard) * self.config.hop(event.level)
        rate = self.config.sample_rate
        return new >= max(EARLY_SECONDS * rate, EARLY_SHARE * heard * self.config.hop(event.level))

    def _preview(self, level: Level, codes: torch.Tensor, heard: int) -> Preview:
        """The audio behind the first ``heard`` codes, and what before it could not yet hear its successors."""
        first = max(0, heard - self._vqvae.config.decoder_reach(level.index))
        return Preview(level, first * self.config.hop(level), self._decode_range(codes, level, first, codes.shape[1]))

    # ----------------------------------------------------------------------------------- align

    def align(
        self, codes: torch.Tensor, songs: Song | Sequence[Song], prompt: int | None = None
    ) -> tuple[Alignment | None, ...]:
        """When each lyric character is sung in top codes [batch, n]; None without lyrics or alignment head.

        ``prompt``: the codes behind the first so many were drawn for these songs, so that it is known what was to
        be sung when. None: nothing is known of them.
        """
        batch = [songs] if isinstance(songs, Song) else list(songs)
        labels: Sequence[SongLabels] = [self._labels(song, Level.TOP) for song in batch]
        if prompt is None:
            return self._align(codes, batch, labels, None)
        if not prompt:
            labels = self._grounded(Level.TOP, batch, labels)
        return self._align(codes, batch, labels, self._places(labels, batch, codes.shape[1], codes[:, :prompt]))

    def _align(
        self, codes: torch.Tensor, songs: Sequence[Song], labels: Sequence[SongLabels], places: torch.Tensor | None
    ) -> tuple[Alignment | None, ...]:
        """``align`` of songs whose top level was told ``labels`` and ``places``; None: what is sung when is heard."""
        prior = self._priors[Level.TOP]
        if prior.config.alignment_layer is None:
            return (None,) * len(songs)
        seconds = self.config.hop(Level.TOP) / self.config.sample_rate
        hop_fraction = self.config.hop_fraction[Level.TOP.index]
        results: list[Alignment | None] = []
        for number, (song, its, row) in enumerate(zip(songs, labels, codes, strict=True)):
            if song.instrumental or not its.lyric_tokens:
                results.append(None)
                continue
            told = None if places is None else places[number : number + 1]
            (weights,) = lyric_attention(prior, [its], row.unsqueeze(0), hop_fraction, self.device, told)
            results.append(align(weights, its, song.lyrics, seconds))
        return tuple(results)


def _with_threads(threads: int, events: Iterator[T]) -> Iterator[T]:
    """``events``, each made with so many threads for one operation; between them it is as it was."""
    while True:
        before = torch.get_num_threads()
        if threads != before:
            torch.set_num_threads(threads)
        try:
            event = next(events)
        except StopIteration:
            return
        finally:
            if threads != before:
                torch.set_num_threads(before)
        yield event
