"""Scores of one fused picture, from arrays."""

from __future__ import annotations

from coconet.media.pixels import as_gray
from coconet.metrics.scores import Scores
from coconet.runtime.api.arrays import Picture, check_same_size, colour_or_gray, gray


def score(fused: Picture, visible: Picture, infrared: Picture) -> Scores:
    """Score a fused picture against its two sources with the nine metrics of `coconet score`; higher is better.

    fused, visible: (H, W, 3) BGR, or gray as (H, W, 1) or (H, W). infrared: (H, W, 1) or (H, W). All uint8, 0..255, of
    one size, sides of 41 pixels or more. Colour is scored by its luma (BT.601, rounded to 8 bit).
    Raises CoconetError for other types and shapes, MissingPackage without SciPy.
    """
    from coconet.metrics import fusion

    pictures = (
        colour_or_gray("fused picture", fused),
        gray("infrared picture", infrared),
        colour_or_gray("visible picture", visible),
    )
    for side, picture in zip(("fused picture", "infrared picture"), pictures, strict=False):
        check_same_size(side, picture, pictures[2])
    return fusion.score(*(as_gray(pixels)[:, :, 0] for pixels in pictures))
