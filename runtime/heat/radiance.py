"""Radiance of a thermal band: Planck's curve as cameras approximate it, and what lies before the lens."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CELSIUS_0 = 273.15
"""0 degrees Celsius in kelvin."""

_ALPHA, _BETA, _X = (0.006569, 0.01262), (-0.002276, -0.00667), 1.9
"""Attenuation of the air in the band of 7.5 to 14 um, as FLIR's cameras hold it in their files."""


@dataclass(frozen=True)
class Band:
    """The band radiance of a black body, up to a factor: 1 / (exp(b / T) - f), with T in kelvin.

    b, f: of the camera's calibration; 1428 K and 1 are those of a FLIR Lepton, and near those of every camera of 8 to
    14 um.
    """

    b: float = 1428.0
    f: float = 1.0

    def radiance(self, kelvin: Array) -> Array:
        """The radiance at temperatures above 0 K, as an array of the same shape; NaN for others."""
        with np.errstate(all="ignore"):
            found: Array = np.where(kelvin > 0, 1 / (np.exp(self.b / kelvin) - self.f), np.nan)
        return found

    def kelvin(self, radiance: Array) -> Array:
        """The temperature of a black body of a radiance above 0; NaN for others."""
        with np.errstate(all="ignore"):
            found: Array = np.where(radiance > 0, self.b / np.log(1 / radiance + self.f), np.nan)
        return found


@dataclass(frozen=True)
class ObjectPath:
    """What an object is, and what its radiation goes through.

    emissivity: 0..1 of what a black body would give. reflected_c: the temperature of what the object mirrors.
    atmosphere_c, distance_m, humidity_percent: of the air between the object and the camera.
    """

    emissivity: float = 1.0
    reflected_c: float = 20.0
    atmosphere_c: float = 20.0
    distance_m: float = 0.0
    humidity_percent: float = 50.0

    @property
    def transmission(self) -> float:
        """The share of the radiation that comes through the air, 0..1.

        FLIR's formula, with the water in the air by a polynomial of its temperature and the path in two halves, before
        and behind a window that may stand in it, as ExifTool's users and flyr compute it. The maker's own text has the
        root of the whole distance, under which thin air takes 1 / sqrt(2) of what it takes here.
        """
        air = self.atmosphere_c
        water = self.humidity_percent / 100 * math.exp(1.5587 + 0.06939 * air - 2.7816e-4 * air**2 + 6.8455e-7 * air**3)
        first, second = (
            math.exp(-math.sqrt(self.distance_m / 2) * (alpha + beta * math.sqrt(water)))
            for alpha, beta in zip(_ALPHA, _BETA, strict=True)
        )
        half = _X * first + (1 - _X) * second
        return min(1.0, max(0.0, half)) ** 2

    @property
    def is_black(self) -> bool:
        """Whether the object's own radiation is all that reaches the camera."""
        return self.emissivity == 1 and self.distance_m == 0

    def object_kelvin(self, apparent_kelvin: Array, band: Band) -> Array:
        """The object's temperature, from that of a black body that would look alike; NaN if there is no such object.

        What arrives is transmission * (emissivity * object + (1 - emissivity) * reflected) + (1 - transmission) * air.
        """
        if self.is_black:
            return apparent_kelvin
        through = self.transmission
        reflected, air = (
            float(band.radiance(np.array(celsius + CELSIUS_0))) for celsius in (self.reflected_c, self.atmosphere_c)
        )
        arriving = band.radiance(apparent_kelvin)
        with np.errstate(all="ignore"):
            own = ((arriving - (1 - through) * air) / through - (1 - self.emissivity) * reflected) / self.emissivity
        return band.kelvin(own)
