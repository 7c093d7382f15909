"""Quality beside speed: fusion metrics of an entry's pictures, and how near they are to its reference's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.result import Quality
from coconet.signature import ModelCard
from runtime.frame import FramePair, Pixels
from runtime.metric_delta import METRICS, metric_values
from runtime.parity import LIMITS, Answers, Parity, frame_error, parity_of, within


@dataclass(frozen=True)
class Gallery:
    """What one entry made of the benchmark's frames: label, card, and a picture for each pair."""

    label: str
    card: ModelCard
    pictures: tuple[Pixels, ...]


def reference_of(gallery: Gallery, galleries: Sequence[Gallery]) -> Gallery | None:
    """The first FP32 entry with the same weights; None where there is none, or it is this one."""
    for other in galleries:
        same = other.card.weights_sha256 == gallery.card.weights_sha256 != ""
        if same and other.card.precision == "fp32" and other.card.network == gallery.card.network:
            return None if other is gallery else other
    return None


def parity_with(reference: Gallery, gallery: Gallery, pairs: Sequence[FramePair]) -> Parity:
    """How far the pictures are from those of the reference."""
    triples = zip(pairs, reference.pictures, gallery.pictures, strict=True)
    return parity_of([frame_error(Answers(*triple)) for triple in triples])


def objection(parity: Parity, gallery: Gallery) -> str | None:
    """Why an entry does other work than its reference, so that its time would mean nothing; None where it does not."""
    limits = LIMITS[gallery.card.precision]
    return None if within(parity, limits) else f"not the same picture: {parity}, wanted {limits}"


def quality_of(gallery: Gallery, pairs: Sequence[FramePair], reference: Gallery | None) -> Quality:
    """The six metrics and, where there is a reference, the PSNR against it. Frames have sides of 41 pixels or more."""
    values = [metric_values(picture, pair) for picture, pair in zip(gallery.pictures, pairs, strict=True)]
    means = dict(zip(METRICS, np.mean(values, axis=0).tolist(), strict=True))
    if reference is None:
        return Quality(frames=len(pairs), **means)
    parity = parity_with(reference, gallery, pairs)
    return Quality(
        frames=len(pairs),
        **means,
        reference=reference.label,
        psnr_db=_finite(parity.psnr_db),
        worst_psnr_db=_finite(parity.worst_psnr_db),
        equal=math.isinf(parity.psnr_db),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
