"""Which TensorRT is found, and what differs between versions."""

from __future__ import annotations

import importlib
import subprocess
import sys
from enum import IntEnum
from types import SimpleNamespace

import pytest

from coconet.errors import CoconetError, MissingPackage
from coconet.export.engines import tensorrt_flavour
from coconet.export.engines.tensorrt_flavour import creation_flags, open_tensorrt, types_networks_strongly
from coconet.runtime.backends.gpu import libcuda
from coconet.runtime.backends.tensorrt.cuda_device import CudaDevice
from coconet.runtime.backends.tensorrt.module import Messages, in_one_line, rtx_module, without_origin

# The creation flags of TensorRT versions that do not install here, with their values.
TENSORRT_8 = IntEnum("TENSORRT_8", [("EXPLICIT_BATCH", 0)])
TENSORRT_10 = IntEnum("TENSORRT_10", [("EXPLICIT_BATCH", 0), ("STRONGLY_TYPED", 1)])
TENSORRT_11 = IntEnum("TENSORRT_11", [("STRONGLY_TYPED", 0), ("PREFER_JIT_PYTHON_PLUGINS", 1)])


@pytest.mark.parametrize(("flags", "wanted"), [(TENSORRT_8, 1), (TENSORRT_10, 2), (TENSORRT_11, 0)])
def test_every_version_gets_its_own_network_flag(flags: type[IntEnum], wanted: int) -> None:
    assert creation_flags(SimpleNamespace(NetworkDefinitionCreationFlag=flags)) == wanted


def test_only_tensorrt_8_chooses_types_by_itself() -> None:
    strong = [
        types_networks_strongly(SimpleNamespace(NetworkDefinitionCreationFlag=flags))
        for flags in (TENSORRT_8, TENSORRT_10, TENSORRT_11)
    ]
    assert strong == [False, True, True]


def test_tensorrt_for_rtx_needs_no_flag_and_types_strongly() -> None:
    assert creation_flags(rtx_module()) == 0
    assert types_networks_strongly(rtx_module())


def test_named_gpus_are_built_for_by_tensorrt_for_rtx() -> None:
    found = open_tensorrt(("sm86", "sm120"))
    assert (found.flavour, found.targets, found.device) == ("tensorrt_rtx", ("sm86", "sm120"), None)
    assert found.version == rtx_module().__version__


@pytest.mark.parametrize("gpu", ["sm87", "sm90"])
def test_a_gpu_that_tensorrt_for_rtx_does_not_know_lists_those_it_knows(gpu: str) -> None:
    with pytest.raises(CoconetError, match=rf"GPU {gpu} is not one that .* sm86, sm89, .* without --gpu"):
        open_tensorrt(("sm86", gpu))


def test_the_process_has_one_logger() -> None:
    assert open_tensorrt(("sm86",)).logger is open_tensorrt(("sm89",)).logger


def test_errors_and_warnings_are_kept_in_one_line_each() -> None:
    found = open_tensorrt(("sm86",))
    found.messages.clear()
    severity = found.module.ILogger.Severity
    for level in (severity.ERROR, severity.INTERNAL_ERROR, severity.WARNING, severity.INFO):
        found.logger.log(level, f"at {level.name}\n  line 2\n")
    assert found.messages.errors == ["at ERROR line 2", "at INTERNAL_ERROR line 2"]
    assert found.messages.warnings == ["at WARNING line 2"]


def test_a_missing_gpu_is_no_reason_why_a_build_without_one_fails() -> None:
    noise = "[checkMacros.cpp::catchCudaError::250] Error Code 1: Cuda Runtime (driver version is insufficient)"
    assert in_one_line(rtx_module(), f"Invalid Node\n{noise}") == "Invalid Node"
    assert in_one_line(SimpleNamespace(), f"No builder\n{noise}") == f"No builder {noise}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "IBuilder::buildSerializedNetwork: Error Code 10: Internal Error (No kernel for node /a/b.)",
            "No kernel for node /a/b.",
        ),
        ("[graph.cpp::checkSanity::466] Error Code 2: Internal Error (Assertion !isCyclic failed.)", None),
        ("In node 3 (importCast): UNSUPPORTED_NODE: no UINT8", "In node 3 (importCast): UNSUPPORTED_NODE: no UINT8"),
    ],
)
def test_a_reason_has_no_source_file_and_no_number_of_an_error(text: str, said: str | None) -> None:
    assert without_origin(text) == (said or "Assertion !isCyclic failed.")


def test_a_repeated_warning_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    Messages(warnings=["scales", "shapes", "scales"]).log_warnings()
    assert caplog.messages == ["TensorRT warns: scales", "TensorRT warns: shapes"]


def test_no_device_is_noticed_before_tensorrt_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcuda, "DRIVER_LIBRARY", "libno-such-driver.so.1")
    monkeypatch.setattr(importlib, "import_module", pytest.fail)
    with pytest.raises(CoconetError, match="CUDA device cannot be used: .* --gpu sm86"):
        open_tensorrt(())


def test_a_device_without_tensorrt_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorrt_flavour, "first_cuda_device", lambda _: CudaDevice("Orin", (8, 7)))
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(MissingPackage, match=r"tensorrt is not installed .* building engines needs it\..*\[tensorrt\]"):
        open_tensorrt(())


def test_without_tensorrt_for_rtx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("tensorrt_rtx", "tensorrt_rtx_libs", "tensorrt_rtx_bindings"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage, match=r"\[rtx\]"):
        open_tensorrt(("sm86",))


def test_nothing_heavy_is_imported_before_a_flavour_is_asked_for() -> None:
    code = "import sys, coconet.export.engines.tensorrt_flavour, coconet.export.commands.build; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"onnx", "tensorrt", "tensorrt_rtx", "tensorrt_rtx_libs"} & set(found.stdout.split())
