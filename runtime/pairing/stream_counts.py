"""What became of the frames of two cameras: paired, or dropped, and why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from coconet.errors import counted
from coconet.runtime.frame import OTHER_SIDE, Side

LARGE_SHARE = 0.25
"""Of a camera's frames: if this share has no partner, clocks, tolerance or one of the files are wrong."""


_APART_NS = 500_000_000
"""Cameras that begin further apart, and have no pair, are on clocks that are apart."""

_CLOCKS_APART = (
    'If both were taken at once, their clocks are apart: --starts together, or starts = "together" in '
    "[pairing], lets both begin at once, and coconet offset finds what is left."
)


@dataclass(frozen=True)
class Unpaired:
    """Why frames came out in no pair: the reasons of coconet.runtime.pairing.nearest, and `late`.

    late: of live cameras, a newer frame or pair came before this one was wanted.
    """

    spare: int = 0
    too_far: int = 0
    missing: int = 0
    stale: int = 0
    late: int = 0
    after_end: int = 0

    @property
    def lost(self) -> int:
        """Frames that ought to have had a partner: neither spare, nor too late for a loop that is slower."""
        return self.too_far + self.missing + self.after_end + self.stale

    def __str__(self) -> str:
        counts = {name.replace("_", " "): count for name, count in vars(self).items() if count}
        return ", ".join(f"{count} {name}" for name, count in counts.items())


@dataclass(frozen=True)
class CameraCount:
    """What became of one camera's frames: those read, those that came out in a pair, those that did not, and why.

    Each frame is counted once: read = paired + dropped + left_over once both cameras are closed, and dropped is the sum
    of `unpaired`. left_over: frames that still waited when the run was stopped, or had as many as it was to fuse.
    paired: also those that came out alone, while the other camera was missing.
    damaged: how many more were left out unread, because they or what they build on were torn or did not decode.
    unread: how many more the longer of two recordings has, as far as it tells, after the other one has ended.
    decoded_by: `software`, or the hardware decoder at the end; empty if nothing is decoded.
    begins_ns: the stamp of the first frame, as it is paired; None of a camera that gave none.
    unreadable: the first of a live side's damaged pictures that have names, each with the reason.
    """

    read: int = 0
    paired: int = 0
    dropped: int = 0
    unpaired: Unpaired = Unpaired()
    damaged: int = 0
    unread: int = 0
    decoded_by: str = ""
    unreadable: tuple[str, ...] = ()
    begins_ns: int | None = field(default=None, compare=False)
    left_over: int = 0

    @property
    def alone(self) -> Unpaired:
        """Why frames that ought to have a partner have none, those among them that nobody read."""
        after_end = self.unpaired.after_end + self.unread
        return replace(self.unpaired, spare=0, late=0, after_end=after_end)

    def lost_share(self, *, at_end: bool) -> float:
        """Of all its frames those in `alone`, 0..1; at_end: those too that came after the other side's end."""
        lost = self.alone.lost if at_end else self.alone.lost - self.alone.after_end
        return lost / (self.read + self.unread) if self.read else 0.0


@dataclass(frozen=True)
class StreamCounts:
    """What became of both cameras' frames."""

    visible: CameraCount = CameraCount()
    infrared: CameraCount = CameraCount()

    @property
    def trouble(self) -> str:
        """Say which camera's frames had no partner, if they are a large share of its frames; empty otherwise."""
        found = self._large_share()
        if found is None:
            return ""
        side, count = found
        frames = counted(count.read + count.unread, f"{side} frame")
        told = f"{count.alone.lost} of {frames} found no partner ({count.alone})"
        if self._silent:
            return f"{told}: the {self._silent} camera gave no frame"
        gap_ns = self._gap_ns
        if not count.paired and gap_ns:
            return f"{told}: {_begins(gap_ns)}"
        return told

    def why_no_pair(self, *, realtime: bool) -> tuple[str, str]:
        """Of cameras that gave no pair: why, in words if that is known, and what to do, as sentences.

        realtime: whether they are live, and so begin when they are opened.
        """
        if not self.visible.read + self.infrared.read:
            return "", "Look at both cameras or recordings: they are empty, or none of their frames can be read."
        if self._silent:
            return f"the {self._silent} camera gave no frame", _look_at(self._silent)
        gap_ns = self._gap_ns
        if realtime or abs(gap_ns) < _APART_NS:
            return "", ""
        return _begins(gap_ns), _CLOCKS_APART

    @property
    def out_of_order(self) -> str:
        """Say that a large share of a camera's stamps do not increase; empty if they do."""
        for side, count in (("visible", self.visible), ("infrared", self.infrared)):
            if count.read and count.unpaired.stale / count.read >= LARGE_SHARE:
                frames = counted(count.read, f"{side} frame")
                return f"{count.unpaired.stale} of {frames} are not later than the one before, and are left out"
        return ""

    @property
    def _silent(self) -> str:
        """The side that gave nothing, while the other one did."""
        sides = (("visible", self.visible, self.infrared), ("infrared", self.infrared, self.visible))
        return next((side for side, count, other in sides if not count.read and other.read), "")

    @property
    def _gap_ns(self) -> int:
        """How much later the infrared camera begins; 0 if one has not."""
        begins = (self.visible.begins_ns, self.infrared.begins_ns)
        return 0 if begins[0] is None or begins[1] is None else begins[1] - begins[0]

    @property
    def remedy(self) -> str:
        """Say, as sentences, what to do about trouble: it depends on what most of those frames lacked."""
        found = self._large_share()
        if found is None:
            return ""
        side, count = found
        other = OTHER_SIDE[side]
        if self._silent:
            return _look_at(self._silent)
        if not count.paired and abs(self._gap_ns) >= _APART_NS:
            return _CLOCKS_APART
        remedies = {
            "too_far": "coconet offset finds how far the clocks are apart; [pairing] tolerance_ms allows larger gaps.",
            "missing": f"The {other} recording has no frames at those times. If it has no gap there, their clocks are "
            "apart: coconet offset finds by how much, and --starts together lays two videos together.",
            "after_end": f"The {other} recording ends first: what comes later has nothing to be fused with. If both "
            f"should be equally long, look whether the {other} one was cut off.",
            "stale": f"The time stamps of the {side} recording do not increase. A camera of your own gives each "
            "frame a later timestamp_ns, the driver of a topic each header a later stamp; a video with "
            "stamps that do is written by ffmpeg -i IN -fps_mode cfr OUT.mkv.",
        }
        return remedies[max(remedies, key=lambda reason: int(getattr(count.alone, reason)))]

    def _large_share(self) -> tuple[Side, CameraCount] | None:
        """The camera that lost most, if it lost much; one that merely goes on longer only if no other reason does."""
        worse = (self._worse(at_end=at_end) for at_end in (False, True))
        return next(((side, count) for side, count, share in worse if share >= LARGE_SHARE), None)

    def _worse(self, *, at_end: bool) -> tuple[Side, CameraCount, float]:
        visible, infrared = (count.lost_share(at_end=at_end) for count in (self.visible, self.infrared))
        return ("visible", self.visible, visible) if visible >= infrared else ("infrared", self.infrared, infrared)


def _begins(gap_ns: int) -> str:
    return f"infrared begins {abs(gap_ns) / 1e9:.3f} s {'after' if gap_ns > 0 else 'before'} visible"


def _look_at(side: str) -> str:
    return f"Look at the {side} camera or recording: it never answered, is empty, or none of its frames can be read."
