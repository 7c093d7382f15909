"""Starts the node of `coconet ros` beside the drivers of two cameras: ros2 launch docs/fusion.launch.py model:=lite."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration

DEFAULTS = {"visible": "/camera/image_raw", "infrared": "/thermal/image_raw", "out": "/fused", "model": "lite"}


def generate_launch_description() -> LaunchDescription:
    """One argument for each option of the command that is worth one."""
    options = [word for name in DEFAULTS for word in (f"--{name}", LaunchConfiguration(name))]
    arguments = [DeclareLaunchArgument(name, default_value=value) for name, value in DEFAULTS.items()]
    node = ExecuteProcess(cmd=["coconet", "ros", *options], output="screen", respawn=True, respawn_delay=2.0)
    return LaunchDescription([*arguments, node])
