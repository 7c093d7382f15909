"""What a Jetson says of itself: board, L4T and JetPack, power mode, clocks. Nothing on any other machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coconet.runtime.doctor.finding import Finding
from coconet.runtime.doctor.kernel_files import number_in, text_in

JETPACKS = {"36.2": "6.0 DP", "36.3": "6.0", "36.4": "6.1 or 6.2", "38.2": "7.0", "38.4": "7.1", "39.2": "7.2"}
"""JetPack by L4T release, from NVIDIA's release notes."""

OLDEST_L4T = 36

ASK_S = 10.0


@dataclass(frozen=True)
class GpuClock:
    """The clock of a GPU and its limits, in Hz."""

    now_hz: int
    lowest_hz: int | None
    highest_hz: int


@dataclass(frozen=True)
class Jetson:
    """What the files of a Jetson say.

    board: the maker's name for it, or an empty text. release: the first line of /etc/nv_tegra_release. l4t: the release
    of Linux for Tegra in it, such as `36.4.3`, which is JetPack 6; None where the line is of another form.
    power_mode: the number that nvpmodel set, 0 being the fastest but on boards with a `MAXN_SUPER`.
    """

    board: str
    release: str
    l4t: str | None
    power_mode: int | None
    gpu_clocks: tuple[GpuClock, ...]

    @property
    def jetpack(self) -> str | None:
        """The JetPack that came with this L4T; None for one that JETPACKS does not know."""
        return JETPACKS.get(".".join((self.l4t or "").split(".")[:2]))


def read_jetson(root: Path = Path("/")) -> Jetson | None:
    """Read /etc/nv_tegra_release, the device tree, nvpmodel's status and the GPU's clocks under `root`.

    None on a machine that is no Jetson, which has no such release.
    """
    release = text_in(root / "etc/nv_tegra_release")
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
    )


def board_name(root: Path = Path("/")) -> str:
    """The name of a board from its device tree, which boards of other makers have too; empty on a PC."""
    return text_in(root / "proc/device-tree/model")


def power_mode_name() -> str | None:
    """The name of the power mode, such as `15W`, as nvpmodel gives it; None where there is no such program."""
    program = shutil.which("nvpmodel")
    if program is None:
        return None
    with suppress(OSError, subprocess.SubprocessError):
        asked = subprocess.run(  # noqa: S603  # the path is where the system has the program
            [program, "-q"], capture_output=True, text=True, timeout=ASK_S, check=True
        )
        found = re.search(r"NV Power Mode:\s*(\S+)", asked.stdout)
        return found[1] if found else None
    return None


def jetson_findings(root: Path = Path("/")) -> Iterator[Finding]:
    """Judge what read_jetson finds; nothing on a machine that is no Jetson."""
    jetson = read_jetson(root)
    if jetson is None:
        return
    yield Finding("board", "ok", jetson.board or "a Jetson that does not name itself")
    yield _jetpack(jetson)
    yield _power_mode(jetson.power_mode)
    for clock in jetson.gpu_clocks:
        fixed = "fixed" if clock.lowest_hz == clock.highest_hz else "rises with load; fix it with: sudo jetson_clocks"
        yield Finding("GPU clock", "note", f"{clock.now_hz // 10**6} of {clock.highest_hz // 10**6} MHz, {fixed}")


def _clocks(root: Path) -> Iterator[GpuClock]:
    for folder in sorted((root / "sys/class/devfreq").glob("*gpu*")):
        now, lowest, highest = (number_in(folder / f"{name}_freq") for name in ("cur", "min", "max"))
        if now is not None and highest is not None:
            yield GpuClock(int(now), None if lowest is None else int(lowest), int(highest))


def _jetpack(jetson: Jetson) -> Finding:
    if jetson.l4t is None:
        return Finding("JetPack", "note", f"an L4T release this does not read: {jetson.release}")
    name = f"{jetson.jetpack or 'of an unknown number'} (L4T {jetson.l4t})"
    if int(jetson.l4t.partition(".")[0]) < OLDEST_L4T:
        remedy = "sdkmanager  # flash JetPack 6.2 or 7"
        return Finding("JetPack", "bad", f"{name}; Python 3.10 came with JetPack 6", remedy)
    return Finding("JetPack", "ok", name)


def _power_mode(number: int | None) -> Finding:
    if number is None:
        return Finding("power mode", "note", "unknown; see: sudo nvpmodel -q")
    if number == 0:
        return Finding("power mode", "ok", "0")
    return Finding("power mode", "note", f"{number}; see: sudo nvpmodel -q")
