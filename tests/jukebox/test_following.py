"""Places in the lyrics: what a listener may hear, how places go on, and what a window's layers are told."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.config import ConfigError, Level, Vocabulary
from explorer.jukebox.following import SKIPS, STAGES, STRIDE, Follower, Listener, begin_at, columns, sharp
from explorer.jukebox.labels import SongLabels, label_names
from explorer.jukebox.lyrics import alphabet
from explorer.jukebox.prior import Prior
from explorer.jukebox.rows import tokens_before, window_conditioning
from explorer.jukebox.tracks import Track
from explorer.transliteration import transliterate
from tests.tiny import tiny_config, tiny_jukebox

CPU = torch.device("cpu")
LYRICS = "paper boats on the morning rain, over and over again"


def new_listener(seed: int = 0) -> Listener:
    torch.manual_seed(seed)
    return Listener(32, 8, alphabet(Vocabulary.V3)).eval().requires_grad_(False)


def some_codes(rows: int, count: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 32, (rows, count), generator=torch.Generator().manual_seed(seed))


def places_of(state: torch.Tensor) -> torch.Tensor:
    return state.unflatten(-1, (-1, STAGES)).sum(-1)


def test_a_listener_hears_only_what_was_before_and_not_too_long_ago() -> None:
    listener, codes = new_listener(), some_codes(1, 300)
    heard = listener(codes)
    other = codes.clone()
    other[:, 200] = (other[:, 200] + 1) % 32
    changed = (listener(other) - heard).abs().sum(-1)[0] > 1e-5
    assert not changed[:200].any() and not changed[200 + Listener.CONTEXT + 1 :].any()
    assert changed[200] and changed[200 + Listener.CONTEXT // 2 :].any()


def test_without_evidence_a_song_moves_on_as_often_as_its_tokens_do() -> None:
    listener = new_listener()
    listener.last.weight.zero_()
    listener.last.bias.copy_(listener.share.log())
    listener.moves.fill_(0.05)
    follower = Follower(listener, torch.full((1, 40), 27), begin_at(torch.tensor([0]), 40))
    states = follower.hear(some_codes(1, 20 * STRIDE), some_codes(1, 0))
    places = places_of(states)[:, 0] @ torch.arange(41.0)
    # one move in twenty codes, some of them two tokens on; of the first token all stages are still to come
    expected = torch.arange(20) * STRIDE * 0.05 * (1 + SKIPS) - (1 - 1 / STAGES) / 2
    torch.testing.assert_close(places, expected, atol=0.4, rtol=0)
    torch.testing.assert_close(states.sum(-1), torch.ones(20, 1))


def test_what_is_heard_decides_between_places() -> None:
    """A listener that hears an a, then a b, finds its place in "ab" as soon as it has heard enough."""
    listener = new_listener()
    listener.embedding.weight.zero_()
    for layer in listener.layers:
        layer.weight.zero_()  # type: ignore[union-attr, operator]
        layer.bias.zero_()  # type: ignore[union-attr, operator]
    listener.last.weight.zero_()
    listener.last.bias.zero_()
    listener.embedding.weight[1, 0], listener.embedding.weight[2, 1] = 9.0, 9.0
    listener.last.weight[1, 0], listener.last.weight[2, 1] = 1.0, 1.0
    ids = {character: number for number, character in enumerate(alphabet(Vocabulary.V3), start=1)}
    follower = Follower(listener, torch.tensor([[ids["a"], ids["B"]]]), begin_at(torch.tensor([0]), 2))
    codes = torch.tensor([[1] * 2 * STRIDE + [2] * 2 * STRIDE])
    states = follower.hear(codes, codes[:, :0])
    assert places_of(states)[:, 0].argmax(-1).tolist() == [0, 1, 1, 2]
    assert places_of(follower.state).argmax() == 2


@given(count=st.integers(1, 6), cut=st.integers(0, 6), seed=st.integers(0, 9))
def test_places_do_not_depend_on_how_codes_come(count: int, cut: int, seed: int) -> None:
    listener, tokens = new_listener(), torch.randint(1, 53, (2, 30), generator=torch.Generator().manual_seed(5))
    codes = some_codes(2, count * STRIDE, seed)
    begin = begin_at(torch.tensor([0, 4]), 30)
    at_once, in_two = Follower(listener, tokens, begin), Follower(listener, tokens, begin)
    cut = min(cut, count) * STRIDE
    states = at_once.hear(codes, codes[:, :0])
    parts = [in_two.hear(codes[:, :cut], codes[:, :0]), in_two.hear(codes[:, cut:], codes[:, :cut])]
    torch.testing.assert_close(torch.cat(parts), states)
    # what is foreseen for a stride is what it is to begin with, and adds up to one place
    foreseen = at_once.foresee(states)
    torch.testing.assert_close(foreseen[:, ::STRIDE], places_of(states).transpose(0, 1))
    torch.testing.assert_close(foreseen.sum(-1), torch.ones(2, count * STRIDE), atol=1e-4, rtol=0)


def test_heads_read_at_the_place_and_ahead_of_it() -> None:
    near = sharp(torch.tensor([[5, 6, 40]]), torch.tensor([3]), 16, heads=3, first=1)
    # head 1 reads the place itself, heads 2 and 0 the two that follow; what is behind the window is its last column
    assert near.argmax(-1)[0].tolist() == [[4, 5, 15], [2, 3, 15], [3, 4, 15]]
    assert near.softmax(-1).amax(-1).min() > 0.99


def test_columns_are_places_and_nothing_is_lost_at_the_edges() -> None:
    places = torch.rand(1, 3, 11, generator=torch.Generator().manual_seed(0)).softmax(-1)
    for before in (-4, 0, 3):
        seen = columns(places, torch.tensor([before]), 6)[0].exp()
        first = max(0, -before)
        torch.testing.assert_close(seen[:, first:5], places[0, :, before + first : before + 5], atol=2e-4, rtol=0)
        # what lies behind the window counts for its last column
        torch.testing.assert_close(seen[:, 5], places[0, :, before + 5 :].sum(-1), atol=2e-4, rtol=0)
        assert (seen[:, :first] < 1e-3).all()


@pytest.fixture(scope="module")
def prior() -> Prior:
    return tiny_jukebox(listener=8).prior(Level.TOP)


def labels_of(lyrics: str, offset: float = 0.0) -> SongLabels:
    jukebox = tiny_jukebox(listener=8)
    lists = jukebox.lists[Level.TOP]
    top = jukebox.config.prior(Level.TOP)
    return label_names("Tin Whistle", "metal", lyrics, top, lists, 32000, int(offset * 8000), transliterate)


def test_what_a_code_is_given_does_not_depend_on_those_after_it(prior: Prior) -> None:
    song, n_ctx = labels_of(LYRICS), prior.config.n_ctx
    codes = some_codes(1, n_ctx, seed=1)

    def bits(codes: torch.Tensor) -> torch.Tensor:
        near = Track.begin([song]).nearness(prior, [song], codes, 0, CPU)
        conditioning = window_conditioning(prior, [song], 0, None, CPU)
        return prior.code_bits(codes, replace(conditioning, nearness=near))

    other = codes.clone()
    other[:, 40:] = (other[:, 40:] + 1) % 32
    torch.testing.assert_close(bits(other)[:, :40], bits(codes)[:, :40])
    assert not torch.allclose(bits(other), bits(codes))


def test_a_track_goes_the_same_way_in_any_steps(prior: Prior) -> None:
    songs = [labels_of(LYRICS), labels_of("short"), labels_of("")]
    codes = some_codes(3, 300, seed=2)
    at_once = Track.begin(songs).on(prior, codes, 230, CPU)
    track = Track.begin(songs)
    for start in (7, 16, 100, 230):
        track = track.on(prior, codes, start, CPU)
    torch.testing.assert_close(track.state, at_once.state)
    near = track.nearness(prior, songs, codes, 230, CPU)
    assert near.shape == (3, 1, prior.config.n_ctx, 16)
    # a song without words, and one that has few, have their windows' ends to look at
    assert near[2, 0].argmax(-1).eq(15).all()
    assert float(near[1, 0].exp()[:, :11].sum(-1).max()) < 0.01


def test_a_song_that_begins_within_a_longer_one_has_sung_its_share(prior: Prior) -> None:
    song = labels_of(LYRICS, offset=2.0)
    assert int(places_of(Track.begin([song]).state).argmax()) == len(song.lyric_tokens) // 2
    assert -16 <= tokens_before(prior, song, 0) <= len(song.lyric_tokens) - 16


def test_a_prior_that_follows_must_be_told_where_it_is(prior: Prior) -> None:
    song, codes = labels_of(LYRICS), some_codes(1, prior.config.n_ctx)
    conditioning = window_conditioning(prior, [song], 0, None, CPU)
    with pytest.raises(ValueError, match="follows its lyrics"):
        prior.code_bits(codes, conditioning)
    with pytest.raises(ValueError, match="follows its lyrics"):
        prior.sampler(conditioning, 1, 4, codes[:, :0], 4)


def test_a_listener_is_for_a_separate_lyric_encoder_only() -> None:
    with pytest.raises(ConfigError, match="separate"):
        tiny_config(merged=True, listener=8)
