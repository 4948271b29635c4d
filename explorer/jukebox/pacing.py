"""When each character of the lyrics shall be sung: the plan of a song that is about to be made.

A model that is told its place in the lyrics (``following``) needs one for every code before there is anything to hear.
As in speech synthesis with explicit durations (Ren et al. 2019, FastSpeech, section 3.3), each character is given a
length; here the lengths are drawn at random around those of the corpus, and stretched so that the words fill the song.

Knows: lengths of characters and how a plan is drawn from them. Does not know windows or what is sung.
"""

from __future__ import annotations

import torch

from explorer.jukebox.following import STAGES, Listener, heard_places
from explorer.jukebox.labels import SongLabels

FILLED = 0.95
"""Share of the imagined whole song that the plan aims to fill."""
FASTEST, SLOWEST = 0.7, 1.5
"""Lengths of characters against those of the corpus. Words that would need more haste are not all reached."""
LONGEST_SILENCE = 0.15
"""Share of the whole song that may pass before the first character."""


def planned_places(
    listener: Listener, song: SongLabels, seed: int, codes: int, hop: int, prompt: torch.Tensor | None = None
) -> torch.Tensor:
    """int64 [codes] how many tokens of the song's lyrics have begun at each code; a function of its arguments only.

    ``hop``: samples per code. A stretch of a longer song begins where the plan of the whole has come to by then.
    ``prompt`` [n] are the first codes of a song that goes on from music that exists: there the place is heard, and
    what is left of the lyrics is planned for what is left of the song.
    """
    heard = torch.zeros(0, dtype=torch.int64)
    if prompt is not None and len(prompt):
        heard = heard_places(listener, song, prompt[:codes].to(listener.moves.device))
    begun = int(heard[-1]) if len(heard) else 0
    tokens = torch.tensor([0, *song.lyric_tokens], dtype=torch.int64)
    mean = 1 / listener.moves.detach().cpu().float()[tokens]
    whole = song.total_length / hop
    mean[0] = mean[0].clamp_max(LONGEST_SILENCE * whole)
    generator = torch.Generator().manual_seed(seed)
    # a length is a sum of stages, each of which chance decides; gaps have one stage, as they may be no gaps at all
    stages = -torch.rand(STAGES, len(tokens), generator=generator).clamp_min(1e-9).log()
    even = listener.sounds_of(tokens.to(listener.moves.device)).cpu() > 0
    even[0] = True
    lengths = mean * torch.where(even, stages.mean(0), stages[0])
    # a stretch without a prompt is a part of the plan of the whole, so that begins with the whole
    first = song.offset / hop + len(heard) if len(heard) else 0.0
    left = lengths[begun:]
    pace = ((FILLED * whole - first) / left.sum()).clamp(FASTEST, SLOWEST)
    ends = first + (left * pace).double().cumsum(0)
    now = song.offset / hop + torch.arange(len(heard), codes, dtype=torch.float64)
    # the last token lasts to the end
    planned = begun + torch.searchsorted(ends[:-1].contiguous(), now, right=True)
    return torch.cat([heard, planned])
