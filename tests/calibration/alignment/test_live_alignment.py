"""Aligning a rig whose cameras are live: synthetic ones at their own pace, RTSP servers, and one that goes away."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from coconet.calibration.commands.align import align
from coconet.calibration.commands.offset import offset
from coconet.config import read_toml
from coconet.runtime.cameras.camera import AbsentCamera, Camera, CameraAbsent
from coconet.runtime.frame import Side
from coconet.runtime.rig.rig_file import Rig
from tests.support.cameras.rtsp_rig import Server, servers_there, synthetic, write_jpegs
from tests.support.programs.called import call, complaint_of
from tests.support.rigs.homography import distance_px
from tests.support.rigs.live_rig import SmallCamera

FEW = ("--pairs", 2, "--every", 4)


def rig_file(folder: Path, visible: str, infrared: str) -> Path:
    path = folder / "rig.toml"
    path.write_text(f'realtime = true\n[visible]\naddress = "{visible}"\n[infrared]\naddress = "{infrared}"\n')
    return path


def homography_of(rig: Path) -> np.ndarray:
    return np.array(read_toml(rig, "a rig file")["alignment"]["homography"])


def test_live_cameras_of_unlike_sizes_are_aligned_and_the_command_ends(tmp_path: Path) -> None:
    size = "synthetic://?width={}&height={}&fps=25"
    rig = rig_file(tmp_path, size.format(320, 240), size.format(160, 120))
    answer = call(align, rig, *FEW)
    assert answer.exit_code == 0, answer.exception
    true = np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]])
    assert distance_px(homography_of(rig) @ np.diag([0.5, 0.5, 1]), true @ np.diag([0.5, 0.5, 1])) < 2
    assert read_toml(rig, "a rig file")["alignment"]["size_px"] == [320, 240]


@pytest.mark.skipif(not servers_there(), reason="GStreamer's RTSP server and its Python are not installed")
def test_network_cameras_are_aligned_while_they_send(tmp_path: Path) -> None:
    # One picture each: servers that begin at different times would show different moments of a moving scene.
    rates: dict[Side, float] = {"visible": 30, "infrared": 25}
    servers = [
        Server(write_jpegs(tmp_path / side, islice(synthetic(side, fps, 1), 1)), fps, 0) for side, fps in rates.items()
    ]
    try:
        for server in servers:
            server.start()
        rig = rig_file(tmp_path, servers[0].address, servers[1].address)
        rig.write_text(rig.read_text() + "[health]\nfrozen_s = 0\n")
        answer = call(align, rig, "--pairs", 1)
    finally:
        for server in servers:
            server.kill()
    assert answer.exit_code == 0, answer.exception
    assert distance_px(homography_of(rig), np.eye(3)) < 2


def test_a_live_camera_that_is_lost_for_long_ends_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coconet.runtime.registration.pair_sampling._PATIENCE_S", 0.5)
    unplugged = AbsentCamera(
        "boson", CameraAbsent("boson", wanted="a frame", got="none", remedy="Plug it in.", says="gives no frame")
    )
    cameras: dict[Side, Camera] = {"visible": SmallCamera("front", 3), "infrared": unplugged}
    monkeypatch.setattr("coconet.runtime.rig.open_rig.open_side", lambda _rig, role: cameras[role])
    rig = rig_file(tmp_path, "rtsp://a", "rtsp://b")
    before = rig.read_text()
    assert "cameras give no pairs to align by: infrared lost" in complaint_of(align, rig, *FEW)
    assert rig.read_text() == before


@pytest.mark.slow
def test_two_addresses_are_aligned_without_a_rig_file_and_make_one(tmp_path: Path) -> None:
    visible, infrared = (
        f"synthetic://?duration_s=8&width={size[0]}&height={size[1]}" for size in ((320, 240), (160, 120))
    )
    call(align, "--visible", visible, "--infrared", infrared, "--out", tmp_path / "rig.toml")
    table = Rig.from_file(tmp_path / "rig.toml").alignment
    assert (table.size_px, table.infrared_size_px) == ((320, 240), (160, 120))
    assert table.homography[0][0] == pytest.approx(2, abs=0.05)


@pytest.mark.slow
def test_two_addresses_get_their_offset_without_a_rig_file(tmp_path: Path) -> None:
    visible, infrared = "synthetic://?duration_s=12&width=64&height=48", "synthetic://?duration_s=12&width=64&height=48"
    call(offset, "--visible", visible, "--infrared", infrared, "--seconds", 10, "--out", tmp_path / "rig.toml")
    rig = Rig.from_file(tmp_path / "rig.toml")
    assert rig.visible.address == visible
    assert abs(rig.infrared.offset_ms) < 15
