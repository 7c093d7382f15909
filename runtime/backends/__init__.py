"""Backends: anything that runs a model."""
