"""Sinks: anything that takes fused frames."""
