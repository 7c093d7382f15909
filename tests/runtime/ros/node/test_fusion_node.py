"""The node of ROS 2 on a stand-in for rclpy, with messages of the published definitions."""

from __future__ import annotations

import runpy
import sys
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.ros.image_message import pixels_of
from coconet.runtime.ros.messages import stamp_of
from coconet.runtime.ros.node.fusion_node import FusionNode, NodeTopics
from coconet.runtime.ros.node.parameters import changes_of, parameters_of
from coconet.runtime.ros.node.stamp_clock import StampClock
from coconet.runtime.threads.background import Background
from tests.support.programs.command_line import command
from tests.support.programs.import_graph import ROOT
from tests.support.ros.bags import FIRST_NS, image
from tests.support.ros.stand_in_rclpy import SENSOR_QOS, StandInNode, install_rclpy

RIG = Rig.from_addresses("ros://camera/image_raw", "ros://thermal/image_raw")

TOPICS = NodeTopics("/camera/image_raw", "/thermal/image_raw")


@contextmanager
def sending(
    node: StandInNode, visible: str = TOPICS.visible, infrared: str = TOPICS.infrared, colours: type = np.uint8
) -> Iterator[None]:
    """Two cameras at 50 a second, stamps 7 ns apart, until the block ends. colours: the type of visible samples."""
    stop, rng = Event(), np.random.default_rng(1)
    most, encoding = np.iinfo(colours).max, f"rgb{np.iinfo(colours).bits}"

    def send() -> None:
        step = 0
        while not stop.wait(0.02):
            if len(node.subscriptions) == 2:
                stamp_ns = FIRST_NS + step * 20_000_000
                node.send(visible, image(rng.integers(0, most, (24, 32, 3), colours), encoding, stamp_ns))
                node.send(infrared, image(rng.integers(0, 9000, (24, 32, 1), np.uint16), "16UC1", stamp_ns + 7))
                step += 1

    thread = Background(send, "send")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.stop(60)


def test_two_topics_become_fused_pictures_with_their_skew_and_state(monkeypatch: pytest.MonkeyPatch) -> None:
    node = install_rclpy(monkeypatch)
    with sending(node):
        ended = command("ros", "--model", "average", "--frames", 4)
    assert ended.code == 0, ended.err
    pictures, skews = node.published["/fused/image_raw"], node.published["/fused/skew_ms"]
    assert {(stamp_of(one) - FIRST_NS) % 20_000_000 for one in pictures} == {0}
    assert {pixels_of(one, "fused").shape for one in pictures} == {(24, 32, 3)}
    assert {one.header.frame_id for one in pictures} == {"camera"}
    assert {one.data for one in skews} == {7e-6}
    assert isinstance(pictures[0].data, array)
    status = node.published["/diagnostics"][0].status[0]
    assert (status.level, {one.key for one in status.values} >= {"skew_ms", "fuse_ms"}) == (b"\0", True)


def test_colours_of_16_bits_are_fused_as_those_of_8(monkeypatch: pytest.MonkeyPatch) -> None:
    node = install_rclpy(monkeypatch)
    with sending(node, colours=np.uint16):
        ended = command("ros", "--model", "average", "--frames", 2)
    assert ended.code == 0, ended.err
    assert {pixels_of(one, "fused").shape for one in node.published["/fused/image_raw"]} == {(24, 32, 3)}


def test_images_come_and_go_with_the_qos_of_sensors(monkeypatch: pytest.MonkeyPatch) -> None:
    node = install_rclpy(monkeypatch)
    with FusionNode(NodeTopics("/a/compressed", "/b")).spinning(AdjustableRig(RIG)):
        kinds = {topic: (kind.__name__, qos) for topic, (kind, _, qos) in node.subscriptions.items()}
    assert {topic: name.endswith("CompressedImage") for topic, (name, _) in kinds.items()} == {
        "/a/compressed": True,
        "/b": False,
    }
    assert [qos for _, qos in kinds.values()] == [SENSOR_QOS] * 2
    assert node.qos["/fused/image_raw"] is SENSOR_QOS


def test_parameters_are_the_live_settings_and_what_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    node, tuner = install_rclpy(monkeypatch), AdjustableRig(RIG)
    with FusionNode(TOPICS).spinning(tuner):
        assert node.parameters["infrared.agc_percentiles"] == [0.5, 99.5]
        assert node.set_parameter("infrared.contrast", "clahe").successful
        assert node.set_parameter("visible.offset_ms", 12).successful
        refused = node.set_parameter("infrared.contrast", "loud")
        assert node.set_parameter("use_sim_time", True).successful
    assert (tuner.rig.infrared.contrast, tuner.rig.visible.offset_ms) == ("clahe", 12.0)
    assert (refused.successful, "contrast" in refused.reason) == (False, True)


def test_ros_reads_its_own_words_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters begin with what was given, and topics lie in the namespace."""
    node = install_rclpy(monkeypatch)
    given = ("-p", "infrared.contrast:=clahe", "-p", "visible.offset_ms:=12", "-r", "__ns:=/front")
    with sending(node, "/front/camera/image_raw", "/front/thermal/image_raw"):
        ended = command("ros", "--ros-args", *given, "--", "--model", "average", "--frames", 2)
    assert ended.code == 0, ended.err
    assert node.words == ["--ros-args", *given]
    assert (node.parameters["infrared.contrast"], node.parameters["infrared.agc_percentiles"]) == ("clahe", [0.5, 99.5])
    assert node.published["/front/fused/image_raw"]
    assert node.published["/diagnostics"][0].status[0].name == "front/coconet: cameras"


def test_what_a_launch_file_gives_is_what_the_rig_begins_with(monkeypatch: pytest.MonkeyPatch) -> None:
    install_rclpy(monkeypatch)
    tuner = AdjustableRig(RIG)
    with FusionNode(TOPICS, ["-p", "infrared.contrast:=clahe", "-p", "visible.offset_ms:=12"]).spinning(tuner):
        assert (tuner.rig.infrared.contrast, tuner.rig.visible.offset_ms) == ("clahe", 12.0)


@pytest.mark.parametrize(
    ("given", "says"), [("infrared.contrast:=loud", "infrared.contrast"), ("loud", "--ros-args -p loud is not taken")]
)
def test_a_first_value_that_does_not_fit_and_words_that_ros_does_not_take_are_one_sentence(
    given: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_rclpy(monkeypatch)
    ended = command("ros", "--model", "average", "--frames", 1, "--ros-args", "-p", given)
    assert (ended.code, says in ended.err) == (2, True), ended.err
    assert len(ended.err.strip().splitlines()) <= 3


def test_the_launch_file_hands_on_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a stand-in for launch: two robots, each with a rig, a backend, parameters and a namespace."""
    stand_in = SimpleNamespace
    parts: dict[str, dict[str, object]] = {
        "launch": {"LaunchDescription": lambda parts: parts},
        "launch.actions": {
            "DeclareLaunchArgument": lambda name, **more: stand_in(name=name, **more),
            "ExecuteProcess": stand_in,
            "OpaqueFunction": stand_in,
        },
        "launch.substitutions": {"LaunchConfiguration": lambda name: stand_in(perform=lambda given: given[name])},
    }
    for name, members in parts.items():
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        sys.modules[name].__dict__.update(members)
    *arguments, start = runpy.run_path(str(ROOT / "docs/fusion.launch.py"))["generate_launch_description"]()
    plain = {one.name: one.default_value for one in arguments}
    assert plain.keys() >= {"rig", "backend", "parameters", "namespace", "visible", "infrared", "out", "model"}
    given = {**plain, "rig": "rig.toml", "backend": "openvino", "parameters": "night.yaml", "namespace": "/front"}
    shared = "--visible camera/image_raw --infrared thermal/image_raw --out fused --model lite --backend"
    told = [" ".join(start.function(each)[0].cmd) for each in (plain, given)]
    ros = "--ros-args -r __ns:=/front --params-file night.yaml"
    assert told == [f"coconet ros {shared} auto", f"coconet ros rig.toml {shared} openvino {ros}"]


def test_settings_without_a_type_in_ros_are_no_parameters() -> None:
    infrared = {"black_hot": True, "palette": None, "agc_percentiles": (1, 99)}
    known = parameters_of({"infrared": infrared, "alignment": {"plane": None}})
    assert known == {"infrared.black_hot": True, "infrared.agc_percentiles": [1.0, 99.0]}
    assert changes_of([("infrared.agc_percentiles", array("d", [2, 98])), ("other", 1)], known) == {
        "infrared": {"agc_percentiles": [2.0, 98.0]}
    }


def test_stamps_of_both_topics_keep_their_gap_and_come_back_to_the_nanosecond() -> None:
    clock = StampClock()
    times = [clock.monotonic_ns(FIRST_NS + gap, 5_000_000_000 + late) for gap, late in ((0, 0), (7, 900_000), (40, 10))]
    assert [time_ns - times[0] for time_ns in times] == [0, 7, 40]
    assert [clock.stamp_ns(time_ns, 0) for time_ns in times] == [FIRST_NS, FIRST_NS + 7, FIRST_NS + 40]
    assert clock.monotonic_ns(0, 123) == 123
    assert StampClock().stamp_ns(123, FIRST_NS) == FIRST_NS + 123


def test_a_clock_that_jumps_is_found_again() -> None:
    clock = StampClock()
    clock.monotonic_ns(FIRST_NS, 10**9)
    assert clock.monotonic_ns(FIRST_NS - 3600 * 10**9, 2 * 10**9) == 2 * 10**9


def test_without_ros_one_sentence_says_what_to_type() -> None:
    if "rclpy" in sys.modules:
        pytest.skip("ROS 2 is here")
    ended = command("ros")
    assert ended.code == 2
    assert "source /opt/ros/" in ended.err
    assert len(ended.err.strip().splitlines()) <= 3
