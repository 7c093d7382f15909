"""Commands that measure a rig or a model once."""
