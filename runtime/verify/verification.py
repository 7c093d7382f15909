"""Verification: all that is measured of two models on the same frames, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from coconet.cards.precision import PRECISIONS, ParityLimits, PrecisionName
from coconet.errors import counted
from coconet.media.pixels import Pixels, luma
from coconet.metrics.fusion import VERIFIED
from coconet.metrics.ssim import structural_similarity
from coconet.runtime.frame import FramePair
from coconet.runtime.verify.parity import (
    FrameError,
    ModelPictures,
    Parity,
    frame_error,
    parity_of,
    suspicion,
    within,
)

LEAST_REFERENCE = 0.1
"""A change is relative to at least this, in the metric's unit: SCD may be 0, and any change of that infinite."""

MOST_WORST = 3
"""Frames whose pictures are kept; of equal ones the first."""


@dataclass(frozen=True)
class MetricDelta:
    """One metric, as its mean over all frames."""

    metric: str
    reference: float
    candidate: float

    @property
    def delta(self) -> float:
        """Candidate minus reference, in the metric's unit."""
        return self.candidate - self.reference

    @property
    def relative(self) -> float:
        """The delta as a share of the reference; 0.01 is one percent more."""
        return self.delta / max(abs(self.reference), LEAST_REFERENCE)


def metric_values(fused: Pixels, pair: FramePair) -> tuple[float, ...]:
    """The VERIFIED metrics of a fused picture, in order, on luma. Raises CoconetError for sides under 41 pixels."""
    pictures = [luma(pixels) for pixels in (fused, pair.infrared.pixels, pair.visible.pixels)]
    return tuple(metric.of(*pictures) for metric in VERIFIED)


def metric_deltas(
    reference: Sequence[tuple[float, ...]], candidate: Sequence[tuple[float, ...]]
) -> tuple[MetricDelta, ...]:
    """The means over all frames, of values as `metric_values` gives them, one entry a frame."""
    means = [np.mean(values, axis=0).tolist() for values in (reference, candidate)]
    names = (metric.name for metric in VERIFIED)
    return tuple(MetricDelta(*parts) for parts in zip(names, *means, strict=True))


@dataclass(frozen=True)
class SuspiciousFrame:
    """A frame whose candidate picture looks like an overflow, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Verification:
    """What came of two models on the same frames.

    ssim: structural similarity of the two fused lumas, mean over the frames. lowest_ssim: of one frame.
    worst_frames: those of the lowest PSNR with both pictures, the worst, which `parity` names, first.
    """

    parity: Parity
    ssim: float
    lowest_ssim: float
    deltas: tuple[MetricDelta, ...]
    suspicious: tuple[SuspiciousFrame, ...]
    worst_frames: tuple[ModelPictures, ...] = field(repr=False)

    @property
    def worst(self) -> ModelPictures:
        """The frame of the lowest PSNR."""
        return self.worst_frames[0]


@dataclass(frozen=True)
class _Scored:
    error: FrameError
    ssim: float
    reference: tuple[float, ...]
    candidate: tuple[float, ...]
    suspicion: str


def verification_of(answers: Iterable[ModelPictures]) -> Verification:
    """Measure frame after frame; only the pictures of the worst ones are kept.

    Raises CoconetError without frames, and for pictures with sides under 41 pixels, which VIF cannot judge.
    """
    scored: list[_Scored] = []
    worst: list[tuple[float, ModelPictures]] = []
    for frame in answers:
        scored.append(_scored(frame))
        worst = sorted([*worst, (scored[-1].error.psnr_db, frame)], key=lambda one: one[0])[:MOST_WORST]
    parity = parity_of([one.error for one in scored])
    similarities = [one.ssim for one in scored]
    return Verification(
        parity=parity,
        ssim=sum(similarities) / len(similarities),
        lowest_ssim=min(similarities),
        deltas=metric_deltas([one.reference for one in scored], [one.candidate for one in scored]),
        suspicious=tuple(SuspiciousFrame(one.error.name, one.suspicion) for one in scored if one.suspicion),
        worst_frames=tuple(frame for _, frame in worst),
    )


def _scored(answers: ModelPictures) -> _Scored:
    return _Scored(
        error=frame_error(answers),
        ssim=structural_similarity(luma(answers.reference), luma(answers.candidate)),
        reference=metric_values(answers.reference, answers.pair),
        candidate=metric_values(answers.candidate, answers.pair),
        suspicion=suspicion(answers),
    )


ANY_ERROR = 255


@dataclass(frozen=True)
class VerdictLimits:
    """What still counts as the same model. metric_change: see Precision; infinite where metrics do not count."""

    parity: ParityLimits
    metric_change: float


@dataclass(frozen=True)
class Verdict:
    """What is beyond the limits, a clause each; nothing if the candidate passes."""

    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the candidate counts as its reference."""
        return not self.reasons


def limits_for(precision: PrecisionName, min_psnr_db: float | None = None) -> VerdictLimits:
    """The limits of the candidate's precision, or a floor for the PSNR of every frame alone."""
    if min_psnr_db is not None:
        return VerdictLimits(ParityLimits(min_psnr_db, ANY_ERROR), math.inf)
    record = PRECISIONS[precision]
    return VerdictLimits(record.limits, record.metric_change)


def judge(verification: Verification, limits: VerdictLimits) -> Verdict:
    """Hold a verification against limits; suspicious frames are refused whatever the limits are."""
    return Verdict(tuple(_reasons(verification, limits)))


def _reasons(verification: Verification, limits: VerdictLimits) -> Iterator[str]:
    if not within(verification.parity, limits.parity):
        yield f"{verification.parity}, wanted {limits.parity}"
    changed = [delta for delta in verification.deltas if abs(delta.relative) > limits.metric_change]
    if changed:
        most = max(changed, key=lambda delta: abs(delta.relative))
        others = f", and {counted(len(changed) - 1, 'other metric')} as well" if len(changed) > 1 else ""
        yield f"{_in_words(most)} on average{others}, wanted {limits.metric_change:.1%} or less"
    if verification.suspicious:
        first, count = verification.suspicious[0], len(verification.suspicious)
        yield f"{counted(count, 'suspicious frame')}, {first.name} with {first.reason}"


def _in_words(delta: MetricDelta) -> str:
    return f"{delta.metric} changed by {delta.relative:+.1%}"
