"""Cameras that do not answer when a rig starts: switched on later, or not at all."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.runtime.cameras.camera import Camera, CameraAbsent
from coconet.runtime.cameras.open_camera import Role
from coconet.runtime.frame import FramePair
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.recordings import flat, write_video
from tests.support.rigs.live_rig import SmallCamera
from tests.support.servers.secret_addresses import SECRET, SECRET_ADDRESSES

NOBODY = "rtsp://me:secret@127.0.0.1:9/live"
SYNTHETIC = "synthetic://?width=64&height=48&fps=25"


class LateRig:
    """Opens two small cameras; those named do not answer the first two times."""

    def __init__(self, *late: Role) -> None:
        self._refusals = dict.fromkeys(late, 2)

    def open(self, _rig: Rig, role: Role) -> Camera:
        if self._refusals.get(role, 0) > 0:
            self._refusals[role] -= 1
            raise CameraAbsent(role, wanted="a camera", got="silence", remedy="Switch it on.", says="is silent")
        return SmallCamera(role, 3 if role == "visible" else 1)


@pytest.mark.parametrize(("late", "there"), [("visible", "infrared"), ("infrared", "visible")])
def test_a_camera_that_comes_late_begins_as_lost_and_fusion_begins_by_itself(
    late: Role, there: Role, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_rig(Rig.from_addresses("a", "b"), opener=LateRig(late).open, patient=True) as stream:
        pairs = iter(stream)
        first = next(pairs)
        assert (first.missing, first.clock, first.notice) == (frozenset({late}), there, f"{late} lost")
        assert first.visible.pixels.shape[:2] == first.infrared.pixels.shape[:2]
        whole = next(pair for pair in islice(pairs, 5000) if not pair.missing)
    assert (whole.visible.pixels.shape, whole.infrared.pixels.shape) == ((48, 64, 3), (48, 64, 1))
    says = f"warning: {late} is silent. Switch it on. Until it answers, the other camera is shown alone."
    assert capsys.readouterr().err.count(says) == 1


def test_two_cameras_that_do_not_answer_are_an_error() -> None:
    with pytest.raises(CameraAbsent, match="infrared is silent. Switch it on."):
        open_rig(Rig.from_addresses("a", "b"), opener=LateRig("visible", "infrared").open, patient=True)


def test_without_patience_one_is_an_error_too() -> None:
    with pytest.raises(CameraAbsent, match="visible is silent"):
        open_rig(Rig.from_addresses("a", "b"), opener=LateRig("visible").open)


def first_of(rig: Rig) -> FramePair:
    with open_rig(rig, patient=True) as stream:
        return next(iter(stream))


@pytest.mark.parametrize("address", [form for form in SECRET_ADDRESSES if form.startswith(("rtsp://", "http://"))])
def test_the_health_of_a_camera_that_is_off_holds_no_password(address: str, caplog: pytest.LogCaptureFixture) -> None:
    local = re.sub(
        r"@host\b|(?<=//)host\b|192\.0\.2\.7", lambda found: "@" * ("@" in found[0]) + "127.0.0.1:9", address
    )
    for name in (None, address):
        rig = Rig.from_addresses(SYNTHETIC, local, realtime=True)
        rig = rig.model_copy(update={"infrared": rig.infrared.model_copy(update={"name": name})})
        with open_rig(rig, patient=True) as stream:
            told = stream.health()[1]
        assert told is not None
        assert SECRET not in f"{told} {rig.infrared.display_name} {caplog.text} {[vars(one) for one in caplog.records]}"


def test_a_network_camera_that_is_off_is_lost_and_says_no_password() -> None:
    rig = Rig.from_addresses(SYNTHETIC, NOBODY, realtime=True)
    with open_rig(rig, patient=True) as stream:
        assert next(iter(stream)).notice == "infrared lost"
        told = stream.health()[1]
    assert told is not None
    assert "Connection refused" in told.trouble
    assert "secret" not in told.trouble + told.name


@pytest.mark.parametrize("wrong", ["tape://1", "none.mp4", "csi://front", "synthetic://?fps=0"])
def test_an_address_that_is_wrong_is_an_error_however_patient(wrong: str) -> None:
    with pytest.raises(
        CoconetError, match=f"{wrong.partition(':')[0]}.*(wanted|expected|must be|has something|has no)"
    ):
        first_of(Rig.from_addresses(SYNTHETIC, wrong, realtime=True))


def test_a_recording_does_not_wait_for_a_camera(tmp_path: Path) -> None:
    video = str(write_video(tmp_path / "a.mp4", [flat(1)] * 3))
    with pytest.raises(CoconetError, match="is live, and .* is a recording"):
        first_of(Rig.from_addresses(video, NOBODY))
