"""ONNX Runtime backend: runs a camera-ready ONNX model on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coconet.signature import FUSED, INFRARED, VISIBLE
from runtime.adapter import fuse_adapted
from runtime.frame import Pixels
from runtime.ort_session import VERSION, closed, open_session, run_in_words, session_options


class OnnxRuntimeBackend:
    """A model file that is ours, checked when it is opened; frees its memory at the end of a `with` block.

    threads: how many processor threads one frame may use; None leaves it to ONNX Runtime, which takes every core.
    optimise: False runs the graph node by node as written. Slower, but an INT8 model then computes what a GPU would:
        on processors without 8 bit dot products the optimised integer kernels saturate and lose quality.
    """

    def __init__(self, path: Path, threads: int | None = None, optimise: bool = True) -> None:
        """Open the model. Raises CoconetError for a missing or corrupt file and for a model that is not ours."""
        self._where = path
        self._session: Any
        self._session, self.card = open_session(path, session_options(threads, optimise), ["CPUExecutionProvider"])
        self.name = f"ONNX Runtime {VERSION} (CPU)"

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, 3) BGR or (H, W, 1) gray with (H, W, 1), uint8; shaped like `visible`.

        Raises CoconetError for frames of another size, shape or type than the card says.
        """
        return fuse_adapted(self.card, self._where, self._run, visible, infrared)

    def _run(self, visible: Pixels, infrared: Pixels) -> Pixels:
        session = self._session
        if session is None:
            raise closed(self._where)
        feed = {VISIBLE: visible[None], INFRARED: infrared[None]}
        return run_in_words(self._where, lambda: session.run([FUSED], feed)[0][0])

    def close(self) -> None:
        """Release the session; a second call does nothing."""
        self._session = None

    def __enter__(self) -> OnnxRuntimeBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
