"""Asking the driver for its device; the driver itself is a stand-in, as it installs only beside a GPU."""

from __future__ import annotations

import pytest

from coconet.errors import CoconetError
from coconet.runtime.backends.gpu import libcuda
from coconet.runtime.backends.tensorrt import cuda_device
from coconet.runtime.backends.tensorrt.cuda_device import CudaDevice, first_cuda_device, select_cuda_device
from tests.support.gpu.stand_in_gpu import StandInGpu


@pytest.mark.parametrize(("integrated", "board"), [(False, ""), (True, "NVIDIA Jetson Orin Nano Developer Kit")])
def test_the_first_device_is_named_with_its_compute_capability_and_board(
    driver: StandInGpu, monkeypatch: pytest.MonkeyPatch, integrated: bool, board: str
) -> None:
    driver.set(integrated=integrated)
    monkeypatch.setattr(cuda_device, "board_name", lambda: "NVIDIA Jetson Orin Nano Developer Kit")
    found = first_cuda_device()
    assert found == CudaDevice("Stand-in", (8, 7), integrated, 8, board)
    assert found.sm == "sm87"
    assert str(found.identity) == f"Stand-in (8 SMs{', ' if board else ''}{board})"


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
    with pytest.raises(CoconetError, match="--device 2 is not in CUDA_VISIBLE_DEVICES=3,5, which leaves 0 to 1"):
        select_cuda_device(2, {"CUDA_VISIBLE_DEVICES": "3,5"})


def test_a_machine_without_driver_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcuda, "DRIVER_LIBRARY", "libno-such-driver.so.1")
    with pytest.raises(CoconetError, match=r"cannot be used: no NVIDIA driver \(libno-such-driver.* coconet doctor"):
        first_cuda_device()


def test_a_driver_without_devices_is_told_so(driver: StandInGpu) -> None:
    driver.set(devices=0)
    with pytest.raises(CoconetError, match="the driver sees no device"):
        first_cuda_device()


@pytest.mark.parametrize(("status", "words"), [(100, "CUDA_ERROR_NO_DEVICE"), (99999, "error 99999")])
@pytest.mark.parametrize("call", ["cuInit", "cuDeviceGetCount", "cuDeviceGetName", "cuDeviceGetAttribute"])
def test_an_error_of_the_driver_is_passed_on(driver: StandInGpu, call: str, status: int, words: str) -> None:
    driver.fail(call, code=status)
    with pytest.raises(CoconetError, match=f"CUDA device cannot be used: {words} from the driver's {call}"):
        first_cuda_device()


def test_a_device_that_the_driver_does_not_find_is_said_to_have_no_effect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(libcuda, "DRIVER_LIBRARY", "libno-such-driver.so.1")
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.setenv(name, "")  # what is set below is taken back at the end
    select_cuda_device(99)
    assert "--device 99 has no effect: the driver finds no such GPU on this machine" in capsys.readouterr().err
