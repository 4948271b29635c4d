"""When each character of the lyrics shall be sung, and each syllable: at every code of a song.

A model that is told its place in the lyrics (``following``) needs one for every code before there is anything to hear.
Knows: that what exists is heard and what does not is planned (``phrasing``). Does not know windows, or how a plan is
made.
"""

from __future__ import annotations

from itertools import pairwise

import torch

from explorer.jukebox.following import Listener, heard_places
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.phones import PhoneLengths
from explorer.jukebox.phrasing import phrase
from explorer.jukebox.tune import Line


def planned_places(
    listener: Listener,
    lengths: PhoneLengths,
    song: SongLabels,
    seed: int,
    codes: int,
    hop: int,
    prompt: torch.Tensor | None = None,
) -> torch.Tensor:
    """int64 [codes] how many tokens of the song's lyrics have begun at each code; a function of its arguments only.

    ``hop``: samples per code. A stretch of a longer song begins where the plan of the whole has come to by then.
    ``prompt`` [n] are the first codes of a song that goes on from music that exists: there the place is heard, and what
    is left of the lyrics is planned for what is left of the song.
    """
    heard = torch.zeros(0, dtype=torch.int64)
    if prompt is not None and len(prompt):
        heard = heard_places(listener, song, prompt[:codes].to(listener.moves.device))
    begun = int(heard[-1]) if len(heard) else 0
    # a stretch without a prompt is a part of the plan of the whole, so that begins with the whole
    first = song.offset / hop + len(heard) if len(heard) else 0.0
    ends = phrase(song, lengths, _means(listener), seed, hop, begun, first).ends
    now = song.offset / hop + torch.arange(len(heard), codes, dtype=torch.float64)
    # the last token lasts to the end
    planned = begun + torch.searchsorted(ends[:-1].contiguous(), now, right=True)
    return torch.cat([heard, planned])


def planned_lines(
    listener: Listener, lengths: PhoneLengths, song: SongLabels, seed: int, hop: int, line_end: int
) -> list[Line]:
    """The lines of a song that is made from nothing, as ``planned_places`` has them; ``line_end``: the token that ends
    a line. Lines without a syllable are left out."""
    phrasing = phrase(song, lengths, _means(listener), seed, hop, 0, 0.0)
    tokens, lines, begin = song.lyric_tokens, list[Line](), 0
    for end in (*(i for i, token in enumerate(tokens) if token == line_end), len(tokens)):
        words = [word for word in phrasing.words if begin <= word.first < end and word.vowels]
        if words:
            edges = [hop * vowel for word in words for vowel in word.vowels] + [hop * words[-1].end]
            lines.append(Line(tokens[begin:end], tuple(pairwise(edges))))
        begin = end + 1
    return lines


def _means(listener: Listener) -> torch.Tensor:
    """How many codes each token lasts on average."""
    return 1 / listener.moves.detach().cpu().float()
