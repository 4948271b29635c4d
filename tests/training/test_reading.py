"""How lyrics are learnt to be read: looking on changes nothing, leading puts the truth in place of attention."""

from __future__ import annotations

from dataclasses import replace

import torch

from explorer.checkpoints.folder import new_module
from explorer.jukebox.conditioning import LabelBatch
from explorer.jukebox.config import AttentionKind, Level
from explorer.jukebox.prior import Prior
from explorer.training.examples import Batch
from explorer.training.reading import LEADING_ENDS, Reader, guided_attention_losses, leading, recognition_loss, targets
from tests.tiny import tiny_config


def top() -> Prior:
    torch.manual_seed(0)
    prior = new_module(tiny_config(), Level.TOP.value, "cpu")
    assert isinstance(prior, Prior)
    with torch.no_grad():  # untrained lyric layers are the identity: then their attention would not matter
        for parameter in prior.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return prior


def batch_of(prior: Prior) -> Batch:
    config = prior.config
    assert config.lyrics is not None
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(1, 40, (2, config.lyrics.n_tokens), generator=generator)
    sung = torch.arange(config.n_ctx).div(7, rounding_mode="floor").repeat(2, 1).clamp(max=config.lyrics.n_tokens - 6)
    sung[1, 10:20] = -1
    one = torch.ones(2, 1)
    labels = LabelBatch(
        torch.full((2,), 90_000), torch.zeros(2, dtype=torch.int64), prior.window_length,
        one.long(), one, one.long(), one, tokens,
    )  # fmt: skip
    codes = torch.randint(0, config.codes, (2, config.n_ctx), generator=generator)
    return Batch(codes, labels, None, sung)


def logits(prior: Prior, batch: Batch, reader: Reader | None) -> torch.Tensor:
    return prior(batch.codes, prior.condition(batch.labels), reader)


def test_looking_on_changes_nothing() -> None:
    prior = top()
    batch = batch_of(prior)
    reader = Reader(batch, prior.config, 0.0, None)
    torch.testing.assert_close(logits(prior, batch, reader), logits(prior, batch, None), rtol=1e-4, atol=1e-4)
    reading = [kind for kind in prior.config.transformer.layout if kind in (AttentionKind.CROSS, AttentionKind.PRIME)]
    assert len(reader.guides) == len(reading) > 0


def test_leading_replaces_attention_where_something_is_sung() -> None:
    prior = top()
    batch, config = batch_of(prior), prior.config
    assert config.alignment_layer is not None and config.alignment_head is not None and batch.sung is not None
    prefix, columns = config.prefix, 1 + int(batch.sung.max()) + config.transformer.heads
    weights = torch.full((2, config.transformer.heads, prefix + config.n_ctx, columns), 1 / columns)
    hidden = torch.zeros(2, prefix + config.n_ctx, config.transformer.width)
    led = Reader(batch, config, 1.0, None)(config.alignment_layer, hidden, weights)[:, :, prefix:]
    sung = batch.sung >= 0
    rows = led[:, config.alignment_head]
    assert torch.equal(rows[sung].argmax(-1), batch.sung[sung] + 1)
    assert torch.equal(rows[sung].amax(-1), torch.ones(int(sung.sum())))
    assert torch.equal(rows[~sung], weights[:, 0, prefix:][~sung])
    half = Reader(batch, config, 0.5, None)(config.alignment_layer, hidden, weights)[:, :, prefix:]
    torch.testing.assert_close(half, (led + weights[:, :, prefix:]) / 2)
    other = config.alignment_layer + 1
    assert Reader(batch, config, 1.0, None)(other, hidden, weights) is weights


def test_guided_attention_is_nothing_where_every_head_reads_its_column() -> None:
    prior = top()
    batch, config = batch_of(prior), prior.config
    assert batch.sung is not None and config.alignment_head is not None
    columns = 1 + int(batch.sung.max()) + 2 * config.transformer.heads
    target = targets(batch.sung, config.transformer.heads, config.alignment_head, columns)
    weights = torch.nn.functional.one_hot(target, columns).float()
    assert float(guided_attention_losses(weights, batch, config).abs().max()) < 1e-6
    edge = replace(batch, sung=torch.full_like(batch.sung, columns - 1))
    assert float(guided_attention_losses(torch.ones_like(weights) / columns, edge, config).min()) > 0
    everything = torch.nn.functional.one_hot(torch.full_like(target, columns - 1), columns).float()
    assert float(guided_attention_losses(everything, edge, config).abs().max()) < 1e-6
    far = weights.roll(columns // 2, dims=3)
    assert float(guided_attention_losses(far, batch, config).min()) > 5
    assert int(target[0, config.alignment_head, 0]) == int(batch.sung[0, 0]) + 1


def test_nothing_sung_costs_nothing() -> None:
    prior = top()
    batch = batch_of(prior)
    assert batch.sung is not None
    silent = replace(batch, sung=torch.full_like(batch.sung, -1))
    recogniser = torch.nn.Linear(prior.config.transformer.width, 80)
    reader = Reader(silent, prior.config, 1.0, recogniser)
    logits(prior, silent, reader)
    assert float(reader.guide.detach()) == 0.0 and float(reader.recognition.detach()) == 0.0


def test_recognition_is_nothing_where_characters_stand_in_the_activations() -> None:
    prior = top()
    batch = batch_of(prior)
    assert batch.sung is not None and batch.labels.lyric_tokens is not None
    recogniser = torch.nn.Linear(80, 80)
    with torch.no_grad():
        recogniser.weight.copy_(30 * torch.eye(80))
        recogniser.bias.zero_()
    tokens = batch.labels.lyric_tokens.gather(1, batch.sung.clamp_min(0))
    hidden = torch.nn.functional.one_hot(tokens, 80).float()
    assert float(recognition_loss(recogniser, hidden, batch).detach()) < 1e-6
    assert float(recognition_loss(recogniser, hidden.roll(1, dims=2), batch).detach()) > 5


def test_leading_ends_before_the_run_does() -> None:
    assert leading(0.8, 0, 100) == 0.8
    assert leading(0.8, int(100 * LEADING_ENDS), 100) == 0.0 == leading(0.8, 99, 100)
    assert 0 < leading(0.8, 35, 100) < 0.8
