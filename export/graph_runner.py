"""Runs an exported graph of any form and batch frame by frame, so that it can be compared with the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.cards.model_card import FUSED, INFRARED, VISIBLE, ModelCard, card_from_metadata
from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.media.pixels import Pixels, luma
from coconet.runtime.backends.onnx_failure import ort_reason
from coconet.runtime.backends.ort_cpu import session_options
from coconet.runtime.frame_check import fuse_adapted

try:
    import onnxruntime
except ImportError as error:
    raise MissingPackage("onnxruntime", job="comparing an exported graph", extra="cpu") from error


class GraphRunner:
    """A Backend for the forms that no camera feeds: bare graphs, and graphs of several pairs at once.

    The pair is the first of its batch; the others are the same frames upside down, left to right and both, so that a
    graph that mixes its pairs is seen. Ends of a bare graph are brought from and to bytes here.
    """

    def __init__(self, path: Path) -> None:
        """Open the graph. Raises CoconetError if ONNX Runtime does not load it, or it is not ours."""
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(path), session_options(), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's exceptions share no base class
            remedy = "Choose another --opset or another precision."
            raise CoconetError(
                path,
                wanted="a graph that ONNX Runtime loads",
                got=first_line(error),
                remedy=remedy,
                says=f"does not load in ONNX Runtime: {ort_reason(error)}",
            ) from error
        self.card: ModelCard = card_from_metadata(self._session.get_modelmeta().custom_metadata_map, path)
        self.name = f"ONNX Runtime {onnxruntime.__version__} (CPU)"
        self._where = path

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, card.visible_channels) and (H, W, 1), both uint8, into a picture shaped like `visible`."""
        return fuse_adapted(self.card, self._where, self._run, visible, infrared)

    def close(self) -> None:
        """Release the session; a second call does nothing."""
        self._session = None

    def _run(self, visible: Pixels, infrared: Pixels) -> Pixels:
        sides = {VISIBLE: visible, INFRARED: infrared}
        feeds = {name: _batch(self._taken(pixels), self.card.batch) for name, pixels in sides.items()}
        return self._given(self._session.run([FUSED], feeds)[0][0])

    def _taken(self, pixels: Pixels) -> NDArray[Any]:
        """One frame as the graph takes it: (H, W, C) bytes, or (1, H, W) floats in the network's range."""
        if self.card.form == "camera":
            return pixels
        low, high = self.card.signature.input_range
        return (low + (high - low) / 255 * luma(pixels)).astype(np.float32)[None]

    def _given(self, answer: NDArray[Any]) -> Pixels:
        if self.card.form == "camera":
            return np.asarray(answer, np.uint8)
        low, high = self.card.signature.output_range
        levels = (answer[0].astype(np.float64) - low) * (255 / (high - low))
        picture: Pixels = np.clip(np.rint(levels), 0, 255).astype(np.uint8)[:, :, None]
        return picture


def _batch(frame: NDArray[Any], count: int) -> NDArray[Any]:
    """Stack a frame, whose two longest axes are its sides, and its mirror images."""
    rows, columns = (1, 2) if frame.dtype != np.uint8 else (0, 1)
    flips: tuple[tuple[int, ...], ...] = ((), (rows,), (columns,), (rows, columns))
    return np.stack([np.flip(frame, flips[index % len(flips)]) for index in range(count)])
