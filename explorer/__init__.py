"""Jukebox Explorer: generate music as raw audio and see how three levels of a neural net made it."""
