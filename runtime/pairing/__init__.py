"""Pairs of frames by capture time."""
