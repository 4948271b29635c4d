"""Number formats against float32: along the codes that are given, and without lasting effect."""

from __future__ import annotations

import pytest
import torch

from explorer import fidelity
from explorer.fidelity import format_costs
from explorer.jukebox.config import Level
from explorer.jukebox.products import WeightFormat
from explorer.jukebox.rows import window_conditioning
from explorer.jukebox.song import Song
from tests.tiny import tiny_jukebox


@pytest.mark.parametrize("merged", [False, True])
def test_distributions_are_those_along_the_codes(merged: bool) -> None:
    jukebox = tiny_jukebox(merged)
    prior, labels = jukebox.prior(Level.TOP), [jukebox.describe(Song("reggae", "", "la la", 2.0))[Level.TOP]]
    codes = torch.randint(0, 32, (1, 64), generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        conditioning = window_conditioning(prior, labels, 0, None, torch.device("cpu"))
        expected = prior.code_bits(codes, conditioning)
        found = fidelity._log_probabilities(prior, conditioning, codes)
        tokens = codes + prior.config.bins - prior.config.codes
        bits = -found.gather(-1, tokens.unsqueeze(-1))[..., 0] / torch.tensor(2.0).log()
    torch.testing.assert_close(bits.float(), expected, atol=1e-3, rtol=1e-3)

    costs = format_costs(prior, conditioning, codes, WeightFormat.FLOAT32)
    for cost in costs.values():
        assert cost.distributions == 64 and 0 < cost.divergence < 1 and 0.5 < cost.agreement <= 1
    assert torch.equal(fidelity._log_probabilities(prior, conditioning, codes), found)


def test_a_format_that_torch_lacks_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    jukebox = tiny_jukebox()
    prior, labels = jukebox.prior(Level.TOP), [jukebox.describe(Song("reggae", "", "la la", 2.0))[Level.TOP]]
    conditioning = window_conditioning(prior, labels, 0, None, torch.device("cpu"))
    monkeypatch.setattr(fidelity, "available", lambda format: False)
    assert format_costs(prior, conditioning, torch.zeros(1, 4, dtype=torch.int64), WeightFormat.FLOAT32) == {}
