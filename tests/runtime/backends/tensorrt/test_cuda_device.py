"""Asking the driver for its device; the driver itself is a stand-in, as it installs only beside a GPU."""

# ruff: noqa: N802  the names are those of the driver

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import pytest

from coconet.errors import CoconetError
from coconet.runtime.backends.tensorrt import cuda_device
from coconet.runtime.backends.tensorrt.cuda_device import CudaDevice, first_cuda_device, select_cuda_device


class Driver:
    """Answers as libcuda does: results through pointers, a status as return value."""

    def __init__(self, devices: int = 1, status: int = 0) -> None:
        self.devices, self.status = devices, status

    def cuInit(self, flags: int) -> int:
        return self.status

    def cuDeviceGetCount(self, count: Any) -> int:
        count._obj.value = self.devices
        return 0

    def cuDeviceGet(self, handle: Any, index: int) -> int:
        handle._obj.value = 40 + index
        return 0

    def cuDeviceGetName(self, name: Any, size: int, handle: ctypes.c_int) -> int:
        name.value = b"Orin"
        return 0 if handle.value == 40 else 101

    def cuGetErrorName(self, status: int, name: Any) -> int:
        name._obj.value = {100: b"CUDA_ERROR_NO_DEVICE"}.get(status)
        return 0

    def cuDeviceGetAttribute(self, value: Any, number: int, handle: ctypes.c_int) -> int:
        value._obj.value = {75: 8, 76: 7, 18: 1, 16: 8}[number]
        return 0


def test_the_first_device_is_named_with_its_compute_capability_and_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver())
    board = tmp_path / "model"
    board.write_bytes(b"NVIDIA Jetson Orin Nano Developer Kit\0")
    monkeypatch.setattr(cuda_device, "BOARD_FILE", board)
    found = first_cuda_device()
    assert found == CudaDevice("Orin", (8, 7), True, 8, "NVIDIA Jetson Orin Nano Developer Kit")
    assert found.sm == "sm87"
    assert str(found.identity) == "Orin (8 SMs, NVIDIA Jetson Orin Nano Developer Kit)"


@pytest.mark.parametrize(
    ("listed", "number", "wanted"),
    [
        (None, None, None),
        (None, 1, "1"),
        ("", 2, "2"),
        ("3, GPU-5ebe9fb8", 1, "GPU-5ebe9fb8"),
        ("3,5", None, "3,5"),
    ],
)
def test_a_chosen_device_is_the_only_one_of_the_process(
    listed: str | None, number: int | None, wanted: str | None
) -> None:
    environment = {} if listed is None else {"CUDA_VISIBLE_DEVICES": listed}
    select_cuda_device(number, environment)
    assert environment.get("CUDA_VISIBLE_DEVICES") == wanted


def test_a_device_beyond_those_that_are_listed_is_refused() -> None:
    with pytest.raises(CoconetError, match=r"--device: wanted 0 to 1, a place in CUDA_VISIBLE_DEVICES=3,5, got 2"):
        select_cuda_device(2, {"CUDA_VISIBLE_DEVICES": "3,5"})


def test_a_machine_without_driver_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_device, "DRIVER_LIBRARY", "libno-such-driver.so.1")
    with pytest.raises(CoconetError, match=r"got no NVIDIA driver \(libno-such-driver.* coconet doctor"):
        first_cuda_device()


def test_a_driver_without_devices_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver(devices=0))
    with pytest.raises(CoconetError, match="got a driver that sees no device"):
        first_cuda_device()


@pytest.mark.parametrize(("status", "words"), [(100, "CUDA_ERROR_NO_DEVICE"), (99999, "error 99999")])
def test_an_error_of_the_driver_is_passed_on(monkeypatch: pytest.MonkeyPatch, status: int, words: str) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver(status=status))
    with pytest.raises(CoconetError, match=f"got {words} from the driver's cuInit"):
        first_cuda_device()
