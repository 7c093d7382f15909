"""Messages of the classes that ROS itself has, filled as rclpy wants their fields."""

from __future__ import annotations

from array import array
from importlib import import_module
from typing import Any

import numpy as np


def message_class(name: str) -> Any:
    """The class of a type: sensor_msgs/msg/Image is sensor_msgs.msg.Image. Raises ImportError without ROS."""
    package, _, kind = name.split("/")
    return getattr(import_module(f"{package}.msg"), kind)


def ros_make(name: str, /, **fields: Any) -> Any:
    """A message of a type, as `make` makes one: rclpy takes bytes as an array, and a byte as bytes."""
    return message_class(name)(**{key: _field(name, key, value) for key, value in fields.items()})


def _field(name: str, key: str, value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype == np.uint8:
        return array("B", value.tobytes())
    return bytes([value]) if (name, key) == ("diagnostic_msgs/msg/DiagnosticStatus", "level") else value
