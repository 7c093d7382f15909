"""Tensors by name, out of whatever files weights come in."""
