"""Vectors of single windows: conditioning, logits, losses, gradients, attention and sampling.

Knows: the arrays of ``prior_level_*.npz`` and ``grads.json``. Does not know: songs of several
windows; ``pipelines`` does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from explorer.checkpoints.conformance.labels import Lookup, song_labels
from explorer.checkpoints.conformance.report import (
    ATTENTION,
    EXACT,
    GRADIENT,
    HIDDEN,
    LOGITS,
    LOSS,
    Check,
    compare,
    compare_draws,
)
from explorer.checkpoints.conformance.vectors import Arrays, Vectors
from explorer.jukebox.conditioning import LabelBatch
from explorer.jukebox.drawing import filter_logits
from explorer.jukebox.labels import label_vector
from explorer.jukebox.prior import Conditioning, Prior

CHUNKS = (7, 1000)
"""Prompt chunk sizes of the primed and the partial run; they must not matter."""

TEMPERATURE = 0.99
"""Of the recorded runs, where they had one."""


def label_batch(y: torch.Tensor, bag: int) -> LabelBatch:
    """Published label vectors [batch, 4 + bag + tokens] as what a prior receives."""
    genres = y[:, 4 : 4 + bag]
    tokens = y[:, 4 + bag :]
    return LabelBatch(
        total_length=y[:, 0],
        offset=y[:, 1],
        window_length=int(y[0, 2]),
        artist_ids=y[:, 3:4],
        artist_weights=torch.ones_like(y[:, 3:4], dtype=torch.float32),
        genre_ids=genres,
        genre_weights=(genres >= 0).float(),
        lyric_tokens=tokens if tokens.shape[1] else None,
    )


@dataclass(frozen=True)
class Window:
    """One file's model and inputs."""

    name: str
    arrays: Arrays
    prior: Prior
    codes: torch.Tensor
    y: torch.Tensor
    upper: torch.Tensor | None

    def condition(self) -> Conditioning:
        labels = self.prior.config.labels
        return self.prior.condition(label_batch(self.y, labels.max_genres) if labels else None, self.upper)

    def repeated(self, times: int) -> Window:
        """The same window with its songs several times over."""
        upper = None if self.upper is None else _again(self.upper, times)
        return dataclasses.replace(self, codes=_again(self.codes, times), y=_again(self.y, times), upper=upper)


def _again(rows: torch.Tensor, times: int) -> torch.Tensor:
    return torch.cat([rows] * times)


def read_window(vectors: Vectors, name: str) -> Window:
    """The model and the inputs of prior_level_*.npz."""
    arrays, device = vectors.arrays(name), vectors.device
    return Window(
        name,
        arrays,
        vectors.prior(name),
        arrays.codes("z", device),
        arrays.codes("y", device),
        arrays.codes("z_cond", device) if "z_cond" in arrays else None,
    )


def check_prior(vectors: Vectors, name: str, lookup: Lookup) -> Iterator[Check]:
    """Everything in one prior_level_*.npz, and its gradients."""
    window = read_window(vectors, name)
    arrays = window.arrays
    if vectors.has("prior_metas.json"):
        yield from _labels(vectors, window, lookup)
    with torch.inference_mode():
        yield from _forward(window)
        yield from _attention(window)
        yield from _draws(window, vectors)
    if vectors.has("grads.json"):
        yield from _gradients(window, vectors.json("grads").get(name))
    for array in arrays.unused():
        yield Check(f"{name} {array}", False, float("nan"), "known", "an array that this version does not know")


def _labels(vectors: Vectors, window: Window, lookup: Lookup) -> Iterator[Check]:
    """The label vectors and lyric indices, from the songs as written."""
    config = window.prior.config
    if config.labels is None:
        return
    start = int(window.arrays["window_start"])
    vectors_found, indices_found = [], []
    for meta in vectors.json("prior_metas"):
        y, indices = label_vector(
            song_labels(meta, config, lookup),
            config.labels.max_genres,
            config.lyrics.n_tokens if config.lyrics else 0,
            window.prior.window_length,
            start * window.prior.hop,
        )
        vectors_found.append(y)
        indices_found.append(indices)
    yield compare(f"{window.name} y", window.arrays["y"], np.array(vectors_found), EXACT)
    if config.lyrics:
        expected = window.arrays["lyric_indices"]
        yield compare(f"{window.name} lyric_indices", expected, np.array(indices_found), EXACT)


def _forward(window: Window) -> Iterator[Check]:
    """Conditioning, the teacher-forced pass and its losses."""
    arrays, prior, name = window.arrays, window.prior, window.name
    conditioning = window.condition()
    if conditioning.start is not None:
        yield compare(f"{name} y_cond", arrays["y_cond"], conditioning.start, HIDDEN)
    if conditioning.positions is not None:
        yield compare(f"{name} x_cond", arrays["x_cond"], conditioning.positions, HIDDEN)
    if conditioning.encoder is not None and conditioning.encoder_hidden is not None:
        yield compare(f"{name} encoder_hidden", arrays["encoder_hidden"], conditioning.encoder_hidden, HIDDEN)
        yield compare(f"{name} encoder_kv", arrays["encoder_kv"], conditioning.encoder, HIDDEN)
        yield compare(f"{name} encoder_logits", arrays["encoder_logits"], prior.lyric_logits(conditioning), LOGITS)
    norms: list[torch.Tensor] = []
    hooks = [
        block.register_forward_hook(lambda _module, _inputs, output: norms.append(output.flatten(1).norm(dim=1)))
        for block in prior.prior.transformer.blocks
    ]
    logits = prior(window.codes, conditioning)
    for hook in hooks:
        hook.remove()
    yield compare(f"{name} layer_out_l2", arrays["layer_out_l2"], torch.stack(norms), HIDDEN)
    yield compare(f"{name} logits", arrays["logits"], logits, LOGITS)
    loss = prior.loss(window.codes, conditioning)
    for original, got in (("loss", loss.total), ("gen_loss", loss.music), ("prime_loss", loss.lyrics)):
        yield compare(f"{name} {original}", arrays[original], got, LOSS)


def _attention(window: Window) -> Iterator[Check]:
    layer = window.prior.config.alignment_layer
    if layer is None or "align_layer_weights" not in window.arrays:
        return
    weights = window.prior.lyric_weights(window.codes, window.condition(), layer)
    yield compare(f"{window.name} align_layer_weights", window.arrays["align_layer_weights"], weights, ATTENTION)


class _Chooser:
    """Takes the best of ``score(step, logits)`` and remembers by how much it won."""

    def __init__(self, score: Callable[[int, torch.Tensor], torch.Tensor]) -> None:
        self._score = score
        self._margins: list[torch.Tensor] = []

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        scores = self._score(len(self._margins), logits)
        best = scores.topk(2, dim=-1)
        self._margins.append(best.values[:, 0] - best.values[:, 1])
        return best.indices[:, 0]

    @property
    def margins(self) -> torch.Tensor:
        """[batch, steps]"""
        return torch.stack(self._margins, dim=1)


def _run(window: Window, given: int, total: int, chooser: _Chooser, chunk: int) -> torch.Tensor:
    """Codes [batch, total] of which the first ``given`` are those of the file."""
    prompt = window.codes[:, :given]
    decoding = window.prior.sampler(window.condition(), len(prompt), total, prompt, chunk)
    drawn = [decoding.step(chooser) for _ in range(total - given)]
    return torch.cat([prompt, torch.stack(drawn, dim=1)], dim=1)


def _draws(window: Window, vectors: Vectors) -> Iterator[Check]:
    """Greedy and noise-driven sampling of the window, from scratch and behind a prompt."""
    arrays, n_ctx = window.arrays, window.prior.config.n_ctx
    yield from _scratch_draws(window, arrays.numbers("noise", vectors.device))
    partial = int(arrays["partial_sample_tokens"])
    kept = partial - arrays["greedy_partial_margin"].shape[1]
    greedy = (("greedy_primed", int(arrays["primed_len"]), n_ctx), ("greedy_partial", kept, partial))
    for (run, given, total), chunk in zip(greedy, CHUNKS, strict=True):
        chooser = _Chooser(lambda _step, logits: logits)
        got = _run(window, given, total, chooser, chunk)
        yield from _greedy(window, run, got, chooser.margins)


def _scratch_draws(window: Window, noise: torch.Tensor) -> Iterator[Check]:
    """The three runs from nothing: greedy, and twice with recorded noise; as one batch to save time."""
    n_ctx = window.prior.config.n_ctx

    def score(step: int, logits: torch.Tensor) -> torch.Tensor:
        greedy, plain, filtered = logits.chunk(3)
        kept = filter_logits(filtered / 1.3, 5, 0.0)
        return torch.cat([greedy, plain / TEMPERATURE + noise[step], kept + noise[step]])

    chooser = _Chooser(score)
    codes = _run(window.repeated(3), 0, n_ctx, chooser, n_ctx).chunk(3)
    margins = chooser.margins.chunk(3)
    yield from _greedy(window, "greedy_scratch", codes[0], margins[0])
    for run, got, gaps in zip(("noise_scratch_t099", "noise_scratch_t130_k5"), codes[1:], margins[1:], strict=True):
        yield compare_draws(f"{window.name} {run}", window.arrays[run], got, gaps)


def _greedy(window: Window, run: str, got: torch.Tensor, found: torch.Tensor) -> Iterator[Check]:
    """Codes of a greedy run, and where they agree the recorded margins of its draws."""
    expected, margins = window.arrays[run], window.arrays[f"{run}_margin"]
    fixed = np.full((got.shape[0], got.shape[1] - margins.shape[1]), np.inf)
    name = f"{window.name} {run}"
    yield compare_draws(name, expected, got, np.concatenate([fixed, margins], axis=1))
    if np.array_equal(expected, got.cpu().numpy()):
        # some margins were recorded after division by the temperature
        both = [compare(f"{name}_margin", margins, found / t, LOGITS) for t in (1.0, TEMPERATURE)]
        yield min(both, key=lambda check: check.difference)


def _gradients(window: Window, expected: dict[str, object] | None) -> Iterator[Check]:
    """Loss in training mode and the size of every parameter's gradient."""
    if expected is None:
        return
    prior = window.prior.train().requires_grad_(True)
    loss = prior.loss(window.codes, window.condition()).total
    loss.backward()  # type: ignore[no-untyped-call]
    found = {n: None if p.grad is None else float(p.grad.norm()) for n, p in prior.named_parameters()}
    prior.eval().requires_grad_(False)
    prior.zero_grad(set_to_none=True)
    yield compare(f"{window.name} grads loss", np.array(expected["loss"], dtype=np.float64), loss, LOSS)
    norms = expected["grad_l2"]
    assert isinstance(norms, dict)
    if norms.keys() != found.keys():
        odd = ", ".join(sorted(norms.keys() ^ found.keys())[:6])
        yield Check(f"{window.name} grads", False, float("nan"), "same names", f"other parameters: {odd}")
        return
    unused = [name for name in norms if (norms[name] is None) != (found[name] is None)]
    yield Check(f"{window.name} grads unused", not unused, float(len(unused)), "exact", ", ".join(unused[:6]))
    used = [name for name in norms if norms[name] is not None and found[name] is not None]
    a, b = np.array([norms[n] for n in used]), np.array([found[n] for n in used], dtype=np.float64)
    yield compare(f"{window.name} grads ({len(used)} parameters)", a, b, GRADIENT)
