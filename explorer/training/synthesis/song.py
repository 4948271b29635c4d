"""One song on paper, as a pure function of the corpus' seed and the song's number.

Knows: the order in which the parts of a song are made and which stream of chance each one has, so
that a change in one part leaves the others as they are. Needs none of the build-time packages.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from explorer.training.synthesis import harmony
from explorer.training.synthesis.artists import Artist, Groove, artists, genres
from explorer.training.synthesis.band import Band
from explorer.training.synthesis.catalogue import Entry, entry
from explorer.training.synthesis.form import Form, plan_form
from explorer.training.synthesis.lyrics import Lyricist
from explorer.training.synthesis.patterns import Progression, progressions
from explorer.training.synthesis.score import Clock, Line, Note, Score, Stem
from explorer.training.synthesis.tune import Setting, compose, second_voice

MAIN_GROOVE = 0.6
"""Share of songs in an artist's first groove."""
COUNT_IN = 0.6
"""Seconds before an unaccompanied voice begins."""
TAIL = 0.6
"""Seconds after the last bar, in which the room rings out."""
LOWEST_LEAD = 52


def write_song(seed: int, number: int, seconds: float | None = None) -> Score:
    """The score of one song. ``seconds``: about how long, by chance where not given.

    Raises SynthesisError for a number that no split has.
    """
    return write_entry(entry(seed, number), seed, seconds)


def write_entry(what: Entry, seed: int, seconds: float | None = None) -> Score:
    """The score of a song whose artist, band and kind are given."""

    def chance(part: str) -> Random:
        return Random(f"{seed}/{what.number}/{part}")

    singer, band = artists()[what.artist], artists()[what.band]
    genre = genres()[band.genre]
    rng = chance("groove")
    groove = band.grooves[0] if rng.random() < MAIN_GROOVE else rng.choice(band.grooves[1:])
    bpm = rng.randint(*groove.bpm)
    alone = what.kind == "acappella"
    clock = Clock(60 / bpm, groove.swing if groove.swing >= 0.58 else 0.5, COUNT_IN if alone else 0.0)
    lyricist = Lyricist(chance("lyrics"), what.split)
    form = plan_form(chance("form"), clock, groove.beats, lyricist.section, not alone, seconds)
    rng = chance("harmony")
    family = progressions()[rng.choice(band.progressions)]
    key = rng.randint(-5, 6)
    chords = _chords(rng, family, form)
    setting = Setting(clock, groove.beats, key, family.mode, genre.pentatonic, band.syncopation, singer.centre, chords)
    notes = compose(chance("tune"), setting, form.sections, form.lines)
    if what.kind == "instrumental":
        notes = _into_reach(notes)
    stems = _stems(chance("band"), what, band, groove, setting, form, notes)
    end = clock.at(len(chords) * groove.beats)
    return Score(
        number=what.number,
        name=what.name,
        split=what.split,
        artist=what.artist,
        band=what.band,
        genre=band.genre,
        kind=what.kind,
        bpm=bpm,
        beats=groove.beats,
        key=harmony.key_name(family.mode, key),
        clock=clock,
        sections=form.sections,
        chords=tuple(harmony.transposed(bar, key) for bar in chords),
        lines=form.lines,
        notes=notes,
        harmony=_harmony(singer, what, form, setting, notes),
        stems=stems,
        seconds=max(end, notes[-1].end) + TAIL,
    )


def _chords(rng: Random, family: Progression, form: Form) -> tuple[str, ...]:
    """Chords of every bar. All sections of a name have the same progression; the last bar is the tonic."""
    verse, chorus = rng.choice(family.verse), rng.choice(family.chorus)
    bridge = rng.choice(family.chorus)
    chosen = {"chorus": chorus, "outro": chorus, "bridge": bridge}
    chords: list[str] = []
    for section in form.sections:
        bars = chosen.get(section.name, verse)
        chords += [bars[i % len(bars)] for i in range(section.bars)]
    if form.sections[-1].name == "outro":
        chords[-1] = harmony.tonic(family.mode)
    return tuple(chords)


def _stems(
    rng: Random, what: Entry, artist: Artist, groove: Groove, setting: Setting, form: Form, notes: tuple[Note, ...]
) -> dict[str, Stem]:
    if what.kind == "acappella":
        return {}
    # A swing below 0.58 moves sixteenths, too little for a tune but right for a band.
    clock = replace(setting.clock, swing=groove.swing)
    band = Band(
        rng, artist, genres()[artist.genre], groove, clock, setting.key, setting.mode, form.sections, setting.chords
    )
    if what.kind == "duo":
        band.accompany_alone()
        return band.stems
    band.play()
    if what.kind == "instrumental":
        band.lead(notes)
    else:
        band.lead(_hook(rng, form, groove, setting, notes))
    return band.stems


def _hook(rng: Random, form: Form, groove: Groove, setting: Setting, notes: tuple[Note, ...]) -> list[Note]:
    """The song's hook, the tune of its most repeated line, played where nobody sings: intro and interludes."""
    names = [section.name for section in form.sections]
    wanted = "chorus" if "chorus" in names else "verse"
    index = next(i for i, line in enumerate(form.lines) if names[line.section] == wanted)
    line: Line = form.lines[index]
    begin = setting.clock.at(line.first_bar * groove.beats)
    phrase = [note for note in notes if note.line == index and note.start >= begin - 1e-6]
    played: list[Note] = []
    for section in form.sections:
        if section.name not in ("intro", "interlude") or rng.random() < 0.35:
            continue
        start, end = (setting.clock.at(bar * groove.beats) for bar in (section.first_bar, section.end_bar))
        low = min((note.midi for note in phrase), default=LOWEST_LEAD)
        lift = 12 if low < LOWEST_LEAD else 0
        for note in phrase:
            moved = note.start - begin + start
            if moved < end - 0.3:
                last = min(note.end - begin + start, end)
                played.append(Note(index, note.word, moved, last, note.midi + lift))
    return played


def _into_reach(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """A low voice's tune an octave up, for a lead instrument."""
    if min(note.midi for note in notes) >= LOWEST_LEAD - 2:
        return notes
    return tuple(replace(note, midi=note.midi + 12) for note in notes)


def _harmony(
    singer: Artist, what: Entry, form: Form, setting: Setting, notes: tuple[Note, ...]
) -> tuple[int | None, ...]:
    names = [form.sections[line.section].name for line in form.lines]
    return tuple(
        second_voice(setting, note)
        if what.kind != "instrumental"
        and (singer.harmony == "all" or (singer.harmony == "chorus" and names[note.line] == "chorus"))
        else None
        for note in notes
    )
