"""Latency measured in turns, with its quality beside it."""
