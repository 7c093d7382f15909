"""Opening both cameras of a rig: videos and network cameras at once, devices one after the other, none left open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Event, Lock

import pytest

from coconet.errors import CoconetError
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.cameras.open_camera import Role
from coconet.runtime.rig import open_rig as module
from coconet.runtime.rig.open_rig import open_cameras
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.recordings import ListCamera, flat, write_video

MOST_S = 30.0
SIDES = (("visible", (40, 50, 60)), ("infrared", (80, 90, 100)))


class Cameras:
    """Opens cameras in place of open_camera; keeps which are open, and how many were being opened at most at a time."""

    def __init__(self, *, waits_for_both: bool) -> None:
        self._both = Barrier(2) if waits_for_both else None
        self._lock = Lock()
        self.fails: set[Role] = set()
        self.opening = self.most_opening = 0
        self.opened, self.closed = list[Role](), list[Role]()
        self.is_closed = Event()

    def __call__(self, address: str, role: Role, settings: object) -> Camera:
        with self._lock:
            self.opening += 1
            self.most_opening = max(self.most_opening, self.opening)
        try:
            if self._both is not None:
                self._both.wait(MOST_S)
            if role in self.fails:
                raise CoconetError(address, wanted="x", got="y", remedy="Look.", says="does not answer")
            return self._camera(role)
        finally:
            with self._lock:
                self.opening -= 1

    def _camera(self, role: Role) -> Camera:
        with self._lock:
            self.opened.append(role)
        cameras = self

        class Watched(ListCamera):
            def close(self) -> None:
                cameras.closed.append(role)
                cameras.is_closed.set()

        return Watched([])


@pytest.fixture
def videos(tmp_path: Path) -> Rig:
    sides = [write_video(tmp_path / f"{side}.mp4", [flat(level) for level in levels]) for side, levels in SIDES]
    return Rig.from_addresses(*sides)


def opens(cameras: Cameras, monkeypatch: pytest.MonkeyPatch) -> Cameras:
    monkeypatch.setattr(module, "open_camera", cameras)
    return cameras


def test_network_cameras_are_opened_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cameras = opens(Cameras(waits_for_both=True), monkeypatch)
    for camera in open_cameras(Rig.from_addresses("rtsp://a/1", "rtsp://b/1")):
        camera.close()
    assert cameras.most_opening == 2
    assert sorted(cameras.closed) == sorted(cameras.opened) == ["infrared", "visible"]


@pytest.mark.parametrize("addresses", [("0", "1"), ("rtsp://a/1", "0"), ("/dev/video0", "rtsp://a/1")])
def test_a_device_is_opened_by_itself(monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, str]) -> None:
    cameras = opens(Cameras(waits_for_both=False), monkeypatch)
    open_cameras(Rig.from_addresses(*addresses))
    assert cameras.most_opening == 1
    assert cameras.opened == ["visible", "infrared"]


@pytest.mark.parametrize("failing", ["visible", "infrared"])
def test_where_one_does_not_open_the_other_is_closed(monkeypatch: pytest.MonkeyPatch, failing: Role) -> None:
    cameras = opens(Cameras(waits_for_both=True), monkeypatch)
    cameras.fails = {failing}
    with pytest.raises(CoconetError, match="does not answer"):
        open_cameras(Rig.from_addresses("rtsp://a/1", "rtsp://b/1"))
    assert cameras.is_closed.wait(MOST_S)
    assert cameras.closed == ["infrared" if failing == "visible" else "visible"]


def test_the_visible_camera_is_named_if_neither_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    cameras = opens(Cameras(waits_for_both=True), monkeypatch)
    cameras.fails = {"visible", "infrared"}
    with pytest.raises(CoconetError, match="//a/1 does not answer"):
        open_cameras(Rig.from_addresses("rtsp://a/1", "rtsp://b/1"))


def test_videos_that_are_opened_at_once_begin_with_their_first_frames(videos: Rig) -> None:
    def stamps(camera: Camera) -> Iterator[int]:
        return (frame.timestamp_ns for frame in iter(camera.read, None))

    visible, infrared = open_cameras(videos)
    assert list(stamps(visible)) == list(stamps(infrared)) == [0, 33_333_333, 66_666_667]
    visible.close()
    infrared.close()
