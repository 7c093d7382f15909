"""The frames of a benchmark, and how good the pictures are that an entry makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from coconet.benchmarks.results.schema import Quality
from coconet.cards.frame_size import FrameSize
from coconet.cards.model_card import ModelCard
from coconet.cards.precision import PRECISIONS, REFERENCE
from coconet.errors import counted
from coconet.media.pixels import Pixels
from coconet.metrics.fusion import VERIFIED
from coconet.reading import UNSAID, Reading
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.frame import FramePair
from coconet.runtime.frame_check import fit_pairs
from coconet.runtime.rig.sample_frames import sample_frames
from coconet.runtime.verify.parity import ModelPictures, Parity, frame_error, parity_of, within
from coconet.runtime.verify.verification import metric_values


@dataclass(frozen=True)
class FusedPictures:
    """What one entry made of the benchmark's frames: label, card, and a picture for each pair."""

    label: str
    card: ModelCard
    pictures: tuple[Pixels, ...]


def reference_of(gallery: FusedPictures, galleries: Sequence[FusedPictures]) -> FusedPictures | None:
    """The first entry in the REFERENCE precision with the same weights; None if there is none, or it is this one."""
    for other in galleries:
        same = other.card.weights_sha256 == gallery.card.weights_sha256 != ""
        if same and other.card.precision == REFERENCE and other.card.network == gallery.card.network:
            return None if other is gallery else other
    return None


def parity_with(reference: FusedPictures, gallery: FusedPictures, pairs: Sequence[FramePair]) -> Parity:
    """How far the pictures are from those of the reference."""
    triples = zip(pairs, reference.pictures, gallery.pictures, strict=True)
    return parity_of([frame_error(ModelPictures(*triple)) for triple in triples])


def objection(parity: Parity, gallery: FusedPictures) -> str | None:
    """Why an entry does other work than its reference, so that its time would mean nothing; None if it does not."""
    limits = PRECISIONS[gallery.card.precision].limits
    return None if within(parity, limits) else f"not the same picture: {parity}, wanted {limits}"


def quality_of(gallery: FusedPictures, pairs: Sequence[FramePair], reference: FusedPictures | None) -> Quality:
    """The six metrics and, where there is a reference, the PSNR against it. Frames have sides of 41 pixels or more."""
    values = [metric_values(picture, pair) for picture, pair in zip(gallery.pictures, pairs, strict=True)]
    means = dict(zip((metric.name for metric in VERIFIED), np.mean(values, axis=0).tolist(), strict=True))
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


@dataclass(frozen=True)
class BenchFrames:
    """Where the frames come from: what sample_frames takes, or None for the synthetic rig; at most `count`.

    reading: how its pictures are read and paired.
    """

    folder: Path | None = None
    count: int = 4
    reading: Reading = UNSAID

    def pairs(self, card: ModelCard, size: FrameSize) -> list[FramePair]:
        """The pairs at a size, as the model of `card` takes them. Raises CoconetError as `sample_frames` does."""
        source = synthetic_pairs(self.count, size.height_px, size.width_px)
        if self.folder is not None:
            source = list(islice(sample_frames(self.folder, self.reading), self.count))
        return list(fit_pairs(source, replace(card, height_px=size.height_px, width_px=size.width_px)))

    def __str__(self) -> str:
        if self.folder is None:
            return counted(self.count, "synthetic pair")
        return f"the first {counted(self.count, 'pair')} of {self.folder.name}, their middle cut to the frame size"
