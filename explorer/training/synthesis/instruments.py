"""Instruments: a stem's notes as sound, through a soundfont.

Knows: FluidSynth through pyfluidsynth. Does not know songs; levels and effects are the mix's.
"""

from __future__ import annotations

import numpy as np

from explorer.training.synthesis.score import Stem
from explorer.training.synthesis.tools import Tools, load

RATE = 22_050
"""Samples per second of a corpus."""

_GAIN = 0.35
_SHORTEST = 64
"""Samples: notes nearer than one block of the synthesiser sound together."""


class Instruments:
    """One synthesiser with its soundfont, loaded once for a process."""

    def __init__(self, tools: Tools) -> None:
        fluidsynth = load("fluidsynth")
        self._synth = fluidsynth.Synth(gain=_GAIN, samplerate=float(RATE))
        for effect in (b"synth.reverb.active", b"synth.chorus.active"):  # the mix has its own rooms
            fluidsynth.fluid_settings_setint(self._synth.settings, effect, 0)
        self._font = self._synth.sfload(str(tools.soundfont))

    def play(self, stem: Stem, samples: int) -> np.ndarray:
        """float32 [samples], mono."""
        synth = self._synth
        synth.system_reset()
        for channel, (bank, program) in sorted(stem.programs.items()):
            synth.program_select(channel, self._font, bank, program)
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
