"""The word for how infrared pictures of another size are laid, which a command line takes before any pixels."""

from __future__ import annotations

from typing import Literal

Fit = Literal["scale", "crop", "align"]
"""scale: the whole infrared picture, enlarged or reduced in its own proportions; what it does not cover stays black.
crop: it covers the visible picture, in its own proportions; what reaches beyond is cut off. align: found by the edges
of both pictures before the first pair, and scaled where that fails."""
