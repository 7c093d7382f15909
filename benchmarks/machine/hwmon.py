"""Power rails: what the kernel's hwmon says of a board's supply, above all the INA3221 of a Jetson."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coconet.installation.kernel_files import number_in, text_in

TOTAL = ("VDD_IN", "VIN", "POM_5V_IN", "VDD_TOTAL")
"""Labels of the rail that all others hang on: VDD_IN on Orin NX and Orin Nano, VIN on Thor. If there is one, it alone
counts."""

BEHIND = ("VDDQ_VDD2_1V8AO",)
"""Labels of rails that hang on another labelled one and would count twice: an AGX Orin's memory, on VIN_SYS_5V0."""

INPUT_CHIPS = {"ina238": "VIN"}
"""Chips that measure the supply of the whole board and have no labels, and what that rail is called: Thor's."""


UNUSED = ("", "NC")
"""Labels of channels that nothing is connected to."""


@dataclass(frozen=True)
class Rail:
    """A power rail. power: a file in microwatts; or volts and amperes: files in millivolts and milliamperes."""

    name: str
    power: Path | None = None
    volts: Path | None = None
    amperes: Path | None = None

    def power_w(self) -> float | None:
        """Its power now; None if the file cannot be read."""
        if self.power is not None:
            found = number_in(self.power)
            return None if found is None else found / 1e6
        values = [number_in(path) for path in (self.volts, self.amperes) if path is not None]
        if len(values) != 2 or values[0] is None or values[1] is None:
            return None
        return values[0] * values[1] / 1e6


def power_rails(sys: Path) -> tuple[Rail, ...]:
    """The board's rails: its input where it has one, otherwise all that are labelled, which then are added up.

    So an Orin NX gives VDD_IN, and an AGX Orin, which has no common input, VDD_GPU_SOC, VDD_CPU_CV and VIN_SYS_5V0.

    The INA3221 driver names rails in `inN_label` and gives `inN_input` in mV and `currN_input` in mA; other chips
    give `powerN_input` in uW. Source: the kernel's Documentation/hwmon/sysfs-interface.rst and ina3221.rst.
    """
    rails = [rail for chip in sorted(sys.glob("class/hwmon/hwmon*")) for rail in _rails_of(chip)]
    total = tuple(rail for rail in rails if rail.name in TOTAL)
    return total[:1] or tuple(rail for rail in rails if rail.name not in BEHIND)


def _rails_of(chip: Path) -> list[Rail]:
    rails = []
    for label in sorted(chip.glob("in[0-9]*_label")):
        number = label.name.removeprefix("in").removesuffix("_label")
        volts, amperes = chip / f"in{number}_input", chip / f"curr{number}_input"
        name = text_in(label)
        if name not in UNUSED and "sum" not in name.lower() and volts.exists() and amperes.exists():
            rails.append(Rail(name, volts=volts, amperes=amperes))
    for power in sorted(chip.glob("power[0-9]*_input")):
        label = power.with_name(power.name.replace("_input", "_label"))
        kind = text_in(chip / "name")
        rails.append(Rail(text_in(label) or INPUT_CHIPS.get(kind, kind) or chip.name, power=power))
    return rails
