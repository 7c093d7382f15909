"""Power rails: what the kernel's hwmon says of a board's supply, above all the INA3221 of a Jetson."""

from __future__ import annotations

from pathlib import Path

from benchmarks.sensors import Rail

TOTAL = ("VDD_IN", "POM_5V_IN", "VDD_TOTAL")
"""Labels of the rail that all others hang on, on Orin and Xavier boards; where there is one, it alone counts."""


def power_rails(sys: Path) -> tuple[Rail, ...]:
    """The board's rails: its input where it has one, otherwise all that are labelled, which then are added up.

    The INA3221 driver names rails in `inN_label` and gives `inN_input` in mV and `currN_input` in mA; other chips
    give `powerN_input` in uW. Source: the kernel's Documentation/hwmon/sysfs-interface.rst and ina3221.rst.
    """
    rails = [rail for chip in sorted(sys.glob("class/hwmon/hwmon*")) for rail in _rails_of(chip)]
    total = tuple(rail for rail in rails if rail.name in TOTAL)
    return total[:1] or tuple(rails)


def _rails_of(chip: Path) -> list[Rail]:
    rails = []
    for label in sorted(chip.glob("in[0-9]*_label")):
        number = label.name.removeprefix("in").removesuffix("_label")
        volts, amperes = chip / f"in{number}_input", chip / f"curr{number}_input"
        name = _text(label)
        if name and "sum" not in name.lower() and volts.exists() and amperes.exists():
            rails.append(Rail(name, volts=volts, amperes=amperes))
    for power in sorted(chip.glob("power[0-9]*_input")):
        label = power.with_name(power.name.replace("_input", "_label"))
        rails.append(Rail(_text(label) or _text(chip / "name") or chip.name, power=power))
    return rails


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
