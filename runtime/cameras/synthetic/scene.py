"""The synthetic scene: what the two cameras of the synthetic rig see at a time, a pure function of that time."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from coconet.runtime.cameras.synthetic.actors import Car, Fire, Walker
from coconet.runtime.cameras.synthetic.brush import Brush, Paint, Picture, cv2, fractal
from coconet.runtime.cameras.synthetic.street import KERB, draw_street

_DAY_S = 48.0  # the light fades and returns in this time

_DARKEST, _BRIGHTEST = 0.32, 0.85

_DRIFTS = ((0.05, -0.02), (0.09, -0.05))  # of the two layers of smoke, in picture heights a second

_SMOKE_S = 31.0  # the smoke thins and thickens in this time

_THERMAL_OPTICS_PX = 0.7


@lru_cache(maxsize=2)
def scene(width: int, height: int, seed: int) -> Scene:
    """Give the scene of a size and seed; the two cameras of a rig share one, because drawing it takes a second."""
    return Scene(width, height, seed)


class Scene:
    """A street at dusk with people, a car and a smoking fire; night and smoke hide people from the visible camera."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        """Draw what stands still; the seed chooses the houses, the trees and the shape of the smoke."""
        self._street = draw_street(width, height, seed)
        self._aspect = width / height
        self._fire = Fire(0.36 * self._aspect, KERB - 0.004)
        self._smoke = _Smoke(width, height, self._fire, seed)
        dark, olive = Paint((52, 44, 42), 186), Paint((46, 62, 58), 176)
        self._far = (
            Walker(0.2, KERB - 0.012, 0.052, 0.15 * self._aspect, Paint((60, 52, 96), 192), dark),
            Walker(0.19, KERB - 0.022, -0.045, 0.62 * self._aspect, dark, dark),
        )
        self._near = Walker(0.4, 0.945, -0.085, 0.8 * self._aspect, olive, olive)
        self._car = Car(0.42, 0.775, 0.2, 0.3 * self._aspect, Paint((58, 48, 44), 116))

    def visible(self, t_s: float) -> Picture:
        """Draw what the visible camera sees, (H, W, 3) BGR."""
        light = _daylight(t_s)
        picture = cv2.addWeighted(self._street.daylight, light, self._street.lamplight, 1.0, 0.0)
        brush = Brush(picture)
        self._far_side(brush, t_s, light)
        self._smoke.veil(picture, t_s, 0.35 + 0.65 * light)
        self._near_side(brush, t_s, light)
        return picture

    def infrared(self, t_s: float) -> Picture:
        """Draw what the thermal camera sees, (H, W): warm is bright, and the smoke is not there."""
        picture = self._street.heat.copy()
        brush = Brush(picture)
        self._far_side(brush, t_s, 1.0)
        self._near_side(brush, t_s, 1.0)
        blurred: Picture = cv2.GaussianBlur(picture, (0, 0), _THERMAL_OPTICS_PX)
        return blurred

    def _far_side(self, brush: Brush, t_s: float, light: float) -> None:
        self._fire.draw(brush, t_s, light)
        for walker in self._far:
            lamplight = self._lamplight(walker.place(t_s, self._aspect), walker.foot)
            walker.draw(brush, t_s, self._aspect, light + lamplight)

    def _near_side(self, brush: Brush, t_s: float, light: float) -> None:
        self._car.draw(brush, t_s, self._aspect, light)
        self._near.draw(brush, t_s, self._aspect, light)

    def _lamplight(self, x: float, y: float) -> float:
        """How brightly the lamps light the ground at a place, 0..1."""
        height, width = self._street.heat.shape
        column = min(max(int(x * height), 0), width - 1)
        return float(self._street.lamplight[int(y * height), column].mean()) / 255


class _Smoke:
    """A drifting veil over a part of the picture."""

    def __init__(self, width: int, height: int, fire: Fire, seed: int) -> None:
        rng = np.random.default_rng((seed, 1))
        self._rows = slice(int(0.2 * height), int(0.86 * height))
        rows = self._rows.stop - self._rows.start
        self._small = (max(2, width // 2), max(2, rows // 2))
        self._layers = [self._cloud(rng, cell) for cell in (0.5, 0.25)]
        self._shape = self._plume(fire, width / height)
        self._speed = height / 2

    def veil(self, picture: Picture, t_s: float, light: float) -> None:
        """Lay the smoke over a visible picture, in place."""
        part = picture[self._rows]
        clouds = [
            _drifted(layer, (t_s * dx * self._speed, t_s * dy * self._speed))
            for layer, (dx, dy) in zip(self._layers, _DRIFTS, strict=True)
        ]
        thick = 0.85 + 0.15 * math.cos(2 * math.pi * t_s / _SMOKE_S)
        thin = cv2.addWeighted(clouds[0], -0.75 * thick, clouds[1], -0.45 * thick, 255.0)
        cover = _full(cv2.subtract(self._shape, thin), part)  # taken away, not multiplied: the edges become ragged
        smoke = _full(cv2.addWeighted(clouds[0], 0.35 * light, clouds[1], 0.5 * light, 10.0 * light), part)
        behind = cv2.multiply(part, 255 - cover, scale=1 / 255)
        cv2.add(behind, cv2.multiply(smoke, cover, scale=1 / 255), dst=part)

    def _cloud(self, rng: np.random.Generator, cell: float) -> Picture:
        width, height = self._small
        noise = fractal(height, width, cell * height, rng)
        cloud: Picture = np.clip(215 + 50 * noise, 40, 255).astype(np.uint8)
        return cloud

    def _plume(self, fire: Fire, aspect: float) -> Picture:
        """Draw the outline: narrow at the fire, wide and high to its right."""
        width, height = self._small
        x = np.linspace(0, aspect, width, dtype=np.float32)[None, :] - fire.x
        y = np.linspace(0.2, 0.86, height, dtype=np.float32)[:, None]
        away = np.maximum(x, 0)
        middle = fire.foot - 0.1 - 0.1 * np.minimum(away, 0.5)
        spread = 0.022 + 0.36 * np.minimum(away, 0.24) ** 0.85
        share = np.exp(-(((y - middle) / spread) ** 2)) * (1 - np.exp(-((x + 0.03) / 0.06))) * (x > -0.03)
        share *= np.exp(-np.maximum(away - 0.35, 0) / 0.3)
        plume: Picture = np.clip(620 * share, 0, 250).astype(np.uint8)
        return plume


def _full(small: Picture, like: Picture) -> Picture:
    return cv2.cvtColor(cv2.resize(small, (like.shape[1], like.shape[0])), cv2.COLOR_GRAY2BGR)


def _drifted(layer: Picture, by_px: tuple[float, float]) -> Picture:
    height, width = layer.shape
    # Mirrored tiles have no seam; two of them are one period.
    shift = np.array([[1, 0, by_px[0] % (2 * width)], [0, 1, by_px[1] % (2 * height)]], np.float32)
    return cv2.warpAffine(layer, shift, (width, height), borderMode=cv2.BORDER_REFLECT)


def _daylight(t_s: float) -> float:
    wave = 0.5 + 0.5 * math.cos(2 * math.pi * t_s / _DAY_S)
    return _DARKEST + (_BRIGHTEST - _DARKEST) * wave
