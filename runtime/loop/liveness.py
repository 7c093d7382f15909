"""Liveness: whether a run is alive and ready, and if not, why; for probes and service managers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from coconet.runtime.frame import FusedFrame
from coconet.runtime.loop.run_stats import RunStats, Vitals

STALLED_S = 10.0
"""A loop that has fused nothing for so long hangs: a live rig gives pictures even while both cameras are lost."""

STARTING_S = 120.0
"""Loading a large model takes a while; after so long without a first frame something is wrong."""


@dataclass(frozen=True)
class Liveness:
    """alive: the loop moves, or may still be starting. ready: it fuses what two live cameras see. reason: in words."""

    alive: bool
    ready: bool
    reason: str


class LivenessCheck:
    """Feels whether a run goes on."""

    def __init__(self, gauge: RunStats, now_s: Callable[[], float] = time.monotonic) -> None:
        """Begin to feel the run that tells `gauge`."""
        self._gauge, self._now_s = gauge, now_s
        self._begun_s, self._last_s = now_s(), None
        gauge.on_frame(self._note)

    _last_s: float | None

    def standing(self) -> Liveness:
        """How the run stands now."""
        now_s = self._now_s()
        if self._last_s is None:
            return Liveness(now_s - self._begun_s < STARTING_S, False, "no fused frame yet")
        silent_s = now_s - self._last_s
        if silent_s > STALLED_S:
            return Liveness(False, False, f"no fused frame for {silent_s:.0f} s")
        vitals = self._gauge.vitals()
        trouble, output = rig_trouble(vitals), "" if vitals is None else vitals.output_trouble
        return Liveness(True, not trouble, trouble or (f"fusing; output {output}" if output else "fusing"))

    def _note(self, frame: FusedFrame) -> None:
        self._last_s = self._now_s()


def rig_trouble(vitals: Vitals | None) -> str:
    """Say which cameras are not live, as `infrared lost`, why they do not pair, or that the server is lost."""
    if vitals is None:
        return ""
    cameras = (("visible", vitals.visible), ("infrared", vitals.infrared))
    lost = ", ".join(f"{side} {health.state}" for side, health in cameras if health is not None and not health.live)
    server = vitals.model_trouble and f"server lost: {vitals.model_trouble}"
    return lost or vitals.pairing_trouble or server
