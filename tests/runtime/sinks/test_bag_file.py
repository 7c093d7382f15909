"""Fused frames in an MCAP file, read by the libraries of others."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader

import coconet
from coconet.errors import CoconetError
from coconet.runtime.api.cameras import AdaptedCamera
from coconet.runtime.cameras.pushed import PushedCamera
from coconet.runtime.frame import Frame, FramePair, FusedFrame
from coconet.runtime.ros.image_message import pixels_of
from coconet.runtime.ros.messages import COMPRESSED, DIAGNOSTICS, NUMBER, OK, WARN, stamp_of
from coconet.runtime.sinks.bag_file import PICTURES, SKEW, STATE
from coconet.runtime.sinks.open_sink import Output, open_sink
from tests.support.media.frames import fused_frame, timed_frame
from tests.support.programs.command_line import command
from tests.support.ros.bags import stamp, two_cameras, write_mcap

SHORT = "synthetic://?width=64&height=48&duration_s=0.2"


def written(path: Path, frames: list[FusedFrame]) -> Path:
    sink = open_sink(str(path))
    for frame in frames:
        sink.write(frame)
    sink.close()
    return path


class _Once:
    """A camera of one frame."""

    def __init__(self, frame: coconet.Frame, realtime: bool) -> None:
        self.frames, self.realtime = [frame], realtime

    def read(self) -> coconet.Frame | None:
        return self.frames.pop() if self.frames else None


def messages(path: Path, topic: str) -> list[tuple[int, Any]]:
    """What rosbags reads, with the times of recording."""
    with AnyReader([path]) as reader:
        ours = [one for one in reader.connections if one.topic == topic]
        return [(time_ns, reader.deserialize(data, one.msgtype)) for one, time_ns, data in reader.messages(ours)]


def test_pictures_skew_and_state_carry_the_time_of_their_pair(tmp_path: Path) -> None:
    path = written(tmp_path / "fused.mcap", [fused_frame(at, 40 * at) for at in range(3)])
    times = [10**9 + at * 40_000_000 for at in range(3)]
    pictures = messages(path, PICTURES)
    assert [(time_ns, stamp_of(one)) for time_ns, one in pictures] == [(time_ns, time_ns) for time_ns in times]
    assert [int(pixels_of(one, "fused").mean()) for _, one in pictures] == [0, 40, 80]
    assert [one.data for _, one in messages(path, SKEW)] == [0.0] * 3
    assert [one.status[0].level for _, one in messages(path, STATE)] == [OK] * 3


def test_the_state_tells_both_stamps_and_what_a_viewer_has_to_know(tmp_path: Path) -> None:
    (fused,) = [timed_frame(2.0, 1.5, frozenset({"infrared"}))]
    lost = FusedFrame(fused.pixels, replace(fused.pair, notice="infrared lost for 2 s"), 2.0)
    path = written(tmp_path / "fused.mcap", [lost])
    ((_, message),) = messages(path, STATE)
    (status,) = message.status
    values = {one.key: one.value for one in status.values}
    assert (status.level, status.message) == (WARN, "infrared lost for 2 s")
    told = [values[key] for key in ("visible_stamp_ns", "infrared_stamp_ns", "skew_ms", "missing")]
    assert told == ["0", "", "", "infrared"]  # nothing is made up for a camera that gave nothing
    with path.open("rb") as file:
        assert [channel.topic for _, channel, _ in make_reader(file).iter_messages()] == [PICTURES, STATE]


def test_frames_of_live_cameras_are_stamped_since_1970(tmp_path: Path) -> None:
    now_ns = time.monotonic_ns()
    frame = Frame(fused_frame().pixels, now_ns, 0, stamps="driver")
    path = written(tmp_path / "fused.mcap", [FusedFrame(frame.pixels, FramePair(frame, frame), 1.0)])
    ((time_ns, message),) = messages(path, PICTURES)
    assert stamp_of(message) == time_ns
    assert abs(time_ns - now_ns - (time.time_ns() - time.monotonic_ns())) < 3600 * 10**9


@pytest.mark.parametrize("realtime", [True, False])
@pytest.mark.parametrize(("clock", "kind"), [(time.monotonic_ns, "driver"), (time.time_ns, "epoch")])
def test_stamps_of_either_clock_are_written_since_1970_once(
    clock: Callable[[], int], kind: str, realtime: bool, tmp_path: Path
) -> None:
    """A camera of one's own with `read`, and one that is pushed: frames say no more than their number."""
    now_ns = clock()
    pushed, own = PushedCamera(), _Once(coconet.Frame(np.zeros((4, 6), np.uint8), now_ns, 0), realtime)
    pushed.push(np.zeros((4, 6), np.uint8), now_ns)
    for number, frame in enumerate((pushed.read(), AdaptedCamera(own, "visible", "auto").read())):
        assert frame is not None
        assert frame.timestamp_ns == now_ns
        path = written(tmp_path / f"{number}.mcap", [FusedFrame(frame.pixels, FramePair(frame, frame), 1.0)])
        ((time_ns, message),) = messages(path, PICTURES)
        values = {one.key: one.value for one in messages(path, STATE)[0][1].status[0].values}
        assert time_ns == stamp_of(message) == int(values["visible_stamp_ns"]) == int(values["infrared_stamp_ns"])
        if kind == "epoch" or (number and not realtime):
            assert time_ns == now_ns
        else:
            assert abs(time_ns - time.time_ns()) < 3600 * 10**9


@pytest.mark.parametrize(("address", "kept"), [("bag", True), (SHORT, False)])
def test_a_replay_as_if_live_keeps_headers_and_is_stamped_since_1970_otherwise(
    address: str, kept: bool, tmp_path: Path
) -> None:
    sides = [address, address]
    if kept:
        bag = write_mcap(tmp_path / "run.mcap", two_cameras(6, 48, 64))
        sides = [f"{bag}#/camera/image_raw", f"{bag}#/thermal/image_raw"]
    rig = coconet.Rig.from_addresses(*sides, realtime=True)
    with coconet.load("average") as fuse:
        coconet.run(coconet.open_pairs(rig), fuse, out=tmp_path / "fused.mcap")
    times = [time_ns for time_ns, _ in messages(tmp_path / "fused.mcap", PICTURES)]
    states = [one.status[0] for _, one in messages(tmp_path / "fused.mcap", STATE)]
    seen = [int(one.value) for state in states for one in state.values if one.key == "visible_stamp_ns" and one.value]
    assert times
    assert set(seen) <= set(times)
    if kept:
        assert set(times) <= {stamp(at) + late for at in range(6) for late in (0, 7)}
    else:
        assert all(abs(time_ns - time.time_ns()) < 3600 * 10**9 for time_ns in times)


def test_a_time_that_no_message_can_hold_is_one_error_that_says_so(tmp_path: Path) -> None:
    late = FusedFrame(fused_frame().pixels, FramePair(*[Frame(fused_frame().pixels, 2**31 * 10**9, 0)] * 2), 1.0)
    sink = open_sink(str(tmp_path / "fused.mcap"))
    with pytest.raises(CoconetError, match=r"timestamp_ns is 2147483648 s, which no message of ROS can hold.*time_ns"):
        sink.write(late)
    sink.discard()


def test_definitions_lie_in_the_file_as_foxglove_and_ros_2_want_them(tmp_path: Path) -> None:
    path = written(tmp_path / "fused.mcap", [fused_frame()])
    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    kinds = {schema.name: (schema.encoding, schema.data.decode()) for schema in summary.schemas.values()}
    assert kinds.keys() == {COMPRESSED, NUMBER, DIAGNOSTICS}
    assert {encoding for encoding, _ in kinds.values()} == {"ros2msg"}
    assert "MSG: std_msgs/Header" in kinds[COMPRESSED][1]
    assert {channel.message_encoding for channel in summary.channels.values()} == {"cdr"}


def test_a_bag_of_others_is_fused_into_one_of_ours_to_the_nanosecond(tmp_path: Path) -> None:
    path = write_mcap(tmp_path / "run.mcap", two_cameras(6, 64, 96))
    ended = command("run", path, "--model", "pyramid", "--out", tmp_path / "fused.mcap", "--json", tmp_path / "r.json")
    assert (ended.code, json.loads((tmp_path / "r.json").read_text())["fused"]) == (0, 6), ended.err
    fused = messages(tmp_path / "fused.mcap", PICTURES)
    assert [stamp_of(one) for _, one in fused] == [stamp(at) for at in range(6)]
    assert [one.data for _, one in messages(tmp_path / "fused.mcap", SKEW)] == [7e-6] * 6


def test_a_bag_takes_no_encoder_and_no_rotation(tmp_path: Path) -> None:
    bag, out = write_mcap(tmp_path / "run.mcap", two_cameras()), tmp_path / "fused.mcap"
    for words in (("--encoder", "software"), ("--rotate-minutes", 1)):
        ended = command("run", bag, "--model", "pyramid", *words, "--out", out)
        assert (ended.code, str(words[0]) in ended.err) == (2, True)


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    run = write_mcap(tmp_path / "run.mcap", two_cameras())
    for out in (run, written(tmp_path / "fused.mcap", [fused_frame()])):
        with pytest.raises(CoconetError, match=out.name):
            Output(str(out)).check([f"{run}#/camera/image_raw"])
