"""The tune of a song: which note is told when, and what is drawn from an artist's habits."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.config import ConfigError, LabelConfig, LabelRules, Level, PriorConfig, TransformerConfig
from explorer.jukebox.ground import UNTOLD, Ground
from explorer.jukebox.guidance import untold
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.phones import Word
from explorer.jukebox.rows import window_labels
from explorer.jukebox.tune import HIGHEST, LOWEST, NOTES, REST, Line, SungNote, Tune, TuneHabits, TuneRows
from tests.tiny import tiny_jukebox

ALONE = ((1, 1.0),)
SCALE = {0, 2, 4, 5, 7, 9, 11}


@st.composite
def tunes(draw: st.DrawFn) -> Tune:
    edges = sorted(draw(st.sets(st.integers(-5_000, 200_000), max_size=16)))
    notes = zip(edges[::2], edges[1::2], strict=False)
    return Tune(tuple(SungNote(begin, end, draw(st.integers(20, 100))) for begin, end in notes))


@given(tune=tunes(), sample=st.integers(-6_000, 210_000))
def test_every_sample_is_told_its_note_a_rest_or_nothing(tune: Tune, sample: int) -> None:
    rows = TuneRows.of([tune, None])
    told, silent = rows.notes_at(torch.tensor([[float(sample)]] * 2)).flatten().tolist()
    sung = [note.midi for note in tune.notes if note.begin <= sample < note.end]
    assert told == (2 + min(max(sung[0], LOWEST), HIGHEST) - LOWEST if sung else REST) and told < NOTES
    assert silent == UNTOLD


@given(batch=st.lists(tunes() | st.none(), min_size=1, max_size=5))
def test_stacked_rows_tell_what_one_batch_tells(batch: list[Tune | None]) -> None:
    samples = torch.arange(-6_000.0, 210_000.0, 1_009.0).expand(len(batch), -1)
    stacked, together = TuneRows.stacked([TuneRows.of([tune]) for tune in batch]), TuneRows.of(batch)
    assert torch.equal(stacked.notes_at(samples), together.notes_at(samples))


def habits_of_two() -> TuneHabits:
    """Artist 1 sings around C4, in steps of up to a third, on the notes of the chord in the scale of the key, and
    artist 2 around C5, the root of the chord again and again."""
    habits = TuneHabits(4)
    habits.range[1:3] = torch.tensor([[60.0, 4.0], [72.0, 6.0]])
    habits.steps[1, 12 - 5 : 12 + 6] = 1 / 11
    habits.steps[2, [0, 12, 24]] = 1 / 3
    for kind, third in enumerate((4, 3, 4)):
        habits.tones[1, kind, [0, third, 7]] = 1 / 3
        habits.tones[2, kind, 0] = 1.0
    habits.degrees[1:3, 0, sorted(SCALE)] = 1 / 7
    return habits


@st.composite
def line_lists(draw: st.DrawFn) -> list[Line]:
    begin, lines = 0.0, []
    for words in draw(st.lists(st.sampled_from([(1, 2), (3,), (4, 5, 6)]), min_size=1, max_size=6)):
        edges = [begin + 4_000.0 * i for i in range(1 + 3 * len(words))]
        lines.append(Line(words, tuple(itertools.pairwise(edges))))
        begin = edges[-1] + 2_000.0
    return lines


@given(lines=line_lists(), seed=st.integers(0, 2**62), key=st.integers(0, 11))
def test_a_plan_keeps_the_habits_of_its_artist(lines: list[Line], seed: int, key: int) -> None:
    habits = habits_of_two()
    chords = tuple((key + step) % 12 for step in (0, 5, 7, 0)) * 12  # I IV V I, all of the key
    ground = Ground(40_000.0, 0.0, key, chords)
    tune = habits.plan(ALONE, ground, lines, seed)
    assert tune is not None and tune == habits.plan(ALONE, ground, lines, seed)
    # every syllable is one note, at its time
    assert [(note.begin, note.end) for note in tune.notes] == [one for line in lines for one in line.syllables]
    pitches = iter(note.midi for note in tune.notes)
    sung: dict[tuple[int, ...], list[int]] = {}
    for line in lines:
        mine = [next(pitches) for _ in line.syllables]
        if line.tokens in sung:
            assert mine == sung[line.tokens]  # the same words have the same tune, whatever the chord
            continue
        sung[line.tokens] = mine
        for (begin, _), pitch in zip(line.syllables, mine, strict=True):
            chord = ground.chord_at(begin)
            assert (pitch - key) % 12 in SCALE and chord is not None and (pitch - chord) % 12 in (0, 4, 7)
        assert all(abs(b - a) <= 5 for a, b in itertools.pairwise(mine))
    other = habits.plan(((2, 1.0),), ground, lines, seed)
    assert other is not None
    first = {line.tokens: line for line in reversed(lines)}
    for line, note in ((line, note) for line in first.values() for note in other.notes):
        if note.begin == line.syllables[0][0]:
            assert (note.midi - (ground.chord_at(note.begin) or 0)) % 12 == 0


def test_seeds_draw_other_tunes_and_a_mixture_lies_between_its_artists() -> None:
    habits, ground = habits_of_two(), Ground(40_000.0, 0.0, 0, (0,) * 20)
    line = Line((1,), tuple((4_000.0 * i, 4_000.0 * (i + 1)) for i in range(40)))
    one, two = (habits.plan(ALONE, ground, [line], seed) for seed in (1, 2))
    assert one is not None and two is not None and one != two
    mixed = habits.plan(((1, 0.5), (2, 0.5)), ground, [line], 1)
    assert mixed is not None
    mean = {name: sum(n.midi for n in tune.notes) / 40 for name, tune in (("one", one), ("mixed", mixed))}
    assert 56 < mean["one"] < 64 < mean["mixed"] < 72


def test_where_nothing_is_known_there_is_no_tune_and_where_nothing_fits_the_range_decides() -> None:
    line = Line((1,), ((0.0, 10.0), (10.0, 20.0)))
    assert TuneHabits(2).plan(ALONE, Ground(2_000.0, 0.0, 0), [line], 0) is None
    habits = habits_of_two()
    habits.steps[1].zero_()
    habits.steps[1, 12 + 11] = 1.0  # no two notes of a C major chord are eleven semitones apart
    tune = habits.plan(ALONE, Ground(2_000.0, 0.0, 0, (0,) * 9), [line], 0)
    assert tune is not None and all(40 < note.midi < 80 for note in tune.notes)
    # nobody sang in minor: any note of the chord
    minor = habits_of_two().plan(ALONE, Ground(2_000.0, 0.0, 12, (12,) * 9), [line], 0)
    assert minor is not None and all(note.midi % 12 in (0, 3, 7) for note in minor.notes)


def test_what_is_told_reaches_the_codes_it_is_told_of_only() -> None:
    prior = tiny_jukebox(listener=8, bar_parts=12, tune=True).prior(Level.TOP)

    def positions(tune: Tune | None) -> torch.Tensor:
        song = SongLabels(ALONE, ALONE, 80_000, 0, tune=tune)
        found = prior.condition(window_labels(prior, [song], 0)).positions
        assert found is not None
        return found[0]

    hop = prior.hop
    low, high = (positions(Tune((SungNote(10 * hop, 20 * hop, midi),))) for midi in (50, 57))
    changed = (low - high).abs().sum(1) > 1e-6
    assert changed.nonzero().flatten().tolist() == list(range(10, 20))
    assert ((low - positions(None)).abs().sum(1) > 0.1).all()  # a rest is told, too
    torch.testing.assert_close(positions(Tune(()))[:10], low[:10])


def test_only_a_level_that_is_told_gives_a_song_a_tune_and_only_to_words() -> None:
    song = SongLabels(ALONE, ALONE, 80_000, 0, (1, 2, 3), (0, 1, 2), words=(Word(0, 3, "tɹʌk"),))
    assert tiny_jukebox(listener=8, bar_parts=12).prior(Level.TOP).grounded(song, 1).tune is None
    told = tiny_jukebox(listener=8, bar_parts=12, tune=True)
    assert told.prior(Level.MIDDLE).grounded(song, 1) == song
    grounded = told.prior(Level.TOP).grounded(song, 1)
    assert grounded.tune is not None and len(grounded.tune.notes) == 1  # one vowel, one syllable
    assert untold(grounded).tune is None
    assert told.prior(Level.TOP).grounded(SongLabels(ALONE, ALONE, 80_000, 0), 1).tune is None


def test_a_tune_needs_chords_and_a_place_in_the_lyrics() -> None:
    with pytest.raises(ConfigError, match="no chords"):
        LabelConfig(LabelRules.OWN, 1, 1, 1, tune=True)
    stack = TransformerConfig(n_ctx=64, width=16, depth=4, heads=2, attention_order=0, blocks=8, m_attn=0.5)
    with pytest.raises(ConfigError, match="place in the lyrics"):
        PriorConfig(32, stack, LabelConfig(LabelRules.OWN, 1, 1, 1, bar_parts=12, tune=True))
