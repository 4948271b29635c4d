"""VQ-VAE vectors: encoders, codes, decoders, losses, and the codebook's moving-average update.

Knows: the arrays of ``vqvae.npz`` and the terms of ``vqvae_losses.json``. Does not know: priors.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from explorer.checkpoints.conformance.report import EXACT, HIDDEN, LOSS, Check, compare
from explorer.checkpoints.conformance.vectors import Arrays, Options, Vectors
from explorer.jukebox import losses
from explorer.jukebox.bottleneck import Codebook, CodebookState, update_codebook
from explorer.jukebox.vqvae import VQVAE

CODE_TIE = 1e-5
"""Codes whose second-best distance is closer than this are rounding ties."""

EMA_LEVEL = 1
"""The codebook whose updates are recorded."""


def check_vqvae(vectors: Vectors) -> Iterator[Check]:
    """Everything in vqvae.npz and vqvae_losses.json."""
    arrays, model = vectors.arrays("vqvae"), vectors.vqvae()
    device = vectors.device
    audio = arrays.numbers("audio", device)
    for level in range(vectors.vqvae_config.levels):
        encoded = model.encode_continuous(audio, level)
        yield compare(f"vqvae encoder_out_l{level}", arrays[f"encoder_out_l{level}"], encoded, HIDDEN)
        free = arrays[f"code_margin_l{level}"] < CODE_TIE
        codes = model.encode(audio, level)
        yield compare(f"vqvae codes_l{level}", arrays[f"codes_l{level}"], codes, EXACT, free)
        margin = _margin(model, encoded, level)
        yield compare(f"vqvae code_margin_l{level}", arrays[f"code_margin_l{level}"], margin, HIDDEN)
        for kind in ("", "random_"):
            decoded = model.decode(arrays.codes(f"{kind}codes_l{level}", device), level)
            yield compare(f"vqvae {kind}decoded_l{level}", arrays[f"{kind}decoded_l{level}"], decoded, HIDDEN)
    options = vectors.hparams["vqvae"]
    yield from _updates(arrays, model, device, float(options["l_mu"]))
    if vectors.has("vqvae_losses.json"):
        yield from _losses(vectors.json("vqvae_losses"), options, model, audio)
    yield from _unknown(arrays)


def _unknown(arrays: Arrays) -> Iterator[Check]:
    for name in arrays.unused():
        yield Check(f"{arrays.name} {name}", False, float("nan"), "known", "an array that this version does not know")


def _margin(model: VQVAE, encoded: torch.Tensor, level: int) -> torch.Tensor:
    """By how much the second-best codebook row is farther away: [batch, codes]."""
    distances = model.bottleneck.level(level).distances(encoded.transpose(1, 2))
    best = distances.topk(2, dim=-1, largest=False).values
    return best[..., 1] - best[..., 0]


def _updates(arrays: Arrays, model: VQVAE, device: torch.device, mu: float) -> Iterator[Check]:
    """The recorded steps ``ema_<name>_*``, started as a fresh or a restored codebook is."""
    names = sorted({key.split("_")[1] for key in arrays.unused() if key.startswith("ema_")})
    stored = model.bottleneck.level(EMA_LEVEL).k
    for name in names:
        prefix = f"ema_{name}_"
        book = Codebook(*stored.shape).to(device)
        book.k.copy_(stored)
        tokens = int(arrays[f"{prefix}num_tokens"])
        book.restore(1.0 if tokens < 0 else tokens / stored.shape[0])
        x = arrays.numbers(f"{prefix}x", device)
        codes = book.encode(x)
        yield compare(f"vqvae {prefix}codes", arrays[f"{prefix}codes"], codes, EXACT)
        revival = x[arrays.codes(f"{prefix}perm", device)][: stored.shape[0]]
        state = CodebookState(book.k, book.k_sum, book.k_elem)
        after, metrics = update_codebook(state, x, codes, revival, mu, float(arrays[f"{prefix}threshold"]))
        for part in ("k", "k_sum", "k_elem"):
            yield compare(f"vqvae {prefix}{part}_after", arrays[f"{prefix}{part}_after"], getattr(after, part), HIDDEN)
        for original, ours in (
            ("fit", "fit"),
            ("entropy", "entropy"),
            ("used_curr", "used_now"),
            ("usage", "usage"),
            ("dk", "change"),
        ):
            got = getattr(metrics, ours).float()
            yield compare(f"vqvae {prefix}{original}", arrays[f"{prefix}{original}"], got, HIDDEN)


def _losses(expected: dict[str, object], options: Options, model: VQVAE, audio: torch.Tensor) -> Iterator[Check]:
    """The evaluation-mode forward pass: per-level terms, their sums, and the metrics of the finest level."""
    given = expected["bandwidth"]
    assert isinstance(given, dict)
    bandwidth = losses.Bandwidth(**given)
    reconstruction = {"lmix": losses.mixed_loss, "l2": losses.l2_loss, "l1": losses.l1_loss}[str(expected["loss_fn"])]
    found: dict[str, torch.Tensor] = {}
    zero = audio.new_zeros(())
    totals = {"recons_loss": zero, "spectral_loss": zero, "multispectral_loss": zero, "commit_loss": zero}
    for level in reversed(range(model.config.levels)):
        passed = model.reconstruct(audio, level)
        output, commit = passed.audio, passed.commit
        terms = {
            "recons_loss": reconstruction(audio, output, bandwidth),
            "spectral_loss": losses.spectral_loss(audio, output, bandwidth),
            "multispectral_loss": losses.multispectral_loss(audio, output, bandwidth),
        }
        for name, value in terms.items():
            found[f"{name}_l{level + 1}"] = value
            totals[name] = totals[name] + value
        totals["commit_loss"] = totals["commit_loss"] + commit
    found |= totals
    found["loss"] = totals["recons_loss"]
    for weight in ("spectral", "multispectral", "commit"):
        found["loss"] = found["loss"] + options[weight] * totals[f"{weight}_loss"]
    # the metrics are those of the last level of the loop, the finest
    found["spectral_convergence"] = losses.spectral_convergence(audio, output).mean()
    found["l1_loss"] = losses.l1_loss(audio, output, bandwidth)
    found["l2_loss"] = losses.l2_loss(audio, output, bandwidth)
    found["linf_loss"] = losses.linf_loss(audio, output, bandwidth)
    for name, term in expected.items():
        if name in ("bandwidth", "loss_fn"):
            continue
        if name not in found:
            yield Check(f"vqvae_losses {name}", False, float("nan"), "known", "a term that this version does not know")
            continue
        yield compare(f"vqvae_losses {name}", np.array(term, dtype=np.float64), found[name], LOSS)
