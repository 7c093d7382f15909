"""The first look at a camera, however long it takes to open."""

from __future__ import annotations

import pytest

from coconet.runtime.cameras.camera import Camera
from coconet.runtime.rig.camera_facts import probe_camera
from tests.support.media.recordings import ListCamera, stamped


def test_a_camera_that_takes_long_to_open_is_looked_at_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now_s[0])

    def opened() -> Camera:
        now_s[0] += 30
        return ListCamera(stamped(range(0, 200_000_000, 40_000_000)))

    look = probe_camera(opened)
    assert look is not None
    assert look.fps == 25
    assert look.opened_s == 30
