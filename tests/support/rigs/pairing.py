"""What pairs of stamped frames are held against, and how a pairer is fed with them."""

from __future__ import annotations

import numpy as np

from coconet.runtime.frame import FramePair
from coconet.runtime.pairing.nearest import Pairs
from tests.support.media.recordings import stamped


def exhaustive(visible: list[int], infrared: list[int], tolerance: int) -> list[tuple[int, int]]:
    """Of all frames left, take the first two that are each other's nearest; then go on behind them."""
    pairs: list[tuple[int, int]] = []
    while visible and infrared:
        gaps = np.abs(np.subtract.outer(visible, infrared))
        nearest_infrared, nearest_visible = gaps.argmin(axis=1), gaps.argmin(axis=0)
        mutual = [
            (row, column)
            for row in range(len(visible))
            for column in range(len(infrared))
            if gaps[row, column] <= tolerance and nearest_infrared[row] == column and nearest_visible[column] == row
        ]
        if not mutual:
            break
        row, column = min(mutual)
        pairs.append((visible[row], infrared[column]))
        visible, infrared = visible[row + 1 :], infrared[column + 1 :]
    return pairs


def fed(pairer: Pairs, visible: list[int], infrared: list[int]) -> list[FramePair]:
    """Feed a pairer as a stream of recordings does: the side that it wants."""
    left = {"visible": iter(stamped(visible)), "infrared": iter(stamped(infrared))}
    pairs: list[FramePair] = []
    while True:
        if (pair := pairer.pop()) is not None:
            pairs.append(pair)
        elif pairer.finished:
            return pairs
        else:
            side = pairer.wants
            frame = next(left[side], None)
            pairer.end(side) if frame is None else pairer.push(side, frame)


def stamps_of(pairs: list[FramePair]) -> list[tuple[int, int]]:
    return [(pair.visible.timestamp_ns, pair.infrared.timestamp_ns) for pair in pairs]
