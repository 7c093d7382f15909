"""The scene of a whole picture, found strip by strip from its pixels, as the network finds it."""

from __future__ import annotations

import numpy as np

from coconet.media.pixels import Pixels, luma
from coconet.networks.scene import COARSE, Scene
from coconet.runtime.backends.tiles.plan import padding, reflected

_STRIP_ROWS = 32 * COARSE


def scene_of(visible: Pixels, infrared: Pixels, multiple: int, *, halved: bool = False) -> Scene:
    """The scene of a whole pair: see coconet.networks.scene.

    visible: (H, W, 3) BGR or (H, W, 1); infrared: (H, W, 1); both uint8, of one size. multiple: of pixels, to which the
    network pads both sides. halved: whether it looks at the pair in half its size.
    """
    square = 2 * COARSE if halved else COARSE
    (height, down), (width, right) = (padding(side, multiple) for side in visible.shape[:2])
    rows, columns = reflected(np.arange(height) - down, visible.shape[0]), np.arange(width) - right
    columns, bands = reflected(columns, visible.shape[1]), []
    for begin in range(0, height, _STRIP_ROWS):
        strip = rows[begin : begin + _STRIP_ROWS]
        bands.append(np.stack([_coarse(luma(side[strip])[:, columns], square) for side in (visible, infrared)]))
    both = np.concatenate(bands, axis=1)  # 2, H / square, W / square
    level = both.mean(axis=0)
    levels = (float(both[0].mean()), float(both[1].mean()))
    return Scene(float(both.max(axis=0).mean()), float(np.abs(level - level.mean()).mean()), levels)


def _coarse(plane: np.typing.NDArray[np.float32], side: int) -> np.typing.NDArray[np.float64]:
    """(H, W) on 0..255 to the means of squares of a side, (H / side, W / side) on 0..1."""
    height, width = plane.shape
    rows = plane.reshape(height // side, side, width).sum(axis=1, dtype=np.float64)
    squares: np.typing.NDArray[np.float64] = rows.reshape(height // side, width // side, side).sum(axis=2)
    return squares / (255.0 * side * side)
