"""Pictures from arrays, each with a sentence that says what is to be seen.

Knows: matplotlib Figures (imported when the first one is made), never its global state, so that
any server thread may draw. Does not know: libraries, models, pages.
"""

from explorer.plots.figures import attention, codes, difference, entropy, spectrograms
from explorer.plots.plot import Plot
from explorer.plots.theme import DARK, LIGHT, Theme

__all__ = ["DARK", "LIGHT", "Plot", "Theme", "attention", "codes", "difference", "entropy", "spectrograms"]
