"""The fusion system itself: the networks, their losses, training, metrics and the card every model carries."""

__version__ = "0.1.0"
