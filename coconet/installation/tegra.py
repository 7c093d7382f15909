"""Whether this is a Jetson, by the release of Linux for Tegra (L4T) that is installed."""

from __future__ import annotations

from pathlib import Path

RELEASE = "etc/nv_tegra_release"


def tegra_release(root: Path = Path("/")) -> str:
    """What L4T says of itself, such as `# R36 (release), REVISION: 4.3, ...`; empty on what is no Jetson.

    root: the folder in which /etc lies.
    """
    try:
        return (root / RELEASE).read_text(encoding="utf-8", errors="replace").strip("\0 \t\r\n")
    except OSError:
        return ""
