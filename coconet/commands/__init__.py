"""Commands on checkpoints and pictures."""
