"""Starts the node of `coconet ros` beside the drivers of two cameras: ros2 launch docs/fusion.launch.py model:=lite.

Two robots: once with namespace:=/front, once with namespace:=/rear; topics that do not begin with / lie in it.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction
from launch.substitutions import LaunchConfiguration

OPTIONS = {"visible": "camera/image_raw", "infrared": "thermal/image_raw", "out": "fused", "model": "lite"}
OPTIONS["backend"] = "auto"

OTHERS = {
    "rig": "a rig.toml, whose settings count",
    "namespace": "such as /front",
    "parameters": "a YAML of parameters",
}


def start(context):
    """The process, of the arguments that are not empty."""
    said = {name: LaunchConfiguration(name).perform(context) for name in (*OPTIONS, *OTHERS)}
    words = [said["rig"]] if said["rig"] else []
    words += [word for name in OPTIONS if said[name] for word in (f"--{name}", said[name])]
    ros = ["-r", f"__ns:={said['namespace']}"] if said["namespace"] else []
    ros += ["--params-file", said["parameters"]] if said["parameters"] else []
    words += ["--ros-args", *ros] if ros else []
    return [ExecuteProcess(cmd=["coconet", "ros", *words], output="screen", respawn=True, respawn_delay=2.0)]


def generate_launch_description() -> LaunchDescription:
    """One argument for each option of the command that is worth one."""
    arguments = [DeclareLaunchArgument(name, default_value=value) for name, value in OPTIONS.items()]
    others = [DeclareLaunchArgument(name, default_value="", description=text) for name, text in OTHERS.items()]
    return LaunchDescription([*arguments, *others, OpaqueFunction(function=start)])
