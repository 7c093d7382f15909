"""Palettes: the colours that gray infrared pictures are shown in, and how they are turned back into gray."""
