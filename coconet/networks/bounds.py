"""Bounds: how far the fused picture may leave its sources, whatever the weights of the network are.

A fused picture is to have more contrast than the mean of its sources, so its coarse band goes below both where both are
dark, and above both where both are bright. That is right by day. In the dark there is nothing left to go below, and in
a flat scene there is no contrast to stretch.
"""

from __future__ import annotations

from coconet.errors import MissingPackage
from coconet.networks.scene import COARSE, CONTRAST, DARK, DAY, DUSK, LEAN, LEEWAY, LIT, NIGHT, STRETCH
from coconet.networks.selection import OF_BANDS, OF_DETAIL, average_around

try:
    import torch
    from torch import Tensor
    from torch.nn import functional
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


NEARNESS = 0.1
"""How near to black or white a pixel may come, as a share of how near the darker or brighter source is to it."""

KNEE = 25.0 / 255.0
"""How far from the ends a stretch begins to fade out."""

GAIN = 2.0
"""The most that the detail of a source counts in a fused picture."""

BAND_CONTRAST = 0.12
"""How much contrast of both sources the coarse band of a network that paints gets beside its own."""

SELECTED_BY_DAY = 0.1
"""How much of a picture that a network paints is selected from its sources instead, by day."""

BANDS_BY_NIGHT, DETAIL_BY_NIGHT = 0.5, 0.6
"""How much of its coarse band and of its detail is in a dark scene.

What is dark is faint for a network: it paints the detail of one camera that sees little more than noise, and loses that
of the other. A rule that looks at the sources alone does not mind how dark they are.
"""

SELECTED_GAIN = 1.15
"""How much selected detail counts: two sources that are alike share it, and have less of it than either."""

LESS_ROOM = 4.0 / 255.0
"""How much less room than `stretch_room` the coarse band of such a picture has, whose detail is not free of level."""

LEAK = 0.1
"""Share of what lies beyond the bounds that is left in training. Left whole, a network learns to paint skies white."""

HALF_A_LEVEL = 0.5 / 255.0


def brightness_of(coarse: Tensor) -> Tensor:
    """The brightness of each Scene: coarse bands of (B, 2, H, W) in 0..1 to (B, 1, 1, 1) in 0..1."""
    return _mean(brighter(coarse))


def levels_of(coarse: Tensor) -> Tensor:
    """The levels of each Scene: coarse bands of (B, 2, H, W) in 0..1 to (B, 2, 1, 1) in 0..1."""
    return _mean(coarse)


def deviation_of(coarse: Tensor) -> Tensor:
    """The deviation of each Scene: coarse bands of (B, 2, H, W) in 0..1 to (B, 1, 1, 1) in 0..1."""
    return _mean((coarse - levels_of(coarse)).mean(dim=1, keepdim=True).abs())


def stretch_room(brightness: Tensor, deviation: Tensor) -> Tensor:
    """How far the coarse band may go below and above those of the sources: (B, 1, 1, 1) each, to the same shape.

    LEEWAY, NIGHT more in a scene of full contrast, and STRETCH more if it has full light, too. What a bright scene
    gains in contrast would cost a dark one its shadows, and a flat one its level.
    """
    light = ((brightness - DUSK) / (DAY - DUSK)).clamp(0.0, 1.0)
    return LEEWAY + (NIGHT + STRETCH * light) * (deviation / CONTRAST).clamp(0.0, 1.0)


def lean_of(brightness: Tensor) -> Tensor:
    """How far the coarse bands rise to the brighter one before they are shared, 0..LEAN: of the shape of `brightness`.

    By night what one camera does not see is black there, and the mean of both has half the contrast of the other one.
    """
    return ((LIT - brightness) * (LEAN / (LIT - DARK))).clamp(0.0, LEAN)


def rises_of(coarse: Tensor) -> Tensor:
    """What each coarse band lacks of the brighter one, there and around it: (B, 2, H, W) in 0..1 to the same shape.

    Where now one camera is brighter and now the other, square by square, there is no brighter one: a picture that took
    the brighter square each time would be brighter than either scene.
    """
    gap = coarse[:, 1:] - coarse[:, :1]
    gaps = torch.cat((gap, -gap), dim=1)
    return torch.relu(torch.minimum(gaps, average_around(gaps, 3)))


def short_of_the_ends(fused: Tensor, visible: Tensor, infrared: Tensor) -> Tensor:
    """Keep every pixel a tenth as far from black as the darker source is, and from white as the brighter one.

    And half a gray level, so that what a source has one level from an end is not rounded to that end.
    """
    lowest = NEARNESS * torch.minimum(visible, infrared) + HALF_A_LEVEL
    highest = NEARNESS * torch.maximum(visible, infrared) + (1.0 - NEARNESS - HALF_A_LEVEL)
    return torch.minimum(torch.maximum(fused, lowest), highest)


def faded(stretch: Tensor, coarse: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """Let a stretch fade out before what it is added to comes to black or white: (B, 1, H, W) to the same shape.

    Cut off at the ends, skies and shadows would be flat. coarse: the bands of the sources, (B, 2, H, W). lower, upper:
    between these lies what it is added to.
    """
    highest = NEARNESS * brighter(coarse) + (1.0 - NEARNESS - HALF_A_LEVEL)
    lowest = NEARNESS * darker(coarse) + HALF_A_LEVEL
    up = _beyond(upper + stretch - highest) - _beyond(upper - highest)
    down = _beyond(lowest - lower - stretch) - _beyond(lowest - lower)
    return stretch - torch.relu(up) + torch.relu(down)


def _beyond(distance: Tensor) -> Tensor:
    """What a parabola takes off a level from KNEE before an end on: nothing there, and KNEE at KNEE beyond the end."""
    near = (distance + KNEE).clamp(0.0, 2.0 * KNEE)
    return near * near * (0.25 / KNEE)


def _mean(image: Tensor) -> Tensor:
    return image.mean(dim=(2, 3), keepdim=True)


def brighter(sources: Tensor) -> Tensor:
    """The brighter of both sources at every place: (B, 2, H, W) to (B, 1, H, W)."""
    return sources.amax(dim=1, keepdim=True)


def darker(sources: Tensor) -> Tensor:
    """The darker of both sources at every place: (B, 2, H, W) to (B, 1, H, W)."""
    return sources.amin(dim=1, keepdim=True)


def upsampled(coarse: Tensor, times: int = COARSE) -> Tensor:
    """What there is of squares of `times` pixels a side at full size: (B, C, H / times, W / times) to (B, C, H, W).

    Bilinear; squares of one pixel stay as they are.
    """
    if times == 1:
        return coarse
    return functional.interpolate(coarse, scale_factor=times, mode="bilinear", align_corners=False)


def bounded(fused: Tensor, visible: Tensor, infrared: Tensor) -> Tensor:
    """Bring the coarse band of a fused picture into bounds and keep it from the ends: (B, 1, H, W) in 0..1 each.

    For a network that paints its picture. Its coarse band gets more contrast, leans to the brighter one in the dark,
    and loses what it is too bright or too dark by; of its detail remains at most GAIN times that of both sources. Band
    and detail are mixed with what is selected from the sources, little by day and most of it by night. H and W are
    multiples of COARSE.
    """
    sources = torch.cat((visible, infrared), dim=1)
    coarse = functional.avg_pool2d(sources, COARSE)
    band = functional.avg_pool2d(fused, COARSE)
    brightness = brightness_of(coarse)
    room = torch.relu(stretch_room(brightness, deviation_of(coarse)) - LESS_ROOM)
    lean = lean_of(brightness)
    night = lean / LEAN

    raised = coarse + lean * rises_of(coarse)
    leaning = band + lean * torch.relu(darker(raised) - band)
    share = SELECTED_BY_DAY + (BANDS_BY_NIGHT - SELECTED_BY_DAY) * night
    leaning = torch.lerp(leaning, OF_BANDS(raised, coarse - average_around(coarse, OF_BANDS.around)), share)
    contrast = (1.0 - share) * BAND_CONTRAST * (coarse - levels_of(coarse)).sum(dim=1, keepdim=True)
    stretched = leaning + faded(contrast, coarse, leaning, leaning)
    within = torch.minimum(torch.maximum(stretched, darker(coarse) - room), brighter(coarse) + room)

    bands = upsampled(coarse)
    details = sources - bands
    share = SELECTED_BY_DAY + (DETAIL_BY_NIGHT - SELECTED_BY_DAY) * night
    detail = torch.lerp(fused - upsampled(band), SELECTED_GAIN * OF_DETAIL(details, details), share)
    reach = room + GAIN * details.abs().sum(dim=1, keepdim=True)
    fused = upsampled(within) + detail
    fused = torch.minimum(torch.maximum(fused, darker(bands) - reach), brighter(bands) + reach)
    return short_of_the_ends(fused, visible, infrared)
