"""The model: its network, conditioning, sampling and alignment.

Only torch and the standard library are imported here; no module opens a file or knows a page.
"""
