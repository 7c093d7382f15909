"""Alignment without a target: the edges of both pictures, whichever side of them is brighter, laid onto each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.errors import CoconetError, MissingPackage
from runtime.frame import FramePair
from runtime.luma import luma

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="aligning cameras") from error

Plane = NDArray[np.float32]
Field = NDArray[np.float32]
"""(2, H, W): the gradient's direction, doubled so that light-to-dark equals dark-to-light, as cosine and sine."""
Homography = NDArray[np.float64]

SEARCH_WIDTH_PX = 160
"""The width of the visible picture in the first search, over scales, rotations and all shifts."""

_SCALES = np.geomspace(0.75, 1.34, 11)
_ROTATIONS_DEG = np.arange(-9.0, 9.1, 3.0)
_WORTH = 1.01  # a freer model has to agree so much better: where there are no edges it would bend at will
_STEPS = 20
_LEAST_GAIN = 1e-5
_CANDIDATES = 4  # of the first search, refined and compared
_LEAST_CONFIDENCE = 0.12


@dataclass(frozen=True)
class Registration:
    """How infrared pixels map to visible ones, (3, 3), and how much of the edges agree there: 1 all, 0 as by chance."""

    homography: Homography
    agreement: float


@dataclass(frozen=True)
class Views:
    """What both cameras saw at the same moments, as luma planes, each side of one size."""

    visible: Sequence[Plane]
    infrared: Sequence[Plane]


def register_edges(pairs: Sequence[FramePair]) -> Registration:
    """Find the homography from infrared to visible pixels that brings the edges of all pairs together.

    pairs: of one size a side, 8 bit, infrared as it comes (not warped). The pictures may differ in size; the infrared
    one may be scaled by 0.75 to 1.34 (beyond the ratio of the sizes), turned by 9 degrees and shifted by any amount.
    Raises CoconetError for pictures whose edges do not agree anywhere.

    The similarity is that of gradient directions (Haber and Modersitzki, Intensity Gradient Based Registration and
    Fusion of Multi-modal Images, 2006), found by correlation and refined by Gauss-Newton steps
    (Lucas and Kanade, 1981) of a similarity, then of an affine map and a homography if they agree clearly better.
    """
    views = Views([luma(pair.visible.pixels) for pair in pairs], [luma(pair.infrared.pixels) for pair in pairs])
    coarse = [_refined(start, views, _COARSE) for start in _search(views.visible, views.infrared)]
    best = _refined(max(coarse, key=lambda found: found.agreement).homography, views, _FINE[0])
    for stage in _FINE[1:]:
        freer = _refined(best.homography, views, stage)
        if freer.agreement > best.agreement * _WORTH:
            best = freer
    if best.agreement < _LEAST_CONFIDENCE:
        raise CoconetError(
            "alignment",
            wanted="a scene with edges that both cameras see",
            got=f"edges that agree to {best.agreement:.3f}, where 0 is chance",
            remedy="Point the rig at buildings, people or a heated board; or name points with --point.",
        )
    return best


def residual_shift_px(pair: FramePair) -> tuple[float, float, float]:
    """How far the infrared edges of an aligned pair lie right of and below the visible ones, and how surely (0..1)."""
    width = min(SEARCH_WIDTH_PX * 2, pair.visible.pixels.shape[1])
    scale = width / pair.visible.pixels.shape[1]
    fields = [_field(_sized(luma(frame.pixels), scale), 1.0) for frame in (pair.visible, pair.infrared)]
    surface = _correlation(*fields)
    reach = max(2, round(0.08 * width))
    near = np.roll(surface, (reach, reach), (0, 1))[: 2 * reach + 1, : 2 * reach + 1]
    row, column = np.unravel_index(int(near.argmax()), near.shape)
    (sub_row, sub_column), peak = _subpixel(near, int(row), int(column)), float(near.max())
    return (sub_column - reach) / scale, (sub_row - reach) / scale, peak


@dataclass(frozen=True)
class _Stage:
    """One refinement: on visible pictures of this width, blurred so much; 4 numbers (similarity), 6 (affine) or 8."""

    width_px: int
    blur_px: float
    freedom: int


_COARSE = _Stage(SEARCH_WIDTH_PX, 2.0, 4)
_FINE = (_Stage(320, 1.5, 4), _Stage(320, 1.5, 6), _Stage(320, 1.5, 8))
_BASES = {
    4: np.array([[1, 0, 0, 0, 1, 0, 0, 0], [0, 1, 0, -1, 0, 0, 0, 0], *np.eye(8)[[2, 5]]]).T,
    6: np.eye(8)[:, :6],
    8: np.eye(8),
}


def _search(visible: Sequence[Plane], infrared: Sequence[Plane]) -> list[Homography]:
    """Try scales and rotations, all shifts of each at once; the best few that are not neighbours."""
    scale_v = SEARCH_WIDTH_PX / visible[0].shape[1]
    targets = [_field(_sized(plane, scale_v), 1.5) for plane in visible]
    height, width = targets[0].shape[1:]
    found: list[tuple[float, Homography]] = []
    for similarity in _similarities(infrared[0].shape, (height, width)):
        surface = np.zeros((height, width), np.float32)
        for target, plane in zip(targets, infrared, strict=True):
            surface += _correlation(target, _moved(plane, similarity, (width, height), 1.5)) / len(targets)
        row, column = np.unravel_index(int(np.argmax(surface)), surface.shape)
        shift = np.eye(3)
        shift[:2, 2] = (-_signed(int(column), width), -_signed(int(row), height))
        found.append((float(surface[row, column]), _unscaled(shift @ similarity, scale_v)))
    found.sort(key=lambda entry: -entry[0])
    return [homography for _, homography in found[:_CANDIDATES]]


def _similarities(source: tuple[int, ...], target: tuple[int, int]) -> Iterator[Homography]:
    """Scalings and rotations about the centre, beyond what brings the one size to the other."""
    fit = target[1] / source[1]
    for scale in _SCALES:
        for degrees in _ROTATIONS_DEG:
            turn = np.eye(3)
            turn[:2] = cv2.getRotationMatrix2D((source[1] / 2, source[0] / 2), float(degrees), float(scale * fit))
            turn[:2, 2] += (target[1] / 2 - source[1] / 2, target[0] / 2 - source[0] / 2)
            yield turn


def _refined(start: Homography, views: Views, stage: _Stage) -> Registration:
    """Gauss-Newton steps at one width of the visible picture, of a model of so many degrees of freedom."""
    scale = min(1.0, stage.width_px / views.visible[0].shape[1])
    descent = _Descent([_field(_sized(plane, scale), stage.blur_px) for plane in views.visible], views.infrared, stage)
    found, agreement = descent.run(_rescaled(start, scale))
    homography = _unscaled(found, scale)
    return Registration(homography / homography[2, 2], agreement)


class _Descent:
    """Damped steps towards the warp that makes the infrared fields most like the visible ones."""

    def __init__(self, targets: Sequence[Field], infrared: Sequence[Plane], stage: _Stage) -> None:
        self._targets, self._infrared, self._stage = targets, infrared, stage
        self._height, self._width = targets[0].shape[1:]
        # The slopes of the targets stand in for those of the moved fields, so that they are taken only once.
        self._terms = [[self._slopes(part) for part in target] for target in targets]

    def run(self, start: Homography) -> tuple[Homography, float]:
        """Give the best homography on the way, and its agreement."""
        best, best_agreement, damping = start, -1.0, 1e-2
        trial, best_moved = start, []
        for _ in range(_STEPS):
            moved = [self._moved(plane, trial) for plane in self._infrared]
            agreement = _agreement(self._targets, moved)
            gain = agreement - best_agreement
            if gain > 0:
                best, best_agreement, best_moved, damping = trial, agreement, moved, damping / 3
            else:
                damping *= 5
            if damping > 10 or 0 < gain < _LEAST_GAIN:
                break
            trial = self._step(best, best_moved, damping)
        return best, best_agreement

    def _step(self, homography: Homography, moved: Sequence[Field], damping: float) -> Homography:
        normal, right = np.zeros((8, 8)), np.zeros(8)
        for terms, target, field in zip(self._terms, self._targets, moved, strict=True):
            known = field.any(axis=0).ravel()
            for slopes, wanted, have in zip(terms, target, field, strict=True):
                inside = slopes * known
                normal += inside @ slopes.T
                right += inside @ (have - wanted).ravel()
        basis = _BASES[self._stage.freedom]
        normal = basis.T @ normal @ basis
        normal += damping * np.diag(np.diag(normal)) + 1e-6 * np.eye(len(normal))
        change = basis @ np.linalg.solve(normal, basis.T @ right)
        update = np.eye(3) + np.array([change[0:3], change[3:6], [*change[6:], 0]])
        width, height = self._width, self._height
        unit = np.array([[1 / width, 0, -0.5], [0, 1 / width, -height / 2 / width], [0, 0, 1]])
        stepped: Homography = np.linalg.inv(unit) @ update @ unit @ homography
        stepped /= stepped[2, 2]
        return stepped

    def _slopes(self, part: Plane) -> Plane:
        """How a field changes with each of the eight numbers, (8, H * W); coordinates are in widths from the centre."""
        rows, columns = np.mgrid[0 : self._height, 0 : self._width].astype(np.float32)
        x, y = (columns - self._width / 2) / self._width, (rows - self._height / 2) / self._width
        down, right = np.gradient(part)
        out = right * x + down * y
        slopes = [right * x, right * y, right, down * x, down * y, down, -x * out, -y * out]
        return np.asarray(np.stack(slopes).reshape(8, -1) * self._width, np.float32)

    def _moved(self, plane: Plane, homography: Homography) -> Field:
        return _moved(plane, homography, (self._width, self._height), self._stage.blur_px)


def _moved(plane: Plane, homography: Homography, size_px: tuple[int, int], blur: float) -> Field:
    moved = np.asarray(cv2.warpPerspective(_antialiased(plane, homography), homography, size_px), np.float32)
    inside = np.asarray(cv2.warpPerspective(np.ones_like(plane), homography, size_px)) > 0.99
    return _field(moved, blur, inside)


def _antialiased(plane: Plane, homography: Homography) -> Plane:
    shrink = 1 / max(1e-6, np.sqrt(abs(np.linalg.det(homography[:2, :2]))))
    return plane if shrink < 1.5 else np.asarray(cv2.GaussianBlur(plane, (0, 0), 0.4 * shrink), np.float32)


def _agreement(targets: Sequence[Field], moved: Sequence[Field]) -> float:
    """The correlation of the two fields over all pairs where the moved one is known."""
    dot = sum(float((target * field).sum()) for target, field in zip(targets, moved, strict=True))
    known = [field.any(axis=0) for field in moved]
    power_t = sum(float((target[:, mask] ** 2).sum()) for target, mask in zip(targets, known, strict=True))
    power_m = sum(float((field**2).sum()) for field in moved)
    share = sum(float(mask.mean()) for mask in known) / len(known)
    return float(
        dot / max(np.sqrt(power_t * power_m), 1e-9) * min(1.0, 2 * share)
    )  # a corner that agrees is not a match


def _field(plane: Plane, blur: float, inside: NDArray[np.bool_] | None = None) -> Field:
    """Directions of the gradient, doubled, strong where the edge is strong for its neighbourhood."""
    smooth = cv2.GaussianBlur(plane, (0, 0), blur)
    along_x, along_y = (cv2.Sobel(smooth, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    power = along_x**2 + along_y**2
    usual = cv2.GaussianBlur(power, (0, 0), max(8.0, plane.shape[1] / 16)) + float(power.mean()) * 0.25 + 1e-6
    weight = 1 / (power + usual)
    field = np.stack([(along_x**2 - along_y**2) * weight, 2 * along_x * along_y * weight])
    if inside is not None:
        field *= cv2.erode(inside.astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=0)
    return np.asarray(field, np.float32)


def _correlation(first: Field, second: Field) -> Plane:
    """Correlation at every cyclic shift: [r, c] is for `second` lying r below and c right of `first`."""
    power = np.sqrt(float((first**2).sum()) * float((second**2).sum())) + 1e-9
    spectrum = sum(np.conj(np.fft.rfft2(one)) * np.fft.rfft2(other) for one, other in zip(first, second, strict=True))
    surface: Plane = (np.fft.irfft2(spectrum, s=first.shape[1:]) / power).astype(np.float32)
    return surface


def _subpixel(surface: Plane, row: int, column: int) -> tuple[float, float]:
    """Top of the parabola through a maximum and its two neighbours, each way."""
    return _vertex(surface[:, column], row), _vertex(surface[row], column)


def _vertex(line: Plane, index: int) -> float:
    if not 0 < index < len(line) - 1:
        return float(index)
    before, here, after = (float(line[index + step]) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    return index + (0.5 * (before - after) / bend if bend < 0 else 0.0)


def _signed(index: int, length: int) -> int:
    return index - length if index > length // 2 else index


def _sized(plane: Plane, scale: float) -> Plane:
    if scale == 1.0:
        return plane
    size = (round(plane.shape[1] * scale), round(plane.shape[0] * scale))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _rescaled(homography: Homography, scale: float) -> Homography:
    """From infrared pixels to visible pixels of a picture scaled by `scale`."""
    scaled: Homography = np.diag([scale, scale, 1.0]) @ homography
    return scaled


def _unscaled(homography: Homography, scale: float) -> Homography:
    return _rescaled(homography, 1 / scale)
