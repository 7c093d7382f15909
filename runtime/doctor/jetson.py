"""What a Jetson says of itself in files: board, L4T and JetPack, power mode, clocks. Empty on any other machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from coconet.runtime.doctor.finding import Finding

JETPACKS = {"36.2": "6.0 DP", "36.3": "6.0", "36.4": "6.1 or 6.2", "38.2": "7.0", "38.4": "7.1", "39.2": "7.2"}
"""JetPack by L4T release, from NVIDIA's release notes."""

OLDEST_L4T = 36


def jetson_findings(root: Path = Path("/")) -> Iterator[Finding]:
    """Read /etc/nv_tegra_release, the device tree, nvpmodel's status and the GPU's clocks under `root`."""
    release = read_text(root / "etc/nv_tegra_release")
    board = read_text(root / "proc/device-tree/model").rstrip("\0")
    if not release:
        return
    yield Finding("board", "ok", board or "a Jetson that does not name itself")
    found = re.search(r"R(\d+)[^,]*,\s*REVISION:\s*(\d+)\.(\d+)", release)
    if found is None:
        yield Finding("JetPack", "note", f"an L4T release this does not read: {release.splitlines()[0]}")
    else:
        yield _jetpack(*found.groups())
    yield _power_mode(root)
    yield from _clocks(root)


def read_text(path: Path) -> str:
    """Read a small file of the kernel; empty where it is missing or may not be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _jetpack(major: str, minor: str, patch: str) -> Finding:
    name = f"{JETPACKS.get(f'{major}.{minor}', 'of an unknown number')} (L4T {major}.{minor}.{patch})"
    if int(major) < OLDEST_L4T:
        remedy = "sdkmanager  # flash JetPack 6.2 or 7"
        return Finding("JetPack", "bad", f"{name}; Python 3.10 came with JetPack 6", remedy)
    return Finding("JetPack", "ok", name)


def _power_mode(root: Path) -> Finding:
    """Nvpmodel keeps the mode it set in a file; mode 0 is the fastest but on boards with a `MAXN_SUPER`."""
    found = re.search(r"pmode:(\d+)", read_text(root / "var/lib/nvpmodel/status"))
    if found is None:
        return Finding("power mode", "note", "unknown; see: sudo nvpmodel -q")
    if int(found[1]) == 0:
        return Finding("power mode", "ok", "0")
    return Finding("power mode", "note", f"{int(found[1])}; see: sudo nvpmodel -q")


def _clocks(root: Path) -> Iterator[Finding]:
    for folder in sorted((root / "sys/class/devfreq").glob("*gpu*")):
        now, most = (read_text(folder / name) for name in ("cur_freq", "max_freq"))
        if now.isdigit() and most.isdigit():
            lowest = read_text(folder / "min_freq")
            fixed = "fixed" if lowest == most else "rises with load; fix it with: sudo jetson_clocks"
            yield Finding("GPU clock", "note", f"{int(now) // 10**6} of {int(most) // 10**6} MHz, {fixed}")
