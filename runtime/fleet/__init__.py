"""A fleet's recordings: many of them fused by many workers, each exactly once in effect."""
