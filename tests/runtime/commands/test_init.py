"""coconet init: from two sources to a rig file that opens."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from coconet.config import read_toml
from coconet.errors import Refused
from coconet.media.image import write_picture
from coconet.runtime.commands.init import init
from coconet.runtime.rig.edit import NewRig
from coconet.runtime.rig.naming.dual_channel import thermal_channel
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.flir_jpeg import counts_of, write_flir_jpeg
from tests.support.media.pair_folders import write_pair
from tests.support.media.recordings import flat, write_stamped_video, write_video
from tests.support.programs.called import call, complaint_of
from tests.support.ros.bags import INFO, camera_info, two_cameras, write_mcap

SYNTHETIC = "synthetic://?duration_s=8&seed=3&width={}&height={}&fps={}"


def test_two_videos_of_unlike_size_and_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_stamped_video(Path("day.mp4"), [0.04 * index for index in range(50)], (64, 48))
    write_stamped_video(Path("night.mkv"), [1 / 9 * index for index in range(18)], (32, 24))
    told = call(init, "--visible", "day.mp4", "--infrared", "night.mkv", "--out", "rig.toml").output
    assert "visible: 64x48, 25 fps, 8 bit colour, mpeg4, clock: recording" in told
    assert "infrared: 32x24, 9.009 fps, 8 bit gray" in told
    assert "scaled by 2 onto visible 64x48" in told
    assert read_toml(Path("rig.toml"), "a rig file")["alignment"] == {"fit": "scale"}
    with open_rig(Rig.from_file("rig.toml")) as stream:
        assert {pair.infrared.pixels.shape for pair in stream} == {(48, 64, 1)}


@pytest.mark.slow
def test_what_both_cameras_show_is_aligned(tmp_path: Path) -> None:
    visible, infrared = SYNTHETIC.format(320, 240, 25), SYNTHETIC.format(160, 120, 9)
    told = call(init, "--visible", visible, "--infrared", infrared, "--out", tmp_path / "rig.toml").output
    assert "alignment: found by edges" in told
    table = Rig.from_file(tmp_path / "rig.toml").alignment
    assert (table.size_px, table.infrared_size_px) == ((320, 240), (160, 120))
    assert abs(table.homography[0][0] - 2) < 0.05


def test_the_lenses_of_a_bag_are_said_to_be_left_out_if_no_alignment_is_found(tmp_path: Path) -> None:
    lens = [(INFO, camera_info([60.0, 0, 24, 0, 60, 16, 0, 0, 1], []))]
    path = write_mcap(tmp_path / "run.mcap", {**two_cameras(), "/camera/camera_info": lens})
    told = call(init, path, "--out", tmp_path / "rig.toml").output
    assert "No alignment was found" in told
    assert "camera_info of the bag is left out" in told


def test_a_folder_that_holds_both_sides(tmp_path: Path) -> None:
    for number in range(4):
        write_pair(tmp_path / "set", f"scene_{number}.png", flat(10 * number, 24, 16), flat(100, 24, 16, 1))
    call(init, tmp_path / "set", "--no-align", "--out", tmp_path / "rig.toml")
    with open_rig(Rig.from_file(tmp_path / "rig.toml")) as stream:
        assert len(list(stream)) == 4


def test_one_file_and_the_folder_of_a_recording_are_sent_on(tmp_path: Path) -> None:
    write_stamped_video(tmp_path / "day.mp4", [0.0, 0.04])
    (tmp_path / "rig.toml").touch()
    assert "Name the infrared one after it" in complaint_of(init, tmp_path / "day.mp4")
    assert f"Run it: coconet run {tmp_path / 'rig.toml'}" in complaint_of(init, tmp_path)


def test_both_cameras_may_be_named_by_their_place_alone(tmp_path: Path) -> None:
    visible, infrared = SYNTHETIC.format(64, 48, 9), SYNTHETIC.format(80, 60, 9)
    call(init, visible, infrared, "--no-align", "--out", tmp_path / "rig.toml")
    written = Rig.from_file(tmp_path / "rig.toml")
    assert (written.visible.address, written.infrared.address) == (visible, infrared)


def test_a_rig_file_that_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_text("mine")
    words = ("--visible", SYNTHETIC.format(64, 48, 9), "--infrared", SYNTHETIC.format(64, 48, 9), "--no-align")
    assert "already exists" in complaint_of(init, *words, "--out", tmp_path / "rig.toml")
    assert (tmp_path / "rig.toml").read_text() == "mine"
    call(init, *words, "--out", tmp_path / "rig.toml", "--overwrite")
    assert Rig.from_file(tmp_path / "rig.toml").visible.address.startswith("synthetic://")


@pytest.mark.parametrize(
    ("passwords", "names"),
    [
        (("abc!1", "abc!1"), ["COCONET_CAMERA_PASSWORD"]),
        (("abc!1", "xyz!2"), ["COCONET_VISIBLE_PASSWORD", "COCONET_INFRARED_PASSWORD"]),
    ],
)
def test_no_password_gets_into_a_rig_file(passwords: tuple[str, str], names: list[str], tmp_path: Path) -> None:
    rig = Rig.from_addresses(*(f"rtsp://me:{word}@10.0.0.{index}/live" for index, word in enumerate(passwords)))
    new = NewRig.of(rig, tmp_path)
    assert not any(word in new.text or word in repr(new.text) for word in passwords)
    assert (list(new.secrets), set(new.secrets.values())) == (names, set(passwords))


@pytest.mark.parametrize(
    ("visible", "infrared"),
    [
        ("rtsp://a:b@10.0.0.5/Streaming/Channels/101", "rtsp://a:b@10.0.0.5/Streaming/Channels/201"),
        ("rtsp://10.0.0.5/cam/realmonitor?channel=1&subtype=0", "rtsp://10.0.0.5/cam/realmonitor?channel=2&subtype=0"),
        (
            "rtsp://10.0.0.5/axis-media/media.amp?fps=15&camera=1",
            "rtsp://10.0.0.5/axis-media/media.amp?fps=15&camera=2",
        ),
        ("rtsp://10.0.0.5/unicast/c1/s0/live", "rtsp://10.0.0.5/unicast/c2/s0/live"),
        ("rtsp://10.0.0.5:554/0/profile2/media.smp", "rtsp://10.0.0.5:554/1/profile2/media.smp"),
    ],
)
def test_the_thermal_channel_of_a_device_follows_from_the_visible_one(visible: str, infrared: str) -> None:
    assert thermal_channel(visible) == infrared


def test_an_address_that_has_no_known_second_channel_is_refused_without_its_password() -> None:
    with pytest.raises(Refused, match="its thermal channel is not known.*Name both") as refused:
        thermal_channel("rtsp://me:secret@10.0.0.5/main")
    assert "secret" not in str(refused.value)


def test_a_camera_without_a_frame_leaves_no_file(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", [flat(1)])
    words = ("--visible", tmp_path / "a.mp4", "--infrared", tmp_path / "gone.mp4", "--out", tmp_path / "rig.toml")
    assert "gone.mp4" in complaint_of(init, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


LAYOUTS = {
    "MSRS": ("{split}/vi/0000{number}D.png", "{split}/ir/0000{number}D.png"),
    "M3FD": ("Vis/{split}{number}.png", "Ir/{split}{number}.png"),
    "LLVIP": ("visible/{split}/{number}.jpg", "infrared/{split}/{number}.jpg"),
    "KAIST": ("set00/{split}/visible/I{number}.jpg", "set00/{split}/lwir/I{number}.jpg"),
    "FLIR ADAS": ("{split}/RGB/FLIR_{number}.jpg", "{split}/thermal_8_bit/FLIR_{number}.jpeg"),
    "FLIR ADAS, one folder": ("FLIR_{split}{number}_RGB.jpg", "FLIR_{split}{number}_PreviewData.jpeg"),
    "DJI": ("DJI_2024_{split}_{number}_W.JPG", "DJI_2024_{split}_{number}_T.JPG"),
    "RoadScene": ("crop_LR_visible/{split}{number}.jpg", "cropinfrared/{split}{number}.jpg"),
    "TNO": ("{split}{number}/VIS_a.bmp", "{split}{number}/IR_a.bmp"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_with_the_names_of_a_data_set(layout: str, tmp_path: Path) -> None:
    for split, number in product(("train", "test"), range(2)):
        for side, pattern in enumerate(LAYOUTS[layout]):
            path = tmp_path / "set" / pattern.format(split=split, number=number)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_picture(path, flat(100 + 40 * number, 32, 24, 3 - 2 * side))
    call(init, tmp_path / "set", "--no-align", "--out", tmp_path / "rig.toml")
    with open_rig(Rig.from_file(tmp_path / "rig.toml")) as stream:
        pairs = list(stream)
    assert len(pairs) == 4
    assert all(abs(int(one.visible.pixels.mean()) - int(one.infrared.pixels.mean())) < 3 for one in pairs)


def test_a_folder_of_radiometric_files_is_both_sides(tmp_path: Path) -> None:
    pytest.importorskip("flyr")
    warm = np.add.outer(np.arange(24), np.arange(32)) / 4
    for number in range(2):
        counts = counts_of(20.0 + number + warm)
        write_flir_jpeg(tmp_path / f"FLIR{number}.jpg", counts, flat(9, 32, 24), flat(80, 64, 48))
    told = call(init, tmp_path, "--no-align", "--out", tmp_path / "rig.toml").output
    assert "visible: 64x48, 8 bit colour" in told
    assert "infrared: 32x24, floating gray" in told
    with open_rig(Rig.from_file(tmp_path / "rig.toml")) as stream:
        assert len(list(stream)) == 2
