"""A frame, a pair of frames and a fused frame: what travels from the cameras to the screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np

from coconet.errors import CoconetError
from coconet.media.pixels import Pixels, RawPixels
from coconet.media.thermal import LevelScale
from coconet.runtime.balance import AS_MADE, find_coverage
from coconet.runtime.heat.placing import Placing
from coconet.runtime.preprocess.warp import Alignment

if TYPE_CHECKING:
    from coconet.runtime.heat.reading import Heat

Side = Literal["visible", "infrared"]

OTHER_SIDE: Mapping[Side, Side] = MappingProxyType({"visible": "infrared", "infrared": "visible"})
"""The camera beside each camera."""

StampKind = Literal["driver", "stream", "arrival", "epoch", "recording", "still"]
"""Whose time a frame carries. driver: the camera driver's own, on this machine's monotonic clock. stream: the sender's
times, laid onto that clock by the earliest arrivals. arrival: when the frame reached this program. epoch: a live
camera's own, since 1970. recording: the time within a file or a synthetic stream, unrelated to the present time, or,
where that is replayed as if live, when the frame was due. still: the place in a folder of pictures that need have
nothing to do with each other."""

STILL: StampKind = "still"


@dataclass(frozen=True)
class Frame:
    """One picture of one camera.

    pixels: (H, W, 3) BGR or (H, W, 1) gray, uint8, or (H, W, 1) for raw thermal samples: uint16 counts, or float32, NaN
    where nothing was measured.
    timestamp_ns: as near the moment of exposure as the source allows, on the clock that `stamps` says.
    index: how many frames the camera gave before this one; a camera of one's own may leave that to be counted.
    name: the file's name where it came from a folder.
    stamps: whose time timestamp_ns is. palette: the colours that an infrared picture was turned back from.
    misfit: why the picture cannot be used, if a source gives such frames; its pixels only stand in then.
    emissivity, distance_m: what the camera of a radiometric picture was set to; None for others.
    scale: which samples the levels of an infrared picture stand for that was made 8 bit; None if that is not known.
    order: which of its side it is for the stream that reads it, which sets it.
    frame_id: of a message of ROS, what its header calls the place that it was taken from; empty of others.
    zero_ns: of a replay, what added to timestamp_ns gives the time that messages and records carry; else None.
    """

    pixels: RawPixels
    timestamp_ns: int
    index: int = 0
    name: str = ""
    stamps: StampKind = "recording"
    palette: str = ""
    misfit: CoconetError | None = field(default=None, kw_only=True)
    emissivity: float | None = field(default=None, kw_only=True)
    distance_m: float | None = field(default=None, kw_only=True)
    scale: LevelScale | None = field(default=None, kw_only=True, repr=False)
    frame_id: str = field(default="", kw_only=True, compare=False)
    zero_ns: int | None = field(default=None, kw_only=True)
    order: int = field(default=0, kw_only=True, compare=False, repr=False)


@dataclass(frozen=True)
class FramePair:
    """A visible and an infrared frame taken at about the same time.

    clock: the side whose stamp is the time of the pair.
    missing: the sides that cannot be shown as live; their pixels stand in for what is not there and are not to be seen.
    notice: what a viewer has to know about the cameras, empty while both are live.
    prepare_ms: how long it took to make the pair fit for a backend, 0 before that.
    warp: how the infrared picture, still of its own size, lies on the visible one, if the model itself is to lay it
    there; None if it lies there already.
    raw_infrared: the infrared frame as the camera gave it, counts and all; None before the pair was prepared.
    heat: its temperatures and what the meters of the rig read; None without `[infrared.temperature]`.
    placing: how the infrared camera's own pixels lie on the visible picture; None if they do not.
    heat_percent: how far the brightness of the fused picture is to follow the infrared one, as runtime/balance.py says.
    """

    visible: Frame
    infrared: Frame
    clock: Side = field(default="visible", kw_only=True)
    missing: frozenset[Side] = field(default=frozenset(), kw_only=True)
    notice: str = field(default="", kw_only=True)
    prepare_ms: float = field(default=0.0, kw_only=True)
    warp: Alignment | None = field(default=None, kw_only=True)
    raw_infrared: Frame | None = field(default=None, kw_only=True)
    heat: Heat | None = field(default=None, kw_only=True)
    placing: Placing | None = field(default=None, kw_only=True)
    heat_percent: float = field(default=AS_MADE, kw_only=True)

    @property
    def misfit(self) -> CoconetError | None:
        """Why the pair cannot be fused; None if it can."""
        return self.visible.misfit or self.infrared.misfit

    @cached_property
    def laid_infrared(self) -> RawPixels:
        """The infrared pixels, laid onto the visible picture: at the first call, if the model is to lay them itself."""
        if self.warp is None:
            return self.infrared.pixels
        height, width = self.visible.pixels.shape[:2]
        return self.warp.warp(self.infrared.pixels.astype(np.uint8, copy=False), (width, height))

    @property
    def covered(self) -> Pixels | None:
        """Where there is infrared on the visible picture, as `apply_heat` takes it; None if everywhere."""
        if self.placing is None:
            return None
        own, (height, width) = (self.raw_infrared or self.infrared).pixels, self.visible.pixels.shape[:2]
        return find_coverage(self.placing, (own.shape[1], own.shape[0]), (width, height))

    def laid(self) -> FramePair:
        """The pair with its infrared picture on the visible one; itself if that is so already."""
        if self.warp is None:
            return self
        return replace(self, infrared=replace(self.infrared, pixels=self.laid_infrared), warp=None)

    @property
    def skew_ns(self) -> int:
        """Infrared stamp minus visible stamp."""
        return self.infrared.timestamp_ns - self.visible.timestamp_ns

    @property
    def timestamp_ns(self) -> int:
        """The time of the pair; it increases from pair to pair of a stream."""
        return self.timed.timestamp_ns

    @property
    def timed(self) -> Frame:
        """The frame whose stamp is the time of the pair."""
        return self.visible if self.clock == "visible" else self.infrared


Finish = Callable[[Pixels, FramePair], Pixels]
"""What a fused picture still goes through before it is looked at."""


@dataclass(frozen=True)
class FusedFrame:
    """A fused picture, shaped like the visible frame of its pair, with the pair it came from.

    fused: what came of the model, or what one camera alone shows. finish: what that goes through when its `pixels` are
    asked for, in the thread that writes or draws it; None if it is whole.
    latency_ms: the time of the backend, or of passing through what one camera alone shows.
    queued_ms: how long the prepared pair waited for the backend.
    capture_to_fused_ms: from the later of the two stamps to the picture; None for the stamps of a recording.
    taken_over: whether a local model made it, as the server that was asked is lost.
    without_server: whether it shows the visible camera alone, as that server is lost and no local model stands in.
    """

    fused: Pixels
    pair: FramePair
    latency_ms: float
    queued_ms: float = 0.0
    capture_to_fused_ms: float | None = None
    finish: Finish | None = field(default=None, kw_only=True, repr=False)
    taken_over: bool = field(default=False, kw_only=True)
    without_server: bool = field(default=False, kw_only=True)

    @cached_property
    def pixels(self) -> Pixels:
        """The picture to be shown, (H, W, 3) BGR or (H, W, 1) gray, uint8: finished once, at the first look."""
        return self.fused if self.finish is None else self.finish(self.fused, self.pair)

    def with_picture(self, pixels: Pixels) -> FusedFrame:
        """The same frame with another picture, which is whole."""
        return replace(self, fused=pixels, finish=None)
