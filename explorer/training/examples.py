"""Training examples for priors: windows of codes with the labels, times and lyrics that go with them.

Knows: how a window of a song (or of a part of it, as if that were the whole song) is conditioned, by
the same functions that sampling uses, and which lyric token is sung at which code. Does not know
losses. Every batch is a function of (seed, step).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from explorer.jukebox.conditioning import LabelBatch
from explorer.jukebox.config import Level
from explorer.jukebox.diction import SungRows
from explorer.jukebox.following import place_bias
from explorer.jukebox.ground import GroundRows
from explorer.jukebox.labels import LabelLists, SongLabels, label_names
from explorer.jukebox.prior import NOT_TOLD, Prior
from explorer.jukebox.rows import window_labels, window_lyric_indices
from explorer.jukebox.tune import TuneRows
from explorer.training.codes import CorpusCodes
from explorer.training.corpus import CorpusSong
from explorer.training.habits import ground_of
from explorer.training.tunes import tune_of
from explorer.transliteration import transliterate

LEAD_SECONDS = 1.5
"""A part of a song begins at most this long before its first line."""
UNTOLD = 2 / 3
"""Share of the examples without artist and genre that are without lyrics, ground and the level above, too."""


@dataclass(frozen=True)
class Excerpt:
    """A song, or some of its lines as if they were a whole song. Times in samples."""

    song: int
    start: int
    stop: int
    lyrics: str
    first_character: int
    """Index of the excerpt's first character in the song's lyrics."""


@dataclass(frozen=True)
class Example:
    """One window of an excerpt."""

    excerpt: Excerpt
    labels: SongLabels
    start: int
    """Code of the window's begin, counted from the excerpt's."""
    above: bool = True
    """Whether the codes of the level above are told."""


@dataclass(frozen=True)
class Batch:
    """A batch of windows, ready for a prior."""

    codes: torch.Tensor
    """[batch, n_ctx]"""
    labels: LabelBatch
    upper: torch.Tensor | None
    """[batch, n_ctx / factor] for upsamplers; NOT_TOLD where it is left out."""
    sung: torch.Tensor | None
    """[batch, n_ctx] column of the lyric window that is sung at each code; −1 where none is. For a prior that follows
    its lyrics the last one sung counts on until the next."""
    lyric_bias: torch.Tensor | None = None
    """[batch, heads, n_ctx, n_tokens] ``Conditioning.lyric_bias`` for a prior that follows its lyrics."""
    shown: torch.Tensor | None = None
    """[batch, n_ctx] ``codes`` with some in the place of others: what a prior is shown as a window's past."""


class ExampleMaker:
    """Cuts examples for one level out of a corpus."""

    def __init__(
        self,
        codes: CorpusCodes,
        prior: Prior,
        level: Level,
        lists: LabelLists,
        label_dropout: float,
        misheard: float = 0.0,
    ) -> None:
        """``label_dropout``: how often both names are told as unknown, and as often the artist alone, and the genre;
        at most 1/3. As often the ground is not told, whatever else is, and
        where it is, as often the tune is not. ``misheard``: ``Batch.shown`` has other codes in
        the place of up to this share of a window's; chance decides for each window how many."""
        self.codes, self.prior, self.level, self.lists = codes, prior, level, lists
        self.label_dropout, self.misheard = label_dropout, misheard
        self._lengths = np.array([song.samples for song in codes.corpus.songs], dtype=np.float64)

    def batch(self, size: int, seed: int, step: int) -> Batch:
        random = np.random.default_rng((seed, step % 2**32))
        examples = [self.draw(random) for _ in range(size)]
        batch = self.collate(examples)
        if self.misheard:
            batch = replace(batch, shown=_misheard(batch.codes, self.misheard, random))
        return replace(batch, lyric_bias=self._lyric_bias(batch)) if self.prior.config.follows else batch

    def _lyric_bias(self, batch: Batch) -> torch.Tensor:
        """Where the songs are in their lyrics throughout their windows: at the columns that are sung."""
        config = self.prior.config
        assert batch.sung is not None and config.lyrics is not None and config.alignment_head is not None
        before = torch.zeros(len(batch.sung), dtype=torch.int64)
        heads, first = config.transformer.heads, config.alignment_head
        return place_bias(batch.sung + 1, before, config.lyrics.n_tokens, heads, first)

    def draw(self, random: np.random.Generator) -> Example:
        """A random window; half of the time of some lines only, as if they were the whole song."""
        index = int(random.choice(len(self._lengths), p=self._lengths / self._lengths.sum()))
        song = self.codes.corpus.songs[index]
        window = self.prior.window_length
        excerpt = self._whole(index)
        if len(song.lines) > 1 and random.random() < 0.5:
            part = self._some_lines(index, random)
            if part.stop - part.start >= window:
                excerpt = part
        step = self.prior.hop * self.prior.upsampling
        last = (excerpt.stop - excerpt.start - window) // step
        start = int(random.integers(0, last + 1)) * self.prior.upsampling
        return self._left_out(song, excerpt, start, random)

    def _left_out(self, song: CorpusSong, excerpt: Excerpt, start: int, random: np.random.Generator) -> Example:
        """The example with some names left out, or all that is told: guidance needs music that is learnt without."""
        untold, share = random.random() < UNTOLD, self.label_dropout
        artist, genre = [
            (song.artist, song.genre),
            ("unknown", "unknown"),
            ("unknown", song.genre),
            (song.artist, "unknown"),
        ][int(random.choice(4, p=[1 - 3 * share, share, share, share]))]
        untold = untold and artist == genre == "unknown"
        ground = random.random() >= share and not untold
        tune = random.random() >= share and ground
        example = self.example(excerpt, start, artist, genre, "" if untold else excerpt.lyrics, ground, tune)
        return replace(example, above=not untold)

    def fixed(self, windows_per_song: int) -> list[Example]:
        """Evenly spread windows of whole songs, for held-out figures."""
        examples = []
        for index, song in enumerate(self.codes.corpus.songs):
            excerpt = self._whole(index)
            codes = (excerpt.stop - self.prior.window_length) // self.prior.hop
            for i in range(windows_per_song):
                start = int(codes * (i + 0.5) / windows_per_song) // self.prior.upsampling * self.prior.upsampling
                examples.append(self.example(excerpt, start, song.artist, song.genre, excerpt.lyrics))
        return examples

    def example(
        self,
        excerpt: Excerpt,
        start: int,
        artist: str,
        genre: str,
        lyrics: str,
        ground: bool = True,
        tune: bool = True,
    ) -> Example:
        """A window with any labels and lyrics, also wrong ones (to measure what the right ones are worth). ``ground``
        and ``tune``: whether the song's are told."""
        labels = label_names(
            artist, genre, lyrics, self.prior.config, self.lists, excerpt.stop - excerpt.start, 0, transliterate
        )
        song, rate = self.codes.corpus.songs[excerpt.song], self.codes.corpus.sample_rate
        if ground:
            labels = replace(labels, ground=ground_of(song, excerpt.start, rate))
        if tune and lyrics:
            labels = replace(labels, tune=tune_of(song, excerpt.start, rate))
        return Example(excerpt, labels, start)

    def collate(self, examples: list[Example], with_times: bool = True) -> Batch:
        """Stack examples; ``with_times`` False leaves out what is sung when (for wrong lyrics)."""
        prior, n_ctx = self.prior, self.prior.config.n_ctx
        rows, uppers, sung = [], [], []
        for example in examples:
            first = example.excerpt.start // prior.hop + example.start
            rows.append(self.codes.song(example.excerpt.song, self.level)[first : first + n_ctx])
            if prior.config.conditioner is not None:
                above = Level.MIDDLE if self.level is Level.BOTTOM else Level.TOP
                first, count = first // prior.upsampling, n_ctx // prior.upsampling
                codes = self.codes.song(example.excerpt.song, above)[first : first + count]
                uppers.append(codes if example.above else np.full_like(codes, NOT_TOLD))
            if prior.config.lyrics is not None and with_times:
                sung.append(self._sung_columns(example))
        batches = [window_labels(prior, [e.labels], e.start) for e in examples]
        if prior.config.diction is not None:
            batches = [replace(b, sung=self._sung_rows(e)) for b, e in zip(batches, examples, strict=True)]
        return Batch(
            codes=torch.from_numpy(np.stack(rows).astype(np.int64)),
            labels=_stack(batches),
            upper=torch.from_numpy(np.stack(uppers).astype(np.int64)) if uppers else None,
            sung=torch.from_numpy(np.stack(sung)) if sung else None,
        )

    def _whole(self, index: int) -> Excerpt:
        song = self.codes.corpus.songs[index]
        samples = len(self.codes.song(index, self.level)) * self.prior.hop
        return Excerpt(index, 0, samples, song.lyrics, 0)

    def _some_lines(self, index: int, random: np.random.Generator) -> Excerpt:
        """From shortly before a random line to shortly after a later one, on the coarsest codes' grid."""
        song = self.codes.corpus.songs[index]
        rate = self.codes.corpus.sample_rate
        first = int(random.integers(0, len(song.lines)))
        last = int(random.integers(first, len(song.lines)))
        begin, end = song.lines[first][0], song.lines[last][1]
        grid = max(self.codes.hops.values())
        lead = float(random.uniform(0, LEAD_SECONDS))
        start = max(0, int((song.characters[begin].start - lead) * rate)) // grid * grid
        whole = len(self.codes.song(index, self.level)) * self.prior.hop
        stop = min(whole, int((song.characters[end - 1].end + lead) * rate) // grid * grid)
        return Excerpt(index, start, stop, song.lyrics[begin:end], begin)

    def _sung_rows(self, example: Example) -> SungRows:
        """What is sung in a window. Another song's words are told at the times of the own ones, one for one."""
        prior, excerpt, diction = self.prior, example.excerpt, self.prior.config.diction
        assert diction is not None
        song = self.codes.corpus.songs[excerpt.song]
        per_second = self.codes.corpus.sample_rate / prior.hop
        begins, tokens = [], []
        for token, index in zip(example.labels.lyric_tokens, example.labels.token_characters, strict=True):
            if index < len(excerpt.lyrics):
                seconds = song.characters[excerpt.first_character + index].start
                begins.append(round(seconds * per_second) - excerpt.start // prior.hop)
                tokens.append(token)
        first = torch.tensor(begins, dtype=torch.int64).cummax(0).values if begins else torch.zeros(0)
        length = (excerpt.stop - excerpt.start) // prior.hop
        return SungRows.of(tokens, first, example.start, prior.config.n_ctx, length).near(diction.reach)

    def _sung_columns(self, example: Example) -> np.ndarray:
        """int64 [n_ctx]: which column of the lyric window is sung at each code, −1 for none."""
        prior, excerpt = self.prior, example.excerpt
        song: CorpusSong = self.codes.corpus.songs[excerpt.song]
        indices = window_lyric_indices(prior, example.labels, example.start)
        # a prior that follows has read what is before the first character
        before = sum(token < 0 for token in indices) - 1 if prior.config.follows else -1
        columns = np.full(prior.config.n_ctx, before, dtype=np.int64)
        per_second = self.codes.corpus.sample_rate / prior.hop
        begin = excerpt.start // prior.hop + example.start
        for column, token in enumerate(indices):
            if token < 0:
                continue
            character = song.characters[excerpt.first_character + example.labels.token_characters[token]]
            first = round(character.start * per_second) - begin
            last = round(character.end * per_second) - begin
            if prior.config.follows and first < prior.config.n_ctx:
                last = prior.config.n_ctx
            columns[max(0, first) : max(0, last)] = column
        return columns


def _misheard(codes: torch.Tensor, most: float, random: np.random.Generator) -> torch.Tensor:
    """``codes`` with up to a share ``most`` of each row replaced by codes of other places and rows, so as often as
    these occur."""
    heard = codes.numpy()
    shares = random.uniform(0.0, most, (len(heard), 1))
    others = random.choice(heard.reshape(-1), heard.shape)
    return torch.from_numpy(np.where(random.random(heard.shape) < shares, others, heard))


def _stack(batches: list[LabelBatch]) -> LabelBatch:
    """Label batches of one window each as one batch."""

    def cat(name: str) -> torch.Tensor:
        return torch.cat([getattr(b, name) for b in batches])

    return LabelBatch(
        total_length=cat("total_length"),
        offset=cat("offset"),
        window_length=batches[0].window_length,
        artist_ids=cat("artist_ids"),
        artist_weights=cat("artist_weights"),
        genre_ids=cat("genre_ids"),
        genre_weights=cat("genre_weights"),
        lyric_tokens=None if batches[0].lyric_tokens is None else cat("lyric_tokens"),
        ground=GroundRows.stacked([b.ground for b in batches if b.ground is not None]),
        tune=TuneRows.stacked([b.tune for b in batches if b.tune is not None]),
        sung=None if batches[0].sung is None else SungRows.stacked([b.sung for b in batches if b.sung is not None]),
    )
