"""What a Jetson says of itself: board, L4T and JetPack, power mode, clocks. Nothing on any other machine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from coconet.installation.kernel_files import board_name, number_in, tegra_release, text_in
from coconet.runtime.doctor.finding import Finding

JETPACKS = {
    "36.2": "6.0 DP",
    "36.3": "6.0",
    "36.4": "6.1, 6.2 or 6.2.1",
    "36.4.0": "6.1",
    "36.4.3": "6.2",
    "36.4.4": "6.2.1",
    "36.5": "6.2.2 or newer",
    "36.5.0": "6.2.2",
    "38.2": "7.0",
    "38.4": "7.1",
    "39.2": "7.2",
}
"""JetPack by L4T release, from NVIDIA's release notes; by its first two numbers where the third is not listed."""

OLDEST_L4T = 36


@dataclass(frozen=True)
class GpuClock:
    """The clock of a GPU, or of a part of one, and its limits, in Hz. name: what the kernel calls it."""

    now_hz: int
    lowest_hz: int | None
    highest_hz: int
    name: str = ""


@dataclass(frozen=True)
class Jetson:
    """What the files of a Jetson say.

    board: the maker's name for it, or an empty text. release: the first line of L4T's own file. l4t: the release
    of Linux for Tegra in it, such as `36.4.3`, which is JetPack 6; None if the line is of another form.
    power_mode: the number that nvpmodel set. power_modes: the names of all by their numbers, from nvpmodel's own file:
    which number is the fastest differs from board to board, and from one JetPack to the next.
    """

    board: str
    release: str
    l4t: str | None
    power_mode: int | None
    gpu_clocks: tuple[GpuClock, ...]
    power_modes: Mapping[int, str] = field(default_factory=dict)

    @property
    def jetpack(self) -> str | None:
        """The JetPack that came with this L4T; None for one that JETPACKS does not know."""
        numbers = (self.l4t or "").split(".")
        full = ".".join([*numbers, "0"][:3])
        return JETPACKS.get(full) or JETPACKS.get(".".join(numbers[:2]))

    @property
    def power_mode_name(self) -> str | None:
        """The name of the mode that is set, such as `15W`; None if its number or its name is not told."""
        return None if self.power_mode is None else self.power_modes.get(self.power_mode)

    @property
    def fastest_mode(self) -> int | None:
        """The number of the fastest mode: one without a limit (MAXN), else that of most watts; None if none is told."""
        return max(self.power_modes, key=lambda number: _budget(self.power_modes[number]), default=None)


def read_jetson(root: Path = Path("/")) -> Jetson | None:
    """Read L4T's release, the device tree, nvpmodel's status and the GPU's clocks under `root`.

    None on a machine that is no Jetson, which has no such release.
    """
    release = tegra_release(root)
    if not release:
        return None
    l4t = re.search(r"R(\d+)[^,]*,\s*REVISION:\s*(\d+(?:\.\d+)*)", release)
    mode = re.search(r"pmode:(\d+)", text_in(root / "var/lib/nvpmodel/status"))
    return Jetson(
        board_name(root),
        release.splitlines()[0],
        f"{l4t[1]}.{l4t[2]}" if l4t else None,
        int(mode[1]) if mode else None,
        tuple(_clocks(root)),
        dict(_power_modes(root)),
    )


def jetson_findings(root: Path = Path("/")) -> Iterator[Finding]:
    """Judge what read_jetson finds; nothing on a machine that is no Jetson."""
    jetson = read_jetson(root)
    if jetson is None:
        return
    yield Finding("board", "ok", jetson.board or "a Jetson that does not name itself")
    yield _jetpack(jetson)
    yield _power_mode(jetson)
    for clock in jetson.gpu_clocks:
        fixed = "fixed" if clock.lowest_hz == clock.highest_hz else "rises with load; fix it with: sudo jetson_clocks"
        subject = f"GPU clock {clock.name}" if len(jetson.gpu_clocks) > 1 else "GPU clock"
        yield Finding(subject, "note", f"{clock.now_hz // 10**6} of {clock.highest_hz // 10**6} MHz, {fixed}")


def _clocks(root: Path) -> Iterator[GpuClock]:
    for folder in sorted((root / "sys/class/devfreq").glob("*gpu*")):
        now, lowest, highest = (number_in(folder / f"{name}_freq") for name in ("cur", "min", "max"))
        if now is not None and highest is not None:
            yield GpuClock(int(now), None if lowest is None else int(lowest), int(highest), folder.name)


def _jetpack(jetson: Jetson) -> Finding:
    if jetson.l4t is None:
        return Finding("JetPack", "note", f"an L4T release this does not read: {jetson.release}")
    name = f"{jetson.jetpack or 'of an unknown number'} (L4T {jetson.l4t})"
    if int(jetson.l4t.partition(".")[0]) < OLDEST_L4T:
        remedy = "sdkmanager  # flash JetPack 6.2 or 7"
        return Finding("JetPack", "bad", f"{name}; Python 3.10 came with JetPack 6", remedy)
    return Finding("JetPack", "ok", name)


def _power_modes(root: Path) -> Iterator[tuple[int, str]]:
    """Number and name of each mode, of lines such as `< POWER_MODEL ID=2 NAME=MAXN_SUPER >`."""
    for inside in re.findall(r"<\s*POWER_MODEL\b([^>]*)>", text_in(root / "etc/nvpmodel.conf")):
        number, name = re.search(r"\bID\s*=\s*(\d+)", inside), re.search(r"\bNAME\s*=\s*(\S+)", inside)
        if number and name:
            yield int(number[1]), name[1]


def _budget(name: str) -> tuple[float, bool]:
    """The watts that a mode's name allows, for comparing: endless for MAXN, and more so for MAXN_SUPER; 0 if untold."""
    if name.upper().startswith("MAXN"):
        return inf, "SUPER" in name.upper()
    watts = re.search(r"(\d+(?:\.\d+)?)\s*W", name.upper())
    return float(watts[1]) if watts else 0.0, False


def _power_mode(jetson: Jetson) -> Finding:
    number, fastest = jetson.power_mode, jetson.fastest_mode
    if number is None or fastest is None:
        shown = "unknown" if number is None else f"{number}, of an unknown name"
        return Finding("power mode", "note", f"{shown}; see: sudo nvpmodel -q")
    shown = f"{jetson.power_mode_name or 'of an unknown name'} ({number})"
    if number == fastest:
        return Finding("power mode", "ok", shown)
    others = ", ".join(f"{name} ({one})" for one, name in sorted(jetson.power_modes.items()))
    return Finding("power mode", "note", f"{shown} of {others}", f"sudo nvpmodel -m {fastest}  # the fastest")
