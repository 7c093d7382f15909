"""Registrar: the contract of a method of alignment, and what one finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from coconet.runtime.frame import FramePair


@dataclass(frozen=True)
class Registration:
    """Where the infrared picture lies on the visible one.

    homography: (3, 3) from infrared to visible pixels. method: its name, in a word. summary: how well the pictures bear
    it out, in words.
    """

    homography: NDArray[np.float64]
    method: str
    summary: str


class Registrar(Protocol):
    """A method of alignment, with what it was told on the command line."""

    def register(self, pairs: Sequence[FramePair]) -> Registration:
        """Find the homography that lays infrared pictures onto visible ones.

        pairs: one or more, 8 bit, each side of one size, infrared as it comes (not warped).
        Raises CoconetError if they do not show enough to align by.
        """
