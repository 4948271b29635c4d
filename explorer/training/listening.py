"""Training of the listener of a prior that follows its lyrics: which character is sung at each code.

Knows: the loop, and the corpus' statistics that the listener keeps besides its weights. Does not know how places are
found (``jukebox.following``) or where codes come from (``codes``).
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from explorer.jukebox.config import Level
from explorer.jukebox.following import SOUNDS, Listener
from explorer.training.codes import CorpusCodes
from explorer.training.corpus import CorpusSong
from explorer.training.runs import RunFolder, WeightAverage, learning_rate


@dataclass(frozen=True)
class ListenerTraining:
    """Settings of a listener's run. ``garbled`` is the share of codes that are replaced by any."""

    steps: int
    batch: int = 12
    clip_codes: int = 640
    peak_rate: float = 2e-3
    warmup: int = 50
    weight_decay: float = 0.02
    garbled: float = 0.05
    average_mu: float = 0.995
    precision: str = "float32"
    log_every: int = 20
    evaluate_every: int = 400
    seed: int = 1


def begun_tokens(song: CorpusSong, codes: int, hop: int, sample_rate: int) -> np.ndarray:
    """int64 [codes] how many characters of a song's lyrics have begun at each of its codes."""
    starts = np.array([round(character.start * sample_rate / hop) for character in song.characters], dtype=np.int64)
    return np.searchsorted(starts, np.arange(codes), side="right")


def sung_sounds(listener: Listener, ids: list[int], begun: np.ndarray) -> torch.Tensor:
    """int64 [codes] the sound at each code: that of the last token that has begun."""
    return listener.sounds_of(torch.tensor([0, *ids]))[torch.from_numpy(begun)]


def train_listener(
    listener: Listener,
    training: ListenerTraining,
    codes: CorpusCodes,
    heldout: CorpusCodes,
    ids: dict[str, int],
    path: Path,
) -> Listener:
    """Train to the last step, resuming what ``path`` holds; returns the averaged weights.

    ``ids`` the token id of every character of the corpus.
    """
    run = RunFolder(path, {**dataclasses.asdict(training), "corpus": codes.corpus.key})
    sung = _sung(listener, codes, ids)
    _count(listener, codes, ids, sung)
    parameters = [p for p in listener.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=0.0, betas=(0.9, 0.95), weight_decay=training.weight_decay)
    average = WeightAverage(listener, training.average_mu)
    step = 0
    state = run.load()
    if state is not None:
        step = state["step"]
        listener.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        average.shadow = state["average"]
    precision: torch.dtype = getattr(torch, training.precision)
    loss_sum = 0.0
    began = time.monotonic()
    while step < training.steps:
        x, y = _batch(training, codes, sung, step)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, training.steps, training.peak_rate, training.warmup)
        with torch.autocast(x.device.type, precision, enabled=precision is not torch.float32):
            logits = listener(x)
        loss = F.cross_entropy(logits.float().flatten(0, 1), y.flatten())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        step += 1
        average.update(listener, step)
        loss_sum += float(loss.detach()) / training.log_every
        if step % training.log_every == 0:
            run.log({"step": step, "seconds": time.monotonic() - began, "loss": loss_sum})
            loss_sum = 0.0
        last = step == training.steps
        # first of all: whatever becomes of the figures, the steps are kept
        if last or (step % training.log_every == 0 and run.save_due()):
            run.save({
                "step": step, "model": listener.state_dict(), "optimiser": optimiser.state_dict(),
                "average": average.shadow,
            })  # fmt: skip
        if last or step % training.evaluate_every == 0:
            average.swap(listener)
            run.heldout({"step": step, **evaluate_listener(listener, heldout, ids)})
            average.swap(listener)
    run.plot()
    average.swap(listener)
    return listener


@torch.inference_mode()
def evaluate_listener(listener: Listener, heldout: CorpusCodes, ids: dict[str, int]) -> dict[str, float]:
    """Over all codes of held-out sung songs: cross-entropy in nats, that of the sounds' shares, and how often the
    likeliest letter is the right one where one is sung."""
    losses, blind, right, letters = [], [], 0, 0
    for index, sung in _sung(listener, heldout, ids).items():
        logits = listener(torch.from_numpy(heldout.song(index, Level.TOP).astype(np.int64))[None])[0]
        losses.append(F.cross_entropy(logits, sung, reduction="none"))
        blind.append(-listener.share.clamp_min(1e-6).log()[sung])
        right += int((logits[:, 1:].argmax(1) + 1 == sung)[sung > 0].sum())
        letters += int((sung > 0).sum())
    return {
        "nats": round(float(torch.cat(losses).mean()), 4),
        "blind_nats": round(float(torch.cat(blind).mean()), 4),
        "letters_right": round(right / max(1, letters), 4),
    }


def _sung(listener: Listener, codes: CorpusCodes, ids: dict[str, int]) -> dict[int, torch.Tensor]:
    """The sounds of every sung song, by its index."""
    corpus, hop = codes.corpus, codes.hops[Level.TOP]
    found = {}
    for index, song in enumerate(corpus.songs):
        if song.characters:
            begun = begun_tokens(song, len(codes.song(index, Level.TOP)), hop, corpus.sample_rate)
            found[index] = sung_sounds(listener, [ids[c.text] for c in song.characters], begun)
    return found


@torch.no_grad()
def _count(listener: Listener, codes: CorpusCodes, ids: dict[str, int], sung: dict[int, torch.Tensor]) -> None:
    """Set how often each sound is heard and how soon the song moves on from each token."""
    corpus, hop = codes.corpus, codes.hops[Level.TOP]
    heard = torch.zeros(SOUNDS)
    lasted, begun = torch.zeros(len(listener.moves)), torch.zeros(len(listener.moves))
    for index, row in sung.items():
        heard += torch.bincount(row, minlength=SOUNDS)
        song = corpus.songs[index]
        tokens = torch.tensor([0] + [ids[character.text] for character in song.characters])
        place = torch.from_numpy(begun_tokens(song, len(row), hop, corpus.sample_rate))
        # the last token lasts as long as the song goes on: it is not counted
        counted = place < len(tokens) - 1
        lasted += torch.bincount(tokens[place[counted]], minlength=len(lasted))
        begun += torch.bincount(tokens[:-1], minlength=len(begun))
    listener.share.copy_(heard / heard.sum())
    known = begun > 0
    listener.moves[known] = (begun / lasted.clamp_min(1.0)).clamp_max(0.9)[known]


def _batch(
    training: ListenerTraining, codes: CorpusCodes, sung: dict[int, torch.Tensor], step: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes and sounds [batch, clip_codes]; a function of the seed and the step."""
    random = np.random.default_rng((training.seed, step % 2**32))
    songs = list(sung)
    rows, targets = [], []
    for index in random.choice(songs, size=training.batch):
        song = codes.song(int(index), Level.TOP)
        first = int(random.integers(0, max(1, len(song) - training.clip_codes)))
        rows.append(song[first : first + training.clip_codes].astype(np.int64))
        targets.append(sung[int(index)][first : first + training.clip_codes])
    x = np.stack(rows)
    garbled = random.random(x.shape) < training.garbled
    x[garbled] = random.integers(0, x.max() + 1, int(garbled.sum()))
    return torch.from_numpy(x), torch.stack(targets)
