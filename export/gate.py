"""The gate: an exported graph gets its final name only if it fuses frames as its network does."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from coconet.cards.frame_size import FrameSize
from coconet.cards.model_card import ModelCard
from coconet.cards.onnx_card import read_onnx
from coconet.cards.precision import PRECISIONS, REFERENCE
from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.export.fp16_range import require_finite
from coconet.export.graph import ExportOptions, camera_fuser_of, card_of, export_onnx
from coconet.export.graph_runner import GraphRunner
from coconet.files import whole_file
from coconet.metrics.structure import StructureWatch
from coconet.networks.checkpoint import Checkpoint
from coconet.networks.layers.batch_norm import settle_batch_norms
from coconet.progress.board import ProgressItems, working
from coconet.reading import UNSAID, Reading
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.backends.pytorch import EagerBackend
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.frame import Frame, FramePair
from coconet.runtime.frame_check import fit_pairs, size_in_words
from coconet.runtime.rig.sample_frames import sample_frames
from coconet.runtime.verify.graph_memory import estimate_memory
from coconet.runtime.verify.parity import Parity, answers_of, compare, frame_error, parity_of, require
from coconet.runtime.verify.watched import watched
from coconet.terminal.notice import print_notice

try:
    from torch import Tensor
except ImportError as error:
    raise MissingPackage("torch", job="exporting a network", extra="export") from error


SYNTHETIC_FRAMES = 3
"""How many synthetic pairs are fused if no folder of real ones is given."""

FINITE_FRAMES = 3
"""On how many pairs the network is searched for NaN and infinity first."""


LEAST_CUT_PX = 24
"""The least side of the further sizes that a graph of open sizes is compared at."""


def export_checked(
    checkpoint: Checkpoint, out: Path, options: ExportOptions, frames: Path | None = None, reading: Reading = UNSAID
) -> Parity:
    """Export, fuse the pairs of `frames` (synthetic scenes without it) with both, and only then rename into place.

    A graph of open sizes is compared at further ones as well. That it may need more memory than there is, is printed as
    a warning before it is run; that what the network fuses shows nothing of its sources, as a warning at the end.
    Raises CoconetError with the figures if the graph is further from PyTorch than its precision allows, and if
    the network gives NaN or infinity in that precision.
    """
    card = card_of(checkpoint, options)
    source = _pairs(frames, reading)
    first = list(islice(fit_pairs(source, card), FINITE_FRAMES))
    reference = EagerBackend(checkpoint)
    options = _better_folded(checkpoint, out, options, first, reference)
    with whole_file(out) as scratch:
        with working(f"writing the graph of {checkpoint.network}"):
            export_onnx(checkpoint, scratch, options, card)
        with _failing_in_words("its graph", f"{options.size or 'any size'}", checkpoint.network):
            _warn_of_memory(scratch, card, first[0])
        with closing(_open_candidate(scratch, card)) as candidate:
            # First, as a graph that fails at one of them may fail at the size of the pairs, and this says what helps.
            _require_further_sizes(reference, candidate, first[0], options, out)
            watch = StructureWatch()
            pairs = fit_pairs(ProgressItems(source, "comparing it with PyTorch"), card)
            answers = answers_of(reference, candidate, pairs)
            parity = parity_of([frame_error(one) for one in watched(answers, reference=watch)])
            require(parity, PRECISIONS[options.precision].limits, f"{out}, against PyTorch")
    if watch.warning:  # the graph agrees with its network, however useless both are
        print_notice(f"{checkpoint.network} {watch.warning}")
    return parity


def _warn_of_memory(graph: Path, card: ModelCard, pair: FramePair) -> None:
    if (card.form, card.batch) == ("camera", 1):
        text = estimate_memory(read_onnx(graph), FrameSize(*pair.visible.pixels.shape[:2])).warning
        if text:
            print_notice(text)


def _require_further_sizes(
    reference: Backend, candidate: Backend, pair: FramePair, options: ExportOptions, out: Path
) -> None:
    """Compare a graph of open sizes at sizes it was not traced with, odd and even, cut out of a pair.

    Raises CoconetError with the size at which the network or its graph fails, or is further away than allowed.
    """
    for cut in ProgressItems(_cuts(pair, candidate.card), "trying further sizes"):
        size = size_in_words(*cut.visible.pixels.shape[:2])
        for backend, who in ((reference, "the network itself"), (candidate, "its graph")):
            wanted = f"{options.size or 'any size'}, so {size} as well"
            with _failing_in_words(f"{who} at {size}", wanted, candidate.card.network):
                backend.fuse(cut.visible.pixels, cut.infrared.pixels)
        where = f"{out}, against PyTorch at {size}"
        require(compare(reference, candidate, [cut]), PRECISIONS[options.precision].limits, where)


@contextmanager
def _failing_in_words(who: str, wanted: str, network: str) -> Iterator[None]:
    """Say of an error inside that it is one of `who`, by the name of the network, and what helps."""
    try:
        yield
    except (CoconetError, RuntimeError) as error:
        got = error.says if isinstance(error, CoconetError) else first_line(error)
        remedy = "Name one frame size with --size HEIGHTxWIDTH, or pad with --multiple to what its layers halve by."
        raise CoconetError(
            f"network {network}",
            wanted=wanted,
            got=f"an error of {who}: {got}",
            remedy=remedy,
            says=f"cannot be exported for {wanted}: {who} fails ({got})",
        ) from error


def _cuts(pair: FramePair, card: ModelCard) -> list[FramePair]:
    """The pair cut to an odd and an even size and one that is both, as far as the graph takes them."""
    height, width = pair.visible.pixels.shape[:2]
    wanted = (
        (2 * height // 3 | 1, 3 * width // 4 | 1),
        (height // 2 & ~1, width // 2 & ~1),
        (3 * height // 4 | 1, 2 * width // 3 & ~1),
    )
    sizes = {card.size_within(max(LEAST_CUT_PX, one), max(LEAST_CUT_PX, other)) for one, other in wanted}
    sizes.discard((height, width))
    return [
        FramePair(_cut(pair.visible, *size), _cut(pair.infrared, *size))
        for size in sorted(sizes)
        if size[0] <= height and size[1] <= width
    ]


def _cut(frame: Frame, height: int, width: int) -> Frame:
    return replace(frame, pixels=np.ascontiguousarray(frame.pixels[:height, :width]))


def _better_folded(
    checkpoint: Checkpoint, out: Path, options: ExportOptions, pairs: list[FramePair], reference: Backend
) -> ExportOptions:
    """The options with BatchNorms inside their convolutions or beside them, whichever is nearer to the reference.

    Folded weights may be too small for half precision, unfolded activations too large. Raises CoconetError if
    neither gives finite values.
    """
    ways = [options if options.linked is None else replace(options, fold=False)]
    folds = options.linked is None and options.precision != REFERENCE
    if folds and settle_batch_norms(copy.deepcopy(checkpoint.core), fold=True):
        ways.append(replace(options, fold=False))
    found: list[tuple[int, ExportOptions]] = []
    refusal: CoconetError | None = None
    for way in ways:
        try:
            fused = require_finite(camera_fuser_of(checkpoint, way), ProgressItems(pairs, "looking for overflow"), out)
        except CoconetError as error:
            refusal = error
            continue
        compared = ProgressItems(pairs, "fusing with PyTorch")
        found.append((sum(_apart(reference, *both) for both in zip(compared, fused, strict=True)), way))
    if not found and refusal is not None:
        raise refusal
    return min(found, key=lambda one: one[0])[1]


def _apart(reference: Backend, pair: FramePair, fused: Tensor) -> int:
    """Squared error in levels, summed over a picture."""
    wanted = reference.fuse(pair.visible.pixels, pair.infrared.pixels).astype(np.int64)
    return int(((wanted - fused[0].cpu().numpy()) ** 2).sum())


def _open_candidate(graph: Path, card: ModelCard) -> Backend:
    """What a user will run, or, for a form that the runtime does not run, what compares it."""
    return open_backend(graph, "ort") if (card.form, card.batch) == ("camera", 1) else GraphRunner(graph)


def _pairs(frames: Path | None, reading: Reading = UNSAID) -> Iterable[FramePair]:
    """The pairs of what sample_frames takes, or synthetic ones without it."""
    if frames is None:
        return synthetic_pairs(SYNTHETIC_FRAMES)
    return sample_frames(frames, reading)
