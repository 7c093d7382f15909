"""Fusion networks, and the checkpoints they come in."""
