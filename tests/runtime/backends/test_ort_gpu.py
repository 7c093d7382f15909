"""ONNX Runtime with bound memory, on the CPU's memory; and that a GPU is never given up in silence."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.export.warp_input import write_warped
from coconet.runtime.backends import ort_gpu as ort_cuda
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend, open_session, session_options
from coconet.runtime.backends.ort_gpu import BoundSession, OnnxRuntimeCudaBackend, shapes_of
from coconet.runtime.preprocess.warp import Alignment
from tests.support.models.tiny_onnx import averaging_card, write_averaging_model

RANDOM = np.random.default_rng(3)


def frames(height: int = 12, width: int = 16) -> tuple[np.ndarray, np.ndarray]:
    visible, infrared = (RANDOM.integers(0, 256, (height, width, depth), np.uint8) for depth in (3, 1))
    return visible, infrared


def fed(pair: tuple[np.ndarray, np.ndarray]) -> dict[str, np.ndarray]:
    return {"visible": pair[0][None], "infrared": pair[1][None]}


SHAPES = shapes_of(fed(frames()))


def test_bound_memory_gives_the_same_pictures(tmp_path: Path) -> None:
    path = write_averaging_model(tmp_path / "m.onnx")
    session, _ = open_session(path, session_options(1), ["CPUExecutionProvider"])
    bound = BoundSession(session, SHAPES, "cpu")
    with OnnxRuntimeBackend(path, 1) as unbound:
        for pair in (frames(), frames()):
            assert np.array_equal(bound.run(fed(pair)), unbound.fuse(*pair))


def test_upload_execution_and_download_are_timed_apart(tmp_path: Path) -> None:
    path = write_averaging_model(tmp_path / "m.onnx")
    session, _ = open_session(path, session_options(1), ["CPUExecutionProvider"])
    times = BoundSession(session, SHAPES, "cpu").times(fed(frames()), runs=3)
    assert min(times.upload_ms, times.execute_ms, times.download_ms) > 0.0


def test_a_new_frame_size_is_bound_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_averaging_model(tmp_path / "m.onnx")
    session, card = open_session(path, session_options(1), ["CPUExecutionProvider"])
    monkeypatch.setattr(ort_cuda, "require_provider", lambda: None)
    monkeypatch.setattr(ort_cuda, "open_on_gpu", lambda path, graph: (session, card, graph))
    monkeypatch.setattr(ort_cuda, "BoundSession", lambda session, shapes, _: BoundSession(session, shapes, "cpu"))
    backend = OnnxRuntimeCudaBackend(path)
    with OnnxRuntimeBackend(path, 1) as unbound:
        for pair in (frames(), frames(20, 8), frames()):
            assert np.array_equal(backend.fuse(*pair), unbound.fuse(*pair))
    backend.close()
    backend.close()
    with pytest.raises(CoconetError, match="is closed"):
        backend.fuse(*frames())


class Replaying:
    """A session as the CUDA provider's with a graph: it runs its first binding ever after, with the memory of that."""

    def __init__(self, path: Path) -> None:
        self._session, _ = open_session(path, session_options(1), ["CPUExecutionProvider"])
        self._recorded: Any = None
        self.io_binding = self._session.io_binding

    def run_with_iobinding(self, binding: Any) -> None:
        self._recorded = self._recorded or binding
        self._session.run_with_iobinding(self._recorded)


@pytest.fixture
def graphed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[OnnxRuntimeCudaBackend, list[Replaying]]:
    """A backend on the CPU's memory whose sessions replay, and the sessions that it opened."""
    path, opened = write_averaging_model(tmp_path / "m.onnx"), list[Replaying]()

    def open_on_gpu(path: Path, graph: bool) -> Any:
        opened.append(Replaying(path))
        return opened[-1], averaging_card(), graph

    monkeypatch.setattr(ort_cuda, "require_provider", lambda: None)
    monkeypatch.setattr(ort_cuda, "open_on_gpu", open_on_gpu)
    monkeypatch.setattr(ort_cuda, "BoundSession", lambda session, shapes, _: BoundSession(session, shapes, "cpu"))
    return OnnxRuntimeCudaBackend(path), opened


def test_a_new_table_goes_up_and_an_old_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_warped(write_averaging_model(tmp_path / "m.onnx"), tmp_path / "warped.onnx")
    session, card = open_session(tmp_path / "warped.onnx", session_options(1), ["CPUExecutionProvider"])
    monkeypatch.setattr(ort_cuda, "require_provider", lambda: None)
    monkeypatch.setattr(ort_cuda, "open_on_gpu", lambda path, graph: (session, card, graph))
    monkeypatch.setattr(ort_cuda, "BoundSession", lambda session, shapes, _: BoundSession(session, shapes, "cpu"))
    backend = OnnxRuntimeCudaBackend(tmp_path / "warped.onnx")
    visible, infrared = frames()[0], frames(7, 9)[1]
    with OnnxRuntimeBackend(tmp_path / "m.onnx", 1) as laying:
        for right_px in (2.0, 2.0, 5.0):
            alignment = Alignment(((1.7, 0.0, right_px), (0.0, 1.7, 1.0), (0.0, 0.0, 1.0)))
            backend.align(alignment)
            wanted = laying.fuse(visible, alignment.warp(infrared, (16, 12)))
            assert np.abs(backend.fuse(visible, infrared).astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("step", ["_upload", "_download", "run"])
@pytest.mark.parametrize("measuring", [False, True])
def test_after_an_error_no_old_picture_is_shown(
    graphed: tuple[OnnxRuntimeCudaBackend, list[Replaying]],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    measuring: bool,
) -> None:
    backend, opened = graphed
    before, after = frames(), frames()
    backend.fuse(*before)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA failure 2: out of memory")

    with monkeypatch.context() as patched:
        patched.setattr(BoundSession, "times" if measuring and step == "run" else step, broken)
        with pytest.raises(CoconetError, match="CUDA failure 2"):
            _ = backend.stage_times(*before, runs=1) if measuring else backend.fuse(*before)
    with OnnxRuntimeBackend(backend._where, 1) as unbound:
        assert np.array_equal(backend.fuse(*after), unbound.fuse(*after))
    assert len(opened) == 2


class Unrecordable(Replaying):
    """A session with a graph whose kernels cannot be recorded, which ONNX Runtime finds out at the first run."""

    def run_with_iobinding(self, binding: Any) -> None:
        raise RuntimeError("CUDA failure 900: operation not permitted when stream is capturing")


@pytest.mark.parametrize("measuring", [False, True])
def test_a_graph_that_cannot_be_recorded_is_given_up_at_the_first_frame(
    graphed: tuple[OnnxRuntimeCudaBackend, list[Replaying]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    measuring: bool,
) -> None:
    backend, asked = graphed[0], list[bool]()
    backend._session = Unrecordable(backend._where)

    def open_on_gpu(path: Path, graph: bool) -> Any:
        asked.append(graph)
        plain, _ = open_session(path, session_options(1), ["CPUExecutionProvider"])
        return Replaying(path) if graph else plain, averaging_card(), graph

    monkeypatch.setattr(ort_cuda, "open_on_gpu", open_on_gpu)
    if measuring:
        backend.stage_times(*frames(), runs=1)
    with OnnxRuntimeBackend(backend._where, 1) as unbound:
        for pair in (frames(), frames(), frames(20, 8)):
            assert np.array_equal(backend.fuse(*pair), unbound.fuse(*pair))
    assert asked == [False]
    assert ", graph" not in backend.name
    assert [record.message.partition(": ")[0] for record in caplog.records] == ["running without a CUDA graph"]


def test_an_error_that_is_not_the_graphs_is_told_and_costs_no_graph(
    graphed: tuple[OnnxRuntimeCudaBackend, list[Replaying]], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, opened = graphed
    with monkeypatch.context() as patched:
        patched.setattr(Replaying, "run_with_iobinding", Unrecordable.run_with_iobinding)
        with pytest.raises(CoconetError, match="CUDA failure 900"):
            backend.fuse(*frames())
    backend.fuse(*frames())
    assert ", graph" in backend.name
    assert len(opened) == 3


def test_a_size_that_cannot_be_opened_leaves_the_backend_usable(
    graphed: tuple[OnnxRuntimeCudaBackend, list[Replaying]], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, _ = graphed
    backend.fuse(*frames())
    with monkeypatch.context() as patched:
        patched.setattr(ort_cuda, "open_on_gpu", refused)
        with pytest.raises(CoconetError, match="out of memory"):
            backend.fuse(*frames(20, 8))
    pair = frames()
    with OnnxRuntimeBackend(backend._where, 1) as unbound:
        assert np.array_equal(backend.fuse(*pair), unbound.fuse(*pair))


def refused(path: Path, graph: bool) -> Any:
    raise CoconetError(path, wanted="a model on the GPU", got="out of memory", remedy="None.", says="is out of memory")


def test_a_session_that_fell_back_to_the_cpu_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fallen = SimpleNamespace(disable_fallback=lambda: None, get_providers=lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(ort_cuda, "require_provider", lambda: None)
    monkeypatch.setattr(ort_cuda, "open_session", lambda *_: (fallen, averaging_card()))
    with pytest.raises(CoconetError, match="does not run on the GPU: ONNX Runtime could not load its CUDA provider"):
        OnnxRuntimeCudaBackend(tmp_path / "m.onnx")
