"""The synthetic rig: two cameras on one synthetic scene, for trying out, tests and benchmarks without a camera."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from coconet.config import Checked
from coconet.errors import CoconetError
from coconet.media.pixels import RawPixels
from coconet.runtime.cameras.synthetic.brush import Picture, cv2
from coconet.runtime.cameras.synthetic.scene import scene
from coconet.runtime.frame import Frame, FramePair

_SECOND_NS = 10**9

_NOISE_MARGIN_PX = 64  # the stored noise is that much larger than a frame, so that every frame can cut another piece

COLDEST_C, HOTTEST_C = -12.0, 39.0
"""What black and white of the synthetic heat are in counts; a level between them is 0.2 degrees, and skin 35.6."""

_COUNTS = np.rint((np.linspace(COLDEST_C, HOTTEST_C, 256) + 273.15) * 100).astype(np.uint16)

SidePx = Annotated[int, Field(ge=32, le=8192)]


class SyntheticSettings(Checked):
    """What a synthetic camera delivers.

    fps: frames a second. width, height: in pixels; cameras of one aspect ratio see the same street at any size.
    seed: chooses the street and the noise. noise: deviation of the sensor noise in grey levels.
    jitter_ms: frames are exposed up to this late, each differently. duration_s: the end of the stream, None for never.
    counts: the infrared camera gives uint16 counts of 0.01 K, as a Lepton with TLinear does, of COLDEST_C to HOTTEST_C.
    """

    fps: Annotated[float, Field(gt=0, ge=0.001, le=1000)] = 30.0
    width: SidePx = 640
    height: SidePx = 480
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    noise: Annotated[float, Field(ge=0, le=64)] = 3.0
    jitter_ms: Annotated[float, Field(ge=0)] = 0.0
    duration_s: Annotated[float, Field(gt=0, le=1e9)] | None = None
    counts: bool = False

    @model_validator(mode="after")
    def _frames_stay_in_order(self) -> SyntheticSettings:
        if self.jitter_ms >= 1000 / self.fps:
            raise CoconetError(
                "jitter_ms",
                wanted=f"less than a frame's {1000 / self.fps:g} ms at {self.fps:g} fps",
                got=f"{self.jitter_ms:g}",
                remedy="Lower the jitter or the frame rate.",
                says=f"is {self.jitter_ms:g}, which is not less than the {1000 / self.fps:g} ms between two frames at "
                f"{self.fps:g} fps",
            )
        return self


class SyntheticCamera:
    """One camera of the synthetic rig, which draws as fast as it is read; PacedCamera makes it a live one.

    A frame's picture is the scene at its stamp, so two cameras see the same moment at the same stamp.
    """

    realtime = False

    def __init__(self, role: Literal["visible", "infrared"], settings: SyntheticSettings | None = None) -> None:
        """Set up a visible camera, (H, W, 3) BGR, or an infrared one, (H, W, 1); both uint8, unless it gives counts."""
        self.name = f"synthetic {role}"
        self._settings = settings or SyntheticSettings()
        self._scene = scene(self._settings.width, self._settings.height, self._settings.seed)
        self._infrared = role == "infrared"
        self._noise = _Noise(self._settings, self._infrared)
        self._next = 0
        length_s = self._settings.duration_s
        self.frames_expected = None if length_s is None else max(1, round(length_s * self._settings.fps))

    def read(self) -> Frame | None:
        """Draw the next frame."""
        index = self._next
        if index == self.frames_expected:
            return None
        self._next += 1
        rng = np.random.default_rng((self._settings.seed, self._infrared, index))
        t_s = index / self._settings.fps + rng.uniform(0, self._settings.jitter_ms) / 1000
        picture = self._scene.infrared(t_s) if self._infrared else self._scene.visible(t_s)
        noisy = self._noise.added(picture, rng)
        pixels: RawPixels = noisy[:, :, None] if self._infrared else noisy
        if self._infrared and self._settings.counts:
            pixels = _COUNTS[pixels]
        return Frame(pixels, round(t_s * _SECOND_NS), index)

    def skip_to(self, timestamp_ns: int) -> None:
        """Leave out what has been before, without drawing it; a stream that ends keeps all of its frames."""
        if self.frames_expected is None:
            self._next = max(self._next, math.ceil(timestamp_ns / _SECOND_NS * self._settings.fps))

    def close(self) -> None:
        """End the stream."""
        self.frames_expected = self._next


class _Noise:
    """Sensor noise: a stored field larger than the frame, of which every frame cuts another piece."""

    def __init__(self, settings: SyntheticSettings, infrared: bool) -> None:
        rng = np.random.default_rng((settings.seed, 2, infrared))
        sides = (settings.height + _NOISE_MARGIN_PX, settings.width + _NOISE_MARGIN_PX)
        field = rng.standard_normal(sides if infrared else (*sides, 3), np.float32) * settings.noise
        # Two unsigned halves: OpenCV adds bytes with saturation ten times as fast as it adds mixed types.
        self._above = np.clip(np.rint(field), 0, 255).astype(np.uint8)
        self._below = np.clip(np.rint(-field), 0, 255).astype(np.uint8)

    def added(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the picture with a piece of the noise that `rng` chooses."""
        height, width = picture.shape[:2]
        top, left = rng.integers(0, _NOISE_MARGIN_PX, 2)
        piece = np.s_[top : top + height, left : left + width]
        return cv2.subtract(cv2.add(picture, self._above[piece]), self._below[piece])


def synthetic_pairs(count: int, height_px: int = 480, width_px: int = 640) -> list[FramePair]:
    """The first pairs of the synthetic rig, which needs neither cameras nor files."""
    settings = SyntheticSettings(width=width_px, height=height_px, seed=3)
    visible, infrared = SyntheticCamera("visible", settings), SyntheticCamera("infrared", settings)
    frames = ((visible.read(), infrared.read()) for _ in range(count))
    return [FramePair(seen, thermal) for seen, thermal in frames if seen is not None and thermal is not None]
