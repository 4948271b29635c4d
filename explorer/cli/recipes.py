"""Options that describe a song, and how they become a recipe.

Knows: the song options of every command that makes something, recipe files, lyrics files. Does not
know: models, or what is done with a recipe.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cli.common import UsageError, settings_of, whole_number
from explorer.jukebox.config import SAMPLING_ORDER, Level
from explorer.jukebox.song import SEQUENTIAL, LevelSampling, SamplingOptions, Song, recipe_from_dict, usual_sampling

if TYPE_CHECKING:
    from explorer.library import Sample

SONG_FIELDS = ("genre", "artist", "seconds", "seed", "total_seconds", "offset_seconds")


def add_song_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--genre", metavar="G", help='genre, or a mixture like "0.5 reggae / 0.5 metal"')
    parser.add_argument("--artist", metavar="A", help="artist, or a mixture")
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--lyrics", metavar="TEXT", help=r"words to sing; \n begins a new line")
    words.add_argument("--lyrics-file", type=Path, metavar="F", help="text file with the words")
    words.add_argument("--instrumental", action="store_true", help="no words")
    parser.add_argument("--seconds", type=float, metavar="S", help="length of the audio (default: 12)")
    parser.add_argument("--seed", type=whole_number(0), metavar="N", help="same seed, same song (default: 0)")
    parser.add_argument("--total-seconds", type=float, metavar="S", help="length of the imagined whole song")
    parser.add_argument("--offset-seconds", type=float, metavar="S", help="where in it the audio begins")
    add_sampling_options(parser)


def add_sampling_options(parser: argparse.ArgumentParser) -> None:
    """How codes are drawn: what ``sampling_from`` reads."""
    parser.add_argument(
        "--temperature", metavar="T[,T,T]", help="for all levels, or top,middle,bottom (default: as the model says)"
    )
    parser.add_argument(
        "--guidance",
        metavar="G[,G,G]",
        help="how far names, words and the level above are followed: 1 as learnt, above more (default: the model's)",
    )
    parser.add_argument("--top-k", metavar="K[,K,K]", help="draw from the K likeliest codes only")
    parser.add_argument("--top-p", metavar="P[,P,P]", help="draw from the likeliest codes of this share only")
    parser.add_argument("--level", choices=[level.value for level in SAMPLING_ORDER], help="stop after this level")
    parser.add_argument(
        "--sequential",
        action="store_true",
        help="upsample one window after another, as published, instead of many stretches together",
    )


def open_sample(source: Path) -> Sample | None:
    """The sample in a folder; None for a file, which must be audio. Raises UsageError, RecordError."""
    from explorer.library import Sample

    if source.is_dir():
        return Sample.open(source)
    if not source.exists():
        raise UsageError(f"{source} does not exist; name a sample folder or an audio file.")
    return None


def read_recipe(file: Path) -> tuple[Song, SamplingOptions]:
    """The recipe in a sample.json, a sample folder or the tags of an audio file. Raises UsageError, SongError."""
    from explorer.audio.files import read_recipe as recipe_of_audio

    if file.is_dir():
        file = file / "sample.json"
    if file.suffix.lower() == ".json":
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(f"{file} is not a sample.json that can be read ({error}).") from error
        return recipe_from_dict(data.get("recipe") if isinstance(data, dict) else None)
    recipe = recipe_of_audio(file)
    if recipe is None:
        raise UsageError(f"{file} carries no recipe; only audio made by this program does.")
    return recipe_from_dict({"song": recipe.get("song"), "sampling": recipe.get("sampling")})


def begun_sample(file: Path) -> Sample | None:
    """The sample that ``file`` is a part of, where it went on from what no recipe holds. Raises RecordError."""
    from explorer.library import Sample

    folder = file if file.is_dir() else file.parent
    if not (folder / "sample.json").is_file():
        return None
    sample = Sample.open(folder)
    return sample if sample.record.went_on else None


def song_from(options: argparse.Namespace, song: Song) -> Song:
    """``song`` with what the options say otherwise. Raises SongError, UsageError."""
    changes = {name: getattr(options, name) for name in SONG_FIELDS if getattr(options, name) is not None}
    lyrics = "" if options.instrumental else read_lyrics(options)
    if lyrics is not None:
        changes["lyrics"] = lyrics
    return replace(song, **changes)


def read_lyrics(options: argparse.Namespace) -> str | None:
    """The words that --lyrics or --lyrics-file give; None where neither was used. Raises UsageError."""
    if options.lyrics is not None:
        return str(options.lyrics.replace("\\n", "\n"))
    if options.lyrics_file is None:
        return None
    file: Path = options.lyrics_file
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not a UTF-8 text file; save the lyrics as plain text.") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}).") from error


def new_recipe(options: argparse.Namespace) -> tuple[Song, SamplingOptions]:
    """A song of which nothing is said yet, sampled as the model of ``options`` usually is. Raises CheckpointError."""
    from explorer.checkpoints import find_model, load_config

    return Song(), usual_sampling(load_config(find_model(options.model, settings_of(options).models)))


def sampling_from(options: argparse.Namespace, sampling: SamplingOptions) -> SamplingOptions:
    """``sampling`` with what the options say otherwise. Raises SongError, UsageError."""
    temperatures = _per_level(options.temperature, "--temperature", float)
    guidance = _per_level(options.guidance, "--guidance", float)
    top_k, top_p = _per_level(options.top_k, "--top-k", int), _per_level(options.top_p, "--top-p", float)
    levels: dict[Level, LevelSampling] = {}
    for index, level in enumerate(SAMPLING_ORDER):
        drawing = sampling.level(level)
        if temperatures:
            drawing = replace(drawing, temperature=temperatures[index])
        if guidance:
            drawing = replace(drawing, guidance=guidance[index])
        if top_k:
            drawing = replace(drawing, top_k=top_k[index], top_p=0.0)
        if top_p:
            drawing = replace(drawing, top_p=top_p[index], top_k=drawing.top_k if top_k else 0)
        levels[level] = drawing
    stop = Level(options.level) if options.level else sampling.stop_after
    strands = SEQUENTIAL if options.sequential else sampling.strands
    return replace(
        sampling,
        top=levels[Level.TOP],
        middle=levels[Level.MIDDLE],
        bottom=levels[Level.BOTTOM],
        stop_after=stop,
        strands=strands,
    )


def _per_level(text: str | None, name: str, kind: Any) -> list[Any] | None:
    """One value for all levels, or three with commas: top, middle, bottom."""
    if text is None:
        return None
    try:
        values = [kind(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"{name} takes one number, or three with commas, not {text!r}.") from None
    if len(values) not in (1, 3):
        raise UsageError(f"{name} takes one number, or three for top,middle,bottom, not {len(values)}.")
    return values * 3 if len(values) == 1 else values
