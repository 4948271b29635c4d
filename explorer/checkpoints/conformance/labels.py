"""Label and timing vectors of the real-size models.

Knows: the cases of ``labels.json``, the bins of ``timing_bins.npz``, and how to look names up
without the published lists in the few cases that the vectors themselves answer. Does not know:
weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.checkpoints.archives import read_published_lists
from explorer.checkpoints.conformance.report import EXACT, Check, compare
from explorer.checkpoints.conformance.vectors import Vectors
from explorer.jukebox import presets
from explorer.jukebox.conditioning import time_bins
from explorer.jukebox.config import LabelRules, Level, ModelConfig, PriorConfig
from explorer.jukebox.labels import LabelLists, SongLabels, label_names, label_vector, normalize_v2
from explorer.jukebox.song import SongError
from explorer.transliteration import transliterate

Case = dict[str, Any]

_LABELLERS: dict[str, tuple[str, Level]] = {
    "v2_5b_lyrics": ("5b_lyrics", Level.TOP),
    "v2_5b": ("5b", Level.TOP),
    "v2_upsampler_level_1": ("5b", Level.MIDDLE),
    "v2_upsampler_level_0": ("5b", Level.BOTTOM),
    "v3_1b_lyrics": ("1b_lyrics", Level.TOP),
}
"""Released model and level of each labeller's name."""


@dataclass(frozen=True)
class Lookup:
    """Names to ids, from the published lists or, without them, from what the vectors show."""

    lists: dict[LabelRules, LabelLists]
    complete: bool
    """Whether these are the published lists."""

    def knows(self, meta: Case, rules: LabelRules) -> bool:
        """Whether a song's names can be looked up as the published lists would."""
        names = self.lists[rules]
        if self.complete:
            return True
        if rules is LabelRules.V2:
            words = normalize_v2(meta["genre"]).split("_")
            return normalize_v2(meta["artist"]) in names.artists and all(word in names.genres for word in words)
        return meta["artist"].lower() in names.artists and meta["genre"].lower() in names.genres


@dataclass
class _Seen:
    artists: dict[str, int] = field(default_factory=dict)
    genres: dict[str, int] = field(default_factory=dict)

    def add(self, meta: Case, y: list[int], rules: LabelRules, bag: int) -> None:
        if rules is LabelRules.V2:
            self.artists[normalize_v2(meta["artist"])] = y[3]
            self.genres |= dict(zip(normalize_v2(meta["genre"]).split("_"), y[4 : 4 + bag], strict=False))
        else:
            self.artists[meta["artist"].lower()], self.genres[meta["genre"].lower()] = y[3], y[4]


def open_lookup(vectors: Vectors, vocab: Path | None) -> Lookup:
    """The published lists in ``vocab``, or the names that occur together with their ids in the vectors."""
    if vocab is not None:
        lists: dict[LabelRules, LabelLists] = {}
        for model, rules in (("5b", LabelRules.V2), ("1b_lyrics", LabelRules.V3)):
            lists[rules] = read_published_lists(vocab, presets.RELEASED[model])[Level.TOP]
        return Lookup(lists, True)
    seen = {LabelRules.V2: _Seen(), LabelRules.V3: _Seen()}
    if vectors.has("labels.json"):
        for case in vectors.json("labels"):
            for name, out in case["out"].items():
                labels = _prior(name)[1].labels if name in _LABELLERS else None
                if labels is not None and "y" in out:
                    seen[labels.rules].add(case["meta"], out["y"], labels.rules, labels.max_genres)
    if vectors.has("prior_metas.json"):
        metas = vectors.json("prior_metas")
        for name in vectors.prior_names:
            labels = vectors.config(name).prior(vectors.level(name)).labels
            if labels is not None and vectors.has(f"{name}.npz"):
                for meta, y in zip(metas, vectors.arrays(name)["y"].tolist(), strict=True):
                    seen[labels.rules].add(meta, y, labels.rules, labels.max_genres)
    return Lookup({rules: LabelLists(s.artists, s.genres) for rules, s in seen.items()}, False)


def song_labels(meta: Case, prior: PriorConfig, lookup: Lookup) -> SongLabels:
    """A recorded song as a level receives it. Raises SongError where the published code refuses it."""
    assert prior.labels is not None
    return label_names(
        meta["artist"],
        meta["genre"],
        meta["lyrics"],
        prior,
        lookup.lists[prior.labels.rules],
        meta["total_length"],
        meta["offset"],
        transliterate,
    )


def _prior(labeller: str) -> tuple[ModelConfig, PriorConfig]:
    model, level = _LABELLERS[labeller]
    config = presets.RELEASED[model]
    return config, config.prior(level)


def check_labels(vectors: Vectors, lookup: Lookup) -> Iterator[Check]:
    """Every case of labels.json, one line per labeller and case."""
    for number, case in enumerate(vectors.json("labels")):
        for name, out in case["out"].items():
            title = f"labels case {number} {name}"
            if name not in _LABELLERS:
                yield Check(title, False, float("nan"), "known", "a labeller that this version does not know")
                continue
            wrong = _case_errors(case["meta"], name, out, lookup)
            yield Check(title, not wrong, float(len(wrong)), "exact", ", ".join(wrong))


def _case_errors(meta: Case, name: str, out: Case, lookup: Lookup) -> list[str]:
    """What differs in one case."""
    config, prior = _prior(name)
    assert prior.labels is not None
    hop = config.hop(_LABELLERS[name][1])
    n_tokens = prior.lyrics.n_tokens if prior.lyrics else 0
    try:
        labels = song_labels(meta, prior, lookup)
    except SongError:
        return [] if "error" in out else ["refused"]
    if "error" in out:
        return ["not refused"]
    window = prior.n_ctx * hop
    bag = prior.labels.max_genres
    y, indices = label_vector(labels, bag, n_tokens, window, single_precision=False)
    wrong = [] if y == out["y"] else ["y"]
    if not n_tokens:
        return wrong
    if len(labels.lyric_tokens) != out["n_full_tokens"]:
        wrong.append("n_full_tokens")
    if (indices[0], indices[-1]) != (out["index_first"], out["index_last"]):
        wrong.append("lyric indices")
    for expected in out["windows"]:
        start = expected["start_tokens"]
        try:
            y, indices = label_vector(labels, bag, n_tokens, window, start * hop)
        except ValueError:
            if "error" not in expected:
                wrong.append(f"window {start} refused")
            continue
        if "error" in expected:
            wrong.append(f"window {start} not refused")
            continue
        got = {"offset": y[1], "index_first": indices[0], "index_last": indices[-1], "tokens": y[4 + bag :]}
        wrong += [f"window {start} {key}" for key, value in got.items() if value != expected[key]]
    return wrong


def check_timing(vectors: Vectors) -> Iterator[Check]:
    """Real-size time bins of every model in timing_bins.npz."""
    arrays = vectors.arrays("timing_bins")
    models = sorted({key.removesuffix("_total_bin") for key in arrays.unused() if key.endswith("_total_bin")})
    for model in models:
        config = presets.RELEASED[model]
        prior = config.prior(Level.TOP)
        assert prior.labels is not None
        bins = time_bins(
            prior.labels,
            config.sample_rate,
            prior.n_ctx,
            torch.from_numpy(arrays[f"{model}_total_length"].astype(np.int64)),
            torch.from_numpy(arrays[f"{model}_offset"].astype(np.int64)),
            prior.n_ctx * config.hop(Level.TOP),
        )
        for kind in ("total", "absolute", "relative"):
            yield compare(f"timing_bins {model}_{kind}_bin", arrays[f"{model}_{kind}_bin"], getattr(bins, kind), EXACT)
    for name in arrays.unused():
        yield Check(f"timing_bins {name}", False, float("nan"), "known", "an array that this version does not know")
