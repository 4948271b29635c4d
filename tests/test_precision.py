"""Which device and number formats are chosen, and what is said about it."""

from __future__ import annotations

import pytest
import torch

from explorer import precision
from explorer.jukebox.config import LEVELS, Level
from explorer.jukebox.products import WeightFormat, available
from explorer.precision import DeviceError, choose_device, choose_precision, fastest
from tests.tiny import tiny_jukebox

CPU = torch.device("cpu")


def test_devices() -> None:
    assert choose_device("cpu").type == "cpu"
    with pytest.raises(DeviceError, match="no device abacus"):
        choose_device("abacus")


def test_what_is_asked_for_is_taken() -> None:
    jukebox = tiny_jukebox()
    priors, rows = {level: jukebox.prior(level) for level in LEVELS}, dict.fromkeys(LEVELS, 1)
    exact = choose_precision(CPU, "float32", priors, rows)
    assert not exact.formats and exact.name(Level.TOP) == "float32"
    for wanted in (WeightFormat.FLOAT16, WeightFormat.BFLOAT16, WeightFormat.INT8):
        if not available(wanted):
            with pytest.raises(DeviceError, match=f"torch has no {wanted} products for this processor"):
                choose_precision(CPU, wanted, priors, rows)
            continue
        chosen = choose_precision(CPU, wanted, priors, rows)
        assert {chosen.name(level) for level in LEVELS} == {wanted}
    with pytest.raises(DeviceError, match="for CPUs"):
        choose_precision(torch.device("cuda"), "int8", priors, rows)


def test_the_fastest_is_taken_only_where_it_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    times: dict[WeightFormat, float | None] = {
        WeightFormat.FLOAT32: 1.0,
        WeightFormat.FLOAT16: None,
        WeightFormat.BFLOAT16: 0.9,
        WeightFormat.INT8: None,
    }
    monkeypatch.setattr(precision, "pass_seconds", lambda blocks, rows, format: times[format])
    assert fastest([], 1) == (WeightFormat.FLOAT32, "float32 1.00, bfloat16 0.90")
    times[WeightFormat.INT8] = 0.5
    assert fastest([], 1)[0] is WeightFormat.INT8


def test_small_levels_are_not_left_to_chance() -> None:
    jukebox = tiny_jukebox()
    priors = {level: jukebox.prior(level) for level in LEVELS}
    chosen = choose_precision(CPU, "auto", priors, dict.fromkeys(LEVELS, 1))
    assert {chosen.name(level) for level in LEVELS} == {"float32"} and "small" in chosen.reason


@pytest.mark.parametrize("level", [Level.TOP, Level.BOTTOM])
def test_a_trial_leaves_the_weights_as_they_were(level: Level) -> None:
    blocks = tiny_jukebox().prior(level).prior.transformer.blocks
    for format in WeightFormat:
        assert (precision.pass_seconds(blocks, 2, format) is not None) == available(format)
    assert all(product.packed is None for block in blocks for product in block.products())
