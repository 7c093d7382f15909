"""What is known of a camera's lens, as the CameraInfo beside each of its images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coconet.runtime.ros.camera_info import copied_info, info_message, info_size_px, lens_of

if TYPE_CHECKING:
    from coconet.runtime.preprocess.fit import SizePx
    from coconet.runtime.preprocess.warp import Lens


@dataclass(frozen=True)
class KnownInfo:
    """lens: of the rig's [alignment], which counts. recorded: the CameraInfo beside a topic of a bag, image_topic."""

    lens: Lens | None = None
    recorded: Any = None
    image_topic: str = ""

    def message(self, size_px: SizePx, stamp_ns: int, frame_id: str) -> Any:
        """The CameraInfo of an image of (width, height); None if nothing is known of images of that size.

        What was recorded goes on as it is, with its distortion of whatever kind, its rectification and its projection.
        """
        if self.recorded is not None and self.lens in (None, lens_of(self.recorded, self.image_topic)):
            known_px = info_size_px(self.recorded)
            return copied_info(self.recorded, stamp_ns, frame_id) if known_px in (size_px, (0, 0)) else None
        return None if self.lens is None else info_message(self.lens, size_px, stamp_ns, frame_id)
