"""How well edges alone recover an alignment: real pairs, warped by known homographies and found again.

python -m benchmarks.alignment_recovery FOLDER, where FOLDER has roadscene/{ir,vis} and video/*_{ir,vis}.mp4
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from coconet.errors import CoconetError, MissingPackage
from runtime.edge_registration import register_edges
from runtime.frame import FramePair
from runtime.rig import Rig, open_rig
from runtime.samples import FolderFrames

try:
    import cv2
except ImportError as error:
    raise MissingPackage("cv2", job="warping pictures") from error

KINDS = ("shift", "scale", "rotation", "perspective")
GOOD_PX = 2.0

Homography = NDArray[np.float64]


def main() -> None:
    """Warp, recover, and print the error for each kind of warp."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=100, help="look at so many scenes at most")
    options = parser.parse_args()
    scenes = list(islice(_scenes(options.folder), options.scenes))
    rng = np.random.default_rng(1)
    errors: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for scene in track(scenes, description="aligning"):
        own = _recovered(scene, np.eye(3))
        for kind in KINDS:
            errors[kind].append(_error_px(scene, known_warp(kind, rng, _size(scene)), own))
    Console().print(_table(errors))


def known_warp(kind: str, rng: np.random.Generator, size_px: tuple[int, int]) -> Homography:
    """Draw a homography from warped infrared to visible pixels.

    A shift of up to 6 % of the width, a scale of 0.85 to 1.18, a rotation of up to 7 degrees, or corners moved by up to
    5 % of the width each way; scale and rotation are about the middle and shifted by up to 3 % too.
    """
    width, height = size_px
    if kind == "perspective":
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        moved = (corners + rng.uniform(-0.05, 0.05, (4, 2)) * width).astype(np.float32)
        return np.asarray(cv2.getPerspectiveTransform(corners, moved), np.float64)
    degrees = rng.uniform(-7, 7) if kind == "rotation" else 0.0
    scale = rng.uniform(0.85, 1.18) if kind == "scale" else 1.0
    matrix = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale), [0, 0, 1]])
    matrix[:2, 2] += rng.uniform(-1, 1, 2) * (0.06 if kind == "shift" else 0.03) * width
    return np.asarray(matrix, np.float64)


def _scenes(folder: Path) -> Iterator[list[FramePair]]:
    """Every still pair alone, and six pairs of every video."""
    for visible in sorted((folder / "video").glob("*_vis.mp4")):
        infrared = visible.with_name(visible.name.replace("_vis", "_ir"))
        with open_rig(Rig.from_addresses(str(visible), str(infrared))) as stream:
            yield list(islice(stream, 20, 20 + 6 * 60, 60))
    for pair in FolderFrames(folder / "roadscene"):
        yield [pair]


def _size(scene: list[FramePair]) -> tuple[int, int]:
    height, width = scene[0].infrared.pixels.shape[:2]
    return width, height


def _recovered(scene: list[FramePair], true: Homography) -> Homography | None:
    """What is found where `true` was put in; None where it is refused."""
    warped = []
    for pair in scene:
        pixels = cv2.warpPerspective(
            pair.infrared.pixels, np.linalg.inv(true), _size(scene), borderMode=cv2.BORDER_REPLICATE
        )
        infrared = dataclasses.replace(pair.infrared, pixels=np.asarray(pixels, np.uint8)[:, :, None])
        warped.append(dataclasses.replace(pair, infrared=infrared))
    try:
        return register_edges(warped).homography
    except CoconetError:
        return None


def _error_px(scene: list[FramePair], true: Homography, own: Homography | None) -> float:
    """Give the mean distance, over a grid, from what is found without a warp, carried through it.

    The data set's own error is up to two pixels and would count otherwise. Infinite where either is refused.
    """
    found = _recovered(scene, true)
    if found is None or own is None:
        return float("inf")
    x, y = np.meshgrid(*(np.linspace(0.1, 0.9, 5) * side for side in _size(scene)))
    grid = np.stack([x.ravel(), y.ravel()], axis=1)[None]
    inside, through = (cv2.perspectiveTransform(grid, matrix) for matrix in (found, own @ true))
    return float(np.linalg.norm(inside - through, axis=2).mean())


def _table(errors: dict[str, list[float]]) -> Table:
    table = Table("warp", "scenes", "refused", "median px", "p90 px", f"under {GOOD_PX:g} px", box=None)
    for kind, found in {**errors, "all": [error for row in errors.values() for error in row]}.items():
        known = [error for error in found if np.isfinite(error)] or [float("nan")]
        good = sum(error < GOOD_PX for error in found) / len(found)
        row = (kind, len(found), sum(not np.isfinite(error) for error in found), f"{np.median(known):.2f}")
        table.add_row(*(str(cell) for cell in row), f"{np.percentile(known, 90):.2f}", f"{good:.0%}")
    return table


if __name__ == "__main__":
    main()
