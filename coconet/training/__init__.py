"""Training: data, objective, trainer, validation."""
