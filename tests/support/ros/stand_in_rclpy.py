"""rclpy in place of the one that only ROS 2 itself has: topics in one process, messages by their definitions.

The messages are those of rosbags' published definitions: a field that a type lacks, or that is missing, is an error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import pairwise
from threading import Event
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.support.ros.bags import TYPES

SENSOR_QOS = SimpleNamespace(reliability="best effort")


class StandInNode:
    """What `coconet ros` asks of a node; published: the messages of each topic, in order, by its whole name.

    words: what rclpy.init was given; of these -r __ns:=/NAME and -p NAME:=VALUE count.
    """

    def __init__(self) -> None:
        self.words: list[str] = []
        self.subscriptions: dict[str, tuple[Any, Callable[[Any], None], Any]] = {}
        self.published: dict[str, list[Any]] = {}
        self.qos: dict[str, Any] = {}
        self.parameters: dict[str, Any] = {}
        self.on_parameters: Callable[[list[Any]], Any] | None = None

    def create_subscription(self, kind: Any, topic: str, callback: Callable[[Any], None], qos: Any) -> None:
        self.subscriptions[self.whole(topic)] = (kind, callback, qos)

    def create_publisher(self, _kind: Any, topic: str, qos: Any) -> Any:
        topic = self.whole(topic)
        self.published[topic], self.qos[topic] = [], qos
        return SimpleNamespace(publish=self.published[topic].append)

    def declare_parameter(self, name: str, value: Any, descriptor: Any) -> Any:
        given = self._given("-p", name)
        known = value if given is None else _read(given)
        assert descriptor.dynamic_typing or type(known) is type(value), "rclpy refuses another type"
        self.parameters[name] = known
        return SimpleNamespace(name=name, value=known)

    def get_fully_qualified_name(self) -> str:
        return self.whole("coconet")

    def whole(self, name: str) -> str:
        """The name with the namespace of the node before it, unless it begins with /."""
        return name if name.startswith("/") else f"{self._given('-r', '__ns') or ''}/{name}"

    def init(self, *, args: list[str], signal_handler_options: int) -> None:
        """Take the words of a command line, as rclpy.init does."""
        assert signal_handler_options == 0
        if "-p" in args and ":=" not in args[args.index("-p") + 1]:
            raise RuntimeError("Couldn't parse parameter override rule: '-p loud'. Error: no value.")
        self.words = args

    def _given(self, option: str, name: str) -> str | None:
        told = (word for before, word in pairwise(self.words) if before == option)
        return next((word.partition(":=")[2] for word in told if word.startswith(f"{name}:=")), None)

    def add_on_set_parameters_callback(self, callback: Callable[[list[Any]], Any]) -> None:
        self.on_parameters = callback

    def destroy_node(self) -> None:
        """Nothing to do."""

    def set_parameter(self, name: str, value: Any) -> Any:
        """Set one, as `ros2 param set` does, and give the result."""
        assert self.on_parameters is not None
        return self.on_parameters([SimpleNamespace(name=name, value=value)])

    def send(self, topic: str, message: Any) -> None:
        """Hand a message to who subscribed, as spinning does."""
        self.subscriptions[topic][1](message)


def _read(text: str) -> Any:
    """A number, a list of numbers, or a word, as YAML has them."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def install_rclpy(monkeypatch: pytest.MonkeyPatch) -> StandInNode:
    """Let `import rclpy`, and the messages of ROS, find what is here; give the node that is made."""
    node, over = StandInNode(), Event()
    parts: dict[str, dict[str, Any]] = {
        "rclpy": {
            "init": node.init,
            "create_node": lambda _name: node,
            "shutdown": over.set,
            "spin": lambda _node: over.wait(60),
        },
        "rclpy.qos": {"qos_profile_sensor_data": SENSOR_QOS},
        "rclpy.signals": {"SignalHandlerOptions": SimpleNamespace(NO=0)},
        "rclpy.executors": {"ExternalShutdownException": type("ExternalShutdownException", (Exception,), {})},
        "rcl_interfaces.msg": {"SetParametersResult": SimpleNamespace, "ParameterDescriptor": SimpleNamespace},
    }
    for name, kind in TYPES.types.items():
        package, _, message = name.partition("/msg/")
        parts.setdefault(f"{package}.msg", {}).setdefault(message, kind)
    for name, members in parts.items():
        module = ModuleType(name)
        module.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, module)
        if name.endswith(".msg"):
            monkeypatch.setitem(sys.modules, name.removesuffix(".msg"), ModuleType(name.removesuffix(".msg")))
    return node
