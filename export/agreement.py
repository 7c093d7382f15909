"""Agreement: an exported graph gets its final name only after it fused real frames as PyTorch does."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from coconet.checkpoint import Checkpoint
from coconet.files import whole_file
from coconet.signature import ModelCard
from export.finite import require_finite
from export.graph import ExportOptions, camera_fuser_of, card_of, export_onnx
from export.graph_runner import GraphRunner
from runtime.backend import Backend, open_backend
from runtime.eager import EagerBackend
from runtime.parity import LIMITS, Parity, compare, require
from runtime.samples import FolderFrames, fitted, painted_pairs

PAINTED_FRAMES = 3
"""How many painted pairs are fused where no folder of real ones is given."""

FINITE_FRAMES = 3
"""On how many pairs the network is searched for NaN and infinity first."""


def export_checked(checkpoint: Checkpoint, out: Path, options: ExportOptions, frames: Path | None = None) -> Parity:
    """Export, fuse the pairs of `frames` (painted scenes without it) with both, and only then rename into place.

    Raises CoconetError with the figures where the graph is further from PyTorch than its precision allows, and where
    the network gives NaN or infinity in that precision.
    """
    card = card_of(checkpoint, options)
    pairs = list(fitted(painted_pairs(PAINTED_FRAMES) if frames is None else FolderFrames(frames), card))
    require_finite(camera_fuser_of(checkpoint, options), pairs[:FINITE_FRAMES], out)
    reference = EagerBackend(checkpoint)
    with whole_file(out) as scratch:
        export_onnx(checkpoint, scratch, options)
        with closing(_opened(scratch, card)) as candidate:
            parity = compare(reference, candidate, pairs)
        require(parity, LIMITS[options.precision], f"{out}, against PyTorch")
    return parity


def _opened(graph: Path, card: ModelCard) -> Backend:
    """What a user will run, or, for a form that the runtime does not run, what compares it."""
    return open_backend(graph) if (card.form, card.batch) == ("camera", 1) else GraphRunner(graph)
