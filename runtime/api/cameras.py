"""Cameras of one's own from Python: anything with a `read` becomes one side of a stream of pairs."""

from __future__ import annotations

import inspect
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from coconet.errors import CoconetError, ExitCode, Refused, ending_with, first_line
from coconet.media.image import visible_levels
from coconet.media.palettes.recognition import InfraredGray
from coconet.media.pixels import RawPixels
from coconet.runtime.arguments import check_type, is_async
from coconet.runtime.cameras.open_camera import Role
from coconet.runtime.cameras.pushed import as_picture, as_stamp
from coconet.runtime.clock import live_stamps
from coconet.runtime.frame import Frame, StampKind
from coconet.runtime.pairing.pair_stream import PairStream
from coconet.runtime.rig.open_rig import aligned_first
from coconet.runtime.rig.open_rig import open_rig as open_stream
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.threads.process_end import finished_before_the_end


class OwnCamera(Protocol):
    """What a camera of one's own has to have.

    It may also have `name` (for messages), `realtime` (False where every frame waits to be read; True if not said)
    and `close`.
    """

    def read(self) -> Frame | RawPixels | None:
        """The next frame, or of a live camera its pixels, which are stamped when they come; None at the end.

        It has to wait for a frame that is not there yet: None is the end of a live camera as well, and of the stream.
        It may raise an error of its own at any time: a live camera is then read again a moment later.
        """


def pair_cameras(visible: OwnCamera, infrared: OwnCamera, rig: Rig | None = None, *, align: bool = True) -> PairStream:
    """Pair two cameras of one's own, as open_pairs does two addresses; what it gives is used in the same way.

    Pixels: (H, W, 3) BGR uint8 or uint16, or (H, W, 1) or (H, W) uint8, uint16 counts or float32; stamps in
    nanoseconds, of both cameras on one clock, which for live ones is time.monotonic_ns(), or time.time_ns() as headers
    of ROS have it.
    rig: settings for pairing, the thermal front end and alignment; its addresses are not used.
    Raises Refused for an object without `read` and for one object on both sides, and CoconetError while the pairs are
    read.
    """
    for side, camera in (("visible", visible), ("infrared", infrared)):
        if not callable(getattr(camera, "read", None)):
            got = f"a value of type {type(camera).__name__}"
            raise Refused(
                side,
                wanted="a camera, which has a read()",
                got=got,
                remedy="Give a camera: docs/python.md says what it needs.",
                says=f"must have a method read, and is {got}",
            )
        if is_async(camera.read):
            raise Refused(
                side,
                wanted="a camera whose read() gives a frame",
                got="an async read()",
                remedy="Await frames in a loop of your own, and push each into a coconet.PushedCamera.",
                says="has an async read(), which nothing here awaits",
            )
    if visible is infrared:
        remedy = "Make one for each side: each frame is read once."
        raise Refused(
            "infrared",
            wanted="another camera than the visible one",
            got="the same object",
            remedy=remedy,
            says="is the same object as visible",
        )
    if rig is not None:
        check_type("rig", rig, Rig, "a coconet.Rig", "Leave it out, or read one: coconet.Rig.from_file.")
    known = Rig.from_addresses("own://visible", "own://infrared") if rig is None else rig
    given = {"visible": visible, "infrared": infrared}

    borrowed: dict[Role, BorrowedCamera] = {}

    def opener(_rig: Rig, role: Role) -> AdaptedCamera:
        seen = borrowed[role].seen if role in borrowed else ()
        return AdaptedCamera(given[role], role, known.infrared.palette, seen)

    def borrower(_rig: Rig, role: Role) -> AdaptedCamera:
        borrowed[role] = BorrowedCamera(given[role], role, known.infrared.palette)
        return borrowed[role]

    with finished_before_the_end(), ending_with(ExitCode.CAMERA):
        known = aligned_first(known, borrower) if align else known
        return open_stream(known, align=align, opener=opener)


_LIVE: dict[StampKind, StampKind] = {"recording": "driver"}
"""What a live camera's frame is that does not say whose time it carries."""


class AdaptedCamera:
    """A camera as the loop takes it: pixels become frames, colours of infrared ones gray, 16 bit visible ones 8."""

    reads_on = True

    def __init__(self, camera: OwnCamera, role: Role, palette: str, seen: Sequence[Frame | None] = ()) -> None:
        """Read `camera`; seen: what a BorrowedCamera has read of it, which is given first."""
        self.name = str(getattr(camera, "name", f"{role} camera ({type(camera).__name__})"))
        self.realtime = bool(getattr(camera, "realtime", True))
        self._camera, self._index = camera, len(seen)
        self._seen = deque(seen)
        self._gray = InfraredGray(palette, self.name, follows=True) if role == "infrared" else None

    def read(self) -> Frame | None:
        """The next frame; an error of the camera is a CoconetError."""
        if self._seen:
            return self._seen.popleft()
        try:
            given = self._camera.read()
        except CoconetError:
            raise
        except Exception as error:
            got = f"{type(error).__name__}: {first_line(error)}"
            raise CoconetError(
                self.name, wanted="a frame", got=got, remedy="Correct its read().", says=f"failed in its read(): {got}"
            ) from error
        if given is None:
            return None
        if inspect.isawaitable(given):
            if inspect.iscoroutine(given):
                given.close()
            raise CoconetError(
                self.name,
                wanted="a frame from its read()",
                got="a coroutine",
                remedy="Await frames in a loop of your own, and push each into a coconet.PushedCamera.",
                says="gives a coroutine in its read(), which nothing here awaits",
            )
        if not isinstance(given, Frame):
            given = self._stamped(as_picture(given, self.name))
        index, self._index = given.index or self._index, self._index + 1
        pixels, stamp_ns = as_picture(given.pixels, self.name), as_stamp(given.timestamp_ns, self.name)
        levels = visible_levels(pixels, self.name) if self._gray is None else self._gray(pixels)
        stamps = live_stamps(stamp_ns, _LIVE.get(given.stamps, given.stamps)) if self.realtime else given.stamps
        return replace(given, pixels=levels, timestamp_ns=stamp_ns, stamps=stamps, index=index)

    def _stamped(self, pixels: RawPixels) -> Frame:
        """Pixels alone, of now. Raises CoconetError for a recording's, which are read at any time."""
        if not self.realtime:
            raise CoconetError(
                self.name,
                wanted="a coconet.Frame with the time it was taken at, as its realtime is False",
                got="pixels alone",
                remedy="Give coconet.Frame(pixels, timestamp_ns).",
                says="gave pixels without a time, although its realtime is False",
            )
        return Frame(pixels, time.monotonic_ns(), self._index, stamps="arrival")

    def close(self) -> None:
        """Close the camera, if that can be closed."""
        if (close := getattr(self._camera, "close", None)) is not None:
            close()


class BorrowedCamera(AdaptedCamera):
    """A camera that stays open when it is closed, as it is read again for the pairs themselves.

    seen: what was read of a recording, which nothing rewinds: the pairs begin with it.
    """

    def __init__(self, camera: OwnCamera, role: Role, palette: str) -> None:
        super().__init__(camera, role, palette)
        self.seen: list[Frame | None] = []

    def read(self) -> Frame | None:
        """The next frame, as that of an AdaptedCamera."""
        frame = super().read()
        if not self.realtime:
            self.seen.append(frame)
        return frame

    def close(self) -> None:
        """Leave the camera open."""
