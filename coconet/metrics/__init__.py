"""Fusion metrics."""
