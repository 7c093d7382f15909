"""A sender's clock laid onto this machine's."""

from __future__ import annotations

import numpy as np

from coconet.runtime.cameras.network import StreamClock

MS = 10**6


def stamped(sent_ms: np.ndarray, delays_ms: np.ndarray) -> np.ndarray:
    clock = StreamClock()
    return (
        np.array([clock.stamp(round(s * MS), round((s + d) * MS)) for s, d in zip(sent_ms, delays_ms, strict=True)])
        / MS
    )


def test_the_jitter_of_the_way_is_gone_once_the_quickest_frame_has_come() -> None:
    rng = np.random.default_rng(0)
    sent = np.arange(0, 4000, 40.0)
    stamps = stamped(sent, 1000 + rng.uniform(0, 30, len(sent)))
    assert np.abs(np.diff(stamps[50:]) - 40).max() < 1.0


def test_no_stamp_is_after_its_arrival() -> None:
    rng = np.random.default_rng(1)
    sent, delays = np.arange(0, 4000, 40.0), rng.exponential(20, 100)
    assert (stamped(sent, delays) <= sent + delays + 1e-6).all()


def test_a_sender_whose_clock_runs_slow_is_followed_for_hours() -> None:
    sent = np.arange(0, 3.6e6, 400.0)
    stamps = stamped(sent, 20 + sent * 30e-6)  # 30 ppm: 108 ms in an hour
    assert abs((sent[-1] + 20 + sent[-1] * 30e-6) - stamps[-1]) < 2.0


def test_a_sender_that_stood_still_is_measured_anew() -> None:
    sent = np.arange(0, 2000, 40.0)
    stamps = stamped(sent, np.where(sent < 1000, 10.0, 5010.0))
    assert stamps[-1] == sent[-1] + 5010.0
