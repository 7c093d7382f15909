"""Watched answers: the pictures of two models are looked at for what they show, while they are compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from coconet.media.pixels import Pixels, luma
from coconet.metrics.structure import StructureWatch
from coconet.runtime.frame import FramePair
from coconet.runtime.verify.parity import ModelPictures


def watched(
    answers: Iterable[ModelPictures],
    *,
    reference: StructureWatch | None = None,
    candidate: StructureWatch | None = None,
) -> Iterator[ModelPictures]:
    """Pass the answers on, once each watch that there is has looked at its model's picture."""
    for one in answers:
        for watch, fused in ((reference, one.reference), (candidate, one.candidate)):
            if watch is not None:
                look_at(watch, fused, one.pair)
        yield one


def look_at(watch: StructureWatch, fused: Pixels, pair: FramePair) -> None:
    """Let a watch look at a picture that was fused from an aligned pair of its size."""
    name = pair.visible.name or f"frame {pair.visible.index}"
    watch.look(name, *(luma(pixels) for pixels in (fused, pair.visible.pixels, pair.infrared.pixels)))
