"""Small files that Linux answers questions by, under /proc, /sys and /etc: read, or not there."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

RELEASE = "etc/nv_tegra_release"
"""What the Linux for Tegra (L4T) of a Jetson writes of itself, below the root."""


def text_in(path: Path) -> str:
    """What a file says, without white space and zeros around it; empty if it is missing or may not be read."""
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \t\r\n")
    return ""


def number_in(path: Path) -> float | None:
    """The number that a file begins with, in the kernel's unit; None if it begins with none or cannot be read."""
    first, *_ = [*text_in(path).split(), ""]
    with suppress(ValueError):
        return float(first)
    return None


def value_in(path: Path, key: str) -> str:
    """The value of the first line `key: value` of a file; empty if there is no such line."""
    found = re.search(rf"^{re.escape(key)}\s*:[ \t]*(.*)$", text_in(path), re.MULTILINE)
    return found[1].strip() if found else ""


def bytes_in(path: Path, key: str) -> int | None:
    """The value of a line such as `MemTotal: 7802404 kB`, in bytes; None if there is no such line."""
    found = re.fullmatch(r"(\d+) kB", value_in(path, key))
    return int(found[1]) << 10 if found else None


def tegra_release(root: Path = Path("/")) -> str:
    """What L4T says of itself, such as `# R36 (release), REVISION: 4.3, ...`; empty on what is no Jetson.

    root: the folder in which /etc lies.
    """
    return text_in(root / RELEASE)


def board_name(root: Path = Path("/")) -> str:
    """The name of a board from its device tree, which boards of other makers have too; empty on a PC."""
    return text_in(root / "proc/device-tree/model")
