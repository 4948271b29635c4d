"""Instruments: a stem's notes as sound, through a soundfont.

Knows: FluidSynth through pyfluidsynth. Does not know songs; levels and effects are the mix's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.training.synthesis.score import Stem
from explorer.training.synthesis.tools import Tools, load

RATE = 22_050
"""Samples per second of a corpus."""

_GAIN = 0.35
_SHORTEST = 64
"""Samples: notes nearer than one block of the synthesiser sound together."""


def play_all(stems: Mapping[str, Stem], samples: int, tools: Tools) -> dict[str, np.ndarray]:
    """Every stem as float32 [samples], mono.

    A new synthesiser for every song: its dither and slow oscillators would go on from the song before,
    and a song would depend on what was made before it.
    """
    if not stems:
        return {}
    fluidsynth = load("fluidsynth")
    synth = fluidsynth.Synth(gain=_GAIN, samplerate=float(RATE))
    try:
        for effect in (b"synth.reverb.active", b"synth.chorus.active"):  # the mix has its own rooms
            fluidsynth.fluid_settings_setint(synth.settings, effect, 0)
        font = synth.sfload(str(tools.soundfont))
        return {name: _play(synth, font, stems[name], samples) for name in sorted(stems)}
    finally:
        synth.delete()


def _play(synth: Any, font: int, stem: Stem, samples: int) -> np.ndarray:
    synth.system_reset()
    for channel, (bank, program) in sorted(stem.programs.items()):
        synth.program_select(channel, font, bank, program)
        synth.cc(channel, 91, 0)
        synth.cc(channel, 93, 0)
    switches = []
    for event in stem.events:
        switches.append((int(event.start * RATE), 1, event.channel, event.midi, event.velocity))
        switches.append((int((event.start + event.seconds) * RATE), 0, event.channel, event.midi, 0))
    pieces: list[np.ndarray] = []
    position = 0
    for time, on, channel, midi, velocity in sorted(switches):
        time = min(time, samples)
        if time - position >= _SHORTEST:
            pieces.append(synth.get_samples(time - position))
            position = time
        if on:
            synth.noteon(channel, midi, velocity)
        else:
            synth.noteoff(channel, midi)
    if samples > position:
        pieces.append(synth.get_samples(samples - position))
    stereo = np.concatenate(pieces).reshape(-1, 2).astype(np.float32)
    return np.asarray(stereo.mean(axis=1) / 32768.0)[:samples]
