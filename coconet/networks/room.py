"""The stretch room of a scene: how far a fused coarse band may leave those of its sources, as plain numbers."""

from __future__ import annotations

COARSE = 8
"""Side of the squares, in pixels, whose means make the coarse band."""

STRETCH = 0.2
"""How far the coarse band may leave those of the sources by day, of the range 0..1: 51 gray levels."""

LEEWAY = 2.0 / 255.0
"""How far it may leave them in any scene: 2 gray levels."""

DUSK, DAY = 0.35, 0.45
"""Mean level of the brighter source below which a scene has no stretch, and from which it has all of it."""

CONTRAST = 0.04
"""Mean deviation of a scene's coarse band from which it has all of the stretch; a flat scene has none."""


def room_of(brightness: float, deviation: float) -> float:
    """How far the coarse band may go below and above those of the sources, of the range 0..1.

    brightness: the mean of the brighter source's coarse band, 0..1. deviation: how far the mean of both coarse bands is
    from its own mean, on average.
    """
    light = min(max((brightness - DUSK) / (DAY - DUSK), 0.0), 1.0)
    contrast = min(max(deviation / CONTRAST, 0.0), 1.0)
    return LEEWAY + STRETCH * light * contrast
