"""Colour: how far the colours of a fused picture are from those of the visible one, where both cameras see alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError
from coconet.media.pixels import Pixels, luma
from coconet.metrics.gray import Samples
from coconet.metrics.ssim import SIGMA_PX, WINDOW_SIDE_PX, gaussian_window, slide

ALIKE = 0.5
"""The least structure that both cameras share, of -1..1."""

COLOURED = 10.0
"""The least chroma C*ab of a pixel that has a hue: below that noise turns it."""

KEPT = 0.7
"""The share of its saturation below which a pixel counts as washed out."""

SMOOTH = 2.0
"""The most that a* and b* of the visible picture change from pixel to pixel where a change in the fused one is new."""

_BGR_TO_XYZ = np.array([[0.1805, 0.3576, 0.4124], [0.0722, 0.7152, 0.2126], [0.9505, 0.1192, 0.0193]])
"""Rows X, Y, Z, columns linear B, G, R; white is their sums, which is D65."""

_STEPS = np.arange(256) / 255

_LINEAR = np.where(_STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4)
"""Linear light of every level of sRGB, 0..1."""

_DARK = 6 / 29
"""The cube root of the share of white below which CIELAB goes in a straight line."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ColourScores:
    """What became of the colours of a visible picture in a fused one, on the pixels that are coloured and seen alike.

    hue_deg: mean difference of the hue angle, 0..180; 0 keeps every hue.
    chroma: mean C*ab of the fused picture over that of the visible one.
    saturation: the same of C*ab / L*, which is how colourful something is for its brightness.
    washed_out, overdone: shares of the pixels whose saturation fell below 0.7 of what it was, or rose above 1/0.7.
    fringes: 95th percentile of the change of a* and b* from pixel to pixel, where the visible picture has hardly any.
    share: of the picture that is counted. All others are NaN if nothing is.
    """

    hue_deg: float
    chroma: float
    saturation: float
    washed_out: float
    overdone: float
    fringes: float
    share: float


def score_colour(fused: Pixels, visible: Pixels, infrared: Pixels) -> ColourScores:
    """Compare the colours of `fused` with those of `visible`, both (H, W, 3) BGR; `infrared`: (H, W, 1). All uint8.

    CIELAB of sRGB pictures under D65; C*ab = hypot(a*, b*) and h_ab = atan2(b*, a*) as in CIE 15:2004, 8.2.2.
    Raises CoconetError for gray pictures, for unequal sizes and for sides of fewer than 11 pixels.
    """
    _check(fused, visible, infrared)
    before, after = (_lab(one) for one in (visible, fused))
    where = seen_alike(visible, infrared) & (_chroma(before) >= COLOURED)
    if not where.any():
        none = float("nan")
        return ColourScores(none, none, none, none, none, none, 0.0)
    turned = np.abs((_hue_deg(after) - _hue_deg(before) + 180) % 360 - 180)[where]
    saturations = [(_chroma(lab) / np.maximum(lab[:, :, 0], 1))[where] for lab in (after, before)]
    kept = saturations[0] / saturations[1]
    new = _change(after)[where & (_change(before) < SMOOTH)]
    return ColourScores(
        hue_deg=float(turned.mean()),
        chroma=float(_chroma(after)[where].mean() / _chroma(before)[where].mean()),
        saturation=float(saturations[0].mean() / saturations[1].mean()),
        washed_out=float((kept < KEPT).mean()),
        overdone=float((kept > 1 / KEPT).mean()),
        fringes=float(np.percentile(new, 95)) if new.size else float("nan"),
        share=float(where.mean()),
    )


def seen_alike(visible: Pixels, infrared: Pixels) -> Mask:
    """(H, W): where both cameras see the same structure, however bright; where neither sees any, that is so as well.

    The structure term of SSIM, (covariance + c) / (product of deviations + c), is at least ALIKE under its Gaussian
    window of 11 x 11 with sigma 1.5, c = (0.03 * 255)^2 / 2; 5 pixels at the edge are not counted.
    Source: Wang, Bovik, Sheikh and Simoncelli, Image Quality Assessment, IEEE TIP 13 (2004), equation 10.
    """
    a, b = (luma(one).astype(np.float64) for one in (visible, infrared))
    window, constant = gaussian_window(WINDOW_SIDE_PX, SIGMA_PX), (0.03 * 255) ** 2 / 2
    mean_a, mean_b = slide(a, window), slide(b, window)
    deviations = [
        np.sqrt(np.maximum(slide(one * one, window) - mean**2, 0)) for one, mean in ((a, mean_a), (b, mean_b))
    ]
    covariance = slide(a * b, window) - mean_a * mean_b
    alike = np.zeros(a.shape, np.bool_)
    reach = WINDOW_SIDE_PX // 2
    structure = (covariance + constant) / (deviations[0] * deviations[1] + constant)
    alike[reach:-reach, reach:-reach] = structure >= ALIKE
    return alike


def _lab(pixels: Pixels) -> Samples:
    """(H, W, 3): L* 0..100, a*, b*, exactly; OpenCV's are read from a table, and turn hues by a tenth of a degree.

    Source: IEC 61966-2-1 (sRGB to XYZ, D65), and CIE 15:2004, 8.2.1 (XYZ to L*a*b*).
    """
    relative = _LINEAR[pixels] @ _BGR_TO_XYZ.T / _BGR_TO_XYZ.sum(axis=1)
    f = np.where(relative > _DARK**3, np.cbrt(relative), relative / (3 * _DARK**2) + 4 / 29)
    x, y, z = np.moveaxis(f, 2, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=2)


def _chroma(lab: Samples) -> Samples:
    """(H, W): C*ab."""
    return np.hypot(lab[:, :, 1], lab[:, :, 2])


def _hue_deg(lab: Samples) -> Samples:
    """(H, W): h_ab in degrees."""
    return np.asarray(np.degrees(np.arctan2(lab[:, :, 2], lab[:, :, 1])), np.float64)


def _change(lab: Samples) -> Samples:
    """(H, W): how far a* and b* go from a pixel to the next, right and down."""
    found = np.zeros(lab.shape[:2])
    right, down = (np.diff(lab[:, :, 1:], axis=axis) for axis in (1, 0))
    found[:-1, :-1] = np.sqrt((right[:-1] ** 2).sum(axis=2) + (down[:, :-1] ** 2).sum(axis=2))
    return found


def _check(fused: Pixels, visible: Pixels, infrared: Pixels) -> None:
    one_size = fused.shape == visible.shape and infrared.shape[:2] == visible.shape[:2]
    if one_size and visible.shape[2] == 3 and min(visible.shape[:2]) >= WINDOW_SIDE_PX:
        return
    raise CoconetError(
        "colour of a fused picture",
        wanted=f"fused and visible (H, W, 3), and infrared (H, W, 1), of one size of at least {WINDOW_SIDE_PX} a side",
        got=", ".join(str(one.shape) for one in (fused, visible, infrared)),
        remedy="Gray pictures have no colour to lose.",
        says="needs fused and visible (H, W, 3) and infrared (H, W, 1) of one size of at least "
        f"{WINDOW_SIDE_PX} a side, not {', '.join(str(one.shape) for one in (fused, visible, infrared))}",
    )
