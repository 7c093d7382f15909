"""ONNX Runtime for graphs of several pairs at once: what a server of models runs, not a rig."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coconet.cards.model_card import FUSED, INFRARED, VISIBLE
from coconet.media.pixels import Pixels
from coconet.runtime.backends.onnx_failure import closed
from coconet.runtime.backends.ort_cpu import VERSION, open_session, run_in_words, session_options
from coconet.runtime.frame_check import adapt_frames, like_visible


class OnnxRuntimeBatch:
    """A model of a fixed batch, on the processor. batch: how many pairs, all of one size, it fuses in one run.

    A run of fewer pairs is filled up with the last one, whose other pictures are thrown away.
    """

    def __init__(self, path: Path) -> None:
        """Open the model. Raises CoconetError for a missing or corrupt file and for a model that is not ours."""
        self._where = path
        self._session: Any
        self._session, self.card = open_session(path, session_options(), ["CPUExecutionProvider"], batches=True)
        self.batch = self.card.batch
        self.name = f"ONNX Runtime {VERSION} (CPU), {self.batch} at once"

    def fuse_batch(self, pairs: Sequence[tuple[Pixels, Pixels]]) -> list[Pixels]:
        """Fuse at most `batch` pairs of one size, (H, W, 3 or 1) with (H, W, 1), uint8; each is shaped like its own.

        Raises CoconetError for frames that the card does not take.
        """
        if self._session is None:
            raise closed(self._where)
        session, adapted = self._session, [adapt_frames(self.card, self._where, *pair) for pair in pairs]
        adapted += [adapted[-1]] * (self.batch - len(pairs))
        sides = (np.stack(side) for side in zip(*adapted, strict=True))
        feed = dict(zip((VISIBLE, INFRARED), sides, strict=True))
        fused = run_in_words(self._where, lambda: session.run([FUSED], feed)[0])
        return [like_visible(one, pair[0].shape[2]) for one, pair in zip(fused, pairs, strict=False)]

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse one pair, which takes as long as a whole batch."""
        return self.fuse_batch([(visible, infrared)])[0]

    def close(self) -> None:
        """Release the session; a second call does nothing."""
        self._session = None
