"""The gate: an exported graph or built engine gets its final name only if it fuses frames as its source does."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from coconet.cards.model_card import ModelCard
from coconet.cards.precision import PRECISIONS
from coconet.export.fp16_range import require_finite
from coconet.export.graph import ExportOptions, camera_fuser_of, card_of, export_onnx
from coconet.export.graph_runner import GraphRunner
from coconet.files import whole_file
from coconet.networks.checkpoint import Checkpoint
from coconet.reading import UNSAID, Reading
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.backends.pytorch import EagerBackend
from coconet.runtime.cameras.pair_folder import FolderFrames
from coconet.runtime.cameras.synthetic.camera import painted_pairs
from coconet.runtime.frame import FramePair
from coconet.runtime.frame_check import fit_pairs
from coconet.runtime.verify.parity import Parity, compare, require
from coconet.runtime.verify.reference_backend import common_card, open_contender

PAINTED_FRAMES = 3
"""How many painted pairs are fused where no folder of real ones is given."""

FINITE_FRAMES = 3
"""On how many pairs the network is searched for NaN and infinity first."""


def export_checked(
    checkpoint: Checkpoint, out: Path, options: ExportOptions, frames: Path | None = None, reading: Reading = UNSAID
) -> Parity:
    """Export, fuse the pairs of `frames` (painted scenes without it) with both, and only then rename into place.

    Raises CoconetError with the figures where the graph is further from PyTorch than its precision allows, and where
    the network gives NaN or infinity in that precision.
    """
    card = card_of(checkpoint, options)
    pairs = list(fit_pairs(_pairs(frames, reading), card))
    require_finite(camera_fuser_of(checkpoint, options), pairs[:FINITE_FRAMES], out)
    reference = EagerBackend(checkpoint)
    with whole_file(out) as scratch:
        export_onnx(checkpoint, scratch, options, card)
        with closing(_open_candidate(scratch, card)) as candidate:
            parity = compare(reference, candidate, pairs)
        require(parity, PRECISIONS[options.precision].limits, f"{out}, against PyTorch")
    return parity


def _open_candidate(graph: Path, card: ModelCard) -> Backend:
    """What a user will run, or, for a form that the runtime does not run, what compares it."""
    return open_backend(graph) if (card.form, card.batch) == ("camera", 1) else GraphRunner(graph)


def _pairs(frames: Path | None, reading: Reading = UNSAID) -> Iterable[FramePair]:
    """The pairs of a folder, or painted ones without it."""
    if frames is None:
        return painted_pairs(PAINTED_FRAMES)
    return FolderFrames(frames, reading.thermal(), reading.pair_by)


def require_agreement(engine: Path, onnx: Path, frames: Path | None, name: Path) -> Parity:
    """Fuse the pairs of a folder, or painted ones, with both. `name` is what the engine will be called.

    Raises CoconetError with the figures where the engine is further away than its precision allows.
    """
    with closing(open_contender(onnx)) as model, closing(open_contender(engine)) as candidate:
        card = common_card(model.card, candidate.card)
        parity = compare(model, candidate, fit_pairs(_pairs(frames), card))
        require(parity, PRECISIONS[candidate.card.precision].limits, f"{name}, against {onnx.name}")
    return parity
