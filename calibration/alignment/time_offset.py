"""The time between two cameras' stamps, from what moves in both pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coconet.calibration.alignment.motion import MotionTrace
from coconet.errors import CoconetError
from coconet.runtime.preprocess.edge_features import vertex

Curve = NDArray[np.float64]

_STEP_MS = 10.0

_LEAST_WINDOW_MS = 100.0

_STEADY_MS = 2000.0  # motion that stays as it is for so long tells nothing about time

_LEAST_SPAN_MS = 3000.0

_LEAST_ACTIVE = 0.1

_LEAST_PEAK, _MOST_SECOND = 0.1, 0.5


@dataclass(frozen=True)
class TimeOffset:
    """How much later infrared stamps are than visible ones, and how clearly that was seen.

    lag_ms: infrared stamp minus visible stamp of one event. peak: the correlation there, -1..1. second: the highest
    other peak of the correlation, or its least value if there is none. span_s: how long both were looked at.
    laid_together: whether the stamps are those of two files that were laid together at their beginnings.
    """

    lag_ms: float
    peak: float
    second: float
    span_s: float
    laid_together: bool = False

    @property
    def clear(self) -> bool:
        """Whether the peak is one: high enough, and at least twice as high as any other."""
        return self.peak >= _LEAST_PEAK and self.second <= _MOST_SECOND * self.peak


def find_time_offset(visible: MotionTrace, infrared: MotionTrace, most_ms: float = 1000.0) -> TimeOffset:
    """Find the lag, of at most `most_ms` either way, at which motion in the two pictures agrees best, cell by cell.

    The correlation is normalised (Lewis, "Fast Normalized Cross-Correlation", 1995) and its peak refined by a parabola.
    Something that moves across cells has to be in one place at one time, so the pictures should lie on each other to
    about a cell, a sixteenth of the width: what they are apart counts as time, by the speed of what moves.
    Raises CoconetError if too little was seen, if nothing moves, if no lag stands out, and if motion agrees best at the
    farthest lag: that would be given for every one beyond it.
    """
    for name, trace in (("visible", visible), ("infrared", infrared)):
        if trace.span_ns < _LEAST_SPAN_MS * 1e6:
            wanted, got = (
                f"{_LEAST_SPAN_MS / 1e3:g} s of both cameras",
                f"{trace.span_ns / 1e9:.1f} s of the {name} one",
            )
            raise _refused(wanted, got, f"it takes {wanted}, and there are {got}")
        if trace.active < _LEAST_ACTIVE:
            got = f"a still {name} picture"
            raise _refused("something that moves in both pictures", got, f"nothing moves in the {name} picture")
    found, at_end = _correlated(visible, infrared, most_ms)
    if not found.clear:
        told = f"a best agreement of {found.peak:.2f} and another of {found.second:.2f}"
        wanted = "one time at which motion in both pictures agrees"
        raise _refused(wanted, told, f"no time stands out at which motion in both pictures agrees ({told})")
    if at_end:
        got = f"the best agreement at the end of the search, {abs(found.lag_ms):.0f} ms"
        farther = f"motion agrees best at the end of the search, {abs(found.lag_ms):.0f} ms, so it may agree beyond"
        raise _refused(
            f"an offset of at most {most_ms:g} ms", got, farther, "Look farther, with --most-ms, and longer."
        )
    return found


def _correlated(visible: MotionTrace, infrared: MotionTrace, most_ms: float) -> tuple[TimeOffset, bool]:
    """Correlate motion over the time that both have seen, a third of it either way at most.

    Gives the best lag, and whether that is the last one that was looked at, beyond which there may be a better one.
    """
    slower_ms = max(visible.period_ns, infrared.period_ns) / 1e6
    window_ms = max(2 * slower_ms, _LEAST_WINDOW_MS)
    begin_ns = max(visible.stamps_ns[0], infrared.stamps_ns[0]) + window_ms * 1e6
    end_ns = min(visible.stamps_ns[-1], infrared.stamps_ns[-1]) - window_ms * 1e6
    times_ns = np.arange(begin_ns, end_ns, _STEP_MS * 1e6)
    if len(times_ns) * _STEP_MS < _LEAST_SPAN_MS / 2:
        got = "stamps that hardly overlap"
        raise _refused("frames of the same time from both cameras", got, "the times of the two cameras hardly overlap")
    one, other = (_weighed(trace.at(times_ns, window_ms * 1e6)) for trace in (visible, infrared))
    reach = min(round(most_ms / _STEP_MS) + 1, len(times_ns) // 3)
    curve = np.array([_agreement(one, other, lag) for lag in range(-reach, reach + 1)])
    best = int(curve.argmax())
    second = _second_peak(curve, best, round(max(window_ms, 200.0) / _STEP_MS))
    lag_ms = (vertex(curve, best) - reach) * _STEP_MS
    found = TimeOffset(lag_ms, float(curve[best]), second, len(times_ns) * _STEP_MS / 1e3)
    return found, best in (0, len(curve) - 1)


def _weighed(motion: Curve) -> Curve:
    """Take slow changes away, and even out cells of much and little motion: each counts by the root of its spread."""
    width = min(round(_STEADY_MS / _STEP_MS), len(motion) - 1) | 1
    padded = np.pad(motion, ((width // 2 + 1, width // 2), (0, 0)), mode="edge").cumsum(axis=0)
    fast = motion - (padded[width:] - padded[:-width]) / width
    weighed: Curve = fast / np.sqrt(fast.std(axis=0) + 1e-9)
    return weighed


def _agreement(one: Curve, other: Curve, lag: int) -> float:
    """Correlate all cells at once; `other` is taken `lag` steps later than `one`."""
    length = len(one) - abs(lag)
    first, second = one[max(-lag, 0) :][:length], other[max(lag, 0) :][:length]
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / scale if scale > 0 else 0.0


def _second_peak(curve: Curve, best: int, apart: int) -> float:
    """The highest local maximum at least `apart` steps from the best one; the least value if there is none."""
    inner = np.arange(1, len(curve) - 1)
    peaks = inner[(curve[1:-1] >= curve[:-2]) & (curve[1:-1] >= curve[2:])]
    others = curve[peaks[np.abs(peaks - best) > apart]]
    return float(others.max() if others.size else curve.min())


_LONGER = "Align the rig first, have a person walk through both pictures, and look for longer with --seconds."


def _refused(wanted: str, got: str, says: str, remedy: str = _LONGER) -> CoconetError:
    return CoconetError(
        "offset",
        wanted=wanted,
        got=got,
        remedy=remedy,
        says=f"cannot be found: {says}",
    )
