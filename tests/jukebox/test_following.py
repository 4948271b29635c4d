"""Places in the lyrics: how they weigh keys, how strides go by them, and what a prior finds by its own reading."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.config import ConfigError, Level
from explorer.jukebox.following import SPAN, STRIDE, Follower, every_code, nearness, strides
from explorer.jukebox.prior import Prior
from explorer.jukebox.rows import song_places, tokens_before, window_conditioning
from explorer.jukebox.windows import window_starts
from tests.tiny import tiny_config, tiny_jukebox


def test_keys_weigh_as_a_normal_distribution_around_the_place() -> None:
    weights = nearness(torch.tensor([3.0]), 200, 4.0).softmax(-1)[0]
    columns = torch.arange(200.0)
    wide = nearness(torch.tensor([100.0]), 200, 4.0).softmax(-1)[0]
    assert weights.argmax() == 3
    torch.testing.assert_close((wide * columns).sum(), torch.tensor(100.0))
    torch.testing.assert_close((wide * (columns - 100) ** 2).sum().sqrt(), torch.tensor(4.0), atol=1e-3, rtol=0)


@given(codes=st.integers(1, 150), seed=st.integers(0, 9))
def test_a_follower_goes_by_the_strides_of_its_places(codes: int, seed: int) -> None:
    """Piece by piece, whatever the pieces: the same as from all places at once."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(2, codes, 12, generator=generator).softmax(-1)
    begin = torch.tensor([0.0, 5.0])
    follower = Follower(begin, 2.0, 12, codes)
    seen, first = [], 0
    while first < codes:
        size = int(torch.randint(1, STRIDE - first % STRIDE + 1, (1,), generator=generator))
        size = min(size, codes - first)
        seen.append(follower.nearness(first).expand(2, 1, size, 12))
        follower.saw(weights[:, first : first + size], first)
        first += size
    places = weights @ torch.arange(12.0)
    torch.testing.assert_close(follower.places, places)
    expected = nearness(every_code(strides(begin, places), codes), 12, 2.0).unsqueeze(1)
    torch.testing.assert_close(torch.cat(seen, dim=2), expected)


def test_the_place_is_the_mean_of_the_last_codes() -> None:
    places = torch.arange(2.0 * STRIDE).unsqueeze(0)
    first, second = strides(torch.tensor([7.0]), places)[0]
    assert first == 7.0
    assert second == STRIDE - 1 - (SPAN - 1) / 2


@pytest.fixture(scope="module")
def prior() -> Prior:
    return tiny_jukebox(reach=2.0)._priors[Level.TOP]


def labels_of(lyrics: str, seconds: float = 4.0):  # type: ignore[no-untyped-def]
    from explorer.jukebox.labels import label_names
    from explorer.transliteration import transliterate

    jukebox = tiny_jukebox(reach=2.0)
    prior = jukebox.config.prior(Level.TOP)
    lists = jukebox.lists[Level.TOP]
    return label_names("Tin Whistle", "metal", lyrics, prior, lists, int(seconds * 8000), 0, transliterate)


def test_what_a_code_is_given_does_not_depend_on_those_after_it(prior: Prior) -> None:
    """Nor on whether it is read with all codes at once or one by one."""
    labels = labels_of("paper boats on the morning rain")
    codes = torch.randint(0, 32, (1, prior.config.n_ctx), generator=torch.Generator().manual_seed(1))
    conditioning = window_conditioning(prior, [labels], 0, None, torch.device("cpu"))
    whole = prior.code_bits(codes, conditioning)
    other = codes.clone()
    other[:, 40:] = (other[:, 40:] + 1) % 32
    torch.testing.assert_close(prior.code_bits(other, conditioning)[:, :40], whole[:, :40])
    by_chunks = prior.sampler(conditioning, 1, prior.config.n_ctx, codes, 5).places
    torch.testing.assert_close(by_chunks, prior.follow(codes, conditioning))


def test_a_song_is_followed_across_windows(prior: Prior) -> None:
    labels = labels_of("paper boats on the morning rain, over and over again")
    codes = torch.randint(0, 32, (1, 4 * prior.config.n_ctx + 5), generator=torch.Generator().manual_seed(2))
    starts = window_starts(codes.shape[1], prior.config.n_ctx, 0.5)
    read = song_places(prior, [labels], codes, starts, torch.device("cpu"))
    # what is known of a part does not change when more codes come
    part = song_places(prior, [labels], codes[:, : 2 * prior.config.n_ctx + 9], starts, torch.device("cpu"))
    torch.testing.assert_close(part, read[:, : part.shape[1]])
    for start in starts:
        first = tokens_before(prior, [labels], start)
        assert first.shape == (1, 1) and -16 <= float(first) <= len(labels.lyric_tokens) - 16


def test_a_model_cannot_follow_without_a_head_that_tells_the_place() -> None:
    prior = tiny_config(reach=2.0).prior(Level.TOP)
    with pytest.raises(ConfigError, match="alignment"):
        replace(prior, alignment_head=None)
    with pytest.raises(ConfigError, match="separate"):
        tiny_config(merged=True, reach=2.0)
