"""The still part of the synthetic scene: a street at dusk, as daylight, lamplight and heat."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.runtime.cameras.synthetic.brush import Brush, Paint, Picture, Point, cv2, fractal

HORIZON, KERB, VERGE = 0.56, 0.62, 0.82
"""Where, in picture heights, the houses stand, the road begins and the near grass begins."""

_SUPERSAMPLING = 2

_FACADES = (
    Paint((62, 76, 118), 92),
    Paint((112, 132, 150), 84),
    Paint((92, 98, 104), 98),
    Paint((70, 104, 132), 88),
    Paint((84, 84, 116), 95),
)

_LAMP = (120.0, 205.0, 255.0)


@dataclass(frozen=True)
class Street:
    """The layers of the still scene.

    daylight: (H, W, 3) BGR in full light. lamplight: (H, W, 3) BGR, added whatever the time of day.
    heat: (H, W). All uint8.
    """

    daylight: Picture
    lamplight: Picture
    heat: Picture


def draw_street(width: int, height: int, seed: int) -> Street:
    """Draw the street for a picture of `width` by `height` pixels; the seed chooses houses, trees and textures."""
    layers = _StreetLayers(width * _SUPERSAMPLING, height * _SUPERSAMPLING, seed)
    layers.draw()
    daylight, lamplight, heat = (
        cv2.resize(layer, (width, height), interpolation=cv2.INTER_AREA)
        for layer in (layers.daylight, layers.lamplight, layers.heat)
    )
    return Street(daylight, lamplight, heat)


class _StreetLayers:
    def __init__(self, width: int, height: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self._texture_seed = np.random.SeedSequence(seed)
        self.aspect = width / height
        self.daylight = np.zeros((height, width, 3), np.uint8)
        self.lamplight = np.zeros((height, width, 3), np.uint8)
        self.heat = np.zeros((height, width), np.uint8)
        self._brushes = [Brush(self.daylight), Brush(self.heat)]
        self._light = Brush(self.lamplight)

    def draw(self) -> None:
        self._sky()
        self._hills()
        self._houses()
        self._ground()
        for place in (0.07, 0.52, 0.9):
            self._tree(place * self.aspect, HORIZON + 0.02, 0.3 * self.rng.uniform(0.85, 1.15))
        for place in (0.3, 0.76):
            self._lamp(place * self.aspect)
        self._hedge()

    def _sky(self) -> None:
        height = self.heat.shape[0]
        fall = np.linspace(0, 1, height, dtype=np.float32)[:, None] / HORIZON
        clouds = self._texture(height / 4, stretch=3)
        top, glow = np.array([112, 74, 52]), np.array([120, 158, 226])
        share = np.clip(fall, 0, 1)[:, :, None] ** 1.6
        sky = top + (glow - top) * share + 9 * clouds[:, :, None] * np.array([1.0, 1.1, 1.3])
        self.daylight[:] = np.clip(sky, 0, 255).astype(np.uint8)
        self.heat[:] = np.clip(16 + 34 * fall**2 + 4 * clouds, 0, 255).astype(np.uint8)

    def _hills(self) -> None:
        for base, paint in ((0.40, Paint((104, 96, 98), 52)), (0.46, Paint((74, 76, 74), 60))):
            x = np.linspace(0, self.aspect, 80)
            phase = self.rng.uniform(0, 6, 3)
            rise = sum(np.sin(x * rate + start) / rate for rate, start in zip((3, 7, 17), phase, strict=True))
            ridge = np.stack([x, base - 0.1 * rise], 1)
            self._shape(np.concatenate([ridge, [(self.aspect, 1), (0, 1)]]), paint)

    def _houses(self) -> None:
        left, index = -0.03, int(self.rng.integers(len(_FACADES)))
        while left < self.aspect:
            wide, floors = self.rng.uniform(0.24, 0.36), int(self.rng.integers(3, 6))
            self._house(left, left + wide, floors, _FACADES[index % len(_FACADES)])
            left += wide + (self.rng.uniform(0.05, 0.1) if self.rng.random() < 0.4 else 0.004)
            index += 1

    def _house(self, left: float, right: float, floors: int, paint: Paint) -> None:
        top = HORIZON - 0.085 * floors - 0.03
        roof = Paint((58, 52, 60), paint.heat - 34)
        chimney = left + (right - left) * self.rng.uniform(0.2, 0.8)
        self._box(chimney - 0.012, top - 0.06, chimney + 0.012, top, Paint((56, 62, 88), 168))
        if floors == 3:
            self._shape([(left - 0.01, top), ((left + right) / 2, top - 0.09), (right + 0.01, top)], roof)
        else:
            self._box(left - 0.006, top - 0.014, right + 0.006, top + 0.006, roof)
        self._box(left, top, right, HORIZON, paint)
        self._grain([(left, top), (right, top), (right, HORIZON), (left, HORIZON)], 0.07, 3)
        columns = max(2, int((right - left) / 0.068))
        for floor in range(floors):
            for column in range(columns):
                x = left + (column + 0.5) * (right - left) / columns
                self._window(x, HORIZON - 0.085 * floor - 0.07, paint, ground=floor == 0 and column == columns // 2)

    def _window(self, x: float, y: float, wall: Paint, *, ground: bool) -> None:
        if ground:
            self._box(x - 0.02, y - 0.012, x + 0.02, HORIZON, Paint((38, 44, 58), wall.heat + 16))
            return
        lit = self.rng.random() < 0.3
        self._box(x - 0.018, y - 0.028, x + 0.018, y + 0.026, wall.lit(1.25))
        self._box(x - 0.014, y - 0.024, x + 0.014, y + 0.022, Paint((104, 84, 70), 52 + 40 * lit))
        if lit:
            warm = self.rng.uniform(0.55, 1.0)
            self._light.box(x - 0.014, y - 0.024, x + 0.014, y + 0.022, Paint(_LAMP, 0).lit(warm * 0.8))
            self._light.box(x - 0.014, y - 0.024, x - 0.006, y + 0.022, Paint(_LAMP, 0).lit(warm * 0.5))
        self._box(x - 0.001, y - 0.024, x + 0.001, y + 0.022, wall.lit(1.1))
        self._box(x - 0.016, y + 0.028, x + 0.016, y + 0.036, Paint(wall.lit(0.9).bgr, wall.heat + 26))

    def _ground(self) -> None:
        wide = self.aspect
        self._box(0, HORIZON, wide, KERB, Paint((118, 122, 124), 104))
        for x in np.arange(0.0, wide, 0.09):
            self._shape(
                [(x, HORIZON), (x + 0.002, HORIZON), (x - 0.01, KERB), (x - 0.013, KERB)], Paint((92, 94, 96), 96)
            )
        self._box(0, KERB - 0.008, wide, KERB + 0.004, Paint((150, 152, 152), 112))
        self._box(0, KERB + 0.004, wide, VERGE, Paint((74, 72, 70), 88))
        for y in (KERB + 0.05, KERB + 0.13):
            self._box(0, y, wide, y + 0.025, Paint((68, 66, 65), 97))
        for x in np.arange(-0.05, wide, 0.24):
            self._shape(
                [(x, 0.715), (x + 0.12, 0.715), (x + 0.117, 0.725), (x - 0.004, 0.725)], Paint((165, 170, 172), 92)
            )
        self._box(0, VERGE - 0.012, wide, VERGE, Paint((140, 142, 142), 104))
        self._box(0, VERGE, wide, 1, Paint((44, 84, 70), 62))
        self._grain([(0, HORIZON), (wide, HORIZON), (wide, 1), (0, 1)], 0.12, 6)
        self._blades()

    def _blades(self) -> None:
        """Draw the grass, from far to near."""
        for depth in np.sort(self.rng.uniform(0, 1, int(2600 * self.aspect))):
            x, y = self.rng.uniform(0, self.aspect), VERGE + (1 - VERGE) * depth * 1.04
            tall, lean = (0.012 + 0.03 * depth) * self.rng.uniform(0.6, 1.2), self.rng.normal(0, 0.008)
            tone = self.rng.uniform(0.65, 1.35)
            paint = Paint((38 * tone, 88 * tone, 70 * tone), 50 + 14 * tone)
            self._shape([(x - 0.002, y), (x + 0.002, y), (x + lean, y - tall)], paint)

    def _tree(self, x: float, foot: float, tall: float) -> None:
        bark = Paint((40, 52, 64), 80)
        self._shape([(x - 0.016, foot), (x + 0.018, foot), (x + 0.007, foot - tall), (x - 0.006, foot - tall)], bark)
        crown = (x, foot - tall)
        for _ in range(3):
            end = (x + self.rng.uniform(-0.08, 0.08), crown[1] - self.rng.uniform(-0.02, 0.06))
            self._shape([(x - 0.007, foot - tall * 0.6), (x + 0.007, foot - tall * 0.6), end], bark)
        clumps = _in_disc(9, self.rng) * (0.085, 0.075)
        leaves = (clumps[:, None] + _in_disc(60, self.rng) * 0.055).reshape(-1, 2)
        for dx, dy in leaves[np.argsort(-leaves[:, 1])]:
            tone = np.clip(0.85 - 4.5 * dy + 1.5 * dx + self.rng.normal(0, 0.18), 0.35, 1.7)
            paint = Paint((38 * tone, 70 * tone, 60 * tone), 54 + 14 * tone)
            self._leaf((crown[0] + dx, crown[1] + dy), self.rng.uniform(0.006, 0.014), paint)

    def _hedge(self) -> None:
        """Draw a dark bush at the near right, which frames the picture."""
        for depth in np.sort(self.rng.uniform(0, 1, 420)):
            x = self.aspect - abs(self.rng.normal(0, 0.13)) * (1.1 - 0.3 * depth)
            y = 1.02 - self.rng.uniform(0, 0.2) * math.exp(-(((self.aspect - x) / 0.22) ** 2)) + 0.02 * depth
            tone = 0.55 + 0.5 * self.rng.random() * (1 - depth * 0.4)
            self._leaf((x, y), self.rng.uniform(0.008, 0.02), Paint((34 * tone, 64 * tone, 50 * tone), 60 + 10 * tone))

    def _lamp(self, x: float) -> None:
        steel = Paint((66, 66, 64), 84)
        head = (x + 0.052, 0.238)
        self._shape([(x - 0.006, KERB), (x + 0.006, KERB), (x + 0.003, 0.22), (x - 0.003, 0.22)], steel)
        self._shape([(x - 0.003, 0.222), (x + 0.06, 0.228), (x + 0.06, 0.234), (x - 0.003, 0.232)], steel)
        self._shape(
            [(x + 0.034, 0.23), (x + 0.07, 0.23), (x + 0.064, 0.242), (x + 0.04, 0.242)], Paint((90, 90, 90), 205)
        )
        self._glow(head, 0.02, 1.0, 1.2)
        self._glow(head, 0.1, 1.0, 0.45)
        self._glow((head[0], KERB + 0.02), 0.26, 0.24, 0.5)

    def _glow(self, centre: Point, radius: float, flatness: float, strength: float) -> None:
        """Add a round light that fades outwards."""
        height, width = self.heat.shape
        x = (np.arange(width, dtype=np.float32) / height - centre[0]) / radius
        y = (np.arange(height, dtype=np.float32) / height - centre[1]) / (radius * flatness)
        share = strength * np.exp(-(y[:, None] ** 2)) * np.exp(-(x[None, :] ** 2))
        added = self.lamplight + share[:, :, None] * np.array(_LAMP, np.float32)
        self.lamplight[:] = np.clip(added, 0, 255).astype(np.uint8)

    def _leaf(self, centre: Point, radius: float, paint: Paint) -> None:
        angles = np.sort(self.rng.uniform(0, 2 * math.pi, 7))
        outline = np.stack([np.cos(angles), np.sin(angles)], 1) * radius
        self._shape(outline + np.asarray(centre), paint)

    def _shape(self, points: Any, paint: Paint) -> None:
        for brush in self._brushes:
            brush.polygon(points, paint)
        self._light.polygon(points, Paint((0, 0, 0), 0))  # what stands in front covers the lights behind

    def _box(self, left: float, top: float, right: float, bottom: float, paint: Paint) -> None:
        self._shape([(left, top), (right, top), (right, bottom), (left, bottom)], paint)

    def _texture(self, cell_px: float, stretch: float) -> NDArray[Any]:
        """Draw noise from a source of its own: how much it takes depends on the size, and the street must not."""
        height, width = self.heat.shape
        return fractal(height, width, cell_px, np.random.default_rng(self._texture_seed.spawn(1)[0]), stretch)

    def _grain(self, points: Any, amount: float, cell: float) -> None:
        """Roughen what has been drawn inside an outline: stains and specks, the same ones in both bands."""
        height, width = self.heat.shape
        inside = np.zeros((height, width), np.uint8)
        Brush(inside).polygon(points, Paint((0, 0, 0), 1))
        noise = self._texture(height * cell / 60, stretch=2) * inside * amount
        for layer, share in ((self.daylight, 1.0), (self.heat, 0.6)):
            _multiply(layer, 1 + noise * share)


def _in_disc(count: int, rng: np.random.Generator) -> NDArray[Any]:
    """Draw points spread evenly over the unit disc, (count, 2)."""
    radius, angle = np.sqrt(rng.uniform(0, 1, count)), rng.uniform(0, 2 * math.pi, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def _multiply(layer: NDArray[np.uint8], factor: NDArray[Any]) -> None:
    shaped = factor[:, :, None] if layer.ndim == 3 else factor
    layer[:] = np.clip(layer * shaped, 0, 255).astype(np.uint8)
