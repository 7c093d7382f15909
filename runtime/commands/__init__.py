"""Commands on rigs and models."""
