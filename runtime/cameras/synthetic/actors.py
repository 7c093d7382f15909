"""What moves in the synthetic scene: people, a car, a fire. Each is drawn as it is at a time, for either camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from coconet.runtime.cameras.synthetic.brush import Brush, Paint, Point

_SKIN = Paint((96, 124, 168), 238)

_HAIR = Paint((36, 40, 50), 178)

_HEADLAMP = Paint((170, 225, 245), 150)

_TAIL_LAMP = Paint((40, 40, 200), 120)

_GLASS = Paint((84, 72, 60), 58)

_ROAD_BELOW = Paint((24, 24, 24), 116)

_TYRE = Paint((30, 30, 30), 150)


@dataclass(frozen=True)
class Walker:
    """A person who walks along the street, out of the picture and in again.

    tall, foot: in picture heights. speed: picture heights a second, to the right where positive. start: place at t = 0.
    """

    tall: float
    foot: float
    speed: float
    start: float
    jacket: Paint
    trousers: Paint

    def place(self, t_s: float, aspect: float) -> float:
        """Say where the person is: x in picture heights, a little outside at the ends of the walk."""
        return _wrapped(self.start + self.speed * t_s, aspect, margin=0.4 * self.tall)

    def draw(self, brush: Brush, t_s: float, aspect: float, light: float) -> None:
        """Draw the person at a time, in `light` (1.0 is daylight)."""
        x, tall = self.place(t_s, aspect), self.tall
        step = 2 * math.pi * t_s * abs(self.speed) / (0.8 * tall)
        body_foot = self.foot + 0.012 * tall * math.cos(2 * step)  # the body rises and falls twice a step
        hip, shoulder = (x, body_foot - 0.49 * tall), (x + self._ahead(0.025), body_foot - 0.79 * tall)
        jacket, trousers = self.jacket.lit(light), self.trousers.lit(light)
        self._arm(brush, shoulder, step, jacket.lit(0.75), light)
        self._leg(brush, hip, step + math.pi, trousers.lit(0.75))
        self._leg(brush, hip, step, trousers)
        brush.limb(hip, (shoulder[0], shoulder[1] + 0.03 * tall), 0.125 * tall, 0.165 * tall, jacket)
        lit_side = Paint(jacket.lit(1.35).bgr, jacket.heat + 12)
        brush.limb(
            (hip[0] + self._ahead(0.03), hip[1] - 0.03 * tall),
            (shoulder[0] + self._ahead(0.04), shoulder[1] + 0.05 * tall),
            0.03 * tall,
            0.05 * tall,
            lit_side,
        )
        self._head(brush, shoulder, light)
        self._arm(brush, shoulder, step + math.pi, jacket, light)

    def _head(self, brush: Brush, shoulder: Point, light: float) -> None:
        tall, skin, hair = self.tall, _SKIN.lit(light), _HAIR.lit(light)
        head = (shoulder[0] + self._ahead(0.02), shoulder[1] - 0.115 * tall)
        brush.limb(shoulder, head, 0.055 * tall, 0.045 * tall, skin.lit(0.85))
        brush.disc((head[0] - self._ahead(0.012), head[1] - 0.016 * tall), 0.05 * tall, hair, flatness=1.0)
        brush.disc((head[0] + self._ahead(0.006), head[1] + 0.006 * tall), 0.043 * tall, skin, flatness=1.35)
        brush.disc((head[0] - self._ahead(0.008), head[1] - 0.045 * tall), 0.042 * tall, hair, flatness=0.55)

    def _leg(self, brush: Brush, hip: Point, step: float, paint: Paint) -> None:
        """Draw a leg: it swings from the hip, and bends at the knee while it comes forward."""
        tall, thigh = self.tall, 0.42 * math.sin(step)
        shin = thigh - 0.12 - 0.75 * max(0.0, math.cos(step))
        knee = (hip[0] + self._ahead(0.25 * math.sin(thigh)), hip[1] + 0.25 * tall * math.cos(thigh))
        ankle = (knee[0] + self._ahead(0.24 * math.sin(shin)), knee[1] + 0.24 * tall * math.cos(shin))
        toe = (ankle[0] + self._ahead(0.055), min(ankle[1] + 0.012 * tall, self.foot))
        brush.limb(ankle, toe, 0.045 * tall, 0.028 * tall, Paint(paint.lit(0.5).bgr, paint.heat - 34))
        brush.limb(hip, knee, 0.105 * tall, 0.075 * tall, paint)
        brush.limb(knee, ankle, 0.075 * tall, 0.048 * tall, paint)

    def _arm(self, brush: Brush, shoulder: Point, step: float, paint: Paint, light: float) -> None:
        tall, upper = self.tall, 0.5 * math.sin(step)
        lower = upper + 0.4
        top = (shoulder[0], shoulder[1] + 0.035 * tall)
        elbow = (top[0] + self._ahead(0.16 * math.sin(upper)), top[1] + 0.16 * tall * math.cos(upper))
        hand = (elbow[0] + self._ahead(0.14 * math.sin(lower)), elbow[1] + 0.14 * tall * math.cos(lower))
        brush.disc(hand, 0.024 * tall, _SKIN.lit(light))
        brush.limb(top, elbow, 0.07 * tall, 0.055 * tall, paint)
        brush.limb(elbow, hand, 0.055 * tall, 0.042 * tall, paint)

    def _ahead(self, share: float) -> float:
        """Turn a share of the person's height into a distance in the direction of the walk."""
        return math.copysign(share * self.tall, share * self.speed)


@dataclass(frozen=True)
class Car:
    """A dark car on the road; its bonnet, tyres and exhaust are hot.

    long, foot: in picture heights. speed: picture heights a second, to the right. start: place of its middle at t = 0.
    """

    long: float
    foot: float
    speed: float
    start: float
    body: Paint

    def place(self, t_s: float, aspect: float) -> float:
        """Say where the middle of the car is, in picture heights; it is away for a while after it has left."""
        return _wrapped(self.start + self.speed * t_s, aspect, margin=1.2 * self.long)

    def draw(self, brush: Brush, t_s: float, aspect: float, light: float) -> None:
        """Draw the car at a time, in `light` (1.0 is daylight)."""
        middle = self.place(t_s, aspect)
        brush.disc((middle, self.foot - 0.012 * self.long), 0.52 * self.long, _ROAD_BELOW.lit(light), flatness=0.075)
        self._fill(brush, middle, _BODY, self.body.lit(light))
        for share, extra in ((1.0, 30), (0.72, 26), (0.42, 22)):
            self._bonnet(brush, middle, share, Paint(self.body.lit(light).bgr, self.body.heat + extra * (2 - share)))
        self._fill(brush, middle, _ROOF_LIGHT, self.body.lit(1.7 * light))
        for seam in _SEAMS:
            self._fill(brush, middle, seam, self.body.lit(0.55 * light))
        for pane in _PANES:
            self._fill(brush, middle, pane, _GLASS.lit(light))
        self._fill(brush, middle, _HEAD_LAMP, _HEADLAMP)
        self._fill(brush, middle, _REAR_LAMP, _TAIL_LAMP)
        self._fill(brush, middle, _EXHAUST, Paint((60, 60, 64), 252).lit(light))
        for axle in (-0.29, 0.3):
            self._wheel(brush, (middle + axle * self.long, self.foot - 0.075 * self.long), t_s, light)

    def _fill(self, brush: Brush, middle: float, outline: tuple[Point, ...], paint: Paint) -> None:
        brush.polygon(np.add(np.multiply(outline, self.long), (middle, self.foot)), paint)

    def _bonnet(self, brush: Brush, middle: float, share: float, paint: Paint) -> None:
        outline = np.asarray(_BONNET)
        self._fill(brush, middle, tuple(map(tuple, outline.mean(0) + (outline - outline.mean(0)) * share)), paint)

    def _wheel(self, brush: Brush, hub: Point, t_s: float, light: float) -> None:
        radius = 0.077 * self.long
        brush.disc(hub, radius, _TYRE.lit(light))
        brush.disc(hub, 0.62 * radius, Paint((120, 120, 118), 206).lit(light))
        for spoke in range(5):
            angle = t_s * self.speed / radius + spoke * 2 * math.pi / 5
            end = (hub[0] + 0.55 * radius * math.cos(angle), hub[1] + 0.55 * radius * math.sin(angle))
            brush.limb(hub, end, 0.16 * radius, 0.12 * radius, Paint((70, 70, 70), 188).lit(light))


@dataclass(frozen=True)
class Fire:
    """A burning barrel, which smokes. x, foot: in picture heights."""

    x: float
    foot: float

    def draw(self, brush: Brush, t_s: float, light: float) -> None:
        """Draw the barrel and its flames at a time."""
        rim = self.foot - 0.075
        for tongue, (colour, heat) in enumerate((((20, 80, 220), 230), ((30, 150, 245), 250), ((120, 225, 255), 255))):
            tall = (0.06 - 0.014 * tongue) * (1 + 0.25 * math.sin(9.1 * t_s + tongue) * math.cos(5.3 * t_s))
            sway = 0.008 * math.sin(6.7 * t_s + 1.3 * tongue)
            wide = 0.02 - 0.005 * tongue
            outline = [
                (-wide, 0.004),
                (-0.7 * wide, -0.4 * tall),
                (sway, -tall),
                (0.8 * wide, -0.35 * tall),
                (wide, 0.004),
            ]
            brush.polygon(np.add(outline, (self.x, rim)), Paint(colour, heat))
        steel = Paint((52, 58, 74), 196)
        brush.polygon(
            [(self.x - 0.025, rim), (self.x + 0.025, rim), (self.x + 0.023, self.foot), (self.x - 0.023, self.foot)],
            steel.lit(light),
        )
        brush.box(self.x - 0.026, rim, self.x + 0.026, rim + 0.008, Paint(steel.bgr, 240).lit(1.3 * light))
        brush.box(self.x - 0.024, rim + 0.036, self.x + 0.024, rim + 0.041, Paint(steel.bgr, 215).lit(1.3 * light))


def _wrapped(x: float, aspect: float, margin: float) -> float:
    return (x + margin) % (aspect + 2 * margin) - margin


# Outlines of the car, facing right, in car lengths from the road under its middle.
_BODY: tuple[Point, ...] = (
    (-0.5, -0.08), (-0.5, -0.2), (-0.46, -0.235), (-0.36, -0.245), (-0.25, -0.345), (-0.16, -0.365), (0.02, -0.365),
    (0.09, -0.345), (0.2, -0.25), (0.42, -0.215), (0.485, -0.18), (0.5, -0.12), (0.49, -0.06), (-0.48, -0.06),
)  # fmt: skip

_BONNET: tuple[Point, ...] = ((0.2, -0.235), (0.41, -0.205), (0.47, -0.175), (0.48, -0.1), (0.22, -0.1))

_ROOF_LIGHT: tuple[Point, ...] = ((-0.24, -0.342), (-0.16, -0.362), (0.02, -0.362), (0.08, -0.344), (0.0, -0.35))

_PANES: tuple[tuple[Point, ...], ...] = (
    ((-0.31, -0.25), (-0.235, -0.325), (-0.08, -0.345), (-0.08, -0.25)),
    ((-0.06, -0.25), (-0.06, -0.345), (0.02, -0.342), (0.07, -0.325), (0.15, -0.25)),
)

_SEAMS: tuple[tuple[Point, ...], ...] = (
    ((-0.075, -0.25), (-0.065, -0.25), (-0.065, -0.07), (-0.075, -0.07)),
    ((0.155, -0.25), (0.163, -0.25), (0.15, -0.07), (0.142, -0.07)),
    ((-0.14, -0.222), (-0.095, -0.222), (-0.095, -0.21), (-0.14, -0.21)),
    ((0.09, -0.222), (0.135, -0.222), (0.135, -0.21), (0.09, -0.21)),
)

_HEAD_LAMP: tuple[Point, ...] = ((0.455, -0.185), (0.49, -0.165), (0.495, -0.14), (0.46, -0.15))

_REAR_LAMP: tuple[Point, ...] = ((-0.5, -0.2), (-0.47, -0.205), (-0.475, -0.16), (-0.5, -0.155))

_EXHAUST: tuple[Point, ...] = ((-0.52, -0.07), (-0.47, -0.07), (-0.47, -0.05), (-0.52, -0.05))
