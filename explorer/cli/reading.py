"""reconstruct, align: commands that read sound or samples with a model and compose nothing.

Knows: what goes into the sample folder that comes out. Does not know: encoding, decoding or
alignment themselves (``engine``), or how a folder is written (``library``).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cli.common import UsageError, add_command, add_engine_options, add_json_option, load_engine, report
from explorer.cli.recipes import open_sample, read_lyrics
from explorer.jukebox.config import Level
from explorer.jukebox.song import Song

if TYPE_CHECKING:
    import torch

    from explorer.engine import Jukebox
    from explorer.jukebox.alignment import Alignment
    from explorer.library import Sample


def add_commands(commands: Any) -> None:
    parser = add_command(
        commands,
        "reconstruct",
        run_reconstruct,
        "Send sound through the autoencoder: hear what each level keeps of it.",
        "python -m explorer reconstruct take.wav --out songs",
    )
    _add_source(parser)
    parser = add_command(
        commands,
        "align",
        run_align,
        "Find when each word is sung, from the model's attention.",
        "python -m explorer align take.wav --lyrics-file words.txt --genre reggae --out songs",
    )
    _add_source(parser)
    parser.add_argument("--genre", metavar="G", help="genre the model is told")
    parser.add_argument("--artist", metavar="A", help="artist the model is told")
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--lyrics", metavar="TEXT", help=r"words that are sung; \n begins a new line")
    words.add_argument("--lyrics-file", type=Path, metavar="F", help="text file with the words")


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, metavar="SAMPLE|AUDIO")
    parser.add_argument("--title", default="", help="title of the sample (default: the source's name)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the sample folder")
    add_engine_options(parser)
    add_json_option(parser)


def run_reconstruct(options: argparse.Namespace) -> int:
    from explorer.studio.reading import sized

    parent = open_sample(options.source)
    _check_audio(options.source, parent)
    engine = load_engine(options)
    codes = _codes(engine, options.source, parent)
    song = sized(engine, parent.record.song if parent else Song(), codes)
    folder = _write(engine, options, song, parent, codes, None)
    value = {"folder": str(folder), "levels": {level.value: row.shape[1] for level, row in codes.items()}}
    report(value, options.json, str(folder))
    return 0


def run_align(options: argparse.Namespace) -> int:
    from explorer.studio.reading import sized

    parent = open_sample(options.source)
    _check_audio(options.source, parent)
    song = parent.record.song if parent else Song()
    lyrics = read_lyrics(options)
    song = replace(
        song,
        genre=song.genre if options.genre is None else options.genre,
        artist=song.artist if options.artist is None else options.artist,
        lyrics=song.lyrics if lyrics is None else lyrics,
    )
    if song.instrumental:
        raise UsageError("There are no words to align; give them with --lyrics or --lyrics-file.")
    engine = load_engine(options)
    codes = _codes(engine, options.source, parent)
    if Level.TOP not in codes:
        raise UsageError("The top level of this sample is not there yet; resume it first.")
    song = sized(engine, song, codes)
    (alignment,) = engine.align(codes[Level.TOP], song)
    if alignment is None:
        raise UsageError(f"{engine.name} cannot align lyrics: it reads none, or none of these letters.")
    folder = _write(engine, options, song, parent, codes, alignment)
    words = [
        {
            "word": song.lyrics[span.start_index : span.end_index],
            "start": round(span.start, 3),
            "end": round(span.end, 3),
            "confidence": round(span.confidence, 3),
        }
        for span in alignment.words
    ]
    lines = [f"{word['start']:8.2f} {word['end']:8.2f}  {word['word']}" for word in words]
    value = {"folder": str(folder), "confidence": round(alignment.confidence, 3), "words": words}
    report(value, options.json, "\n".join([*lines, str(folder)]))
    return 0


def _check_audio(source: Path, parent: Sample | None) -> None:
    """Refuse what is no sound before a model is loaded."""
    if parent is None:
        from explorer.audio.files import inspect

        inspect(source)


def _codes(engine: Jukebox, source: Path, parent: Sample | None) -> dict[Level, torch.Tensor]:
    """Codes [1, n] of a sample or of an audio file."""
    from explorer.studio import PromptAudio
    from explorer.studio.run import check_parent, encode_prompt

    if parent is None:
        return encode_prompt(engine, PromptAudio(source))
    check_parent(engine.config, parent)
    codes = {level: row[None] for level, row in parent.codes().items() if len(row)}
    if not codes:
        raise UsageError(f"{source} has no finished window yet; resume it first.")
    return codes


def _write(
    engine: Jukebox,
    options: argparse.Namespace,
    song: Song,
    parent: Sample | None,
    codes: dict[Level, torch.Tensor],
    alignment: Alignment | None,
) -> Path:
    """The sample folder with what was read."""
    from explorer.library import Library
    from explorer.studio import PromptAudio
    from explorer.studio.reading import write_reading
    from explorer.studio.run import prompt_sound

    title = options.title or (parent.record.title if parent else options.source.stem)
    original = None if parent else prompt_sound(engine.config, PromptAudio(options.source))
    library = Library(options.out)
    try:
        return write_reading(engine, library, song, codes, title, parent, alignment, original).folder
    finally:
        library.close()
