"""Frame sizes: one size, a range of them, and the profile a TensorRT engine is built for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coconet.cards.model_card import Signature
from coconet.errors import CoconetError, FrameMisfit


@dataclass(frozen=True)
class FrameSize:
    """The size of a frame; written as `480x640`, height first."""

    height_px: int
    width_px: int

    def __post_init__(self) -> None:
        if min(self.height_px, self.width_px) < 1:
            raise _unfit("frame size", self, "1 or more pixels a side", "Give the height and the width in pixels.")

    def __str__(self) -> str:
        return f"{self.height_px}x{self.width_px}"

    @property
    def minimum(self) -> FrameSize:
        """The size itself: one size is a range like any other."""
        return self

    @property
    def maximum(self) -> FrameSize:
        """The size itself."""
        return self

    @classmethod
    def parse(cls, text: str) -> FrameSize:
        """Read `480x640` as 480 pixels high and 640 wide."""
        found = re.fullmatch(r"(\d+)x(\d+)", text)
        if found is None:
            wanted = "HEIGHTxWIDTH in pixels, such as 480x640"
            raise _unfit("frame size", repr(text), wanted, "Write the height first.")
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True)
class SizeRange:
    """The frame sizes a graph takes; written as `256x320..1024x1280`."""

    minimum: FrameSize
    maximum: FrameSize

    def __post_init__(self) -> None:
        low, high = self.minimum, self.maximum
        if low == high or low.height_px > high.height_px or low.width_px > high.width_px:
            raise _unfit("size range", self, "a smaller and a larger frame size", "Write the smaller size first.")

    def __str__(self) -> str:
        return f"{self.minimum}..{self.maximum}"

    @classmethod
    def parse(cls, text: str) -> SizeRange:
        """Read `256x320..1024x1280`, the smaller size first."""
        ends = text.split("..")
        if len(ends) != 2:
            wanted = "two sizes in pixels, such as 256x320..1024x1280"
            raise _unfit("size range", repr(text), wanted, "Write two dots between them.")
        return cls(*(FrameSize.parse(end) for end in ends))


@dataclass(frozen=True)
class SizeProfile:
    """The frame sizes an engine takes (TensorRT's optimisation profile): any between two, fastest at a third."""

    minimum: FrameSize
    optimum: FrameSize
    maximum: FrameSize

    def __post_init__(self) -> None:
        for side in ("height_px", "width_px"):
            low, middle, high = (getattr(size, side) for size in (self.minimum, self.optimum, self.maximum))
            if not low <= middle <= high:
                wanted = "minimum <= optimum <= maximum on both sides"
                raise _unfit("size profile", self, wanted, "Choose a size in between as the optimum.")

    def __str__(self) -> str:
        return f"{self.minimum} to {self.maximum}, best at {self.optimum}"


def check_frame_size(height_px: int, width_px: int, signature: Signature) -> None:
    """Raise FrameMisfit for sizes whose reflect padding would be wider than the picture itself."""
    least_px = max(8, (signature.side_multiple + 4) // 3)  # half of what is missing, reflected at the outermost pixel
    if min(height_px, width_px) < least_px:
        got = f"{height_px}x{width_px} (height x width)"
        raise _unfit("frame size", got, f"at least {least_px} pixels a side", "Use larger pictures.", FrameMisfit)


def _unfit(where: str, got: object, wanted: str, remedy: str, kind: type[CoconetError] = CoconetError) -> CoconetError:
    """The error for a size, a range or a profile that cannot be one."""
    return kind(where, wanted=wanted, got=str(got), remedy=remedy, says=f"is {got}; expected {wanted}")
