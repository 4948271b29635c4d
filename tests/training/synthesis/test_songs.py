"""Songs on paper: tunes, bands, forms, patterns, the catalogue."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.training.synthesis import harmony, patterns
from explorer.training.synthesis.artists import artists, genres, of_genre
from explorer.training.synthesis.catalogue import FIRST_NUMBER, entry, heldout_crossings, split_of_number
from explorer.training.synthesis.errors import SynthesisError
from explorer.training.synthesis.form import bars_for
from explorer.training.synthesis.labels import timed_lyrics
from explorer.training.synthesis.lyrics import CROSSINGS, TRAIN
from explorer.training.synthesis.pronunciation import plain, syllable_count
from explorer.training.synthesis.score import Clock
from explorer.training.synthesis.song import write_song
from explorer.training.synthesis.speech import TOKENS
from tests.training.synthesis.making import phones_of

numbers = st.one_of(*(st.integers(first, first + 400) for first in FIRST_NUMBER.values()))


def test_twelve_genres_of_two_artists_who_differ() -> None:
    assert len(genres()) == 12 and all(len(of_genre(genre)) == 2 for genre in genres())
    voices = [artist.voice for artist in artists().values()]
    assert len(set(voices)) == len(voices) == 24
    for genre in genres():
        first, second = of_genre(genre)
        assert first.grooves[0].drums != second.grooves[0].drums and first.grooves[0].parts != second.grooves[0].parts
        assert first.lead != second.lead


def test_artists_name_what_exists() -> None:
    for artist in artists().values():
        assert artist.genre in genres() and set(artist.progressions) <= patterns.progressions().keys()
        for groove in artist.grooves:
            drums, bass = patterns.drums()[groove.drums], patterns.basses()[groove.bass]
            parts = [patterns.accompaniments()[part.pattern] for part in groove.parts]
            for steps in (*drums.verse.values(), *drums.chorus.values(), *drums.fill.values()):
                assert all(step.beat < groove.beats for step in steps), groove
            for pattern in (bass, *parts):
                assert all(step.beat < groove.beats for step in pattern.verse + pattern.chorus), groove


def test_patterns_are_read_and_wrong_ones_named() -> None:
    steps = patterns.read_bar("x--. .X-- xo.", patterns.LETTERS["drums"] + "-")
    assert [(s.letter, s.beat, s.beats) for s in steps[:2]] == [("x", 0.0, 0.75), ("X", 1.25, 0.75)]
    assert steps[2].triplet
    with pytest.raises(SynthesisError, match="no beat"):
        patterns.read_bar("x.", "x.")
    for family in patterns.progressions().values():
        for bars in family.verse + family.chorus:
            for chord in itertools.chain.from_iterable(map(harmony.split_bar, bars)):
                harmony.parse(chord)


def test_chords_are_moved_and_named() -> None:
    assert harmony.transposed("C|Am7", 2) == "D|Bm7" and harmony.key_name("minor", 0) == "A minor"
    assert harmony.tones("F7", 0) == [5, 9, 0, 3]
    with pytest.raises(SynthesisError):
        harmony.parse("H")


@given(number=numbers, seed=st.integers(0, 3))
@settings(max_examples=60)
def test_every_song_is_sound_on_paper(number: int, seed: int) -> None:
    score = write_song(seed, number)
    assert score.split == split_of_number(number)
    assert 8 < score.seconds < 75
    assert len(score.notes) == sum(syllable_count(line.text) for line in score.lines) == len(score.harmony)
    assert all(note.start < note.end for note in score.notes)
    assert all(a.end <= b.start + 1e-9 for a, b in itertools.pairwise(score.notes))
    assert score.notes[0].start >= 0 and score.notes[-1].end < score.seconds
    gaps = [b.start - a.start for a, b in itertools.pairwise(score.notes) if a.line == b.line]
    assert min(gaps, default=1.0) > 0.12
    assert sum(section.bars for section in score.sections) == len(score.chords)
    centre = artists()[score.artist].centre
    lift = 12 if score.kind == "instrumental" else 0
    assert all(centre - 8 <= note.midi <= centre + 10 + lift for note in score.notes)
    for stem in score.stems.values():
        assert stem.events  # a silent stem has no level to be mixed at
        for event in stem.events:
            assert event.start >= 0 and event.seconds > 0 and 0 < event.midi < 128 and 0 < event.velocity < 128
            assert event.channel in stem.programs
    assert (score.kind == "acappella") == (not score.stems)


@given(number=numbers)
@settings(max_examples=30)
def test_labels_fit_the_lyrics(number: int) -> None:
    score = write_song(5, number)
    characters, words = timed_lyrics([line.text for line in score.lines], phones_of(score), score.seconds)
    assert "".join(c for c, _, _ in characters) == "\n".join(line.text for line in score.lines)
    assert [w for w, _, _ in words] == [w for line in score.lines for w in plain(line.text)]
    times = [t for _, start, end in characters for t in (start, end)]
    assert all(a <= b for a, b in itertools.pairwise(times)) and times[-1] <= score.seconds
    notes = {(note.line, note.word): note.start for note in reversed(score.notes)}
    first = [notes[line, word] for line, text in enumerate(score.lines) for word in range(len(plain(text.text)))]
    assert all(abs(start - begin) < 0.01 for (_, start, _), begin in zip(words, first, strict=True))


def test_a_song_is_a_function_of_seed_and_number() -> None:
    assert asdict(write_song(3, 7)) == asdict(write_song(3, 7))
    assert write_song(3, 7).lyrics != write_song(4, 7).lyrics != write_song(4, 8).lyrics


def test_choruses_return_with_their_words_and_tune() -> None:
    seen = 0
    for number in range(60):
        score = write_song(1, number)
        choruses = [i for i, section in enumerate(score.sections) if section.name == "chorus"]
        if len(choruses) < 2:
            continue
        seen += 1
        first, second = (
            [(i, line) for i, line in enumerate(score.lines) if line.section == choruses[k]] for k in (0, 1)
        )
        assert [line.text for _, line in first] == [line.text for _, line in second]
        pitches = [[n.midi for n in score.notes if n.line == part[-1][0]] for part in (first, second)]
        assert pitches[0] == pitches[1]
    assert seen >= 5


def test_the_corpus_has_all_kinds_metres_and_crossings() -> None:
    kinds: Counter[str] = Counter()
    heard = set()
    for number in range(600):
        song = entry(1, number)
        kinds[song.kind] += 1
        heard.add((song.artist, artists()[song.band].genre))
    assert kinds["instrumental"] > 20 and kinds["acappella"] > 10 and kinds["duo"] > 15 and kinds["sung"] > 400
    assert len(heard) > 70
    assert not heard & set(heldout_crossings().items())
    assert {write_song(1, number).beats for number in range(80)} == {3, 4}
    first = FIRST_NUMBER[CROSSINGS]
    crossed = {(s.artist, artists()[s.band].genre) for s in (entry(1, first + i) for i in range(24))}
    assert crossed == set(heldout_crossings().items())
    assert len(set(heldout_crossings().values())) == 12
    assert entry(1, 5).split == TRAIN
    with pytest.raises(SynthesisError, match="no song"):
        entry(1, -1)


def test_time_for_a_line_and_swing() -> None:
    assert bars_for("hey", 2.0, 0.25) == 1 < bars_for("one two three four five six seven eight nine ten", 2.0, 0.25)
    assert Clock(1.0, 2 / 3).at(1.5) == pytest.approx(1 + 2 / 3) and Clock(1.0, 2 / 3).even(1.5) == 1.5
    assert Clock(0.5).slots_per_beat == 2 and Clock(0.72).slots_per_beat == 4 and Clock(0.3).slots_per_beat == 1


def test_the_voice_knows_every_phone() -> None:
    from explorer.training.synthesis.pronunciation import CONSONANTS, VOWELS

    assert set(TOKENS) >= VOWELS | CONSONANTS
