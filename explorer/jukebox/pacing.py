"""When each character of the lyrics shall be sung: the plan of a song that is about to be made.

A model that is told its place in the lyrics (``following``) needs one for every code before there is anything to hear.
As in speech synthesis with explicit durations (Ren et al. 2019, FastSpeech, section 3.3), each character is given a
length; here the lengths are drawn at random around those of the corpus, and stretched so that the words fill the song.
Where the song has bars, its syllables are then moved to its beats, or between them.

Knows: lengths of characters, where syllables are, and how a plan is drawn from them. Does not know windows or what is
sung.
"""

from __future__ import annotations

from itertools import pairwise

import torch

from explorer.jukebox.beats import on_beats
from explorer.jukebox.following import STAGES, VOWELS, Listener, heard_places
from explorer.jukebox.ground import Ground
from explorer.jukebox.labels import SongLabels
from explorer.jukebox.phones import PhoneLengths
from explorer.jukebox.phrasing import FILLED, LONGEST_SILENCE, Phrasing, phrase
from explorer.jukebox.tune import Line

FASTEST, SLOWEST = 0.7, 1.5
"""Lengths of characters against those of the corpus. Words that would need more haste are not all reached."""


def planned_places(
    listener: Listener,
    song: SongLabels,
    seed: int,
    codes: int,
    hop: int,
    prompt: torch.Tensor | None = None,
    lengths: PhoneLengths | None = None,
) -> torch.Tensor:
    """int64 [codes] how many tokens of the song's lyrics have begun at each code; a function of its arguments only.

    ``lengths``: of phones, by which the song is planned then, and not by those of letters. ``hop``: samples per code.
    A stretch of a longer song begins where the plan of the whole has come to by then. ``prompt`` [n] are the first
    codes of a song that goes on from music that exists: there the place is heard, and what is left of the lyrics is
    planned for what is left of the song.
    """
    heard = torch.zeros(0, dtype=torch.int64)
    if prompt is not None and len(prompt):
        heard = heard_places(listener, song, prompt[:codes].to(listener.moves.device))
    begun = int(heard[-1]) if len(heard) else 0
    # a stretch without a prompt is a part of the plan of the whole, so that begins with the whole
    first = song.offset / hop + len(heard) if len(heard) else 0.0
    if lengths is not None:
        ends = phrase(song, lengths, _means(listener), seed, hop, begun, first).ends
    else:
        ends = _planned_ends(listener, song, seed, hop, begun, first)
    now = song.offset / hop + torch.arange(len(heard), codes, dtype=torch.float64)
    # the last token lasts to the end
    planned = begun + torch.searchsorted(ends[:-1].contiguous(), now, right=True)
    return torch.cat([heard, planned])


def planned_lines(
    listener: Listener, song: SongLabels, seed: int, hop: int, line_end: int, lengths: PhoneLengths | None = None
) -> list[Line]:
    """The lines of a song that is made from nothing, as ``planned_places`` has them; ``line_end``: the token that ends
    a line. Lines without a syllable are left out."""
    if lengths is not None:
        return _phrased_lines(song, phrase(song, lengths, _means(listener), seed, hop, 0, 0.0), hop, line_end)
    ends = (hop * _planned_ends(listener, song, seed, hop, 0, 0.0)).tolist()
    sounds = _sounds(listener, song.lyric_tokens)
    vowels = _syllables(sounds)
    lines: list[Line] = []
    begin = 0
    for end in (*(i for i, token in enumerate(song.lyric_tokens) if token == line_end), len(song.lyric_tokens)):
        if mine := [i for i in vowels if begin <= i < end]:
            last = max(i for i in range(begin, end) if sounds[i])
            edges = [ends[i] for i in mine] + [ends[last + 1]]
            lines.append(Line(song.lyric_tokens[begin:end], tuple(pairwise(edges))))
        begin = end + 1
    return lines


def _phrased_lines(song: SongLabels, phrasing: Phrasing, hop: int, line_end: int) -> list[Line]:
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


def _planned_ends(listener: Listener, song: SongLabels, seed: int, hop: int, begun: int, first: float) -> torch.Tensor:
    """float64 [1 + tokens left]: when, in codes of the imagined whole song, the last of ``begun`` tokens ends (or the
    silence before all of them) and each token behind it, where the plan begins at the code ``first``."""
    tokens = torch.tensor([0, *song.lyric_tokens], dtype=torch.int64)
    mean = _means(listener)[tokens]
    whole = song.total_length / hop
    mean[0] = mean[0].clamp_max(LONGEST_SILENCE * whole)
    generator = torch.Generator().manual_seed(seed)
    # a length is a sum of stages, each of which chance decides; gaps have one stage, as they may be no gaps at all
    stages = -torch.rand(STAGES, len(tokens), generator=generator).clamp_min(1e-9).log()
    sounds = _sounds(listener, song.lyric_tokens)
    even = torch.tensor([True, *(sound > 0 for sound in sounds)])
    lengths = mean * torch.where(even, stages.mean(0), stages[0])
    left = lengths[begun:]
    pace = ((FILLED * whole - first) / left.sum()).clamp(FASTEST, SLOWEST)
    ends = first + (left * pace).double().cumsum(0)
    return ends if song.ground is None else _on_the_beat(ends, _syllables(sounds[begun:]), song.ground, hop)


def _sounds(listener: Listener, tokens: tuple[int, ...]) -> list[int]:
    ids = torch.tensor(tokens, dtype=torch.int64, device=listener.moves.device)
    found: list[int] = listener.sounds_of(ids).tolist()
    return found


def _syllables(sounds: list[int]) -> list[int]:
    """Of the sounds of some tokens (``following.sounds``) those with which the vowel of a syllable begins: the first of
    each run of vowels, but for an e that ends a word of several ("made")."""
    found: list[int] = []
    word = 0
    for i, sound in enumerate(sounds):
        if not sound:
            word = len(found)
        elif sound in VOWELS and (i == 0 or sounds[i - 1] not in VOWELS):
            ends = i + 1 == len(sounds) or not sounds[i + 1]
            if not (ends and VOWELS[sound] == "e" and len(found) > word):
                found.append(i)
    return found


def _on_the_beat(ends: torch.Tensor, syllables: list[int], ground: Ground, hop: int) -> torch.Tensor:
    """Ends of tokens (codes of the whole song, increasing; the first is that of the silence before all) moved so that
    each syllable's vowel begins on a beat or half of one, in order; what is between vowels moves with them.

    ``syllables``: indices of the vowels among the tokens behind the silence; token i begins at ``ends[i]``.
    """
    if not syllables:
        return ends
    vowels = ends[syllables]
    where = on_beats(vowels, ground, hop)
    before = (torch.searchsorted(vowels, ends, right=True) - 1).clamp_min(0)
    after = (before + 1).clamp_max(len(vowels) - 1)
    way = (ends - vowels[before]) / (vowels[after] - vowels[before]).clamp_min(1e-9)
    shift = torch.lerp((where - vowels)[before], (where - vowels)[after], way.clamp(0.0, 1.0))
    return (ends + shift).clamp_min(0.0).cummax(0).values
