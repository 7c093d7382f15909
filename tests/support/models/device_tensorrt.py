"""The TensorRT of a device, for building its engines without the device."""

from __future__ import annotations

from dataclasses import replace

from coconet.cards.engine_card import DeviceIdentity
from coconet.export.engines.tensorrt_flavour import open_tensorrt
from coconet.runtime.backends.tensorrt.module import TensorRT


def device_tensorrt(*_: object) -> TensorRT:
    """Stand in for the TensorRT of a device: TensorRT for RTX without named GPUs takes the same calls."""
    return replace(open_tensorrt(("sm86",)), flavour="tensorrt", targets=("sm87",), device=DeviceIdentity("Orin"))
