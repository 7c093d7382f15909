"""Rules that fuse without a network."""
