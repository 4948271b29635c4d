"""Audio files and what can be measured in sound. Knows NumPy arrays; does not know models or samples."""
