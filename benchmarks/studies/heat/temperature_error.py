"""How right temperatures are, against Planck's law and the step of the counts.

python -m coconet.benchmarks.studies.heat.temperature_error
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from coconet.runtime.heat.radiance import CELSIUS_0
from coconet.runtime.heat.temperature import KELVIN_PER_COUNT, TemperatureTable
from coconet.runtime.heat.thermometer import Thermometer
from coconet.terminal.console import Console

Array = NDArray[np.float64]

SCENES_C = {"high": np.linspace(-20, 140, 15013), "low": np.linspace(-20, 400, 15013)}

OBJECTS_C = (-20.0, 0.0, 36.5, 80.0, 150.0, 300.0)

EMISSIVITIES = (0.98, 0.95, 0.8, 0.5)


def main() -> None:
    """Print both tables."""
    console = Console()
    console.print("A scene turned into counts and back, largest error in degrees:", rounding(), "")
    console.print("Emissivity corrected in a linear camera, error against Planck's law from 8 to 14 um:", emissivity())


def rounding() -> Table:
    """The largest error of each scheme over a scene: half a step of its counts, and no more."""
    table = Table("scheme", "gain", "half a step", "largest error", box=None)
    for scheme, steps in KELVIN_PER_COUNT.items():
        for step, (gain, scene) in zip(steps, SCENES_C.items(), strict=True):
            counts = np.rint((scene + CELSIUS_0) / step).astype(np.uint16)[None, :, None]
            found = Thermometer(TemperatureTable(scheme=scheme)).measure(counts).celsius[0]
            table.add_row(scheme, gain, f"{step / 2:.4f}", f"{np.abs(found - scene).max():.4f}")
    return table


def emissivity() -> Table:
    """How far the approximate curve of the band is from the law, when a reflection of 20 degrees is taken away."""
    table = Table("object, °C", *(f"{one:g}" for one in EMISSIVITIES), box=None)
    kelvins = np.linspace(200, 700, 20001)
    law = band_radiance(kelvins)
    for object_c in OBJECTS_C:
        row = []
        for share in EMISSIVITIES:
            own, reflected = np.interp([object_c + CELSIUS_0, 20 + CELSIUS_0], kelvins, law)
            apparent_c = float(np.interp(share * own + (1 - share) * reflected, law, kelvins)) - CELSIUS_0
            settings = TemperatureTable(scheme="linear", emissivity=share, reflected_c=20)
            samples = np.full((1, 1, 1), apparent_c, np.float32)
            row.append(f"{float(Thermometer(settings).measure(samples).celsius[0, 0]) - object_c:+.2f}")
        table.add_row(f"{object_c:g}", *row)
    return table


def band_radiance(kelvin: Array) -> Array:
    """Planck's law with CODATA's constants, integrated from 8 to 14 um, for (N,) temperatures; W / m2."""
    um = np.linspace(8, 14, 601)
    spectra = 3.741771852e8 / (um**5 * (np.exp(1.438776877e4 / np.multiply.outer(kelvin, um)) - 1))
    between: Array = (spectra[:, 1:] + spectra[:, :-1]) / 2 * (um[1] - um[0])
    return np.asarray(between.sum(axis=1))


if __name__ == "__main__":
    main()
