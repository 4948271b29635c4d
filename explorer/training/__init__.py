"""Training of the VQ-VAE and the priors: corpus reading, loops, held-out figures.

May use everything below ``studio``; nothing of the app imports it.
"""
