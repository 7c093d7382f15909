"""Fused frames in an MCAP file, read by the libraries of others."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader

from coconet.errors import CoconetError
from coconet.runtime.frame import Frame, FramePair, FusedFrame
from coconet.runtime.ros.image_message import pixels_of
from coconet.runtime.ros.messages import COMPRESSED, DIAGNOSTICS, NUMBER, OK, WARN, stamp_of
from coconet.runtime.sinks.bag_file import PICTURES, SKEW, STATE
from coconet.runtime.sinks.open_sink import Output, open_sink
from tests.support.media.frames import fused_frame, timed_frame
from tests.support.programs.command_line import command
from tests.support.ros.bags import stamp, two_cameras, write_mcap


def written(path: Path, frames: list[FusedFrame]) -> Path:
    sink = open_sink(str(path))
    for frame in frames:
        sink.write(frame)
    sink.close()
    return path


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
    assert (values["infrared_stamp_ns"], values["skew_ms"], values["missing"]) == ("1500000", "1.500000", "infrared")
    with path.open("rb") as file:
        assert [channel.topic for _, channel, _ in make_reader(file).iter_messages()] == [PICTURES, STATE]


def test_frames_of_live_cameras_are_stamped_since_1970(tmp_path: Path) -> None:
    now_ns = time.monotonic_ns()
    frame = Frame(fused_frame().pixels, now_ns, 0, stamps="driver")
    path = written(tmp_path / "fused.mcap", [FusedFrame(frame.pixels, FramePair(frame, frame), 1.0)])
    ((time_ns, message),) = messages(path, PICTURES)
    assert stamp_of(message) == time_ns
    assert abs(time_ns - now_ns - (time.time_ns() - time.monotonic_ns())) < 3600 * 10**9


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
