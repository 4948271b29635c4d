"""What the names of collections mean, in one sentence each.

Knows: the collections that samples are sorted into. Does not know: where the sentences are shown.
"""

from __future__ import annotations

COLLECTIONS = {
    "Unseen lyrics": "New words, sung by a style the model learned.",
    "Continuations": "The first seconds are given; the model goes on from there.",
    "Re-renditions": "Words of a song, sung by another artist.",
    "Novel artists and styles": "Two or more artists or genres, mixed by weight.",
    "No lyrics": "Made without words. Voices may still appear.",
    "My library": "Made or imported on this machine.",
}
