"""Names, times and words of a song as the numbers that condition a model.

Knows: the published second and third version of the name rules, the rules of this project's own
models, weighted mixtures, and which times a model can be conditioned on (Dhariwal et al. 2020,
section 4 and the released models' label lists). Does not know: files, embeddings, or which windows
are sampled.

Look-ups are as published, with their quirks: under v2 eleven artists can never be found because
the rule strips the underscore that their entry ends in, and under v3 surrounding space and
punctuation count. Different on purpose: what the published code asserts or warns about on the
console becomes a SongError or a Note that the caller can show.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import torch

from explorer.jukebox.config import LabelConfig, LabelRules, Level, ModelConfig, PriorConfig, Vocabulary
from explorer.jukebox.ground import Ground
from explorer.jukebox.lyrics import Transliterate, alphabet, lyric_window, tokenize, window_tokens
from explorer.jukebox.phones import Pronounce, Word, spoken_words
from explorer.jukebox.song import Song, SongError
from explorer.jukebox.tune import Tune

UNKNOWN = 0
"""Id of the label for anything the lists do not name."""


class NoteKind(StrEnum):
    UNKNOWN_ARTIST = "unknown-artist"
    UNKNOWN_GENRE = "unknown-genre"
    LYRICS_REPLACED = "lyrics-replaced"
    LYRICS_DROPPED = "lyrics-dropped"
    LYRICS_UNUSED = "lyrics-unused"
    TIME = "time"


@dataclass(frozen=True)
class Note:
    """Something the user should know about what the model really receives."""

    kind: NoteKind
    text: str


@dataclass(frozen=True)
class LabelLists:
    """Name → id, as published or as trained with."""

    artists: Mapping[str, int]
    genres: Mapping[str, int]


@dataclass(frozen=True)
class SongLabels:
    """What one level receives for one song."""

    artists: tuple[tuple[int, float], ...]
    """(id, weight): the weighted sum of these style embeddings; the weights add up to 1."""
    genres: tuple[tuple[int, float], ...]
    """(id, weight): every id of a genre of several words has that genre's full weight, as published."""
    total_length: int
    """Samples of the imagined whole song."""
    offset: int
    """Sample of it at which the music begins."""
    lyric_tokens: tuple[int, ...] = ()
    """The whole song's tokens; empty where the level reads no lyrics."""
    token_characters: tuple[int, ...] = ()
    """For each token the index in ``Song.lyrics`` that it came from."""
    notes: tuple[Note, ...] = ()
    ground: Ground | None = None
    """Bars, key and chords; None where they are not told."""
    tune: Tune | None = None
    """The notes that are sung; None where they are not told."""
    words: tuple[Word, ...] = ()
    """The words of the lyrics and how they sound, for a level that plans when they are sung."""


def parse_list(text: str) -> dict[str, int]:
    """A label list, one ``name;id`` per line; of duplicates the last wins, as published.

    Names may contain semicolons. Raises ValueError with the number of a line that does not fit.
    """
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        name, separator, value = line.rpartition(";")
        if not separator or not value.strip().isdecimal():
            raise ValueError(f"line {number} is not name;id: {line[:80]!r}")
        found[name.strip()] = int(value)
    return found


def format_list(names: Mapping[str, int]) -> str:
    """The inverse of ``parse_list``."""
    return "".join(f"{name};{value}\n" for name, value in names.items())


# ---------------------------------------------------------------------------------------- mixtures

_WEIGHT = r"(?:\d+(?:\.\d*)?|\.\d+)"
_NEXT_PART = re.compile(rf"\s*/\s*(?=[-+]?{_WEIGHT}\s)")
_PART = re.compile(rf"({_WEIGHT})\s+(\S.*)", re.DOTALL)
_HALF_WEIGHTED = re.compile(r"\d*\.\d+\s.*\s/\s", re.DOTALL)


def parse_blend(text: str) -> tuple[tuple[str, float], ...]:
    """A name, or a mixture "0.5 Pop / 0.5 Jazz" as the published explorer wrote it.

    Returns (name, weight) with weights that add up to 1; a plain name has weight 1, and so have
    names like "50 Cent" or "AC/DC". Raises SongError where some parts of a mixture have a weight
    and others do not, or the weights add up to nothing.
    """
    parts = _NEXT_PART.split(text.strip())
    if len(parts) == 1 and not _HALF_WEIGHTED.match(parts[0]):
        return ((text, 1.0),)
    found = [_PART.fullmatch(part) for part in parts]
    if len(parts) == 1 or not all(found):
        raise SongError(f"Write a mixture with a weight for every name, like 0.5 Pop / 0.5 Jazz, not {text[:80]!r}.")
    weights = [float(match[1]) for match in found if match]
    total = sum(weights)
    if not (math.isfinite(total) and total > 0):
        raise SongError(f"The weights of a mixture must add up to more than 0, not {text[:80]!r}.")
    return tuple((match[2].strip(), w / total) for match, w in zip(found, weights, strict=True) if match)


# ------------------------------------------------------------------------------------------- names


def normalize_v2(name: str) -> str:
    """The published second version: lower case, other than a-z and 0-9 becomes one underscore, ends stripped."""
    return re.sub(r"_+", "_", re.sub(r"[^a-z0-9]", "_", name.lower())).strip("_")


def artist_id(name: str, rules: LabelRules, artists: Mapping[str, int]) -> int | None:
    """Id of an artist, or None where the list does not have it."""
    if rules is LabelRules.V2:
        return artists.get(normalize_v2(name))
    return _whole_name(name, rules, artists)


def genre_ids(name: str, rules: LabelRules, genres: Mapping[str, int]) -> tuple[int | None, ...]:
    """Ids of one genre: under v2 one per word, otherwise a single one; None for each that is not in the list."""
    if rules is LabelRules.V2:
        return tuple(genres.get(word) for word in normalize_v2(name).split("_"))
    return (_whole_name(name, rules, genres),)


def _whole_name(name: str, rules: LabelRules, names: Mapping[str, int]) -> int | None:
    if rules is LabelRules.V3:
        return names.get(name.lower())
    wanted = name.strip().casefold()
    return next((value for known, value in names.items() if known.strip().casefold() == wanted), None)


@functools.lru_cache(maxsize=8)
def _plain_names(names: tuple[str, ...]) -> dict[str, str]:
    return {normalize_v2(known).replace("_", " "): known for known in names}


@functools.lru_cache(maxsize=256)
def _near_names(name: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Up to three of ``names`` like ``name``. Remembered, since searching thousands takes a while."""
    plain = _plain_names(names)
    close = difflib.get_close_matches(normalize_v2(name).replace("_", " "), plain, n=3, cutoff=0.75)
    return tuple(plain[c] for c in close)


def _near(name: str, names: Mapping[str, int]) -> str:
    """A sentence with up to three names like ``name``, or nothing."""
    close = _near_names(name, tuple(known for known, value in names.items() if value != UNKNOWN))
    return f" Similar names it knows: {', '.join(close)}." if close else ""


def _artists(text: str, config: LabelConfig, lists: LabelLists) -> tuple[list[tuple[int, float]], list[Note]]:
    labels: list[tuple[int, float]] = []
    notes: list[Note] = []
    for name, weight in parse_blend(text):
        found = artist_id(name, config.rules, lists.artists)
        if found is None and name.strip():
            plain = normalize_v2(name)
            if config.rules is LabelRules.V2 and f"{plain}_" in lists.artists:
                why = f'"{name}" is in the model\'s list, but its published look-up rule can never find that entry.'
            else:
                why = f'The model does not know the artist "{name}".' + _near(name, lists.artists)
            notes.append(Note(NoteKind.UNKNOWN_ARTIST, f"{why} It will sing as an unknown artist."))
        labels.append((UNKNOWN if found is None else found, weight))
    return labels, notes


def _genres(text: str, config: LabelConfig, lists: LabelLists) -> tuple[list[tuple[int, float]], list[Note]]:
    labels: list[tuple[int, float]] = []
    notes: list[Note] = []
    for name, weight in parse_blend(text):
        ids = genre_ids(name, config.rules, lists.genres)
        if len(ids) > config.max_genres:
            raise SongError(
                f'The genre "{name[:80]}" has {len(ids)} words; this model reads at most {config.max_genres}.'
            )
        words = normalize_v2(name).split("_") if config.rules is LabelRules.V2 else [name]
        missing = [word for word, found in zip(words, ids, strict=True) if found is None]
        if missing and name.strip():
            what = f'the genre "{name}"' if len(words) == len(missing) else f'"{", ".join(missing)}" in "{name}"'
            near = _near(name, lists.genres)
            notes.append(Note(NoteKind.UNKNOWN_GENRE, f"The model does not know {what}; it counts as unknown.{near}"))
        labels += [(UNKNOWN if found is None else found, weight) for found in ids]
    return labels, notes


# ------------------------------------------------------------------------------------------- times


def _single(value: float) -> float:
    return float(torch.tensor(value, dtype=torch.float32))


def check_times(config: LabelConfig, sample_rate: int, total_length: int, offset: int, end: int) -> None:
    """Raise SongError unless a model can be conditioned on these times (all in samples).

    ``offset`` and ``end`` are where the last window begins and ends. The bounds are compared in
    single precision, as published.
    """
    if not 0 <= offset < total_length:
        raise SongError(
            f"A stretch of the music would begin at {offset / sample_rate:g} s of a song that lasts only "
            f"{total_length / sample_rate:g} s. Choose an earlier position or a longer song."
        )
    if config.t_bins is None:
        return
    low, high = _single(config.min_seconds * sample_rate), _single(config.max_seconds * sample_rate)
    if not low <= _single(total_length) < high:
        raise SongError(
            f"This model knows songs of {config.min_seconds:g} s to just under {config.max_seconds:g} s, "
            f"not of {total_length / sample_rate:g} s. Change the length of the whole song."
        )
    if _single(end) > high:
        raise SongError(
            f"The music would end {end / sample_rate:g} s into the song; this model knows only the first "
            f"{config.max_seconds:g} s. Choose an earlier position or make less."
        )


def _longest(config: LabelConfig, sample_rate: int) -> int:
    """Samples of the longest song that ``check_times`` accepts."""
    limit = _single(config.max_seconds * sample_rate)
    length = math.ceil(limit) - 1
    while _single(length) >= limit:
        length -= 1
    return length


def _times(song: Song, config: ModelConfig, level: Level) -> tuple[int, int, list[Note]]:
    """Samples (total length, offset) and notes. The same for every level, since the top decides."""
    rate = config.sample_rate
    hop = config.hop(Level.TOP)
    # seconds that came from codes must give the same number of codes again
    length = int(song.seconds * rate / hop + 1e-6) * hop
    offset = int(song.offset_seconds * rate)
    top = config.prior(Level.TOP).labels
    notes: list[Note] = []
    if song.total_seconds is not None:
        total = int(song.total_seconds * rate)
        if offset + length > total:
            text = f"The music goes on past the end of the imagined song of {song.total_seconds:g} s."
            notes.append(Note(NoteKind.TIME, text))
    else:
        total = wanted = max(int((config.default_seconds or 0.0) * rate), offset + length)
        if top is not None and top.t_bins is not None:
            total = min(max(total, math.ceil(top.min_seconds * rate)), _longest(top, rate))
        if total > wanted:
            text = f"The model is told that the whole song lasts {total / rate:g} s, the shortest it knows."
            notes.append(Note(NoteKind.TIME, text))
    labels = config.prior(level).labels
    if labels is not None:
        window = config.prior(level).n_ctx * config.hop(level)
        last = offset + max(length - window, 0)
        check_times(labels, rate, total, last, last + window)
    return total, offset, notes


# -------------------------------------------------------------------------------------------- all


def _shown(characters: tuple[str, ...], limit: int = 12) -> str:
    """A few characters for a message; unprintable ones by their number."""
    shown = [c if c.isprintable() and not c.isspace() else f"U+{ord(c):04X}" for c in characters[:limit]]
    return " ".join(shown) + (" …" if len(characters) > limit else "")


def _lyrics(
    lyrics: str, vocabulary: Vocabulary, transliterate: Transliterate, lower: bool
) -> tuple[tuple[int, ...], tuple[int, ...], list[Note]]:
    """Tokens, the characters that they came from, and notes; ``lower``: the model has read small letters only."""
    cleaned = tokenize(lyrics, vocabulary, (lambda c: transliterate(c).lower()) if lower else transliterate)
    notes: list[Note] = []
    replaced = [(c, r) for c, r in cleaned.replaced if not (lower and r == c.lower())]
    if replaced:
        pairs = [f"{_shown((c,))} as {r.strip() or 'a space or new line'}" for c, r in replaced[:8]]
        more = " and others" if len(replaced) > 8 else ""
        notes.append(Note(NoteKind.LYRICS_REPLACED, f"The model reads {', '.join(pairs)}{more}."))
    if cleaned.dropped:
        text = f"The model cannot read these characters and skips them: {_shown(cleaned.dropped)}"
        notes.append(Note(NoteKind.LYRICS_DROPPED, text))
    return cleaned.tokens, cleaned.characters, notes


def label_song(
    song: Song, config: ModelConfig, level: Level, lists: LabelLists, transliterate: Transliterate, pronounce: Pronounce
) -> SongLabels:
    """What ``level`` of the model receives for ``song``, with notes on everything that is not as written.

    Words are pronounced for a level that follows the lyrics, and so plans when they are sung.

    Raises SongError for what the model cannot be conditioned on: times out of its range, a v2
    genre of more words than its bag holds, or a mixture that cannot be read.
    """
    prior = config.prior(level)
    total, offset, notes = _times(song, config, level)
    if level is Level.TOP and prior.lyrics is None and not song.instrumental:
        notes.append(Note(NoteKind.LYRICS_UNUSED, "This model does not read lyrics; it will not sing these words."))
    labels = label_names(song.artist, song.genre, song.lyrics, prior, lists, total, offset, transliterate)
    words: tuple[Word, ...] = ()
    if prior.lyrics is not None and prior.follows:
        words = spoken_words(labels.lyric_tokens, alphabet(prior.lyrics.vocabulary), pronounce)
    return dataclasses.replace(labels, notes=(*notes, *labels.notes), words=words)


def label_names(
    artist: str,
    genre: str,
    lyrics: str,
    prior: PriorConfig,
    lists: LabelLists,
    total_length: int,
    offset: int,
    transliterate: Transliterate,
) -> SongLabels:
    """Names and words looked up for one level, with times (samples) given.

    As published, the times are only checked against each other here; ``check_times`` has the
    bounds of a top level. Raises SongError as ``label_song`` does.
    """
    if not 0 <= offset < total_length:
        raise SongError(f"The music would begin at sample {offset} of a song of only {total_length} samples.")
    artists: list[tuple[int, float]] = []
    genres: list[tuple[int, float]] = []
    tokens: tuple[int, ...] = ()
    characters: tuple[int, ...] = ()
    notes: list[Note] = []
    if prior.labels is not None:
        artists, artist_notes = _artists(artist, prior.labels, lists)
        genres, genre_notes = _genres(genre, prior.labels, lists)
        notes = artist_notes + genre_notes
    if prior.vocabulary is not None:
        own = prior.labels is not None and prior.labels.rules is LabelRules.OWN
        tokens, characters, lyric_notes = _lyrics(lyrics, prior.vocabulary, transliterate, own)
        notes += lyric_notes
    return SongLabels(tuple(artists), tuple(genres), total_length, offset, tokens, characters, tuple(notes))


def label_vector(
    labels: SongLabels,
    max_genres: int,
    n_tokens: int,
    window_length: int,
    window_offset: int = 0,
    single_precision: bool = True,
) -> tuple[list[int], list[int]]:
    """The published form of a window's labels, for songs that are no mixtures.

    Returns ([total_length, offset, window_length, artist, genre x max_genres, token x n_tokens],
    [lyric index x n_tokens]); empty genre slots are -1. ``window_offset`` (samples) is where the
    window lies in the music. Raises ValueError for mixtures, which this form cannot hold, and for a
    window that begins after the end of the song.
    """
    if len(labels.artists) != 1 or any(weight != 1.0 for _, weight in labels.genres):
        raise ValueError("a mixture has no published label vector")
    offset = labels.offset + window_offset
    if offset >= labels.total_length:
        raise ValueError(f"a window would begin at sample {offset} of a song of {labels.total_length}")
    genres = [value for value, _ in labels.genres]
    vector = [labels.total_length, offset, window_length, labels.artists[0][0]]
    vector += genres + [-1] * (max_genres - len(genres))
    if not n_tokens:
        return vector, []
    n_full = len(labels.lyric_tokens)
    indices = lyric_window(n_full, n_tokens, labels.total_length, offset, window_length, single_precision)
    return vector + window_tokens(labels.lyric_tokens, indices), indices
