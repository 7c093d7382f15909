"""Observation: one pass of the float model over hashed frames, with a histogram per tensor to be quantised."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coconet.calibration.int8.graph import OnnxModel
from coconet.calibration.int8.ranges import ActivationRanges
from coconet.calibration.int8.threshold import MagnitudeHistogram, RangeMethod, threshold_of
from coconet.cards.model_card import INFRARED, VISIBLE, CalibrationRecord
from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.media.pixels import add_to
from coconet.runtime.backends.onnx_failure import ort_reason
from coconet.runtime.backends.ort_cpu import session_options
from coconet.runtime.frame import FramePair
from coconet.runtime.frame_check import fit_pairs

try:
    import onnxruntime
except ImportError as error:
    raise MissingPackage("onnxruntime", job="calibration", extra="cpu") from error


class FrameDigest:
    """A running SHA-256 over the pixels and shapes of pairs, in order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.frames = 0

    def add(self, pair: FramePair) -> None:
        """Take in one pair."""
        for pixels in (pair.visible.pixels, pair.infrared.pixels):
            add_to(self._hash, pixels)
        self.frames += 1

    def hexdigest(self) -> str:
        """64 hexadecimal digits for what was taken in so far."""
        return self._hash.hexdigest()


@dataclass(frozen=True)
class Observation:
    """What the tensors of one model held over the calibration frames."""

    model_sha256: str
    frames: int
    frames_sha256: str
    histograms: Mapping[str, MagnitudeHistogram]

    def ranges(self, method: RangeMethod) -> ActivationRanges:
        """Choose a threshold for every tensor."""
        record = CalibrationRecord(self.frames, self.frames_sha256, str(method))
        thresholds = {tensor: threshold_of(histogram, method) for tensor, histogram in self.histograms.items()}
        return ActivationRanges(self.model_sha256, record, thresholds)


def observe(model: OnnxModel, tensors: Sequence[str], pairs: Iterable[FramePair]) -> Observation:
    """Run the model on ONNX Runtime's CPU over `pairs`, once, fitting each to the card.

    Memory holds the observed activations of a single frame at a time.
    Raises CoconetError if there is no pair, if a value is NaN or infinite, and if the model does not run.
    """
    digest = FrameDigest()
    histograms = {tensor: MagnitudeHistogram() for tensor in tensors}
    for pair, values in activations(model, tensors, pairs):
        digest.add(pair)
        for tensor in tensors:
            _count(histograms[tensor], values.pop(tensor), tensor, pair)
    if digest.frames == 0:
        raise CoconetError(
            "calibration",
            wanted="frame pairs",
            got="none",
            remedy="Give a folder that holds some.",
            says="has no frame pairs to measure",
        )
    return Observation(model.sha256, digest.frames, digest.hexdigest(), histograms)


def activations(
    model: OnnxModel, tensors: Sequence[str], pairs: Iterable[FramePair]
) -> Iterator[tuple[FramePair, dict[str, Any]]]:
    """Every pair, fitted to the card, with the arrays that the named tensors hold for it.

    Raises CoconetError if the model does not run.
    """
    session = _session(model, tensors)
    for pair in fit_pairs(pairs, model.card):
        yield pair, _run(session, tensors, pair)


def _session(model: OnnxModel, tensors: Sequence[str]) -> Any:
    options = session_options()
    # Nothing is kept between frames of unlike size, and the arena would hold the largest of them until the end.
    options.enable_cpu_mem_arena = False
    graph = model.with_outputs(tensors).SerializeToString()
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        raise _does_not_run(model, error) from error


def _run(session: Any, tensors: Sequence[str], pair: FramePair) -> dict[str, Any]:
    feeds = {VISIBLE: pair.visible.pixels[None], INFRARED: pair.infrared.pixels[None]}
    try:
        return dict(zip(tensors, session.run(list(tensors), feeds), strict=True))
    except Exception as error:  # as above
        raise CoconetError(
            f"frame {pair.visible.name or pair.visible.index}",
            wanted="a frame that the model runs on",
            got=f"from ONNX Runtime: {first_line(error)}",
            remedy="Leave the frame out, or export the model again with coconet export.",
            says=f"does not run through the model: {ort_reason(error)}",
        ) from error


def _count(histogram: MagnitudeHistogram, values: Any, tensor: str, pair: FramePair) -> None:
    try:
        histogram.add(values)
    except ValueError as error:
        raise CoconetError(
            f"activation {tensor}, frame {pair.visible.name or pair.visible.index}",
            wanted="finite values",
            got=str(error),
            remedy="Calibrate the FP32 model, and check its weights if it is one.",
            says=f"is not made of finite numbers: {error}",
        ) from error


def _does_not_run(model: OnnxModel, error: Exception) -> CoconetError:
    return CoconetError(
        f"network {model.card.network}",
        wanted="a model that ONNX Runtime loads",
        got=first_line(error),
        remedy="Export the model again with coconet export.",
        says=f"does not load in ONNX Runtime: {ort_reason(error)}",
    )
