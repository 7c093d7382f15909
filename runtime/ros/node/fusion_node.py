"""The ROS 2 node: two image topics in, fused pictures, their skew and diagnostics out. All that touches rclpy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from coconet.errors import CoconetError, Refused, first_line
from coconet.event_log import warn_once
from coconet.installation.extras import ROS_REMEDY
from coconet.runtime.api.cameras import AdaptedCamera
from coconet.runtime.cameras.camera import Camera
from coconet.runtime.cameras.open_camera import ROLES, Role
from coconet.runtime.cameras.pushed import PushedCamera
from coconet.runtime.frame import Frame, FusedFrame
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.ros.image_message import image_message, pixels_of
from coconet.runtime.ros.messages import COMPRESSED, DIAGNOSTICS, IMAGE, NUMBER, diagnostics, frame_id_of, stamp_of
from coconet.runtime.ros.node.parameters import changes_of, parameters_of
from coconet.runtime.ros.node.ros_make import message_class, ros_make
from coconet.runtime.ros.node.stamp_clock import StampClock
from coconet.runtime.sinks.bag_file import FUSED_FRAME, pair_values
from coconet.runtime.threads.background import Background

_STATE_EVERY_S = 1.0


@dataclass(frozen=True)
class NodeTopics:
    """The topics of both cameras; images are compressed where the name says so. out: where what it publishes lies."""

    visible: str
    infrared: str
    out: str = "/fused"

    def of(self, role: Role) -> str:
        """The topic of a side."""
        return self.visible if role == "visible" else self.infrared


def import_rclpy() -> Any:
    """The client library of ROS 2. Raises Refused if this Python does not find it."""
    try:
        return import_module("rclpy")
    except ImportError:
        raise Refused(
            "rclpy",
            wanted="a Python that finds ROS 2",
            got="no rclpy",
            remedy=ROS_REMEDY,
            says="is not in this Python: it comes with ROS 2",
        ) from None


class FusionNode:
    """Subscribes, publishes and keeps its parameters; messages are converted in the thread that spins."""

    def __init__(self, topics: NodeTopics, ros_args: Sequence[str] = ()) -> None:
        """Prepare; `spinning` connects it. ros_args: what ROS reads of a command line, after its --ros-args."""
        self._ros_args = ros_args
        self._topics, self._clock = topics, StampClock()
        self._cameras = {role: PushedCamera(topics.of(role)) for role in ROLES}
        self._node: Any = None
        self._publishers: dict[str, Any] = {}
        self._told_s, self._told, self._called = 0.0, "", "coconet"
        self._place = FUSED_FRAME

    def open_camera(self, rig: Rig, role: Role) -> Camera:
        """The camera of a topic, as open_rig takes it."""
        return AdaptedCamera(self._cameras[role], role, rig.infrared.palette)

    @contextmanager
    def spinning(self, tuner: AdjustableRig) -> Iterator[None]:
        """Take and give messages inside the block; parameters change `tuner`. Signals stay with the program.

        Raises CoconetError for words that ROS does not take, and for a first value of a parameter that does not fit.
        """
        rclpy = import_rclpy()
        self._init(rclpy)
        self._node = rclpy.create_node("coconet")
        self._called = str(self._node.get_fully_qualified_name()).lstrip("/")  # /diagnostics is one for all robots
        spin = Background(lambda: self._spin(rclpy), "ros")
        try:
            self._connect(import_module("rclpy.qos").qos_profile_sensor_data)
            self._declare(tuner)
            spin.start()
            yield
        finally:
            rclpy.shutdown()
            spin.stop(5.0)
            self._node.destroy_node()

    def publish(self, frame: FusedFrame) -> None:
        """Publish a fused frame with its skew, and its state once a second and whenever that changes."""
        pair = frame.pair
        stamp_ns = self._time_ns(pair.timed)
        self._publishers["image_raw"].publish(image_message(frame.pixels, stamp_ns, self._place, ros_make))
        if not pair.missing:
            self._publishers["skew_ms"].publish(ros_make(NUMBER, data=pair.skew_ns / 1e6))
        missing = " ".join(sorted(pair.missing))
        if missing != self._told or time.monotonic() - self._told_s >= _STATE_EVERY_S:
            self._told, self._told_s = missing, time.monotonic()
            state = diagnostics(
                stamp_ns, f"{self._called}: cameras", pair.notice, pair_values(frame, self._time_ns), ros_make
            )
            self._publishers["diagnostics"].publish(state)

    def _time_ns(self, frame: Frame) -> int:
        return self._clock.stamp_ns(frame.timestamp_ns, time.time_ns() - time.monotonic_ns())

    def _init(self, rclpy: Any) -> None:
        words = ["--ros-args", *self._ros_args] if self._ros_args else []
        no_signals = import_module("rclpy.signals").SignalHandlerOptions.NO
        try:
            rclpy.init(args=words, signal_handler_options=no_signals)
        except Exception as error:
            if not words:
                raise
            got = first_line(error).rstrip(".")
            raise Refused(
                "--ros-args",
                wanted="words that ROS takes, such as -p infrared.contrast:=clahe or -r __ns:=/front",
                got=got,
                remedy="For example --ros-args -p infrared.contrast:=clahe -r __ns:=/front",
                says=f"{' '.join(self._ros_args)} is not taken by ROS: {got}",
            ) from error

    def _connect(self, sensor_qos: Any) -> None:
        for role in ROLES:
            topic = self._topics.of(role)
            kind = message_class(COMPRESSED if topic.endswith("/compressed") else IMAGE)
            self._node.create_subscription(kind, topic, self._taker(role), sensor_qos)
        create, out = self._node.create_publisher, self._topics.out.rstrip("/")
        self._publishers = {
            "image_raw": create(message_class(IMAGE), f"{out}/image_raw", sensor_qos),
            "skew_ms": create(message_class(NUMBER), f"{out}/skew_ms", 10),
            "diagnostics": create(message_class(DIAGNOSTICS), "/diagnostics", 10),
        }

    def _taker(self, role: Role) -> Callable[[Any], None]:
        camera = self._cameras[role]

        def take(message: Any) -> None:
            arrived_ns = time.monotonic_ns()
            try:
                pixels = pixels_of(message, camera.name)
                if role == "visible":
                    self._place = frame_id_of(message) or FUSED_FRAME
                camera.push(pixels, self._clock.monotonic_ns(stamp_of(message), arrived_ns))
            except CoconetError as error:  # one message must not end the thread that takes all of them
                warn_once(str(error))

        return take

    def _declare(self, tuner: AdjustableRig) -> None:
        """Declare the settings as parameters; those that a launch file or --ros-args gave begin with that value."""
        known, begun = parameters_of(tuner.settings()), dict[str, Any]()
        any_number = message_class("rcl_interfaces/msg/ParameterDescriptor")(dynamic_typing=True)  # 12 for 12.0
        for name, value in known.items():
            first = self._node.declare_parameter(name, value, any_number).value
            if changes_of([(name, first)], known) != changes_of([(name, value)], known):
                begun[name] = first
        if begun:
            tuner.change(changes_of(begun.items(), known))
        result = message_class("rcl_interfaces/msg/SetParametersResult")

        def change(parameters: list[Any]) -> Any:
            try:
                tuner.change(changes_of(((one.name, one.value) for one in parameters), known))
            except CoconetError as error:
                return result(successful=False, reason=str(error))
            return result(successful=True, reason="")

        self._node.add_on_set_parameters_callback(change)

    def _spin(self, rclpy: Any) -> None:
        with suppress(import_module("rclpy.executors").ExternalShutdownException):
            rclpy.spin(self._node)
