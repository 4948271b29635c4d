"""Guidance: the two ends are songs that can be made without it, and of an untold song nothing is left but its times."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.jukebox.config import Level
from explorer.jukebox.events import Finished
from explorer.jukebox.guidance import guided, untold
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.prior import NOT_TOLD
from explorer.jukebox.rows import window_labels
from explorer.jukebox.song import LevelSampling, SamplingOptions, Song, SongError
from tests.tiny import tiny_jukebox

SONG = Song("reggae", "0.6 Harbour Sound / 0.4 Tin Whistle", "one two three\nfour five", 1.6, seed=3)


def test_an_untold_song_keeps_its_times() -> None:
    labels = SongLabels(((2, 0.5), (3, 0.5)), ((1, 1.0),), 8000, 100, (4, 5), (0, 1))
    assert untold(labels) == SongLabels(((0, 1.0),), ((0, 1.0),), 8000, 100, (), ())


@given(seed=st.integers(0, 1000), guidance=st.floats(0, 10))
def test_what_is_told_counts_more_with_guidance(seed: int, guidance: float) -> None:
    told, nothing = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(seed))
    seen = []

    def choose(logits: torch.Tensor) -> torch.Tensor:
        seen.append(logits)
        return logits.argmax(-1)

    tokens = guided(choose, guidance)(torch.cat([told, nothing]))
    assert tokens.shape == (6,) and torch.equal(tokens[:3], tokens[3:])
    torch.testing.assert_close(seen[0], nothing + guidance * (told - nothing), atol=1e-4, rtol=1e-4)


def codes(song: Song, *guidance: float, **options: int) -> dict[Level, torch.Tensor]:
    """Greedy codes, since last bits differ with the number of rows; one guidance for all levels, or three from the
    top down."""
    levels = tuple(LevelSampling(top_k=1, guidance=value) for value in (guidance * 3)[:3])
    *_, last = tiny_jukebox(listener=16).generate([song, replace(song, seed=4)], SamplingOptions(*levels, **options))  # type: ignore[arg-type]
    assert isinstance(last, Finished)
    return last.codes


def test_no_guidance_is_a_song_of_which_nothing_is_told() -> None:
    anonymous = codes(replace(SONG, genre="", artist="", lyrics=""), 1.0)
    followed = codes(SONG, 1.0)
    drawn = codes(SONG, 0.0)
    assert torch.equal(drawn[Level.TOP], anonymous[Level.TOP])
    # nor is an upsampler told the level above
    other = codes(SONG, 4.0, 0.0, 0.0)
    assert not torch.equal(drawn[Level.TOP], other[Level.TOP])
    assert torch.equal(drawn[Level.MIDDLE], other[Level.MIDDLE])
    assert torch.equal(drawn[Level.BOTTOM], other[Level.BOTTOM])
    for level, drawn in codes(SONG, 4.0).items():
        assert not torch.equal(drawn, followed[level])


def test_a_row_without_the_level_above_touches_no_other() -> None:
    prior = tiny_jukebox().prior(Level.BOTTOM)
    labels = window_labels(prior, [SongLabels(((1, 1.0),), ((1, 1.0),), 8000, 0, (), ())] * 2, 0)
    upper = torch.arange(2 * prior.config.n_ctx // prior.upsampling).view(2, -1) % prior.config.codes
    both = prior.condition(labels, upper).positions
    assert both is not None
    upper[1] = NOT_TOLD
    without = prior.condition(labels, upper).positions
    assert without is not None
    torch.testing.assert_close(without[0], both[0])
    style = prior.y_emb.style(labels)[1].expand(prior.config.n_ctx, -1) if prior.config.labels.everywhere else 0
    torch.testing.assert_close(without[1], style + torch.zeros_like(without[1]))


def test_batches_change_no_code_of_a_guided_song() -> None:
    together, apart = codes(SONG, 3.0), codes(SONG, 3.0, max_batch=1, chunk=3)
    assert all(torch.equal(together[level], apart[level]) for level in together)


@pytest.mark.parametrize("guidance", [-1.0, float("nan"), float("inf"), 21.0])
def test_guidance_that_makes_no_sense_is_refused(guidance: float) -> None:
    with pytest.raises(SongError, match="guidance must be 0 to 20"):
        LevelSampling(guidance=guidance)
