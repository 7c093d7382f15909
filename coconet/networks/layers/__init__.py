"""Layers that several networks are made of, and what is done to them."""
