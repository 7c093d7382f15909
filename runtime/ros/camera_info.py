"""CameraInfo of ROS as a lens, and a lens as CameraInfo."""

from __future__ import annotations

from typing import Any

from coconet.errors import CoconetError
from coconet.event_log import warn_once
from coconet.runtime.preprocess.warp import Lens
from coconet.runtime.ros.messages import CAMERA_INFO, header, make

_PLUMB_BOB, _RATIONAL = "plumb_bob", "rational_polynomial"

_COEFFICIENTS = 5


def info_topic(image_topic: str) -> str:
    """Where the CameraInfo of an image topic is: /thermal/image_raw and /thermal/image_raw/compressed have one."""
    return f"{(transported(image_topic) or image_topic).rstrip('/').rpartition('/')[0]}/camera_info"


def transported(topic: str) -> str:
    """The raw topic that a compressed one was made of, by its name; empty of a topic that is none."""
    raw, _, transport = topic.rstrip("/").rpartition("/")
    return raw if transport.startswith("compressed") else ""


def lens_of(info: Any, image_topic: str) -> Lens | None:
    """The lens that a CameraInfo describes; None of a camera that is not calibrated, or whose lens is of another kind.

    Topics of rectified images (`image_rect`) have the projection matrix and no distortion. ROS 1 writes K, D and P,
    ROS 2 k, d and p: sensor_msgs/CameraInfo.
    """
    camera = [float(number) for number in _field(info, "k")]
    projection = [float(number) for number in _field(info, "p")]
    distortion = [float(number) for number in _field(info, "d")]
    try:
        if "rect" in image_topic.rsplit("/image", 1)[-1] and projection[0] > 0:
            return Lens((projection[0], projection[5]), (projection[2], projection[6]))
        if not camera[0] > 0:
            return None
        model = str(info.distortion_model)
        usable = model in (_PLUMB_BOB, _RATIONAL, "") and not any(distortion[_COEFFICIENTS:])
        if not usable and any(distortion):
            warn_once(
                f"{image_topic}: the lens in its camera_info is of the kind {model or 'unknown'}, which is not taken; "
                "record a rectified topic, or give [alignment] a lens."
            )
            return None
        k1, k2, p1, p2, k3 = [*distortion[:_COEFFICIENTS], *[0.0] * (_COEFFICIENTS - len(distortion))]
        return Lens((camera[0], camera[4]), (camera[2], camera[5]), (k1, k2, p1, p2, k3))
    except (CoconetError, IndexError):
        warn_once(f"{image_topic}: its camera_info holds no camera matrix that can be used, and is left out.")
        return None


def info_message(lens: Lens, size_px: tuple[int, int], stamp_ns: int, frame_id: str) -> Any:
    """A sensor_msgs/msg/CameraInfo of a lens and the (width, height) of its pictures."""
    import numpy as np

    (fx, fy), (cx, cy) = lens.focal_px, lens.centre_px
    no_region = make("sensor_msgs/msg/RegionOfInterest", x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    return make(
        CAMERA_INFO,
        header=header(stamp_ns, frame_id),
        width=size_px[0],
        height=size_px[1],
        distortion_model=_PLUMB_BOB,
        d=np.array(lens.distortion, np.float64),
        k=np.array([fx, 0, cx, 0, fy, cy, 0, 0, 1], np.float64),
        r=np.eye(3, dtype=np.float64).reshape(-1),
        p=np.array([fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, 1, 0], np.float64),
        binning_x=0,
        binning_y=0,
        roi=no_region,
    )


def info_size_px(info: Any) -> tuple[int, int]:
    """The (width, height) of the images that a CameraInfo is for; zeros if it does not say."""
    return int(info.width), int(info.height)


def copied_info(info: Any, stamp_ns: int, frame_id: str) -> Any:
    """A CameraInfo of ROS 1 or ROS 2 as one of ROS 2 at another time; all that it says of the camera stays."""
    import numpy as np

    numbers = {name: np.array(_field(info, name), np.float64) for name in ("d", "k", "r", "p")}
    names = ("x_offset", "y_offset", "height", "width", "do_rectify")
    region = make("sensor_msgs/msg/RegionOfInterest", **{name: getattr(info.roi, name) for name in names})
    plain = {name: getattr(info, name) for name in ("height", "width", "distortion_model", "binning_x", "binning_y")}
    return make(CAMERA_INFO, header=header(stamp_ns, frame_id), roi=region, **plain, **numbers)


def _field(info: Any, name: str) -> Any:
    return getattr(info, name, None) if hasattr(info, name) else getattr(info, name.upper(), ())
