"""Fusion on two scales without a network: what is coarse and what is fine, each weighted by what stands out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coconet.errors import MissingPackage

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="fusing on two scales", extra="headless") from error


Plane = NDArray[np.float32]
"""(H, W), single precision: levels of 0..255, or weights of 0..1."""

GUIDED_BASE_PX, GUIDED_RADII_PX, GUIDED_BLURS = 31, (45, 7), (0.3, 1e-6)
"""Li, Kang and Hu's: the window of the base, and the radius and epsilon (pictures in 0..1) for base and detail."""

SALIENT_BASE_PX, SALIENT_MEDIAN_PX = 35, 3
"""Bavirisetti and Dhuli's windows: of the base, and of the median that is compared with it."""

LEAST = np.float32(1e-12)


def fuse_guided(visible: Plane, infrared: Plane) -> Plane:
    """Fuse two pictures of levels by weights that follow their edges; levels, not rounded.

    The picture whose Laplacian is larger around a pixel has it; that map is smoothed along the edges of its picture,
    widely for the coarse scale and narrowly for the fine one.
    Source: Li, Kang and Hu, Image Fusion with Guided Filtering, IEEE TIP 22 (2013), equations 5 to 14.
    """
    pictures = (visible, infrared)
    salient = [_laplacian_saliency(picture) for picture in pictures]
    owned = [np.asarray(salient[0] >= salient[1], np.float32), np.asarray(salient[0] < salient[1], np.float32)]
    bases = [_mean(picture, GUIDED_BASE_PX, cv2.BORDER_REFLECT) for picture in pictures]
    fused = np.zeros_like(visible)
    details = [picture - base for picture, base in zip(pictures, bases, strict=True)]
    for layers, radius_px, blur in zip((bases, details), GUIDED_RADII_PX, GUIDED_BLURS, strict=True):
        weights = [
            np.clip(guided_filter(own, picture / np.float32(255), radius_px, blur), 0, 1)
            for own, picture in zip(owned, pictures, strict=True)
        ]
        fused += _weighted(layers, weights)
    return fused


def fuse_salient(visible: Plane, infrared: Plane) -> Plane:
    """Fuse two pictures of levels: the mean of what is coarse, of what is fine the more salient; not rounded.

    Salient is what a wide mean takes away and a narrow median leaves.
    Source: Bavirisetti and Dhuli, Two-scale image fusion of visible and infrared images using saliency detection,
    Infrared Physics & Technology 76 (2016), equations 3 to 12.
    """
    pictures = (visible, infrared)
    bases = [_mean(picture, SALIENT_BASE_PX, cv2.BORDER_REPLICATE) for picture in pictures]
    medians = [np.asarray(cv2.medianBlur(picture, SALIENT_MEDIAN_PX), np.float32) for picture in pictures]
    salient = [np.abs(base - median) for base, median in zip(bases, medians, strict=True)]
    details = [picture - base for picture, base in zip(pictures, bases, strict=True)]
    coarse: Plane = (bases[0] + bases[1]) * np.float32(0.5)
    return coarse + _weighted(details, salient)


def guided_filter(picture: Plane, guide: Plane, radius_px: int, blur: float) -> Plane:
    """Smooth a picture along the edges of another: in every window it is a linear function of the guide.

    Windows of 2 * radius_px + 1, cut off at the border; blur: what variance of the guide counts as an edge.
    Source: He, Sun and Tang, Guided Image Filtering, IEEE TPAMI 35 (2013), equations 4 to 8.
    """
    # Variances are differences of large sums: single precision would drown an edge of 1e-6.
    size = (2 * radius_px + 1,) * 2
    inside = _sum(np.ones(guide.shape), size)
    guide_64, picture_64 = guide.astype(np.float64), picture.astype(np.float64)
    mean_guide, mean_picture = _sum(guide_64, size) / inside, _sum(picture_64, size) / inside
    covariance = _sum(guide_64 * picture_64, size) / inside - mean_guide * mean_picture
    variance = _sum(guide_64 * guide_64, size) / inside - mean_guide * mean_guide
    slope = covariance / (variance + blur)
    offset = mean_picture - slope * mean_guide
    smooth = (_sum(slope, size) * guide_64 + _sum(offset, size)) / inside
    return smooth.astype(np.float32)


def _laplacian_saliency(picture: Plane) -> Plane:
    laplacian = np.abs(cv2.Laplacian(picture, cv2.CV_32F, ksize=1, borderType=cv2.BORDER_REPLICATE))
    return np.asarray(cv2.GaussianBlur(laplacian, (11, 11), 5, borderType=cv2.BORDER_REPLICATE), np.float32)


def _weighted(layers: list[Plane], weights: list[Plane]) -> Plane:
    """The layers by their share of the weights; half each if neither has any."""
    total = weights[0] + weights[1]
    share: Plane = np.where(total > LEAST, weights[0] / np.maximum(total, LEAST), np.float32(0.5))
    fused: Plane = share * layers[0] + (1 - share) * layers[1]
    return fused


def _mean(picture: Plane, size_px: int, border: int) -> Plane:
    return np.asarray(cv2.blur(picture, (size_px, size_px), borderType=border), np.float32)


def _sum(picture: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    summed = cv2.boxFilter(picture, cv2.CV_64F, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(summed, np.float64)
