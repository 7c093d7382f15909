"""The timing cache: what TensorRT measured of layers on this device, kept so that the next build need not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coconet.files import whole_file


def use_timing_cache(trt: Any, config: Any, path: Path) -> bool:
    """Give a builder configuration the measurements in a file, or an empty cache; False where there is none to give.

    TensorRT for RTX, which measures nothing when it builds, would look for a GPU if asked, and so is not. What another
    device or version measured is refused by TensorRT, and then left out.
    """
    if hasattr(trt, "ComputeCapability"):
        return False
    blob = path.read_bytes() if path.is_file() else b""
    cache = config.create_timing_cache(blob)
    if cache is None or not config.set_timing_cache(cache, ignore_mismatch=False):
        config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)
    return True


def store_timing_cache(config: Any, path: Path) -> None:
    """Write what a build measured, with what it had been given, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as scratch:
        scratch.write_bytes(memoryview(config.get_timing_cache().serialize()))
