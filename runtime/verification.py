"""A verification: all that is measured of two models on the same frames, and the frame they differ most on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from coconet.ssim import structural_similarity
from runtime.luma import luma
from runtime.metric_delta import MetricDelta, metric_deltas, metric_values
from runtime.parity import Answers, FrameError, Parity, frame_error, parity_of
from runtime.suspicion import suspicion


@dataclass(frozen=True)
class SuspiciousFrame:
    """A frame whose candidate picture looks like an overflow, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Verification:
    """What came of two models on the same frames.

    ssim: structural similarity of the two fused lumas, mean over the frames. lowest_ssim: of one frame.
    worst: the frame of the lowest PSNR, which `parity` names, with both pictures.
    """

    parity: Parity
    ssim: float
    lowest_ssim: float
    deltas: tuple[MetricDelta, ...]
    suspicious: tuple[SuspiciousFrame, ...]
    worst: Answers = field(repr=False)


@dataclass(frozen=True)
class _Scored:
    error: FrameError
    ssim: float
    reference: tuple[float, ...]
    candidate: tuple[float, ...]
    suspicion: str


def verification_of(answers: Iterable[Answers]) -> Verification:
    """Measure frame after frame; only the pictures of the worst one are kept.

    Raises CoconetError without frames, and for pictures with sides under 41 pixels, which VIF cannot judge.
    """
    scored: list[_Scored] = []
    worst: list[Answers] = []
    for frame in answers:
        scored.append(_scored(frame))
        if scored[-1] is min(scored, key=lambda one: one.error.psnr_db):
            worst = [frame]
    parity = parity_of([one.error for one in scored])
    similarities = [one.ssim for one in scored]
    return Verification(
        parity=parity,
        ssim=sum(similarities) / len(similarities),
        lowest_ssim=min(similarities),
        deltas=metric_deltas([one.reference for one in scored], [one.candidate for one in scored]),
        suspicious=tuple(SuspiciousFrame(one.error.name, one.suspicion) for one in scored if one.suspicion),
        worst=worst[0],
    )


def _scored(answers: Answers) -> _Scored:
    return _Scored(
        error=frame_error(answers),
        ssim=structural_similarity(luma(answers.reference), luma(answers.candidate)),
        reference=metric_values(answers.reference, answers.pair),
        candidate=metric_values(answers.candidate, answers.pair),
        suspicion=suspicion(answers),
    )
