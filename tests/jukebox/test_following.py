"""Places in the lyrics: what a listener may hear, how places are found by it, and what the lyric layers are told."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox import following
from explorer.jukebox.alignment import lyric_attention
from explorer.jukebox.config import ConfigError, Level, Vocabulary
from explorer.jukebox.following import Listener, heard_places, place_bias
from explorer.jukebox.labels import SongLabels, label_names
from explorer.jukebox.lyrics import alphabet
from explorer.jukebox.prior import Prior
from explorer.jukebox.rows import tokens_before, window_conditioning, window_lyric_bias
from explorer.transliteration import transliterate
from tests.tiny import tiny_config, tiny_jukebox

CPU = torch.device("cpu")
LYRICS = "paper boats on the morning rain, over and over again"
LETTERS = alphabet(Vocabulary.V3)
IDS = {character: number for number, character in enumerate(LETTERS, start=1)}


def new_listener(seed: int = 0) -> Listener:
    torch.manual_seed(seed)
    return Listener(32, 8, LETTERS).eval().requires_grad_(False)


def letter_listener() -> Listener:
    """One that hears the n-th letter of the alphabet in code n, and a gap in code 0."""
    listener = Listener(32, 32, LETTERS).eval().requires_grad_(False)
    for layer in listener.layers:
        layer.weight.zero_()  # type: ignore[union-attr, operator]
        layer.bias.zero_()  # type: ignore[union-attr, operator]
    listener.embedding.weight.copy_(9.0 * torch.eye(32))
    listener.last.weight.copy_(torch.eye(28, 32))
    listener.last.bias.zero_()
    return listener


def song_of(lyrics: str, offset: float = 0.0) -> SongLabels:
    tokens = tuple(IDS[character] for character in lyrics)
    return SongLabels(((0, 1.0),), ((0, 1.0),), 32_000, int(offset * 32_000), tokens, tuple(range(len(tokens))), ())


def some_codes(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 32, (count,), generator=torch.Generator().manual_seed(seed))


def test_a_listener_hears_only_what_was_before_and_not_too_long_ago() -> None:
    listener, codes = new_listener(), some_codes(300)[None]
    heard = listener(codes)
    other = codes.clone()
    other[:, 200] = (other[:, 200] + 1) % 32
    changed = (listener(other) - heard).abs().sum(-1)[0] > 1e-5
    assert not changed[:200].any() and not changed[200 + Listener.CONTEXT + 1 :].any()
    assert changed[200] and changed[200 + Listener.CONTEXT // 2 :].any()


def test_places_are_where_the_letters_are_heard() -> None:
    """Also those of letters that are the same: their order tells them apart."""
    lengths = (("b", 40), ("a", 30), ("b", 50), ("c", 10), ("a", 60))
    codes = torch.tensor([0] * 70 + [ord(letter) - ord("a") + 1 for letter, count in lengths for _ in range(count)])
    places = heard_places(letter_listener(), song_of("babca"), codes)
    truth = torch.tensor([0] * 70 + [number + 1 for number, (_, count) in enumerate(lengths) for _ in range(count)])
    assert (places - truth).abs().max() <= 1 and (places == truth).float().mean() > 0.9


def test_what_comes_later_decides_as_well() -> None:
    """A gap is the silence before the first word or the one behind it; only what follows can tell."""
    listener = letter_listener()
    song = song_of("a b")
    a, gap, b = [1] * 40, [0] * 120, [2] * 40
    assert heard_places(listener, song, torch.tensor(gap + a + b))[:100].max() == 0
    assert heard_places(listener, song, torch.tensor(a + gap + b))[50:150].min() >= 1


@given(lyrics=st.text("abc \n", max_size=40), count=st.integers(1, 150), seed=st.integers(0, 9))
def test_places_only_go_on_whatever_is_heard(lyrics: str, count: int, seed: int) -> None:
    places = heard_places(new_listener(), song_of(lyrics), some_codes(count, seed))
    assert places.shape == (count,) and places.dtype == torch.int64
    assert (places[1:] >= places[:-1]).all() and int(places[0]) >= 0 and int(places[-1]) <= len(lyrics)


def test_pieces_of_the_work_change_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    listener, song, codes = new_listener(3), song_of("paper boats on the morning rain"), some_codes(400, 3)
    whole = heard_places(listener, song, codes)
    monkeypatch.setattr(following, "PIECE", 37)
    assert torch.equal(heard_places(listener, song, codes), whole)


def test_a_song_that_begins_within_a_longer_one_has_sung_its_share() -> None:
    places = heard_places(new_listener(), song_of(LYRICS, offset=0.5), some_codes(50))
    assert int(places[0]) >= len(LYRICS) // 2


def test_heads_read_at_the_place_and_ahead_of_it() -> None:
    near = place_bias(torch.tensor([[5, 6, 40]]), torch.tensor([3]), 16, heads=3, alignment_head=1)
    # head 1 reads the place itself, heads 2 and 0 the two that follow; what is behind the window is its last column
    assert near.argmax(-1)[0].tolist() == [[4, 5, 15], [2, 3, 15], [3, 4, 15]]
    assert near.softmax(-1).amax(-1).min() > 0.99


@pytest.fixture(scope="module")
def prior() -> Prior:
    return tiny_jukebox(listener=8).prior(Level.TOP)


def labels_of(lyrics: str) -> SongLabels:
    jukebox = tiny_jukebox(listener=8)
    lists, top = jukebox.lists[Level.TOP], jukebox.config.prior(Level.TOP)
    return label_names("Tin Whistle", "metal", lyrics, top, lists, 32_000, 0, transliterate)


def test_attention_goes_where_the_song_is_told_to_be(prior: Prior) -> None:
    song, codes = labels_of(LYRICS), some_codes(150, 1)[None]
    places = torch.arange(150)[None] // 5
    (weights,) = lyric_attention(prior, [song], codes, 0.5, CPU, places)
    # the key of a column has read the tokens before it; the head's own preferences are small beside what it is told
    assert (weights.argmax(1)[20:] - places[0, 20:]).abs().float().mean() < 1.0
    (heard,) = lyric_attention(prior, [song], codes, 0.5, CPU)
    assert heard.shape == weights.shape and not torch.equal(heard, weights)


def test_columns_are_places_less_the_tokens_before_the_window(prior: Prior) -> None:
    song = labels_of(LYRICS)
    for start in (0, 40, 80):
        before = tokens_before(prior, song, start)
        assert 0 <= before <= len(song.lyric_tokens) - 16
        near = window_lyric_bias(prior, [song], [start], torch.full((1, 3), before + 7))
        assert near.shape == (1, 2, 3, 16) and near[0, 1].argmax(-1).eq(7).all()
    assert tokens_before(prior, labels_of("short"), 0) == 5 - 16


def test_a_prior_that_follows_must_be_told_where_it_is(prior: Prior) -> None:
    song, codes = labels_of(LYRICS), some_codes(prior.config.n_ctx)[None]
    conditioning = window_conditioning(prior, [song], 0, None, CPU)
    with pytest.raises(ValueError, match="follows its lyrics"):
        prior.code_bits(codes, conditioning)
    with pytest.raises(ValueError, match="follows its lyrics"):
        prior.sampler(conditioning, 1, 4, codes[:, :0], 4)
    near = window_lyric_bias(prior, [song], [0], torch.zeros(1, prior.config.n_ctx, dtype=torch.int64))
    assert prior.code_bits(codes, replace(conditioning, lyric_bias=near)).isfinite().all()


def test_a_listener_is_for_a_separate_lyric_encoder_only() -> None:
    with pytest.raises(ConfigError, match="separate"):
        tiny_config(merged=True, listener=8)
