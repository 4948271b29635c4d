"""The scorecard: the same measures of real songs, of their reconstructions and of generated songs.

Knows: sound, labels, lyrics and their times. One file per family of measures, each a pure function
of them; ``card`` puts them together, ``rows`` holds the goals, ``page`` draws. Evaluators are the
packages of ``requirements-evaluate.txt``, imported where they are used and never by the app.
"""
