"""Structure: whether fused pictures show what their sources show, which those of an unlearned network do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import numpy as np

from coconet.errors import counted
from coconet.metrics.gray import Gray

LEAST_DEVIATION = 4.0
"""Standard deviation, in levels, from which on a source has structure that a fused picture could lack."""

FLAT_SHARE = 0.1
"""A fused picture that varies by less than this share of the more varied source is flat."""

END_LEVELS = 4
"""Luma this near to black or white counts as cut off: colour that is added to it takes it some levels away."""

CUT_SHARE = 0.5
"""A fused picture of which this share is cut off, and of neither source, has left its range."""

LEAST_CORRELATION = 0.2
"""A fused picture whose correlation with neither source reaches this resembles none; a negative has -1."""

LOST_SHARE = 0.5
"""Share of the frames that has to be lost before anything is said: single frames may be odd."""

Loss = Literal["cut off", "flat", "unlike"]

REMEDY = (
    "Pictures are so if the network has learned too little, or is fed other values than it was trained with: train it "
    "longer, or check --range, --output-range and --order of its export"
)


def loss_of(fused: Gray, sources: Iterable[Gray]) -> Loss | None:
    """What is wrong with a fused picture, (H, W) on 0..255, beside its sources of the same shape, or None.

    Nothing is told from sources that are flat themselves.
    """
    planes = [np.asarray(plane, np.float64) for plane in (fused, *sources)]
    picture, *others = planes
    most = max(float(other.std()) for other in others)
    if most < LEAST_DEVIATION:
        return None
    ended = [(plane <= END_LEVELS) | (plane >= 255 - END_LEVELS) for plane in planes]
    if float((ended[0] & ~np.logical_or.reduce(ended[1:])).mean()) >= CUT_SHARE:
        return "cut off"
    if float(picture.std()) < FLAT_SHARE * most:
        return "flat"
    if max(_correlation(picture, other) for other in others) < LEAST_CORRELATION:
        return "unlike"
    return None


def _correlation(first: Gray, second: Gray) -> float:
    deviations = float(first.std() * second.std())
    return float(((first - first.mean()) * (second - second.mean())).mean()) / deviations if deviations else 0.0


class StructureWatch:
    """Looks at the fused pictures of a network, and says what they lack if half of them or more lack it."""

    def __init__(self) -> None:
        """Begin with none."""
        self._frames, self._losses = 0, Counter[Loss]()
        self._first: dict[Loss, str] = {}

    def look(self, name: str, fused: Gray, visible: Gray, infrared: Gray) -> None:
        """Look at a fused picture beside its sources, (H, W) on 0..255 each."""
        self._frames += 1
        loss = loss_of(fused, (visible, infrared))
        if loss is not None:
            self._losses[loss] += 1
            self._first.setdefault(loss, _in_words(loss, name, fused, (visible, infrared)))

    @property
    def warning(self) -> str:
        """What to warn of, as the rest of a sentence about the network, with what to do; empty if nothing is wrong."""
        if not self._frames or self._losses.total() < LOST_SHARE * self._frames:
            return ""
        loss, _ = self._losses.most_common(1)[0]
        count = f"{self._losses.total()} of {counted(self._frames, 'frame')}"
        return f"fuses {count} into pictures that show nothing of use: {self._first[loss]}. {REMEDY}"


def _in_words(loss: Loss, name: str, fused: Gray, sources: tuple[Gray, Gray]) -> str:
    varies, most = float(np.std(fused)), max(float(np.std(source)) for source in sources)
    if loss == "cut off":
        middle = float(np.median(fused))
        return f"that of {name} is mostly cut off at {'black' if middle < 128 else 'white'}, as values out of range are"
    if loss == "flat":
        return f"that of {name} is flat, with a standard deviation of {varies:.1f} levels where a source has {most:.0f}"
    return f"that of {name} resembles neither of its sources"
