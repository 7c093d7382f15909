"""Which backend runs a model, and what is said of it."""

from __future__ import annotations

from dataclasses import fields
from importlib.machinery import ModuleSpec
from pathlib import Path

import onnxruntime
import pytest

from coconet.errors import CoconetError, MissingPackage
from coconet.runtime.backends import cuda_provider
from coconet.runtime.backends.choice import OPTIONS, BackendChoice, BackendKind, choose_backend
from coconet.runtime.backends.cuda_provider import cuda_verdict, missing_library
from coconet.runtime.backends.gpu import libcuda
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.backends.tensorrt.cuda_device import CudaDevice
from coconet.runtime.backends.tensorrt.ring_options import RingOptions
from coconet.runtime.commands.run import run
from tests.support.models.engine_files import write_engine
from tests.support.models.tiny_onnx import write_averaging_model
from tests.support.programs.called import call, complaint_of


def with_onnx_runtime(folder: Path, monkeypatch: pytest.MonkeyPatch, *, cuda: bool) -> None:
    """Let ONNX Runtime lie in this folder, as a build for GPUs or as one without."""
    (folder / "capi").mkdir()
    if cuda:
        (folder / "capi" / cuda_provider.LIBRARY).touch()
    place = ModuleSpec("onnxruntime", None, is_package=True)
    place.submodule_search_locations = [str(folder)]
    monkeypatch.setattr(cuda_provider, "find_spec", lambda _: place)


def test_a_processor_is_taken_where_onnx_runtime_has_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_averaging_model(tmp_path / "m.onnx")
    with_onnx_runtime(tmp_path, monkeypatch, cuda=False)
    choice = choose_backend(path)
    assert choice.kind == "ort"
    assert choice.reason.startswith("this ONNX Runtime has no CUDA provider")


def test_a_provider_without_a_gpu_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_onnx_runtime(tmp_path, monkeypatch, cuda=True)
    monkeypatch.setattr(libcuda, "DRIVER_LIBRARY", "libno-such-driver.so.1")
    assert str(cuda_verdict()).startswith("the CUDA provider has no GPU: no NVIDIA driver")


def test_a_provider_whose_libraries_are_missing_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_onnx_runtime(tmp_path, monkeypatch, cuda=True)
    monkeypatch.setattr(cuda_provider, "first_cuda_device", lambda: CudaDevice("GPU", (8, 6)))
    monkeypatch.setattr(cuda_provider, "missing_library", lambda _: "libcublas.so.13: cannot open shared object file")
    assert "does not load on GPU: libcublas.so.13" in str(cuda_verdict())


def test_a_provider_that_loads_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_onnx_runtime(tmp_path, monkeypatch, cuda=True)
    monkeypatch.setattr(cuda_provider, "first_cuda_device", lambda: CudaDevice("GPU", (8, 6)))
    monkeypatch.setattr(cuda_provider, "missing_library", lambda _: None)
    assert choose_backend(write_averaging_model(tmp_path / "m.onnx")).kind == "ort-cuda"


def test_without_onnx_runtime_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_provider, "find_spec", lambda _: None)
    with pytest.raises(MissingPackage, match="onnxruntime is not installed"):
        choose_backend(write_averaging_model(tmp_path / "m.onnx"))


def test_the_loader_says_what_it_misses(tmp_path: Path) -> None:
    assert "no-such.so" in str(missing_library(tmp_path / "no-such.so")) or "shared.so" in str(
        missing_library(tmp_path / "no-such.so")
    )


@pytest.mark.parametrize(("name", "wanted"), [("m.engine", "openvino"), ("m.pth", "ort"), ("m.onnx", "tensorrt")])
def test_a_backend_that_takes_no_such_file_says_so(tmp_path: Path, name: str, wanted: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(CoconetError, match=f"(backend {wanted} does not run|is not run by the backend {wanted})"):
        choose_backend(tmp_path / name, wanted)


def test_an_unknown_backend_lists_the_known() -> None:
    with pytest.raises(CoconetError, match="backend must be auto or ort or ort-cuda .* not 'cudnn'"):
        choose_backend("lite", "cudnn")


def test_the_gpu_is_not_given_up_in_silence(tmp_path: Path) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has a CUDA provider")
    with pytest.raises(CoconetError, match="is a build without CUDAExecutionProvider"):
        open_backend(write_averaging_model(tmp_path / "m.onnx"), "ort-cuda")


def test_run_says_what_it_chose_and_why() -> None:
    camera = "synthetic://?fps=30&width=64&height=48&seed=1"
    said = call(run, "--visible", camera, "--infrared", camera, "--model", "average", "--frames", 2)
    assert said.exit_code == 0
    assert "backend rule: a rule needs no network" in said.output


def test_an_engine_without_a_gpu_ends_with_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcuda, "DRIVER_LIBRARY", "libno-such-driver.so.1")
    engine = write_engine(tmp_path)
    synthetic = ("--visible", "synthetic://", "--infrared", "synthetic://")
    said = complaint_of(run, *synthetic, "--model", engine)
    assert said.startswith("CUDA device cannot be used: no NVIDIA driver")


@pytest.mark.parametrize(
    ("kind", "ring", "option"),
    [
        ("ort", RingOptions(depth=2), "--depth"),
        ("ort-cuda", RingOptions(zero_copy=True), "--zero-copy"),
        ("torch", RingOptions(graph=False), "--no-graph"),
        ("rule", RingOptions(spin=True), "--spin"),
        ("openvino", RingOptions(library="pycuda"), "--gpu-library"),
    ],
)
def test_what_only_an_engine_does_is_refused_for_others(kind: BackendKind, ring: RingOptions, option: str) -> None:
    with pytest.raises(CoconetError, match=f"{option} does not apply to a model that {kind} runs"):
        BackendChoice(kind, Path("m"), "asked for", ring)


def test_an_engine_takes_every_option_and_onnx_runtime_on_a_gpu_its_graph() -> None:
    BackendChoice("tensorrt", Path("m"), "asked for", RingOptions(3, True, False, True, "libcuda"))
    BackendChoice("ort-cuda", Path("m"), "asked for", RingOptions(graph=False))
    assert OPTIONS.keys() == {field.name for field in fields(RingOptions)}
