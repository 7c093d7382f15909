"""Rigs recorded into MCAP files, which others read, and bags as rigs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from coconet.calibration.alignment.find_alignment import AlignmentSearch, align_rig
from coconet.calibration.int8.frame_source import check_frames, frames_at
from coconet.errors import CoconetError
from coconet.files import unfinished
from coconet.media.pixels import RawPixels
from coconet.reading import UNSAID
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.frame import Frame
from coconet.runtime.preprocess.warp import Lens
from coconet.runtime.rig.open_rig import open_rig, rig_lenses
from coconet.runtime.rig.recorder import Recorder
from coconet.runtime.rig.rig_file import Rig, written_rig
from coconet.runtime.ros.camera_info import info_topic, lens_of
from coconet.runtime.ros.image_message import pixels_of
from coconet.runtime.ros.known_info import KnownInfo
from coconet.runtime.ros.messages import stamp_of
from coconet.runtime.ros.recording_bag import TOPICS
from coconet.runtime.sinks.bag_file import FUSED_LENS, PICTURES
from tests.support.media.recordings import ListCamera
from tests.support.programs.command_line import command
from tests.support.rigs.live_rig import until
from tests.support.ros.bags import (
    IMAGE,
    INFO,
    Messages,
    camera_info,
    header,
    image,
    stamp,
    two_cameras,
    write_mcap,
    write_ros1,
)

LENS = "[alignment.infrared_lens]\nfocal_px = [60, 60]\ncentre_px = [32, 24]\n"
SYNTHETIC = "synthetic://?fps=50&width=64&height=48&duration_s=0.4"


def read_by_rosbags(path: Path, topic: str) -> list[tuple[int, RawPixels]]:
    """The stamps and pictures of a topic as another library gives them."""
    with AnyReader([path]) as reader:
        ours = [one for one in reader.connections if one.topic == topic]
        found = [reader.deserialize(data, one.msgtype) for one, _, data in reader.messages(ours)]
        return [(stamp_of(one), pixels_of(one, topic)) for one in found]


def record_all(visible: list[Frame], infrared: list[Frame], out: Path) -> None:
    with Recorder(ListCamera(visible), ListCamera(infrared), out) as recorder:
        assert until(lambda: recorder.finished)


def test_lenses_that_are_told_after_the_last_image_are_in_the_file(tmp_path: Path) -> None:
    frames = [Frame(np.zeros((24, 32, 1), np.uint8), stamp(at), at) for at in range(3)]
    with Recorder(ListCamera(frames), ListCamera(frames), tmp_path / "run.mcap") as recorder:
        assert until(lambda: recorder.finished)
        recorder.add_file(
            "rig.toml", f'[visible]\naddress = "{SYNTHETIC}"\n[infrared]\naddress = "{SYNTHETIC}"\n' + LENS
        )
    with AnyReader([tmp_path / "run.mcap"]) as reader:
        found = [one.topic for one, _, _ in reader.messages() if one.msgtype == INFO]
    assert found == [info_topic(TOPICS["infrared"])]


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_what_is_recorded_is_read_by_others_bit_for_bit_with_its_stamps(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(2)
    infrared = [Frame(rng.integers(0, 250, (24, 32, 1)).astype(kind), stamp(at) + 7, at) for at in range(5)]
    visible = [Frame(rng.integers(0, 250, (48, 64, 3)).astype(np.uint8), stamp(at), at) for at in range(5)]
    record_all(visible, infrared, tmp_path / "run.mcap")
    for frames, topic in ((visible, TOPICS["visible"]), (infrared, TOPICS["infrared"])):
        found = read_by_rosbags(tmp_path / "run.mcap", topic)
        assert [time_ns for time_ns, _ in found] == [frame.timestamp_ns for frame in frames]
        assert all(np.array_equal(pixels, frame.pixels) for (_, pixels), frame in zip(found, frames, strict=True))


def test_the_command_records_a_bag_that_replays_with_the_settings_of_its_rig(tmp_path: Path) -> None:
    text = f'[visible]\naddress = "{SYNTHETIC}"\n[infrared]\naddress = "{SYNTHETIC}"\nblack_hot = true\n'
    (tmp_path / "rig.toml").write_text(text + LENS)
    ended = command("record", tmp_path / "rig.toml", "--out", tmp_path / "run.mcap")
    assert (ended.code, f"coconet run {tmp_path}/run.mcap" in ended.out) == (0, True), ended.err
    rig = Rig.from_file(tmp_path / "run.mcap")
    assert rig.infrared.black_hot
    with open_rig(rig) as pairs:
        assert [pair.skew_ns for pair in pairs] == [0] * 20
    with AnyReader([tmp_path / "run.mcap"]) as reader:
        infos = [reader.deserialize(data, one.msgtype) for one, _, data in reader.messages() if one.msgtype == INFO]
    assert {lens_of(info, TOPICS["infrared"]) for info in infos} == {Lens((60, 60), (32, 24))}
    shown = [time_ns for time_ns, _ in read_by_rosbags(tmp_path / "run.mcap", TOPICS["infrared"])]
    assert [stamp_of(info) for info in infos] == shown  # one an image, by whose stamp they are found


@pytest.mark.parametrize("write", [write_mcap, write_ros1])
@pytest.mark.parametrize("model", ["plumb_bob", "equidistant"])
def test_the_camera_info_of_a_bag_goes_on_beside_each_image_that_is_recorded_or_fused(
    tmp_path: Path, write: Callable[[Path, Messages], Path], model: str
) -> None:
    """Whole, whatever its model, without a rig file; of the fused pictures it is that of the visible camera."""
    k, d = [60.0, 0, 320, 0, 61, 256, 0, 0, 1], [-0.1, 0.01, 0.001, 0.002]
    topics = {
        **two_cameras(4, 512, 640),
        "/camera/camera_info": [(INFO, camera_info(k, d, model))] * 4,
        "/thermal/camera_info": [(INFO, camera_info([59.0, *k[1:]], d, model))] * 4,
    }
    run = write(tmp_path / f"run{'.bag' if write is write_ros1 else '.mcap'}", topics)
    sides = ("--visible", f"{run}#/camera/image_raw", "--infrared", f"{run}#/thermal/image_raw")
    recorded, fused = tmp_path / "recorded.mcap", tmp_path / "fused.mcap"
    for words in (("record", *sides, "--out", recorded), ("run", *sides, "--model", "average", "--out", fused)):
        ended = command(*words)
        assert ended.code == 0, ended.err
    for path, topic, focal, later in (
        (recorded, info_topic(TOPICS["visible"]), 60.0, 0),
        (recorded, info_topic(TOPICS["infrared"]), 59.0, 7),
        (fused, FUSED_LENS, 60.0, 0),
    ):
        with AnyReader([path]) as reader:
            ours = [one for one in reader.connections if one.topic == topic]
            infos: list[Any] = [reader.deserialize(data, one.msgtype) for one, _, data in reader.messages(ours)]
        assert [stamp_of(info) for info in infos] == [stamp(at) + later for at in range(4)], topic
        assert {(info.distortion_model, *info.d, info.k[0], info.p[0], info.width) for info in infos} == {
            (model, *d, focal, focal / 2, 640)
        }


def test_the_frame_id_of_a_topic_goes_on_with_what_is_recorded_or_fused(tmp_path: Path) -> None:
    topics = {**two_cameras(4, 512, 640), "/camera/camera_info": [(INFO, camera_info([60.0] * 9, []))]}
    for name in ("/camera/image_raw", "/thermal/image_raw"):
        for at, (_, message) in enumerate(topics[name]):
            message.header = header(stamp(at), f"{name[1:7]}_optical")
    run = write_mcap(tmp_path / "run.mcap", topics)
    recorded, fused = tmp_path / "recorded.mcap", tmp_path / "fused.mcap"
    assert command("record", run, "--out", recorded).code == 0
    assert command("run", run, "--model", "average", "--out", fused).code == 0
    for path, topic, place in (
        (recorded, TOPICS["visible"], "camera_optical"),
        (recorded, info_topic(TOPICS["visible"]), "camera_optical"),
        (recorded, TOPICS["infrared"], "therma_optical"),
        (fused, PICTURES, "camera_optical"),
        (fused, FUSED_LENS, "camera_optical"),
    ):
        with AnyReader([path]) as reader:
            ours = [one for one in reader.connections if one.topic == topic]
            found: list[Any] = [reader.deserialize(data, one.msgtype) for one, _, data in reader.messages(ours)]
        assert [one.header.frame_id for one in found] == [place] * 4, topic


def test_a_bag_that_is_recorded_into_a_folder_is_said_to_lose_its_times(tmp_path: Path) -> None:
    run = write_mcap(tmp_path / "run.mcap", two_cameras())
    ended = command("record", run, "--out", tmp_path / "night")
    assert (ended.code, f"--out {tmp_path}/night.mcap keeps those of the bag" in ended.err) == (0, True)
    assert "keeps" not in command("record", run, "--out", tmp_path / "night.mcap").err


def test_a_camera_info_of_images_of_another_size_is_left_out() -> None:
    known = KnownInfo(recorded=camera_info([60.0, 0, 320, 0, 61, 256, 0, 0, 1], []), image_topic="/camera/image_raw")
    assert known.message((320, 256), 0, "visible") is None
    assert known.message((640, 512), 5, "visible").header.stamp.nanosec == 5
    assert KnownInfo().message((640, 512), 5, "visible") is None
    said = replace(known, lens=Lens((60, 60), (32, 24)))  # the rig file counts
    assert said.message((320, 256), 0, "visible").k[0] == 60


def test_a_recording_that_fails_stays_under_its_unfinished_name_and_is_read(tmp_path: Path) -> None:
    frames = [Frame(np.zeros((24, 32, 1), np.uint8), stamp(at), at) for at in range(3)]
    with pytest.raises(CoconetError, match="no frame came from the infrared camera"):
        record_all(frames, [], tmp_path / "run.mcap")
    assert not (tmp_path / "run.mcap").exists()
    left = unfinished(tmp_path / "run.mcap").rename(tmp_path / "left.mcap")
    assert [time_ns for time_ns, _ in read_by_rosbags(left, TOPICS["visible"])] == [stamp(at) for at in range(3)]


def test_a_recording_that_is_stopped_before_the_first_frame_leaves_nothing(tmp_path: Path) -> None:
    with Recorder(ListCamera([]), ListCamera([]), tmp_path / "run.mcap") as recorder:
        recorder.end_early()
    assert list(tmp_path.iterdir()) == []


def test_a_bag_is_a_rig_and_is_never_written_into(tmp_path: Path) -> None:
    path = write_mcap(tmp_path / "run.mcap", two_cameras())
    rig = Rig.from_file(path)
    assert (rig.visible.address, rig.infrared.address) == (f"{path}#/camera/image_raw", f"{path}#/thermal/image_raw")
    assert (written_rig(path), written_rig(tmp_path / "rig.toml")) == (None, tmp_path / "rig.toml")


def test_models_are_tried_and_calibrated_on_the_pairs_of_a_bag(tmp_path: Path) -> None:
    path = write_mcap(tmp_path / "run.mcap", two_cameras(12))
    assert [pair.timestamp_ns for pair in frames_at(path, UNSAID, 5)] == [stamp(at) for at in (0, 5, 10)]
    assert len(list(check_frames(path))) == 12


def bent(count: int = 8) -> Messages:
    """A synthetic rig whose infrared camera has the lens of its CameraInfo, by OpenCV's own distortion."""
    pairs = synthetic_pairs(count, 240, 320)
    return {
        "/camera/image_raw": [(IMAGE, image(one.visible.pixels, "bgr8", stamp(at))) for at, one in enumerate(pairs)],
        "/thermal/image_raw": [(IMAGE, image(one.infrared.pixels, "mono8", stamp(at))) for at, one in enumerate(pairs)],
        "/thermal/camera_info": [(INFO, camera_info((400, 0, 160, 0, 400, 120, 0, 0, 1), (0.01, 0, 0, 0, 0)))],
    }


def test_a_new_rig_of_a_bag_has_the_lens_of_its_camera_info(tmp_path: Path) -> None:
    path = write_mcap(tmp_path / "run.mcap", bent())
    lens = Lens((400, 400), (160, 120), (0.01, 0, 0, 0, 0))
    assert command("init", path, "--out", tmp_path / "rig.toml").code == 0
    rig = Rig.from_file(tmp_path / "rig.toml")
    assert (rig.alignment.infrared_lens, rig.alignment.visible_lens) == (lens, None)
    assert rig_lenses(Rig.from_file(path)) == (lens, None)
    assert align_rig(Rig.from_file(path), AlignmentSearch(2, 2)).alignment.infrared_lens == lens
