"""Recording and replaying: bit for bit, with their times, and what is left after a crash or on a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.lossless_video import RawVideoReader, RawVideoWriter
from coconet.media.pixels import RawPixels
from coconet.runtime.cameras.open_camera import open_camera
from coconet.runtime.cameras.recorded import RecordedCamera
from coconet.runtime.commands.record import record
from coconet.runtime.frame import Frame
from coconet.runtime.preprocess.warp import Plane
from coconet.runtime.rig.edit import write_replay_rig
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.recorder import Recorder
from coconet.runtime.rig.rig_file import Rig
from tests.support.media.recordings import ListCamera
from tests.support.programs.called import call, complaint_of
from tests.support.rigs.live_rig import until

MS = 10**6


def pictures(kind: str, count: int = 7) -> list[RawPixels]:
    dtype: type[np.uint8 | np.uint16] = np.uint16 if kind == "counts" else np.uint8
    shape = (45, 61, 3 if kind == "bgr" else 1)
    rng = np.random.default_rng(4)
    return [rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True) for _ in range(count)]


def frames(kind: str, count: int = 7, start_ms: int = 5000) -> list[Frame]:
    stamps = [(start_ms + 33 * index + index % 3) * MS + 17 for index in range(count)]
    return [
        Frame(pixels, stamp, index + 3, "", "driver")
        for index, (pixels, stamp) in enumerate(zip(pictures(kind, count), stamps, strict=True))
    ]


def recorded(folder: Path, visible: list[Frame], infrared: list[Frame]) -> Recorder:
    with Recorder(ListCamera(visible), ListCamera(infrared), folder) as recorder:
        while not recorder.finished:
            time.sleep(0.01)
    return recorder


def replayed(camera: RecordedCamera) -> list[Frame]:
    found = []
    while (frame := camera.read()) is not None:
        found.append(frame)
    camera.close()
    return found


def test_cameras_are_closed_if_the_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cameras = ListCamera(frames("bgr")), ListCamera(frames("counts"))
    with pytest.raises(CoconetError), Recorder(*cameras, tmp_path / "file" / "recording"):
        pass
    assert all(camera.closed for camera in cameras)


@pytest.mark.parametrize("kind", ["counts", "gray", "bgr"])
def test_a_lossless_video_gives_back_every_bit(tmp_path: Path, kind: str) -> None:
    writer = RawVideoWriter(tmp_path / "a.mkv")
    for index, pixels in enumerate(pictures(kind)):
        writer.write(pixels, index * 40 * MS)
    writer.close()
    reader = RawVideoReader(tmp_path / "a.mkv")
    assert all(
        np.array_equal(one, other) and one.dtype == other.dtype
        for one, other in zip(reader, pictures(kind), strict=True)
    )
    reader.close()


def test_both_streams_replay_bit_for_bit_with_their_times_to_the_nanosecond(tmp_path: Path) -> None:
    given = {"visible": frames("bgr"), "infrared": frames("counts", start_ms=5004)}
    recorded(tmp_path / "night", given["visible"], given["infrared"])
    found = {side: replayed(RecordedCamera(tmp_path / "night" / f"{side}.mkv")) for side in given}
    for side, before in given.items():
        assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(found[side], before, strict=True))
        assert [frame.index for frame in found[side]] == [frame.index for frame in before]
        assert np.array_equal(
            np.diff([frame.timestamp_ns for frame in found[side]]), np.diff([frame.timestamp_ns for frame in before])
        )
    assert found["infrared"][0].timestamp_ns - found["visible"][0].timestamp_ns == 4 * MS


def test_both_sides_have_one_zero_of_time_though_their_first_frames_come_at_once(tmp_path: Path) -> None:
    recorder = Recorder(ListCamera([]), ListCamera([]), tmp_path / "out")
    zeros: list[int] = []
    other = Thread(target=lambda: zeros.append(recorder.origin_ns(frames("gray", 1, start_ms=20)[0])))

    class First:
        @property
        def timestamp_ns(self) -> int:
            """Its time, while the other side asks for its own."""
            other.start()
            other.join(0.2)
            return 10

    first: Any = First()
    zeros.append(recorder.origin_ns(first))
    other.join()
    assert zeros == [10, 10]


def test_a_recording_is_known_by_the_stamps_beside_it(tmp_path: Path) -> None:
    recorded(tmp_path / "night", frames("bgr"), frames("counts"))
    camera = open_camera(str(tmp_path / "night" / "infrared.mkv"), "infrared")
    assert isinstance(camera, RecordedCamera)
    assert (camera.frames_expected, camera.interrupted) == (7, False)
    camera.close()


def test_the_command_records_a_rig_that_replays_with_the_same_settings(tmp_path: Path) -> None:
    address = "synthetic://?fps=50&width=64&height=48&duration_s=0.4"
    text = f'realtime = true\n[visible]\naddress = "{address}"\n[infrared]\naddress = "{address}"\nblack_hot = true\n'
    (tmp_path / "rig.toml").write_text(text)
    assert call(record, tmp_path / "rig.toml", "--out", tmp_path / "night").exit_code == 0
    rig = Rig.from_file(tmp_path / "night" / "rig.toml")
    assert (rig.infrared.black_hot, rig.realtime) == (True, False)
    with open_rig(rig) as pairs:
        assert [pair.skew_ns for pair in pairs] == [0] * 20


def test_the_command_records_two_addresses_without_a_rig_file(tmp_path: Path) -> None:
    address = "synthetic://?fps=50&width=64&height=48&duration_s=0.2"
    words = ("--visible", address, "--infrared", address, "--black-hot", "--out", tmp_path / "night")
    assert call(record, *words).exit_code == 0
    rig = Rig.from_file(tmp_path / "night" / "rig.toml")
    assert rig.infrared.black_hot
    with open_rig(rig) as pairs:
        assert len(list(pairs)) == 10


def test_a_folder_that_is_there_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "night").mkdir()
    (tmp_path / "night" / "diary.txt").touch()
    with pytest.raises(CoconetError, match="night already exists, and is not a recording"):
        recorded(tmp_path / "night", frames("bgr"), frames("counts"))


@pytest.mark.parametrize("there", [False, True])
def test_a_link_is_followed_to_the_folder_that_it_names(tmp_path: Path, there: bool) -> None:
    if there:
        recorded(tmp_path / "night", frames("bgr", 3), frames("counts", 3))
    (tmp_path / "link").symlink_to("night")
    recorded(tmp_path / "link", frames("bgr"), frames("counts"))
    assert len(replayed(RecordedCamera(tmp_path / "night" / "visible.mkv"))) == 7
    assert (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "night"]


def test_a_link_to_itself_is_refused_before_anything_is_recorded(tmp_path: Path) -> None:
    (tmp_path / "night").symlink_to("night")
    with pytest.raises(CoconetError, match="already exists, and is not a recording"):
        recorded(tmp_path / "night", frames("bgr"), frames("counts"))
    assert [path.name for path in tmp_path.iterdir()] == ["night"]


def test_pictures_of_a_size_that_the_codec_does_not_take_are_one_clear_error(tmp_path: Path) -> None:
    dots = [Frame(np.zeros((1, 1, 1), np.uint8), at * 40 * MS, at) for at in range(3)]
    with pytest.raises(CoconetError, match="cannot hold pictures of 1x1: FFV1 does not take that size"):
        recorded(tmp_path / "night", frames("bgr", 3), dots)


def test_a_recording_is_only_replaced_by_one_that_is_whole(tmp_path: Path) -> None:
    recorded(tmp_path / "night", frames("bgr"), frames("counts"))
    before = (tmp_path / "night" / "visible.mkv").read_bytes()
    with pytest.raises(CoconetError, match="was not recorded: no frame came"):
        recorded(tmp_path / "night", frames("bgr"), [])
    assert (tmp_path / "night" / "visible.mkv").read_bytes() == before
    recorded(tmp_path / "night", frames("bgr", 3), frames("counts", 3))
    assert len(replayed(RecordedCamera(tmp_path / "night" / "visible.mkv"))) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["night", "night-damaged.unfinished"]  # the failed one


def test_a_whole_recording_that_lost_its_end_is_told(tmp_path: Path) -> None:
    recorded(tmp_path / "night", frames("bgr"), frames("counts"))
    video = tmp_path / "night" / "infrared.mkv"
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    with pytest.raises(CoconetError, match="does not agree with its stamps: the pictures end after"):
        replayed(RecordedCamera(video))


RECORD = """
import resource, signal, sys, time
from pathlib import Path
from coconet.errors import CoconetError
from coconet.runtime.preprocess.warp import Plane
from coconet.runtime.cameras.open_camera import open_camera
from coconet.runtime.rig.recorder import Recorder
from coconet.runtime.cameras.files import Pace, PacedCamera
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
pace = Pace()
address = "synthetic://?fps=25&width=64&height=48"
cameras = [PacedCamera(open_camera(address, side), pace) for side in ("visible", "infrared")]
try:
    with Recorder(*cameras, Path(sys.argv[1])) as recorder:
        while not recorder.finished:
            time.sleep(0.02)
            print(min(count.written for count in recorder.counts().values()), flush=True)
except CoconetError as error:
    print(error, flush=True)
"""


def started(folder: Path, limit: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", RECORD, str(folder), str(limit)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])


def test_a_crash_costs_less_than_a_second(tmp_path: Path) -> None:
    with started(tmp_path / "night", 0) as process:
        assert process.stdout is not None
        written = next(count for line in process.stdout if (count := int(line)) >= 60)
        os.kill(process.pid, signal.SIGKILL)
    for side in ("visible", "infrared"):
        camera = RecordedCamera(tmp_path / "night.unfinished" / f"{side}.mkv")
        assert camera.interrupted
        assert len(replayed(camera)) > written - 25
    assert not (tmp_path / "night").exists()


def test_a_full_disk_is_told_and_what_was_recorded_replays(tmp_path: Path) -> None:
    with started(tmp_path / "night", 400_000) as process:
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
    assert "cannot be recorded to: File too large. What was recorded" in lines[-1]
    video = tmp_path / "night.unfinished" / "visible.mkv"
    assert len(replayed(RecordedCamera(video))) > int(lines[-2]) - 25


def test_a_disk_that_is_full_from_the_start_leaves_no_recording(tmp_path: Path) -> None:
    with started(tmp_path / "night", 10) as process:
        assert process.stdout is not None
        said = process.stdout.read()
    assert f"{tmp_path / 'night'} cannot be recorded to: File too large. Free space" in said
    assert list(tmp_path.iterdir()) == []


def test_a_missing_rig_file_is_named(tmp_path: Path) -> None:
    assert "none.toml does not exist; expected a rig file" in complaint_of(
        record, tmp_path / "none.toml", "--out", tmp_path / "night"
    )


def test_lenses_and_distances_of_a_rig_are_in_the_rig_file_of_its_recording(tmp_path: Path) -> None:
    plane = {"parallax_px_m": [40, 0], "aligned_at_m": 20, "distance_m": 5}
    fields = {"visible": {"address": "a"}, "infrared": {"address": "b"}, "alignment": {"plane": plane}}
    (tmp_path / "rig.toml").write_text(write_replay_rig(fields))
    assert Rig.from_file(tmp_path / "rig.toml").alignment.plane == Plane((40, 0), 20, 5)


@pytest.mark.parametrize(("infrared", "left"), [([], []), (frames("counts"), ["night.unfinished"])])
def test_a_recording_that_could_not_be_replayed_does_not_get_its_name(
    tmp_path: Path, infrared: list[Frame], left: list[str]
) -> None:
    with pytest.raises(CoconetError, match="night was not recorded: no frame came from the visible"):
        recorded(tmp_path / "night", [], infrared)
    assert [path.name for path in tmp_path.iterdir()] == left


def test_a_recording_that_is_stopped_before_the_first_frame_leaves_nothing(tmp_path: Path) -> None:
    with Recorder(ListCamera([]), ListCamera([]), tmp_path / "night") as recorder:
        recorder.end_early()
    assert list(tmp_path.iterdir()) == []


def test_a_camera_that_is_stuck_is_not_waited_for_and_is_closed_once_it_answers(tmp_path: Path) -> None:
    class Stuck(ListCamera):
        def __init__(self) -> None:
            super().__init__([], realtime=True)
            self.freed = Event()

        def read(self) -> None:
            self.freed.wait()

    cameras = Stuck(), Stuck()
    with Recorder(*cameras, tmp_path / "night") as recorder:
        recorder.end_early()
    assert [camera.closed for camera in cameras] == [False, False]
    for camera in cameras:
        camera.freed.set()
    assert until(lambda: all(camera.closed for camera in cameras))


def test_seconds_of_recordings_are_those_of_their_stamps(tmp_path: Path) -> None:
    address = "synthetic://?width=64&height=48&fps=20&duration_s=30"
    rig = tmp_path / "rig.toml"
    rig.write_text(f'[visible]\naddress = "{address}"\n[infrared]\naddress = "{address}"\n')
    call(record, rig, "--out", tmp_path / "cut", "--seconds", 2)
    for side in ("visible", "infrared"):
        times = [frame.timestamp_ns for frame in replayed(RecordedCamera(tmp_path / "cut" / f"{side}.mkv"))]
        assert len(times) == 40
        assert times[-1] - times[0] < 2 * 10**9


def test_a_camera_that_changes_its_size_or_type_is_recorded_in_parts_that_replay_as_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    shapes = [(48, 64, 3)] * 3 + [(24, 32, 3)] * 2 + [(48, 64, 3)] * 3
    visible = [Frame(rng.integers(0, 256, shape, np.uint8), at * 40 * MS, at) for at, shape in enumerate(shapes)]
    infrared = [frames("counts")[0], *frames("gray")[1:]]
    recorded(tmp_path / "night", visible, infrared)
    assert (tmp_path / "night" / "visible-3.mkv").is_file()
    for side, given in (("visible", visible), ("infrared", infrared)):
        back = replayed(RecordedCamera(tmp_path / "night" / f"{side}.mkv"))
        assert [frame.pixels.dtype for frame in back] == [frame.pixels.dtype for frame in given]
        assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(back, given, strict=True))


@pytest.mark.parametrize(
    ("visible", "infrared", "left"),
    [(b"", b"", ["night"]), (b"\x1aE\xdf\xa3", b"", ["night", "night-damaged.unfinished"])],
)
def test_a_kill_before_both_cameras_gave_a_frame_leaves_no_recording_that_does_not_replay(
    tmp_path: Path, visible: bytes, infrared: bytes, left: list[str]
) -> None:
    (tmp_path / "night.unfinished").mkdir()
    for side, content in (("visible", visible), ("infrared", infrared)):
        (tmp_path / "night.unfinished" / f"{side}.mkv").write_bytes(content)
    recorded(tmp_path / "night", frames("bgr"), frames("counts"))
    assert sorted(path.name for path in tmp_path.iterdir()) == left
