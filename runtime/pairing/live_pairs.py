"""Pairs of live cameras: the newest at hand, at a steady rate; if one camera is not live, the other one alone."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from threading import Event

import numpy as np

from coconet.media.pixels import RawPixels
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.frame import Frame, FramePair, Side
from coconet.runtime.pairing.camera_health import CameraHealth, HealthLimits, HealthWatch
from coconet.runtime.pairing.capture import CaptureOptions, Recovery
from coconet.runtime.pairing.pair_stream import PairStream
from coconet.runtime.pairing.paired_captures import PairedCaptures, Pairing
from coconet.runtime.preprocess.preprocess import Preparation

_POLL_S = 0.02  # how often to look whether a camera has become late, or a pair overdue

_START_S = 3.0  # a camera that has not given a frame yet is waited for so long

_USUAL_PERIOD_NS = 33_333_333  # of the output, before it is known

_PERIODS = 31

_UNPAIRED_S = 3.0
"""Two live cameras without a pair for so long, and for some periods of the slower one, do not pair."""

_UNPAIRED_PERIODS = 5

_THINNING = 0.75  # a survivor's frame comes out if it is this many output periods behind the last


@dataclass(frozen=True)
class LivePairingOptions:
    """How live cameras are looked after.

    limits: when a camera counts as live. recoveries: how it is opened again. size_px: (width, height) of the visible
    pictures before the first has come. clock: gives the time in ns, like time.monotonic_ns, which tests replace.
    """

    limits: HealthLimits = field(default_factory=HealthLimits)
    recoveries: Mapping[Side, Recovery] = field(default_factory=dict)
    size_px: tuple[int, int] | None = None
    clock: Callable[[], int] = time.monotonic_ns


def pair_live_cameras(
    visible: Camera,
    infrared: Camera,
    pairing: Pairing | None = None,
    preparation: Preparation | None = None,
    live: LivePairingOptions | None = None,
) -> PairStream:
    """Join two open cameras that do not wait: a slow consumer gets few pictures rather than old ones.

    Raises CoconetError if one of them is live and the other is not.
    """
    live = live or LivePairingOptions()
    watches: dict[Side, HealthWatch] = {
        "visible": HealthWatch(visible.name, thermal=False, limits=live.limits),
        "infrared": HealthWatch(infrared.name, thermal=True, limits=live.limits),
    }
    care = {side: CaptureOptions(watch, live.recoveries.get(side), live.clock) for side, watch in watches.items()}
    captures = PairedCaptures(visible, infrared, pairing, care)
    return PairStream(captures, LivePairs(captures, watches, live), preparation)


class LivePairs:
    """The newest pair at hand, again and again, of two cameras that are read meanwhile.

    While a camera is late, frozen, behind its shutter or lost, its side of a pair is `missing` and the pair carries a
    notice; pairs then come at the rate they had before, and whole again by themselves once the camera is live.
    So it is while both cameras are live and no two of their frames belong together: the visible one is shown alone,
    and `trouble` says so.

    trouble: why two live cameras give no pairs; empty while they do.
    """

    def __init__(
        self, captures: PairedCaptures, watches: Mapping[Side, HealthWatch], live: LivePairingOptions | None = None
    ) -> None:
        """Pair what `captures` reads, by the state that `watches` has for each camera."""
        live = live or LivePairingOptions()
        self._captures, self._watches, self._size_px, self._clock = captures, watches, live.size_px, live.clock
        self._latest: dict[Side, Frame] = {}
        self._periods_ns: deque[int] = deque(maxlen=_PERIODS)
        self._last_ns: int | None = None
        self._behind_ns = 0  # how far stamps lie behind the clock
        self._last: Frame | None = None  # whose stamp was the time of the last pair
        self._began_ns = self._unpaired_since_ns = self._said_since_ns = 0
        self.trouble = ""

    def until(self, stop: Event) -> Iterator[FramePair]:
        """Give pairs until a camera ends for good or `stop` is set."""
        self._began_ns = self._unpaired_since_ns = self._clock()
        while not (stop.is_set() or self._captures.cut_short):
            now_ns = self._clock()
            if self._captures.start_over(now_ns):
                self._latest.clear()
                self._last_ns = None
            self._collect(now_ns)
            pair = self._newest_pair(now_ns)
            unfit = self._unfit(now_ns)
            self.trouble = self._why_unpaired(pair, unfit, now_ns)
            if unfit:
                pair = self._survivor(unfit, now_ns)
            elif self.trouble:
                pair = self._survivor_of(frozenset({"infrared"}), self.trouble)
            if pair is not None and (self._last_ns is None or pair.timestamp_ns > self._last_ns):
                self._note_period(pair, now_ns)
                yield pair
            elif self._captures.pairer.finished and self._captures.all_taken:
                return
            else:
                self._captures.wait(_POLL_S)

    def _collect(self, now_ns: int) -> None:
        """Hand everything that has come to the pairer."""
        for side in tuple(self._captures.unfinished):
            while side in self._captures.unfinished and self._captures.ready(side) and not self._captures.cut_short:
                if (frame := self._captures.take(side, now_ns)) is not None:
                    self._latest[side] = frame

    def _newest_pair(self, now_ns: int) -> FramePair | None:
        newest = None
        while (pair := self._captures.pairer.pop(now_ns)) is not None:
            newest = pair
        return newest

    def _unfit(self, now_ns: int) -> dict[Side, CameraHealth]:
        """The cameras whose picture may not be shown as live; a stream that is ending has none."""
        if len(self._captures.unfinished) < 2:
            return {}
        unfit = [side for side, watch in self._watches.items() if watch.state(now_ns) != "live"]
        told = {side: self._watches[side].snapshot(now_ns) for side in unfit}
        starting = now_ns - self._began_ns < _START_S * 1e9
        return {side: health for side, health in told.items() if not (starting and _unseen(health))}

    def _survivor(self, unfit: Mapping[Side, CameraHealth], now_ns: int) -> FramePair | None:
        """Give what the other camera alone shows, thinned to the rate of the output; of two unfit ones, nothing."""
        notice = ", ".join(_in_words(side, health) for side, health in unfit.items())
        if len(unfit) == 2:
            # Stamped as a frame would be: by the clock it could be later than the first ones that come again.
            due_ns = now_ns - self._behind_ns
            if due_ns < (self._last_ns or 0) + self._period_ns():
                return None
            black = np.zeros((*self._visible_shape(None)[:2], 1), np.uint8)
            blank = _stand_in(self._last or Frame(black, due_ns, 0, stamps="arrival"), black, due_ns)
            return self._alone(blank, "infrared", frozenset(unfit), notice)
        return self._survivor_of(frozenset(unfit), notice)

    def _survivor_of(self, missing: frozenset[Side], notice: str) -> FramePair | None:
        side: Side = "infrared" if "visible" in missing else "visible"
        frame = self._latest.get(side)
        if frame is None or frame.timestamp_ns < (self._last_ns or 0) + _THINNING * self._period_ns():
            return None
        return self._alone(frame, side, missing, notice)

    def _why_unpaired(self, pair: FramePair | None, unfit: Mapping[Side, CameraHealth], now_ns: int) -> str:
        """Say that both cameras are live and do not pair, once that has lasted; only a pair ends it.

        A camera that is late for a moment, or an offset that is changed, begins the wait again but unsays nothing.
        """
        if pair is not None or len(self._captures.unfinished) < 2:
            self._unpaired_since_ns = now_ns
            return ""
        if unfit or len(self._latest) < 2:
            self._unpaired_since_ns = now_ns
            return self.trouble
        slowest_s = max(1 / (watch.snapshot(now_ns).fps or 1) for watch in self._watches.values())
        if now_ns - self._unpaired_since_ns < max(_UNPAIRED_S, _UNPAIRED_PERIODS * slowest_s) * 1e9:
            return self.trouble
        if self.trouble and self._said_since_ns == self._unpaired_since_ns:
            return self.trouble
        self._said_since_ns = self._unpaired_since_ns
        gap_ms = (self._latest["infrared"].timestamp_ns - self._latest["visible"].timestamp_ns) / 1e6
        tolerance_ms = self._captures.pairer.tolerance_ns / 1e6
        return f"no pairs: infrared {gap_ms:+.0f} ms from visible, tolerance {tolerance_ms:.0f} ms"

    def _alone(self, frame: Frame, side: Side, missing: frozenset[Side], notice: str) -> FramePair:
        """Pair a frame with black pixels in place of the missing side's."""
        if side == "visible":
            stand_in = _stand_in(frame, np.zeros((*frame.pixels.shape[:2], 1), np.uint8), frame.timestamp_ns)
            return FramePair(frame, stand_in, clock=side, missing=missing, notice=notice)
        stand_in = _stand_in(frame, np.zeros(self._visible_shape(frame.pixels), np.uint8), frame.timestamp_ns)
        return FramePair(stand_in, frame, clock=side, missing=missing, notice=notice)

    def _visible_shape(self, infrared: RawPixels | None) -> tuple[int, ...]:
        """The shape of visible pictures: as last seen, as the alignment wants them, or like the infrared ones."""
        if "visible" in self._latest:
            return self._latest["visible"].pixels.shape
        if self._size_px is not None:
            return (self._size_px[1], self._size_px[0], 3)
        return (480, 640, 3) if infrared is None else (*infrared.shape[:2], 3)

    def _note_period(self, pair: FramePair, now_ns: int) -> None:
        if self._last_ns is not None and not pair.missing:
            self._periods_ns.append(pair.timestamp_ns - self._last_ns)
        if len(pair.missing) < 2:
            self._behind_ns, self._last = now_ns - pair.timestamp_ns, pair.timed
        self._last_ns = pair.timestamp_ns

    def _period_ns(self) -> float:
        return median(self._periods_ns) if self._periods_ns else _USUAL_PERIOD_NS


def _stand_in(frame: Frame, black: RawPixels, stamp_ns: int) -> Frame:
    """Black pixels at a time of the clock that a frame is stamped by."""
    return Frame(black, stamp_ns, 0, stamps=frame.stamps, zero_ns=frame.zero_ns)


def _unseen(health: CameraHealth) -> bool:
    return health.age_ms is None and not health.trouble


def _in_words(side: Side, health: CameraHealth) -> str:
    age = "" if health.age_ms is None or health.state in ("frozen", "shutter") else f" {health.age_ms / 1e3:.1f} s"
    return f"{side} {health.state}{age}"
