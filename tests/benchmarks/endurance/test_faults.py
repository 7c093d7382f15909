"""Faults of cameras that a soak injects are those of live cameras, also if recordings stand in for them."""

from __future__ import annotations

from pathlib import Path
from threading import Timer

from coconet.benchmarks.endurance.faults import Injector
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.recordings import flat, write_folder


def test_what_a_silent_camera_has_seen_does_not_come_later(tmp_path: Path) -> None:
    pictures = [flat(level) for level in range(200)]
    folders = [str(write_folder(tmp_path / side, pictures)) for side in ("vis", "ir")]
    injector = Injector()
    camera = injector.open(Rig.from_addresses(*folders), "visible")
    first = camera.read()
    injector.fault = "silent"
    Timer(0.2, lambda: setattr(injector, "fault", None)).start()
    second = camera.read()
    assert first is not None
    assert second is not None
    assert second.index > first.index + 1
