"""Names, mixtures and times become the numbers that the published code would have used."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox import presets
from explorer.jukebox.config import LabelConfig, LabelRules, Level
from explorer.jukebox.labels import (
    LabelLists,
    NoteKind,
    SongLabels,
    artist_id,
    check_times,
    format_list,
    genre_ids,
    label_song,
    label_vector,
    normalize_v2,
    parse_blend,
    parse_list,
)
from explorer.jukebox.song import Song, SongError
from explorer.pronunciation import pronounce
from explorer.transliteration import transliterate
from tests.tiny import ARTISTS, GENRES, tiny_config

V2 = LabelLists(
    {"unknown": 0, "": 0, "queen": 70, "ac_dc": 80, "beyonc_": 90, "various": 0},
    {"unknown": 0, "country": 11, "rock": 8, "hip": 3, "hop": 4, "r": 17, "b": 18},
)
V3 = LabelLists({"queen": 1910, "ac/dc": 355}, {"country rock": 546, "rock": 40})
OWN = LabelLists(ARTISTS, GENRES)
FIVE = presets.RELEASED["5b_lyrics"]
ONE = presets.RELEASED["1b_lyrics"]


def label(song: Song, config=FIVE, level=Level.TOP, lists=V2) -> SongLabels:
    return label_song(song, config, level, lists, transliterate, pronounce)


def kinds(labels: SongLabels) -> set[NoteKind]:
    return {note.kind for note in labels.notes}


# ----------------------------------------------------------------------------------------- lists


def test_a_list_takes_the_last_duplicate_and_names_with_semicolons() -> None:
    assert parse_list("a;1\nb;c;2\n;0\na;3\n\n") == {"a": 3, "b;c": 2, "": 0}


@pytest.mark.parametrize("text", ["a", "a;x", "a;-1", "ok;1\n<html>"])
def test_a_damaged_list_names_its_line(text: str) -> None:
    with pytest.raises(ValueError, match="line"):
        parse_list(text)


@given(st.dictionaries(st.from_regex(r"[a-zé;/ ]{0,8}", fullmatch=True).map(str.strip), st.integers(0, 10**6)))
def test_lists_round_trip(names: dict[str, int]) -> None:
    assert parse_list(format_list(names)) == names


# ----------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "normal"),
    [("  AC/DC ", "ac_dc"), ("Beyoncé", "beyonc"), ("R.E.M.", "r_e_m"), ("a -- b", "a_b"), ("", ""), ("é", "")],
)
def test_v2_names(name: str, normal: str) -> None:
    assert normalize_v2(name) == normal


@given(st.text())
def test_v2_names_are_stable_and_plain(name: str) -> None:
    normal = normalize_v2(name)
    assert normalize_v2(normal) == normal
    assert set(normal) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")
    assert "__" not in normal and not normal.startswith("_") and not normal.endswith("_")


def test_v3_looks_up_the_whole_lower_cased_name_and_strips_nothing() -> None:
    assert artist_id("AC/DC", LabelRules.V3, V3.artists) == 355
    assert artist_id(" AC/DC", LabelRules.V3, V3.artists) is None
    assert genre_ids("Country Rock", LabelRules.V3, V3.genres) == (546,)
    assert genre_ids("Country  Rock", LabelRules.V3, V3.genres) == (None,)


@pytest.mark.parametrize("name", ["café névoa", "  CAFÉ NÉVOA  ", "Café Névoa"])
def test_our_own_lists_are_blind_to_case_and_surrounding_space(name: str) -> None:
    assert artist_id(name, LabelRules.OWN, ARTISTS) == 2


def test_each_word_of_a_v2_genre_counts_in_full() -> None:
    labels = label(Song(genre="Country Rock", artist="Queen"))
    assert labels.genres == ((11, 1.0), (8, 1.0))
    assert labels.artists == ((70, 1.0),)


def test_six_words_are_more_than_the_bag_holds() -> None:
    with pytest.raises(SongError, match="6 words"):
        label(Song(genre="a b c d e f"))


def test_unknown_names_are_told_with_similar_ones() -> None:
    labels = label(Song(genre="country polka", artist="Quen"))
    assert labels.artists == ((0, 1.0),) and labels.genres == ((11, 1.0), (0, 1.0))
    texts = {note.kind: note.text for note in labels.notes}
    assert "queen" in texts[NoteKind.UNKNOWN_ARTIST]
    assert "polka" in texts[NoteKind.UNKNOWN_GENRE]


def test_a_name_whose_entry_can_never_be_found_is_told_apart() -> None:
    labels = label(Song(genre="rock", artist="Beyoncé"))
    assert labels.artists == ((0, 1.0),)
    assert any("can never find" in note.text for note in labels.notes)


def test_empty_names_are_the_unknown_label_without_complaint() -> None:
    labels = label(Song())
    assert labels.artists == ((0, 1.0),) and labels.genres == ((0, 1.0),)
    assert not kinds(labels) & {NoteKind.UNKNOWN_ARTIST, NoteKind.UNKNOWN_GENRE}


# -------------------------------------------------------------------------------------- mixtures


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Pop", (("Pop", 1.0),)),
        ("AC/DC", (("AC/DC", 1.0),)),
        ("50 Cent", (("50 Cent", 1.0),)),
        ("0.5 Pop / 0.5 Jazz", (("Pop", 0.5), ("Jazz", 0.5))),
        ("1 Pop/3 Jazz", (("Pop", 0.25), ("Jazz", 0.75))),
        (".25 AC/DC / .75 50 Cent", (("AC/DC", 0.25), ("50 Cent", 0.75))),
    ],
)
def test_mixtures(text: str, parts: tuple[tuple[str, float], ...]) -> None:
    assert parse_blend(text) == parts


@pytest.mark.parametrize("text", ["0.5 Pop / Jazz", "Pop / 0.5 Jazz", "0 Pop / 0 Jazz", "-1 Pop / 2 Jazz"])
def test_half_a_mixture_is_refused(text: str) -> None:
    with pytest.raises(SongError):
        parse_blend(text)


names = st.from_regex(r"[A-Za-zé][A-Za-zé' &.-]{0,12}[a-z]", fullmatch=True)


@given(st.lists(st.tuples(names, st.floats(0.01, 100)), min_size=2, max_size=5))
def test_mixtures_round_trip_and_add_up_to_one(parts: list[tuple[str, float]]) -> None:
    found = parse_blend(" / ".join(f"{weight:.4f} {name}" for name, weight in parts))
    assert [name for name, _ in found] == [name for name, _ in parts]
    assert sum(weight for _, weight in found) == pytest.approx(1.0)


@given(st.text(max_size=40))
def test_any_text_is_a_name_a_mixture_or_a_song_error(text: str) -> None:
    try:
        found = parse_blend(text)
    except SongError:
        return
    assert sum(weight for _, weight in found) == pytest.approx(1.0)


def test_a_genre_of_a_mixture_gives_its_weight_to_all_its_words() -> None:
    labels = label(Song(genre="0.25 Hip Hop / 0.75 Rock", artist="0.5 Queen / 0.5 AC/DC"))
    assert labels.genres == ((3, 0.25), (4, 0.25), (8, 0.75))
    assert labels.artists == ((70, 0.5), (80, 0.5))
    with pytest.raises(ValueError, match="mixture"):
        label_vector(labels, 5, 512, 1)


# ----------------------------------------------------------------------------------------- times

TIMED = LabelConfig(LabelRules.V3, 1, 1, 1, t_bins=64, min_seconds=17.84, max_seconds=600.0)


def test_times_are_compared_in_single_precision() -> None:
    check_times(TIMED, 44100, 26_459_998, 0, 26_459_998)
    with pytest.raises(SongError, match="just under 600"):
        check_times(TIMED, 44100, 26_459_999, 0, 100)  # rounds up to 600 s


@pytest.mark.parametrize(
    ("total", "offset", "end"), [(786_000, 0, 100), (900_000, 900_000, 1_000_000), (26_000_000, 25_900_000, 26_700_000)]
)
def test_times_out_of_range_are_refused(total: int, offset: int, end: int) -> None:
    with pytest.raises(SongError):
        check_times(TIMED, 44100, total, offset, end)


def test_without_a_wish_the_shortest_song_the_model_knows_is_imagined() -> None:
    labels = label(Song(seconds=10.0))
    assert labels.total_length == pytest.approx(23.8 * 44100, abs=1)
    assert NoteKind.TIME in kinds(labels)


def test_the_imagined_song_is_never_shorter_than_the_music() -> None:
    config = dataclasses.replace(FIVE, default_seconds=60.0)
    assert label(Song(seconds=12.0), config).total_length == 60 * 44100
    longer = label(Song(seconds=60.0, offset_seconds=20.0), config)
    assert longer.total_length >= longer.offset + 59.9 * 44100


def test_music_may_pass_the_imagined_end_but_not_begin_after_it() -> None:
    assert NoteKind.TIME in kinds(label(Song(seconds=26.0, total_seconds=25.0)))
    with pytest.raises(SongError, match="begin"):
        label(Song(seconds=24.0, total_seconds=25.0, offset_seconds=25.0))
    with pytest.raises(SongError, match="begin"):
        label(Song(seconds=60.0, total_seconds=25.0))


def test_five_hundred_and_ninety_nine_seconds_fit_and_all_levels_agree() -> None:
    song = Song(seconds=599.0, lyrics="la", genre="rock")
    per_level = {level: label(song, FIVE, level) for level in Level}
    assert len({(found.total_length, found.offset) for found in per_level.values()}) == 1
    assert per_level[Level.BOTTOM].lyric_tokens == ()


@given(st.floats(0.2, 599.0), st.floats(0.0, 599.0), st.none() | st.floats(0.1, 600.0))
def test_labels_never_promise_what_the_timing_tables_lack(seconds: float, offset: float, total: float | None) -> None:
    song = Song(seconds=seconds, offset_seconds=offset, total_seconds=total)
    try:
        labels = label_song(song, ONE, Level.TOP, V3, transliterate, pronounce)
    except SongError:
        return
    rules = ONE.prior(Level.TOP).labels
    assert rules is not None
    assert rules.min_seconds * 44100 <= labels.total_length + 1 and labels.total_length < 600 * 44100
    assert labels.offset < labels.total_length


# ----------------------------------------------------------------------------------------- words


def test_changes_to_the_lyrics_are_told() -> None:
    labels = label(Song(lyrics="Café — 😀 ok", genre="rock", seconds=24))
    texts = {note.kind: note.text for note in labels.notes}
    assert "é as e" in texts[NoteKind.LYRICS_REPLACED] and "— as --" in texts[NoteKind.LYRICS_REPLACED]
    assert "😀" in texts[NoteKind.LYRICS_DROPPED]
    assert len(labels.lyric_tokens) == len(labels.token_characters) == len("Cafe --  ok")


def test_our_own_models_read_small_letters_and_do_not_make_a_fuss_about_it() -> None:
    config = tiny_config()
    lists = LabelLists(ARTISTS, GENRES)
    capital, small = (
        label_song(Song(lyrics=lyrics, seconds=4), config, Level.TOP, lists, transliterate, pronounce)
        for lyrics in ("Paper Boats", "paper boats")
    )
    assert capital.lyric_tokens == small.lyric_tokens
    assert NoteKind.LYRICS_REPLACED not in {note.kind for note in capital.notes}


def test_words_are_pronounced_where_the_model_plans_when_they_are_sung() -> None:
    song = Song(lyrics="Paper, boats\n- I'm", seconds=4)
    lists = LabelLists(ARTISTS, GENRES)
    asked: list[str] = []

    def say(word: str) -> str:
        asked.append(word)
        return "ə"

    assert label_song(song, tiny_config(), Level.TOP, lists, transliterate, say).words == () and not asked
    labels = label_song(song, tiny_config(listener=8), Level.TOP, lists, transliterate, say)
    assert asked == ["paper", "boats", "i'm"] and [word.first for word in labels.words] == [0, 7, 15]
    assert label_song(song, tiny_config(listener=8), Level.MIDDLE, lists, transliterate, say).words == ()


def test_a_model_without_lyrics_says_so() -> None:
    labels = label(Song(lyrics="la la", seconds=60), presets.RELEASED["5b"])
    assert NoteKind.LYRICS_UNUSED in kinds(labels) and labels.lyric_tokens == ()


def test_label_vector_has_the_published_form() -> None:
    song = Song(genre="Country Rock", artist="Queen", lyrics="la", seconds=24, total_seconds=30, offset_seconds=1)
    vector, indices = label_vector(label(song), 5, 4, 1000, window_offset=64)
    assert vector[:9] == [1_323_000, 44_164, 1000, 70, 11, 8, -1, -1, -1]
    assert indices == [-1, -1, 0, 1] and vector[9:] == [0, 0, 38, 27]
    with pytest.raises(ValueError, match="begin"):
        label_vector(label(song), 5, 4, 1000, window_offset=1_400_000)


def test_own_models_need_no_published_list() -> None:
    labels = label_song(Song(genre="REGGAE", artist="0.5 tin whistle / 0.5 Nobody", seconds=2), tiny_config(),
                        Level.TOP, OWN, transliterate, pronounce)  # fmt: skip
    assert labels.genres == ((1, 1.0),) and labels.artists == ((3, 0.5), (0, 0.5))
