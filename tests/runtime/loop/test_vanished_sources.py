"""Folders that vanish while a rig is opened or runs: sizes stay, and what is missing is said for what it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from coconet.errors import CoconetError, ExitCode
from coconet.runtime.backends.choice import choose_backend
from coconet.runtime.loop.run import run_rig
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.sinks.open_sink import Output
from tests.support.media.recordings import flat, write_folder

FRAMES = 12


def live_folders(folder: Path) -> Rig:
    visible = write_folder(folder / "vis", [flat(100 + index) for index in range(FRAMES)])
    infrared = write_folder(folder / "ir", [flat(100 + index, channels=1) for index in range(FRAMES)])
    sides = {side: {"address": str(path), "fps": 25} for side, path in (("visible", visible), ("infrared", infrared))}
    return Rig.model_validate({"realtime": True, "health": {"late_s": 0.05}, **sides})


@pytest.mark.parametrize("gone", ["vis", "ir"])
def test_a_camera_that_is_lost_has_blanks_of_its_last_size_and_its_pictures_are_named(
    gone: str, tmp_path: Path
) -> None:
    with open_rig(live_folders(tmp_path), gives_misfits=True) as stream:
        pairs = iter(stream)
        sizes = {next(pairs).visible.pixels.shape[:2]}
        shutil.rmtree(tmp_path / gone)
        sizes |= {side.pixels.shape[:2] for pair in pairs for side in (pair.visible, pair.infrared)}
    lost, kept = stream.counts.visible, stream.counts.infrared
    if gone == "ir":
        lost, kept = kept, lost
    assert sizes == {(24, 32)}
    ends = {FRAMES - 1, FRAMES}  # the camera that ends first may end the stream before the other one's last frame
    assert {lost.read + lost.damaged, kept.read} <= ends
    assert kept.damaged == 0
    assert len(lost.unreadable) == lost.damaged > 0
    assert f"{lost.read + lost.damaged - 1:04}.png" in lost.unreadable[-1]


@pytest.mark.parametrize("gone", [["vis"], ["ir"], ["vis", "ir"]])
def test_a_folder_that_vanishes_before_its_camera_opens_is_said_to_be_gone(gone: list[str], tmp_path: Path) -> None:
    rig = live_folders(tmp_path)
    for name in gone:
        shutil.rmtree(tmp_path / name)
    with pytest.raises(CoconetError, match=rf"{gone[0]} was removed while the command ran") as raised:
        run_rig(AdjustableRig(rig), choose_backend("maximum"), Output(f"{tmp_path}/out/"))
    assert raised.value.exit_code == ExitCode.CAMERA
