"""A verdict: whether a candidate still counts as its reference, and if not, why."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from coconet.signature import Precision
from runtime.metric_delta import MetricDelta
from runtime.parity import LIMITS, ParityLimits, within
from runtime.verification import Verification

METRIC_CHANGE: Mapping[Precision, float] = {
    # Pictures within the parity limits of FP32 are equal but for rounding, and so are their metrics.
    "fp32": 0.005,
    "fp16": 0.02,
    # More than this would show in a table of results.
    "int8": 0.02,
}
"""The largest change of a fusion metric's mean, in either direction, as a share of the reference's."""

ANY_ERROR = 255


@dataclass(frozen=True)
class VerdictLimits:
    """What still counts as the same model. metric_change: see METRIC_CHANGE; infinite where metrics do not count."""

    parity: ParityLimits
    metric_change: float


@dataclass(frozen=True)
class Verdict:
    """What is beyond the limits, a clause each; nothing where the candidate passes."""

    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the candidate counts as its reference."""
        return not self.reasons


def limits_for(precision: Precision, min_psnr_db: float | None = None) -> VerdictLimits:
    """The limits of the candidate's precision, or a floor for the PSNR of every frame alone."""
    if min_psnr_db is not None:
        return VerdictLimits(ParityLimits(min_psnr_db, ANY_ERROR), math.inf)
    return VerdictLimits(LIMITS[precision], METRIC_CHANGE[precision])


def judge(verification: Verification, limits: VerdictLimits) -> Verdict:
    """Hold a verification against limits; suspicious frames are refused whatever the limits are."""
    return Verdict(tuple(_reasons(verification, limits)))


def _reasons(verification: Verification, limits: VerdictLimits) -> Iterator[str]:
    if not within(verification.parity, limits.parity):
        yield f"{verification.parity}, wanted {limits.parity}"
    changed = [delta for delta in verification.deltas if abs(delta.relative) > limits.metric_change]
    if changed:
        most = max(changed, key=lambda delta: abs(delta.relative))
        yield f"{_in_words(most)} on average, wanted {limits.metric_change:.1%} or less"
    if verification.suspicious:
        first, count = verification.suspicious[0], len(verification.suspicious)
        yield f"{count} suspicious frame{'s' if count > 1 else ''}, {first.name} with {first.reason}"


def _in_words(delta: MetricDelta) -> str:
    return f"{delta.metric} changed by {delta.relative:+.1%}"
