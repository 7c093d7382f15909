"""Viewers: the live page and the window."""
