"""The scorecard of a model: every measure of every set of songs, as one report.

Knows: which sets there are (held-out songs, their reconstruction at each level, generated songs) and
which measures need what. Does not know goals (``rows``) or how anything is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.checkpoints.folder import find_model, load_config, model_hashes
from explorer.engine import Jukebox
from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.jukebox.song import SamplingOptions, Song
from explorer.jukebox.vqvae import VQVAE
from explorer.library import Sample
from explorer.training.codes import CorpusCodes
from explorer.training.corpus import Corpus, CorpusError
from explorer.training.keys import parse_key
from explorer.training.recognition import FRAME_RATE, Recogniser
from explorer.training.scorecard.clips import (
    Clip,
    excerpts,
    generated_clips,
    reconstruction,
    sample_folders,
    sung_words,
    upsampled,
)
from explorer.training.scorecard.distance import equal_shares, frechet_distance, piece_means
from explorer.training.scorecard.faults import Fault, count_faults, find_faults
from explorer.training.scorecard.labels import describe_sound, new_classifier, recognised, train_classifier
from explorer.training.scorecard.letters import LetterEar, Spelled, letters_heard
from explorer.training.scorecard.levels import code_figures, load_vqvae, reconstruction_figures
from explorer.training.scorecard.notes import (
    Notes,
    PitchTracker,
    describe_notes,
    estimate_key,
    summarise_notes,
)
from explorer.training.scorecard.structure import (
    Structure,
    by_genre,
    describe_structure,
    mean_bars,
    mean_pulse,
    order_kept,
)
from explorer.training.scorecard.timing import is_monotone, onset_errors, summarise_timing
from explorer.training.scorecard.words import FEWEST_WORDS, Listened, summarise_words, word_errors
from explorer.training.sung_letters import sung_classes

SCHEMA = 2
"""Of the report; 1 held the figures of the levels only."""
REAL, UPSAMPLED, GENERATED, TRAINING = "real", "upsampled", "generated", "training"
"""Names of sets beside the levels' names, which stand for reconstructions."""

Say = Callable[[str], None]


class Family(StrEnum):
    """Measures that are asked for together."""

    RECONSTRUCTION = "reconstruction"
    CODES = "codes"
    LABELS = "labels"
    STRUCTURE = "structure"
    WORDS = "words"
    LETTERS = "letters"
    TIMING = "timing"
    NOTES = "notes"
    DISTANCE = "distance"
    FAULTS = "faults"


HEARD = frozenset(
    {
        Family.LABELS,
        Family.STRUCTURE,
        Family.WORDS,
        Family.LETTERS,
        Family.NOTES,
        Family.DISTANCE,
        Family.FAULTS,
    }
)
"""Families that listen to clips of every set."""
LETTERS_FROM_EVERY = 9
"""Letters are learnt from every n-th training song, the same in a quick look as in a long one: figures that come from
another ear cannot be compared."""


@dataclass(frozen=True)
class Plan:
    """What is measured on what."""

    model: str | Path
    heldout: Path
    train: Path | None
    """Songs that the classifiers learn from; without them genre, artist and letters are not measured."""
    samples: Path | None
    """Generated songs; without them only the ceilings are measured."""
    work: Path
    """Decoded songs and codes are kept here, in the places in which training keeps them."""
    evaluators: Path
    """The recogniser's weights are put together here."""
    families: frozenset[Family] = frozenset(Family)
    seconds: float = 10.0
    """Length of the excerpts of real songs: that of the generated ones."""
    excerpts: int = 3
    windows: int = 4
    every_nth_song: int = 1
    """Of the held-out and the training songs, for a quick look; letters are learnt from the same ones all the same."""
    upsample: bool = False
    """Whether middle and bottom are also drawn for held-out songs' top codes: what is lost below the top level."""
    sampling: SamplingOptions | None = None
    """How they are drawn; None: as the model says."""


@dataclass(frozen=True)
class Description:
    """What was measured of one clip; None where the family was not asked for."""

    clip: str
    """Its name: a clip made of a real one has that one's."""
    genre: str
    artist: str
    figures: np.ndarray | None
    structure: Structure | None
    listened: Listened | None
    spelled: Spelled | None
    notes: Notes | None
    pieces: np.ndarray | None
    faults: tuple[Fault, ...] | None


class Listener:
    """The evaluators that the wanted families need."""

    def __init__(self, families: frozenset[Family], evaluators: Path) -> None:
        """Raises EvaluatorMissing."""
        if Family.LABELS in families:
            new_classifier()
        self._families = families
        states = {Family.WORDS, Family.LETTERS, Family.DISTANCE}
        self._recogniser = Recogniser(evaluators) if families & states else None
        self._ear: LetterEar | None = None
        self._pitch = PitchTracker() if Family.NOTES in families else None

    def learn_letters(self, clips: Iterable[Clip]) -> None:
        """From real songs, before the letters of others can be described."""
        states, classes = [], []
        for clip in clips:
            states.append(self._states(clip))
            classes.append(sung_classes(clip.characters, len(states[-1])))
        self._ear = LetterEar(np.concatenate(states), np.concatenate(classes))

    def _states(self, clip: Clip) -> np.ndarray:
        """What the recogniser makes of a clip, [frames, width]."""
        assert self._recogniser is not None
        return self._recogniser.states(clip.audio, clip.sample_rate)

    def describe(self, clip: Clip, only: frozenset[Family] = HEARD) -> Description:
        """One clip by the wanted families; its letters only once letters have been learnt."""
        wanted, audio, rate = self._families & only, clip.audio, clip.sample_rate
        listened = spelled = notes = pieces = None
        if Family.WORDS in wanted and len(clip.lyrics.split()) >= FEWEST_WORDS:
            assert self._recogniser is not None
            listened = Listened(clip.lyrics, self._recogniser.words(audio, rate))
        ear = self._ear if Family.LETTERS in wanted and clip.characters else None
        if ear is not None or Family.DISTANCE in wanted:
            states = self._states(clip)
            spelled = None if ear is None else ear.spell(states, sung_classes(clip.characters, len(states)))
            pieces = piece_means(states, FRAME_RATE) if Family.DISTANCE in wanted else None
        if Family.NOTES in wanted:
            assert self._pitch is not None
            hertz, key = self._pitch.voiced(audio, rate), estimate_key(audio, rate)
            notes = describe_notes(hertz, key, parse_key(clip.key), clip.notes)
        return Description(
            clip.name,
            clip.genre,
            clip.artist,
            describe_sound(audio, rate) if Family.LABELS in wanted else None,
            describe_structure(audio, rate, clip.bar, clip.first_bar) if Family.STRUCTURE in wanted else None,
            listened,
            spelled,
            notes,
            pieces,
            find_faults(audio, rate) if Family.FAULTS in wanted else None,
        )


def check_evaluators(families: frozenset[Family], evaluators: Path) -> None:
    """Raises EvaluatorMissing for a package that ``families`` need."""
    Listener(families, evaluators)


def score(plan: Plan, models_folder: Path | None = None, say: Say = lambda text: None) -> dict[str, Any]:
    """The whole report. Raises EvaluatorMissing (before any long work), CheckpointError, CorpusError,
    RecordError and AudioError; songs of another sampling rate than the model's are a CorpusError,
    since resampling would change what is measured.
    """
    folder = find_model(plan.model, models_folder)
    config = load_config(folder)
    listener = Listener(plan.families, plan.evaluators)
    corpus = _songs(plan.heldout, plan, config.sample_rate, plan.every_nth_song)
    folders = sample_folders(plan.samples) if plan.samples is not None else []
    vqvae = load_vqvae(folder)
    hashes = model_hashes(folder)
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "model": config.name,
        "weights": hashes,
        "songs": {"count": len(corpus.songs), "hours": round(corpus.seconds / 3600, 3)},
        "excerpts": {"seconds": plan.seconds, "per_song": plan.excerpts},
        "samples": {"count": len(folders)},
        "levels": {},
        "sets": {},
    }
    levels = report["levels"]
    if Family.RECONSTRUCTION in plan.families:
        for name, figures in reconstruction_figures(vqvae, corpus, say).items():
            levels.setdefault(name, {})["reconstruction"] = figures
    if plan.families & {Family.CODES, Family.TIMING}:
        say("encoding the songs")
        codes = CorpusCodes.encode(corpus, vqvae, SAMPLING_ORDER, plan.work / "codes")
        if Family.CODES in plan.families:
            for name, figures in code_figures(folder, codes, plan.windows, say).items():
                levels.setdefault(name, {})["codes"] = figures
        if Family.TIMING in plan.families:
            report["sets"].setdefault(REAL, {})["timing"] = _held_out_timing(folder, codes, say)
    if folders:
        records = [Sample.open(folder) for folder in folders]
        report["samples"]["of_these_weights"] = sum(dict(s.record.weights) == hashes for s in records)
        if Family.TIMING in plan.families:
            aligned = [alignment for sample in records if (alignment := sample.alignment()) is not None]
            timing = summarise_timing([], [is_monotone(alignment.weights) for alignment in aligned])
            report["sets"].setdefault(GENERATED, {})["timing"] = timing
    if plan.families & HEARD:
        if Family.LETTERS in plan.families and plan.train is not None:
            say("learning letters from the training songs")
            listener.learn_letters(_clips(_songs(plan.train, plan, config.sample_rate, LETTERS_FROM_EVERY), plan))
        jukebox = Jukebox.load(folder, "cpu") if plan.upsample else None
        described = _describe_sets(plan, corpus, vqvae, jukebox, folders, listener, say)
        for name, clips in described.items():
            report["sets"].setdefault(name, {}).update(_summary(clips, described[REAL]))
        if Family.STRUCTURE in plan.families:
            for name, found in _structures(described).items():
                report["sets"][name]["structure"] = found
        if Family.LABELS in plan.families and plan.train is not None:
            for name, found in _labels(plan, config.sample_rate, described, say).items():
                report["sets"][name]["labels"] = found
        if Family.DISTANCE in plan.families:
            for name, distance in _distances(plan, config.sample_rate, described, listener, say).items():
                report["sets"].setdefault(name, {})["distance"] = distance
    return report


def _songs(folder: Path, plan: Plan, sample_rate: int, every_nth: int) -> Corpus:
    corpus = Corpus.open(folder, plan.work / "cache").thinned(every_nth)
    if corpus.sample_rate != sample_rate:
        rates = f"{corpus.sample_rate} samples per second, the model {sample_rate}"
        raise CorpusError(f"The songs in {folder.name} have {rates}.")
    return corpus


def _held_out_timing(folder: Path, codes: CorpusCodes, say: Say) -> dict[str, Any]:
    """The model's alignment of whole held-out songs against their true times."""
    jukebox = Jukebox.load(folder, "cpu")
    corpus = codes.corpus
    errors: list[float] = []
    monotone: list[bool] = []
    for index, song in enumerate(corpus.songs):
        if not song.lyrics:
            continue
        say(f"timing of held-out songs: {index + 1} of {len(corpus.songs)}")
        row = codes.song(index, Level.TOP)
        seconds = len(row) * codes.hops[Level.TOP] / corpus.sample_rate
        recipe = Song(song.genre, song.artist, song.lyrics, seconds, total_seconds=seconds)
        (alignment,) = jukebox.align(torch.from_numpy(row.astype(np.int64))[None], recipe)
        if alignment is not None:
            errors += onset_errors(sung_words(song), alignment)
            monotone.append(is_monotone(alignment.weights))
    return summarise_timing(errors, monotone)


def _describe_sets(
    plan: Plan,
    corpus: Corpus,
    vqvae: VQVAE,
    jukebox: Jukebox | None,
    folders: Sequence[Path],
    listener: Listener,
    say: Say,
) -> dict[str, list[Description]]:
    """Every clip of every set, described. One song after another, so that little sound is held at once."""
    found: dict[str, list[Description]] = {REAL: [], **{level.value: [] for level in SAMPLING_ORDER}}
    for number, song in enumerate(corpus.songs, start=1):
        say(f"listening to held-out songs: {number} of {len(corpus.songs)}")
        for clip in excerpts(corpus, song, plan.seconds, plan.excerpts):
            found[REAL].append(listener.describe(clip))
            for level in SAMPLING_ORDER:
                found[level.value].append(listener.describe(reconstruction(vqvae, clip, level)))
    if jukebox is not None:
        found[UPSAMPLED] = []
        found_clips = [clip for song in corpus.songs for clip in excerpts(corpus, song, plan.seconds, plan.excerpts)]
        longest = max(len(clip.audio) for clip in found_clips)
        clips = [clip for clip in found_clips if len(clip.audio) == longest]  # a shorter song cannot join in
        for number, clip in enumerate(upsampled(jukebox, clips, plan.sampling), start=1):
            say(f"listening to upsampled pieces: {number} of {len(clips)}")
            found[UPSAMPLED].append(listener.describe(clip))
        jukebox.close()
    if folders:
        found[GENERATED] = []
        for number, clip in enumerate(generated_clips(folders), start=1):
            say(f"listening to generated songs: {number} of {len(folders)}")
            found[GENERATED].append(listener.describe(clip))
    return found


def _summary(clips: Sequence[Description], real: Sequence[Description]) -> dict[str, Any]:
    """The measures that need no other set but the real clips that these were made of, if they were."""
    found: dict[str, Any] = {}
    origins = {clip.clip: clip.notes for clip in real if clip.notes is not None}
    if listened := [clip.listened for clip in clips if clip.listened is not None]:
        found["words"] = summarise_words(word_errors(listened))
    if spelled := [clip.spelled for clip in clips if clip.spelled is not None]:
        found["letters"] = letters_heard(spelled)
    if notes := [clip.notes for clip in clips if clip.notes is not None]:
        of = [origins[clip.clip] for clip in clips if clip.notes is not None and clip.clip in origins]
        found["notes"] = summarise_notes(notes, of)
    if faults := [clip.faults for clip in clips if clip.faults is not None]:
        found["faults"] = count_faults(faults)
    return found


def _structures(described: dict[str, list[Description]]) -> dict[str, Any]:
    """set → figures by genre, and whether the genres stand in the order of the real songs'."""
    found = {
        name: [(clip.genre, clip.structure) for clip in clips if clip.structure is not None]
        for name, clips in described.items()
    }
    means = {name: by_genre(clips) for name, clips in found.items()}
    return {
        name: {
            "genres": means[name],
            "order_kept": order_kept(means[REAL], means[name]),
            "pulse": mean_pulse(clips),
            "bars": mean_bars(clips),
        }
        for name, clips in found.items()
    }


def _clips(corpus: Corpus, plan: Plan) -> Iterator[Clip]:
    for song in corpus.songs:
        yield from excerpts(corpus, song, plan.seconds, plan.excerpts)


def _labels(plan: Plan, sample_rate: int, described: dict[str, list[Description]], say: Say) -> dict[str, Any]:
    """set → recognition of genre and artist by classifiers of the training songs."""
    say("learning genres and artists from the training songs")
    assert plan.train is not None
    songs = _songs(plan.train, plan, sample_rate, plan.every_nth_song)
    learned = [(describe_sound(c.audio, c.sample_rate), c.genre, c.artist) for c in _clips(songs, plan)]
    figures = np.stack([row for row, _, _ in learned])
    genre = train_classifier(figures, [genre for _, genre, _ in learned])
    artist = train_classifier(figures, [artist for _, _, artist in learned])
    found = {}
    for name, clips in described.items():
        heard = np.stack([clip.figures for clip in clips if clip.figures is not None])
        found[name] = {
            "genre": recognised(genre, heard, [clip.genre for clip in clips]),
            "artist": recognised(artist, heard, [clip.artist for clip in clips]),
        }
    return found


def _distances(
    plan: Plan, sample_rate: int, described: dict[str, list[Description]], listener: Listener, say: Say
) -> dict[str, Any]:
    """set → distance to the held-out songs. Training songs show how far other real songs are."""
    sets = {name: _pieces(clips) for name, clips in described.items()}
    if plan.train is not None:
        say("distance of training songs")
        songs = _songs(plan.train, plan, sample_rate, plan.every_nth_song)
        wanted = max(1, len(described[REAL]) // plan.excerpts)
        clips = _clips(songs.thinned(max(1, len(songs.songs) // wanted)), plan)
        sets[TRAINING] = _pieces([listener.describe(clip, frozenset({Family.DISTANCE})) for clip in clips])
    sets = {name: pieces for name, pieces in sets.items() if len(pieces) >= 2}
    if REAL not in sets:
        return {}
    cut = dict(zip(sets, equal_shares(list(sets.values())), strict=True))
    return {
        name: {"frechet": round(frechet_distance(cut[REAL], pieces), 4), "pieces": len(pieces)}
        for name, pieces in cut.items()
        if name != REAL
    }


def _pieces(clips: Iterable[Description]) -> np.ndarray:
    rows = [clip.pieces for clip in clips if clip.pieces is not None and len(clip.pieces)]
    return np.concatenate(rows) if rows else np.zeros((0, 1))
