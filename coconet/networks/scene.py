"""A scene: what a network that fuses a part of a picture has to know of the whole one, and the limits of its rules."""

from __future__ import annotations

from typing import NamedTuple


class Scene(NamedTuple):
    """Of a whole pair of pictures, in 0..1 each.

    brightness: the mean of the brighter source's coarse band. deviation: how far the mean of both coarse bands is from
    its own mean, on average. levels: the means of the visible and of the infrared one.
    """

    brightness: float
    deviation: float
    levels: tuple[float, float]


COARSE = 8
"""Side of the squares, in pixels, whose means make the coarse band."""

STRETCH = 0.2
"""How far the coarse band may leave those of the sources by day, of the range 0..1: 51 gray levels."""

NIGHT = 2.5 / 255.0
"""How far it may leave them in the dark: 2.5 gray levels."""

LEEWAY = 2.0 / 255.0
"""How far it may leave them besides, in any scene: 2 gray levels."""

DUSK, DAY = 0.38, 0.48
"""Brightness below which a scene has the stretch of the night, and from which it has that of the day as well."""

CONTRAST = 0.04
"""Deviation from which a scene has all of either; a flat scene has none."""

LEAN = 0.75
"""How far the coarse bands rise to the brighter one by night: 1 is all the way."""

DARK, LIT = 0.2, 0.6
"""Brightness up to which they rise by all of LEAN, and from which they do not.

Nearer to each other, the picture of a scene at dusk would go up and down with its brightness.
"""
