"""The VQ-VAE's shapes and reach, and its codebooks in training."""

from __future__ import annotations

import pytest
import torch

from explorer.jukebox import vqvae as vqvae_module
from explorer.jukebox.bottleneck import Codebook, CodebookState, update_codebook
from explorer.jukebox.config import Level
from explorer.jukebox.losses import Bandwidth, multispectral_loss, spectral_convergence
from explorer.jukebox.vqvae import VQVAE
from tests.tiny import tiny_config, tiny_jukebox


@pytest.mark.parametrize("level", range(3))
def test_lengths(level: int) -> None:
    vqvae = VQVAE(tiny_config().vqvae).eval()
    hop = vqvae.config.hop(level)
    codes = vqvae.encode(torch.zeros(2, 5 * hop + 1, 1), level)
    assert codes.shape == (2, 5)
    assert vqvae.decode(codes, level).shape == (2, 5 * hop, 1)
    with pytest.raises(ValueError, match="less than one code"):
        vqvae.encode(torch.zeros(1, hop - 1, 1), level)


@pytest.mark.parametrize("level", list(Level))
def test_codes_beyond_the_reach_change_nothing(level: Level) -> None:
    jukebox = tiny_jukebox()
    vqvae, reach = jukebox._vqvae, jukebox.config.vqvae.decoder_reach(level.index)
    hop = jukebox.config.hop(level)
    codes = torch.randint(0, 32, (1, 3 * reach + 8), generator=torch.Generator().manual_seed(1))
    changed = codes.clone()
    middle = codes.shape[1] // 2
    changed[0, middle] = (changed[0, middle] + 1) % 32
    different = (vqvae.decode(codes, level.index) != vqvae.decode(changed, level.index)).flatten().nonzero().flatten()
    assert len(different), "a code must be heard at all"
    assert different[0] // hop >= middle - reach
    assert different[-1] // hop <= middle + reach


@pytest.mark.parametrize("level", list(Level))
def test_encoding_in_pieces_changes_no_code(level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    jukebox = tiny_jukebox()
    audio = torch.randn(1, 128 * 150, 1, generator=torch.Generator().manual_seed(2)) * 0.3
    whole = jukebox._vqvae.encode(audio, level.index)
    monkeypatch.setattr(vqvae_module, "ENCODE_PIECE", 2000)
    assert torch.equal(jukebox._vqvae.encode(audio, level.index), whole)
    # and what lies beyond the reach changes nothing
    reach, hop = jukebox.config.vqvae.encoder_reach(level.index), jukebox.config.hop(level)
    middle = whole.shape[1] // 2
    other = audio.clone()
    other[:, middle * hop : (middle + 1) * hop] += 1.0
    x, y = (jukebox._vqvae.encode_continuous(a, level.index)[0] for a in (audio, other))
    different = (x != y).any(0).nonzero().flatten()
    assert len(different) and different[0] >= middle - reach and different[-1] <= middle + reach


def test_codebook_revival_and_averages() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(50, 4, generator=generator)
    book = Codebook(8, 4)
    book.start(x, generator)
    assert all((x == row).all(1).any() for row in book.k)
    codes = torch.zeros(50, dtype=torch.int64)  # only code 0 is used
    revival = x[:8]
    state, metrics = update_codebook(CodebookState(book.k, book.k_sum, book.k_elem), x, codes, revival, 0.5, 1.0)
    # code 0: (0.5·k + 0.5·Σx) / (0.5 + 0.5·50); all others have fallen to 0.5 and are revived
    torch.testing.assert_close(state.k[0], (0.5 * book.k[0] + 0.5 * x.sum(0)) / 25.5)
    assert torch.equal(state.k[1:], revival[1:])
    assert int(metrics.usage) == 1 and int(metrics.used_now) == 1


def test_too_few_rows_are_tiled_with_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 4, generator=generator)
    book = Codebook(8, 4)
    book.start(x, generator)
    assert torch.cdist(book.k, x).min(1).values.max() < 0.1
    assert len(book.k.unique(dim=0)) == 8


def test_training_a_tiny_one_lowers_its_loss() -> None:
    torch.manual_seed(0)
    vqvae = VQVAE(tiny_config().vqvae)
    generator = torch.Generator().manual_seed(0)
    time = torch.arange(4096) / 8000
    audio = (0.5 * torch.sin(2 * torch.pi * 440 * time)).view(1, -1, 1).repeat(2, 1, 1)
    book = vqvae.bottleneck.level(0)
    with torch.no_grad():
        x = vqvae.encode_continuous(audio, 0)
    book.start(x.transpose(1, 2).reshape(-1, x.shape[1]), generator)
    optimiser = torch.optim.Adam(vqvae.parameters(), 3e-3)
    losses = []
    for _ in range(60):
        passed = vqvae.reconstruct(audio, 0)
        output, commit, rows, codes = passed.audio, passed.commit, passed.rows, passed.codes
        loss = (output - audio).pow(2).mean() + 0.02 * commit
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        book.update(rows, codes, generator, 0.99, 0.5)
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_spectral_measures_know_equal_from_different() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(2, 8192, 1, generator=generator) * 0.1 for _ in range(2))
    unit = Bandwidth(1.0, 1.0, 1.0)
    assert float(spectral_convergence(a, a).max()) == 0
    assert float(spectral_convergence(a, b).min()) > 0.3
    assert float(spectral_convergence(a, 0 * a).mean()) == pytest.approx(1.0, abs=1e-4)
    assert float(spectral_convergence(0 * a, b).max()) == 0
    assert float(multispectral_loss(a, b, unit)) > 0


@pytest.mark.parametrize("level", range(3))
@pytest.mark.parametrize("codes", [1, 2, 7])
def test_fused_layers_are_the_published_ones(level: int, codes: int) -> None:
    """The decoder's last two layers as one product, and residual units with channels last."""
    vqvae = tiny_jukebox()._vqvae
    decoder = vqvae.decoders[level]
    x = torch.randn(2, vqvae.config.emb_width, codes, generator=torch.Generator().manual_seed(codes))
    plain = x
    for block in reversed(decoder.level_blocks):
        for layer in block.model:
            if isinstance(layer, torch.nn.Sequential):
                residuals, stretch = layer
                for unit in residuals.model:
                    plain = plain + unit.model(plain)
                plain = stretch(plain)
            else:
                plain = layer(plain)
    plain = decoder.out(plain)
    torch.testing.assert_close(decoder(x), plain, rtol=1e-4, atol=1e-4 * float(plain.abs().max()))
