"""Cameras: anything that gives frames."""
