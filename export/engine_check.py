"""An engine built on this device fuses frames as its ONNX model does, or it does not get its name."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from export.agreement import PAINTED_FRAMES
from runtime.contender import common_card, open_contender
from runtime.parity import LIMITS, Parity, compare, require
from runtime.samples import FolderFrames, fitted, painted_pairs


def require_agreement(engine: Path, onnx: Path, frames: Path | None, name: Path) -> Parity:
    """Fuse the pairs of a folder, or painted ones, with both. `name` is what the engine will be called.

    Raises CoconetError with the figures where the engine is further away than its precision allows.
    """
    with closing(open_contender(onnx)) as model, closing(open_contender(engine)) as candidate:
        card = common_card(model.card, candidate.card)
        pairs = painted_pairs(PAINTED_FRAMES) if frames is None else FolderFrames(frames)
        parity = compare(model, candidate, fitted(pairs, card))
        require(parity, LIMITS[candidate.card.precision], f"{name}, against {onnx.name}")
    return parity
