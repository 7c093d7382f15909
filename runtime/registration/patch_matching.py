"""Patch matching: patches of one edge field found in another, and the warp that most of them support."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from coconet.errors import MissingPackage, counted
from coconet.runtime.preprocess.edge_features import Field, Homography, subpixel

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="aligning cameras", extra="headless") from error


_SURE = 2.0  # how much likelier a displacement gets with each standard deviation of correlation

_ROUNDS = 12

_STILL_PX = 0.01

# Eight numbers move a point (x, y), in half widths from the centre: (1, x, y, x*x, x*y) each way, the last two shared.
_MODELS = {
    4: np.array(
        [[1, 0, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 1, 0, 0], [0, 0, 0, 1, -1, 0, 0, 0]]
    ).T,
    6: np.eye(8)[:, :6],
    8: np.eye(8),
}


@dataclass(frozen=True)
class PatchVotes:
    """How well each patch agrees at each displacement.

    centres: (N, 2) pixels x, y. surfaces: (N, 2 * radius + 1, 2 * radius + 1), correlation, 1 for the same edges, at
    displacements (row, column) from -radius. size_px: width and height of the picture.
    """

    centres: NDArray[np.float64]
    surfaces: NDArray[np.float64]
    size_px: tuple[int, int]

    @property
    def radius_px(self) -> int:
        """The farthest displacement looked at, each way."""
        return int(self.surfaces.shape[1]) // 2

    def peaks_px(self) -> NDArray[np.float64]:
        """Where each patch agrees best, (N, 2), as x, y of the displacement, to a part of a pixel."""
        flat = self.surfaces.reshape(len(self.surfaces), (2 * self.radius_px + 1) ** 2)
        rows, columns = np.unravel_index(flat.argmax(1), self.surfaces.shape[1:])
        found = [subpixel(*vote) for vote in zip(self.surfaces, rows.tolist(), columns.tolist(), strict=True)]
        return np.array(found).reshape(-1, 2)[:, ::-1] - self.radius_px


def patch_votes(target: Field, moved: Field, patch_px: int, radius_px: int) -> PatchVotes:
    """Look for every patch of `target`, half a patch apart, in `moved`, up to a radius each way.

    Patches that reach beyond what is known of `moved`, or have no edges, do not vote.
    """
    height, width = target.shape[1:]
    patches, around = (np.ascontiguousarray(np.moveaxis(field, 0, 2)) for field in (target, moved))
    around = np.pad(around, ((radius_px, radius_px), (radius_px, radius_px), (0, 0)))
    powers, around_powers = (_window_power(field, patch_px) for field in (patches, around))
    centres, surfaces, reach = [], [], 2 * radius_px
    for y in range(0, max(1, height - patch_px + 1), patch_px // 2):
        for x in range(0, max(1, width - patch_px + 1), patch_px // 2):
            power = around_powers[y : y + reach + 1, x : x + reach + 1]
            if powers[y, x] < 1e-3 or power.min() < 0.3 * power.max() or power.max() < 1e-3:
                continue
            window = around[y : y + patch_px + reach, x : x + patch_px + reach]
            score = cv2.matchTemplate(window, patches[y : y + patch_px, x : x + patch_px], cv2.TM_CCORR)
            surfaces.append(score / np.sqrt(powers[y, x] * power + 1e-9))
            centres.append((x + (patch_px - 1) / 2, y + (patch_px - 1) / 2))
    shape = (-1, reach + 1, reach + 1)
    return PatchVotes(np.array(centres).reshape(-1, 2), np.array(surfaces, float).reshape(shape), (width, height))


def shared_warp(votes: PatchVotes, freedom: int, sigmas_px: tuple[float, ...]) -> Homography:
    """Give the homography that moves the second field onto the first, of 4 (similarity), 6 (affine) or 8 numbers.

    Maximises the likelihood of the votes, blurred by ever smaller Gaussians, against votes by chance (expectation
    maximisation; Saragih, Lucey and Cohn, Deformable Model Fitting by Regularized Landmark Mean-Shift, 2011). A patch
    on a straight edge votes for a line of displacements and so does not hold the warp along it. Without votes the warp
    is the identity: no number moves the border by much more than half the radius unless patches say so.
    """
    if not len(votes.centres):
        return np.eye(3)
    points = _numbers(votes.centres, votes.size_px) @ _MODELS[freedom]
    weights, chance = _likelihoods(votes), 1 / votes.surfaces[0].size
    prior = _MODELS[freedom].T @ _MODELS[freedom] / (0.5 * votes.radius_px) ** 2
    numbers = np.zeros(points.shape[2])
    for sigma_px in sigmas_px:
        for _ in range(_ROUNDS):
            before = numbers
            mass, mean = _nearby(weights, points @ numbers, sigma_px)
            believed = mass / (mass + 2 * np.pi * sigma_px**2 * chance) / sigma_px**2
            normal = np.einsum("n,nik,nil->kl", believed, points, points) + prior
            numbers = np.linalg.solve(normal, np.einsum("n,nik,ni->k", believed, points, mean))
            if np.abs(numbers - before).max() < _STILL_PX:
                break
    return _homography(_MODELS[freedom] @ numbers, votes.size_px)


def _likelihoods(votes: PatchVotes) -> NDArray[np.float64]:
    """How likely each patch finds each displacement, shaped like the surfaces, summing to 1 a patch."""
    scores, within = votes.surfaces, (1, 2)
    spread = max(1e-3, float(np.median(scores.std(within))))
    weights = np.exp(np.clip(_SURE * (scores - scores.mean(within, keepdims=True)) / spread, -20, 20))
    return np.asarray(weights / weights.sum(within, keepdims=True))


def _nearby(
    weights: NDArray[np.float64], expected: NDArray[np.float64], sigma_px: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The weight under a Gaussian about the expected displacements, (N, 2), and its mean displacement, (N, 2)."""
    radius = weights.shape[1] // 2
    steps = np.arange(-radius, radius + 1, dtype=np.float64)
    across, down = np.exp(-((steps - expected.T[:, :, None]) ** 2) / (2 * sigma_px**2))
    columns = np.matmul(down[:, None, :], weights)[:, 0] * across
    rows = np.matmul(weights, across[:, :, None])[:, :, 0] * down
    mass = columns.sum(1)
    return mass, np.stack([columns @ steps, rows @ steps], axis=1) / np.maximum(mass, 1e-12)[:, None]


def _numbers(points: NDArray[np.float64], size_px: tuple[int, int]) -> NDArray[np.float64]:
    """How a displacement in pixels depends on the eight numbers, (N, 2, 8)."""
    width, height = size_px
    x, y = ((points - [width / 2, height / 2]) / (width / 2)).T
    one, none = np.ones_like(x), np.zeros_like(x)
    across = [one, none, x, none, y, none, x * x, x * y]
    down = [none, one, none, x, none, y, x * y, y * y]
    return np.stack([np.stack(across, 1), np.stack(down, 1)], 1)


def _homography(numbers: NDArray[np.float64], size_px: tuple[int, int]) -> Homography:
    width, height = size_px
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    moved = corners + _numbers(corners, size_px) @ numbers
    return np.asarray(cv2.getPerspectiveTransform(moved.astype(np.float32), corners.astype(np.float32)), np.float64)


def _window_power(field: NDArray[np.float32], patch_px: int) -> NDArray[np.float64]:
    """The power of the patch that begins at each pixel; only right where the patch lies inside."""
    power = (field**2).sum(axis=2).astype(np.float64)
    return np.asarray(cv2.boxFilter(power, -1, (patch_px, patch_px), anchor=(0, 0), normalize=False), np.float64)


NEAR_PX = 3.0
"""Patches agree with an alignment that are found so near where it puts them."""

BY_CHANCE = 0.3
"""The share of patches that agree in pictures of different scenes, under the best warp of them: 0.24 on average."""

_MOST_LIKELY = 0.01  # of the share that agrees by chance alone

_OVERLAP = 2  # patches overlap by half each way, so that there are fewer looks at the picture than patches

_LEAST_SPREAD = 0.25


@dataclass(frozen=True)
class PatchSupport:
    """How far patches of both pictures lie from each other under an alignment.

    patches: that could be compared. agreeing: of these, that lie within NEAR_PX. residual_px: the median distance of
    those that agree, in visible pixels; infinite without any. spread: the area they cover against that of all patches,
    as the ratio of their standard ellipses; small where one corner speaks for the whole picture.
    """

    patches: int
    agreeing: int
    residual_px: float
    spread: float

    @property
    def share(self) -> float:
        """How many of the patches agree, 0..1."""
        return self.agreeing / max(1, self.patches)

    @property
    def chance(self) -> float:
        """How likely at least as many patches would agree in pictures of different scenes: a binomial tail."""
        looks, agreeing = self.patches // _OVERLAP, self.agreeing // _OVERLAP
        return sum(
            comb(looks, count) * BY_CHANCE**count * (1 - BY_CHANCE) ** (looks - count)
            for count in range(agreeing, looks + 1)
        )

    @property
    def weakness(self) -> str:
        """What forbids to trust the alignment, in words; empty if nothing does."""
        if self.chance > _MOST_LIKELY:
            return f"{self.agreeing} of {counted(self.patches, 'patch')} agree, which may be chance"
        if self.spread < _LEAST_SPREAD:
            return f"patches agree in {self.spread:.0%} of the picture only"
        return ""

    def __str__(self) -> str:
        return (
            f"{self.agreeing} of {counted(self.patches, 'patch')} agree to {self.residual_px:.2f} px (median), "
            f"spread over {min(1.0, self.spread):.0%} of the picture"
        )


def support_by(votes: PatchVotes, scale: float) -> PatchSupport:
    """Count the patches whose best displacement is nearly none; `scale` is that of their picture to the visible one."""
    distances = np.hypot(*votes.peaks_px().T) / scale
    near = distances <= NEAR_PX
    residual_px = float(np.median(distances[near])) if near.any() else float("inf")
    spread = _ellipse(votes.centres[near]) / max(_ellipse(votes.centres), 1e-9)
    return PatchSupport(len(near), int(near.sum()), residual_px, spread)


def _ellipse(points: NDArray[np.float64]) -> float:
    """The area of the standard ellipse of (N, 2) points, but for a factor."""
    return float(np.sqrt(max(0.0, float(np.linalg.det(np.cov(points.T)))))) if len(points) > 2 else 0.0
