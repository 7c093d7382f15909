"""Visual information fidelity in the pixel domain: how much of a reference's detail a picture still carries."""

from __future__ import annotations

import numpy as np

from coconet.metrics.gray import Gray, Samples, as_samples
from coconet.metrics.ssim import gaussian_window, slide

WINDOW_SIDES_PX = (17, 9, 5, 3)
"""One window a scale, finest first; its sigma is a fifth of its side."""

LEAST_SIDE_PX = 41
"""The shortest side that leaves room for the window of the coarsest scale."""

NOISE_VARIANCE = 2.0
"""What the eye is taken to add, in squared levels of 0..255."""

TINY = 1e-10


def vifp(reference: Gray, picture: Gray, *, matlab_u8: bool = False) -> float:
    """Pixel-domain VIF of `picture` against `reference`: 0 nothing kept, 1 all kept, above 1 contrast added.

    Both (H, W) on 0..255, sides of 41 pixels or more. Four scales, one ratio over all of them, 'valid' borders.
    A constant reference has nothing to lose: 1.0. A constant picture keeps nothing of any other reference: 0.0.
    matlab_u8: the products of the finest scale saturate at 255, as in the published tables made with uint8 arithmetic.
    Source: Sheikh and Bovik, Image Information and Visual Quality, IEEE TIP 15 (2006), in its pixel-domain form.
    """
    reference, picture = as_samples(reference, picture, least_px=LEAST_SIDE_PX)
    if reference.min() == reference.max():
        return 1.0
    kept = present = 0.0
    for scale, side_px in enumerate(WINDOW_SIDES_PX):
        window = gaussian_window(side_px, side_px / 5)
        if scale > 0:
            reference, picture = (slide(samples, window)[::2, ::2] for samples in (reference, picture))
        ceiling = 255.0 if matlab_u8 and scale == 0 else np.inf
        kept_here, present_here = _information(reference, picture, window, ceiling)
        kept, present = kept + kept_here, present + present_here
    return kept / present if present > 0 else 1.0


def _information(reference: Samples, picture: Samples, window: Samples, ceiling: float) -> tuple[float, float]:
    """Measure what one scale of the picture keeps of the reference, and what the reference has, both in nats."""
    variance, picture_variance, covariance = _moments(reference, picture, window, ceiling)
    gain = covariance / (variance + TINY)
    blur = np.maximum(picture_variance - gain * covariance, TINY)
    # Nothing is kept where either side is flat, or where the picture shows the reference inverted.
    variance[variance < TINY] = 0
    gain[(picture_variance < TINY) | (gain < 0)] = 0
    kept = np.log1p(gain**2 * variance / (blur + NOISE_VARIANCE))
    return float(kept.sum()), float(np.log1p(variance / NOISE_VARIANCE).sum())


def _moments(reference: Samples, picture: Samples, window: Samples, ceiling: float) -> tuple[Samples, Samples, Samples]:
    """Local variance of both and their covariance; products above `ceiling` are cut to it."""
    mean, picture_mean = slide(reference, window), slide(picture, window)

    def spread(first: Samples, second: Samples, product_of_means: Samples) -> Samples:
        return slide(np.minimum(first * second, ceiling), window) - product_of_means

    return (
        np.maximum(spread(reference, reference, mean * mean), 0),
        np.maximum(spread(picture, picture, picture_mean * picture_mean), 0),
        spread(reference, picture, mean * picture_mean),
    )
