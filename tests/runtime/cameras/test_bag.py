"""A topic of a bag as a camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer

from coconet.errors import CoconetError
from coconet.media.pixels import RawPixels
from coconet.runtime.cameras.open_camera import CameraSettings, Role, check_sources, open_camera
from coconet.runtime.frame import Frame
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from coconet.writing.sources import Sources
from tests.support.media.recordings import flat, write_video
from tests.support.ros.bags import (
    FIRST_NS,
    IMAGE,
    STEP_NS,
    TYPES,
    Messages,
    header,
    image,
    stamp,
    two_cameras,
    write_bag,
    write_mcap,
    write_mcap_itself,
)


def frames(address: str, role: Role, settings: CameraSettings | None = None) -> list[Frame]:
    camera = open_camera(address, role, settings)
    try:
        return list(iter(camera.read, None))
    finally:
        camera.close()


def sent(topics: Messages, name: str, kind: str) -> list[RawPixels]:
    return [np.frombuffer(one.data, kind).reshape(one.height, one.width, -1) for _, one in topics[name]]


def test_frames_are_what_was_sent_at_the_nanosecond_it_was_stamped(tmp_path: Path) -> None:
    topics = two_cameras()
    path = write_bag(tmp_path / "run", topics)
    for role, name, kind, later in (
        ("visible", "/camera/image_raw", "u1", 0),
        ("infrared", "/thermal/image_raw", "u2", 7),
    ):
        found = frames(f"{path}#{name}", "visible" if role == "visible" else "infrared")
        assert [frame.timestamp_ns for frame in found] == [stamp(at) + later for at in range(4)]
        assert all(map(np.array_equal, (frame.pixels for frame in found), sent(topics, name, kind)))


def test_a_rig_of_two_topics_keeps_the_stamps_and_the_gap_between_them(tmp_path: Path) -> None:
    path = write_mcap(tmp_path / "run.mcap", two_cameras())
    with open_rig(Rig.from_addresses(f"{path}#/camera/image_raw", f"{path}#/thermal/image_raw")) as stream:
        pairs = list(stream)
    assert [(pair.timestamp_ns, pair.skew_ns) for pair in pairs] == [(stamp(at), 7) for at in range(4)]


def test_headers_without_stamps_leave_the_times_of_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topics: Messages = {"/thermal/image_raw": [(IMAGE, image(flat(9, channels=1), "mono8", 0))] * 3}
    found = frames(f"{write_mcap(tmp_path / 'run.mcap', topics)}#/thermal/image_raw", "infrared")
    assert [frame.timestamp_ns for frame in found] == [stamp(at) + 10**6 for at in range(3)]
    assert "the times of recording are taken" in capsys.readouterr().err


def stamped(topics: Messages, name: str, stamps_ns: list[int]) -> None:
    for (_, message), stamp_ns in zip(topics[name], stamps_ns, strict=True):
        message.header = header(stamp_ns)


def paired_stamps(path: Path) -> list[tuple[int, int]]:
    with open_rig(Rig.from_addresses(f"{path}#/camera/image_raw", f"{path}#/thermal/image_raw")) as stream:
        return [(pair.timestamp_ns, pair.skew_ns) for pair in stream]


@pytest.mark.parametrize("name", ["/camera/image_raw", "/thermal/image_raw"])
@pytest.mark.parametrize("bare", [0, 3])
def test_one_header_without_a_stamp_leaves_its_time_of_recording_by_the_clock_of_the_others(
    tmp_path: Path, name: str, bare: int, capsys: pytest.CaptureFixture[str]
) -> None:
    topics = two_cameras(8)
    later = 7 if "thermal" in name else 0
    stamped(topics, name, [0 if at == bare else stamp(at) + later for at in range(8)])
    assert paired_stamps(write_mcap(tmp_path / "run.mcap", topics)) == [(stamp(at), 7) for at in range(8)]
    assert not capsys.readouterr().err


@pytest.mark.parametrize("name", ["/camera/image_raw", "/thermal/image_raw"])
def test_where_one_topic_has_no_stamps_both_go_by_the_times_of_recording(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    topics = two_cameras(8)
    stamped(topics, name, [0] * 8)
    assert paired_stamps(write_mcap(tmp_path / "run.mcap", topics)) == [(stamp(at) + 10**6, 0) for at in range(8)]
    assert "goes by the times of recording too" in capsys.readouterr().err


@pytest.mark.parametrize("realtime", [False, True])
def test_a_robots_clock_that_is_set_back_loses_no_pair(
    tmp_path: Path, realtime: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    topics, back_ns = two_cameras(20), 2 * 10**9
    stamps = [stamp(at) - back_ns * (at >= 10) for at in range(20)]
    stamped(topics, "/camera/image_raw", stamps)
    stamped(topics, "/thermal/image_raw", [one + 7 for one in stamps])
    path = write_mcap(tmp_path / "run.mcap", topics)
    rig = Rig.from_addresses(f"{path}#/camera/image_raw", f"{path}#/thermal/image_raw", realtime=realtime)
    with open_rig(rig) as stream:
        pairs = list(stream)
        counts = stream.counts
    assert counts.visible.read == counts.infrared.read == 20
    assert not counts.visible.unpaired.stale + counts.infrared.unpaired.stale
    if not realtime:
        assert [(pair.timestamp_ns, pair.skew_ns) for pair in pairs] == [(stamp(at), 7) for at in range(20)]
    assert "its clock jumps by -2.0 s" in capsys.readouterr().err


def test_stamps_that_begin_at_0_as_simulated_time_does_are_stamps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topics = two_cameras(6)
    for name in topics:
        stamped(topics, name, [at * STEP_NS for at in range(6)])
    assert paired_stamps(write_mcap(tmp_path / "run.mcap", topics)) == [(at * STEP_NS, 0) for at in range(6)]
    assert not capsys.readouterr().err


def test_a_topic_without_messages_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        writer.add_connection("/camera/image_raw", IMAGE, typestore=TYPES)
    with pytest.raises(CoconetError, match=r"run#/camera/image_raw holds no messages\. Look"):
        open_camera(f"{path}#/camera/image_raw", "visible")


def test_a_pause_of_both_topics_stays_in_their_stamps(tmp_path: Path) -> None:
    topics = two_cameras(20)
    stamps = [stamp(at) + 300 * 10**9 * (at >= 10) for at in range(20)]
    stamped(topics, "/camera/image_raw", stamps)
    stamped(topics, "/thermal/image_raw", [one + 7 for one in stamps])
    assert paired_stamps(write_mcap(tmp_path / "run.mcap", topics)) == [(one, 7) for one in stamps]


def test_a_video_beside_a_bag_has_the_clock_of_the_bag(tmp_path: Path) -> None:
    path = write_mcap(tmp_path / "run.mcap", two_cameras())
    video = write_video(tmp_path / "day.mp4", [flat(50, 48, 32)] * 4, 30.0)
    for sides in ((str(video), f"{path}#/thermal/image_raw"), (f"{path}#/camera/image_raw", str(video))):
        with open_rig(Rig.from_addresses(*sides)) as stream:
            pairs = list(stream)
        assert [abs(pair.skew_ns) < 10**6 for pair in pairs] == [True] * 4
        assert [abs(pair.timestamp_ns - stamp(at)) < 10**6 for at, pair in enumerate(pairs)] == [True] * 4


def test_an_image_that_is_damaged_is_the_error_or_is_counted(tmp_path: Path) -> None:
    topics = {name: list(entries) for name, entries in two_cameras().items()}
    topics["/thermal/image_raw"][1][1].data = topics["/thermal/image_raw"][1][1].data[:100]
    address = f"{write_mcap(tmp_path / 'run.mcap', topics)}#/thermal/image_raw"
    with pytest.raises(CoconetError, match=r"with 100 bytes.*--on-error skip"):
        frames(address, "infrared")
    camera = open_camera(address, "infrared", CameraSettings(leaves_out_damage=True))
    assert len(list(iter(camera.read, None))) == 3
    assert getattr(camera, "damaged", 0) == 1
    camera.close()


def test_a_recording_that_was_killed_is_read_under_its_unfinished_name(tmp_path: Path) -> None:
    whole = write_mcap_itself(tmp_path / "run.mcap", two_cameras(40, 64, 96), chunk_size=50_000)
    left = tmp_path / "night.mcap.unfinished"
    left.write_bytes(whole.read_bytes()[:600_000])
    found = frames(f"{left}#/thermal/image_raw", "infrared", CameraSettings(leaves_out_damage=True))
    assert 0 < len(found) < 40
    assert found[0].timestamp_ns == FIRST_NS + 7


def test_settings_that_mean_nothing_to_a_bag_are_refused(tmp_path: Path) -> None:
    address = f"{write_mcap(tmp_path / 'run.mcap', two_cameras())}#/thermal/image_raw"
    for settings in (CameraSettings(fps=30), CameraSettings(decoder="nvdec"), CameraSettings(size_px=(64, 64))):
        with pytest.raises(CoconetError, match="Leave"):
            open_camera(address, "infrared", settings)


def test_a_bag_is_an_input_that_no_output_may_harm(tmp_path: Path) -> None:
    file, folder = write_mcap(tmp_path / "run.mcap", two_cameras()), write_bag(tmp_path / "bag", two_cameras())
    sources = Sources()
    sources.add(Path(f"{file}#/thermal/image_raw"))
    sources.add(Path(f"{folder}#/camera/image_raw"))
    assert sources.harmed_by(file) is not None
    assert sources.harmed_by(folder / "metadata.yaml") is not None
    assert sources.harmed_by(tmp_path / "other.mcap") is None


def test_a_bag_that_is_not_there_is_missed_before_anything_begins(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="does not exist"):
        check_sources(f"{tmp_path}/night.mcap#/thermal/image_raw")
