"""The TensorRT backend on a stand-in for TensorRT and one for the GPU; no engine runs without the real ones."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coconet.cards.engine_card import BuildOptions, DeviceIdentity
from coconet.errors import CoconetError
from coconet.runtime.backends.gpu import libcuda
from coconet.runtime.backends.tensorrt import backend as trt
from coconet.runtime.backends.tensorrt import engine as trt_engine
from coconet.runtime.backends.tensorrt.backend import TensorRtBackend
from coconet.runtime.backends.tensorrt.cuda_device import CudaDevice
from coconet.runtime.backends.tensorrt.ring_options import RingOptions
from coconet.runtime.backends.tensorrt.timing import DeviceTimes, LayerTime
from coconet.runtime.frame import Frame, FramePair
from coconet.runtime.loop.pipeline import Entry, overlapped, run_pipeline
from coconet.runtime.preprocess.warp import Alignment, source_points
from tests.support.gpu.stand_in_gpu import StandInGpu
from tests.support.gpu.stand_in_pycuda import pycuda_memory
from tests.support.gpu.stand_in_tensorrt import WARPED, DataType, StandInTensorRT, write_plan
from tests.support.models.tiny_onnx import averaging_card
from tests.support.rigs.loop_ends import Recording, Shelf

RANDOM = np.random.default_rng(2)
LATER = BuildOptions(version_compatible=True)
ORIN = CudaDevice("Orin", (8, 7), integrated=True)


def pair(height: int = 8, width: int = 12, channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    visible, infrared = (RANDOM.integers(0, 256, (height, width, depth), np.uint8) for depth in (channels, 1))
    return visible, infrared


def averaged(visible: np.ndarray, infrared: np.ndarray) -> np.ndarray:
    return np.asarray(visible // 2 + infrared // 2)


@pytest.fixture(params=["libcuda", "pycuda"])
def machine(request: pytest.FixtureRequest, stand_in: StandInGpu, monkeypatch: pytest.MonkeyPatch) -> StandInTensorRT:
    """A machine with an Orin, TensorRT and one of two libraries that move frames."""
    module = StandInTensorRT(stand_in)
    memory = pycuda_memory(stand_in) if request.param == "pycuda" else stand_in.memory()
    monkeypatch.setattr(trt, "first_cuda_device", lambda: ORIN)
    monkeypatch.setattr(trt, "open_gpu_memory", lambda library: memory)
    monkeypatch.setattr(trt_engine, "tensorrt_module", lambda job: module)
    monkeypatch.setattr(trt_engine, "rtx_module", lambda job: module)
    return module


def test_an_engine_fuses_frames(machine: StandInTensorRT, tmp_path: Path) -> None:
    with TensorRtBackend(write_plan(tmp_path)) as backend:
        assert backend.name.startswith("TensorRT 10.3.0 (Orin, ")
        for frames in (pair(), pair(), pair(channels=1)):
            fused = backend.fuse(*frames)
            assert np.array_equal(fused, averaged(*frames))
            assert (fused.shape, fused.dtype) == (frames[0].shape, np.dtype(np.uint8))
    assert machine.plans == [b"plan"]
    assert machine.gpu.living() == {}


def test_a_frame_goes_up_through_the_engine_and_down(machine: StandInTensorRT, tmp_path: Path) -> None:
    with TensorRtBackend(write_plan(tmp_path)) as backend:
        backend.fuse(*pair())
        machine.gpu.calls()
        machine.calls.clear()
        backend.fuse(*pair(4, 4))
    work = [call for call in machine.gpu.calls() if "cpy" in call or "launch" in call]
    assert work == ["cuMemcpyHtoDAsync_v2", "stand_in_launch", "cuMemcpyDtoHAsync_v2"]
    assert machine.calls == [*["set_input_shape"] * 2, *["set_tensor_address"] * 3, "execute_async_v3"]


def test_another_frame_size_gets_buffers_of_its_own(machine: StandInTensorRT, tmp_path: Path) -> None:
    with TensorRtBackend(write_plan(tmp_path)) as backend:
        for size in ((8, 12), (16, 4), (8, 12)):
            frames = pair(*size)
            assert np.array_equal(backend.fuse(*frames), averaged(*frames))
            assert (machine.gpu.living()["pinned"], machine.gpu.living()["device"]) == (2, 2)


def test_frames_overlap_in_order(machine: StandInTensorRT, tmp_path: Path) -> None:
    with TensorRtBackend(write_plan(tmp_path), RingOptions(depth=3)) as backend:
        frames = [pair(channels=channels) for channels in (3, 1, 3)]
        for each in frames:
            backend.submit(*each)
        with pytest.raises(CoconetError, match="already has 3 pending frames"):
            backend.submit(*pair())
        with pytest.raises(CoconetError, match="was given frames of 4x4 while frames of 8x12 are pending"):
            backend.submit(*pair(4, 4))
        assert all(np.array_equal(backend.collect(), averaged(*each)) for each in frames)
        with pytest.raises(CoconetError, match="has no pending frame to collect"):
            backend.collect()


def test_one_frame_at_a_time_waits_for_the_pending(machine: StandInTensorRT, tmp_path: Path) -> None:
    with TensorRtBackend(write_plan(tmp_path)) as backend:
        backend.submit(*pair())
        with pytest.raises(CoconetError, match="still has 1 frame pending"):
            backend.fuse(*pair())


def test_several_threads_share_an_engine(machine: StandInTensorRT, tmp_path: Path) -> None:
    right = []
    with TensorRtBackend(write_plan(tmp_path)) as backend:

        def work() -> None:
            frames = pair()
            right.append(np.array_equal(backend.fuse(*frames), averaged(*frames)))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert right == [True] * 4


def test_a_size_beyond_the_profile_names_the_range(machine: StandInTensorRT, tmp_path: Path) -> None:
    with (
        TensorRtBackend(write_plan(tmp_path)) as backend,
        pytest.raises(CoconetError, match="frame of 80x12 is outside what this engine was built for, 4x4 to 64x64"),
    ):
        backend.fuse(*pair(80, 12))


@pytest.mark.parametrize("call", ["set_input_shape", "set_tensor_address", "execute_async_v3"])
def test_a_failed_frame_leaks_nothing_and_the_next_works(machine: StandInTensorRT, tmp_path: Path, call: str) -> None:
    with TensorRtBackend(write_plan(tmp_path)) as backend:
        machine.fail_at[call] = 1
        with pytest.raises(CoconetError, match=r"model\.engine (takes no|has no|does not).* TensorRT 10\.3\.0"):
            backend.fuse(*pair())
        assert machine.gpu.living() == {}
        frames = pair()
        assert np.array_equal(backend.fuse(*frames), averaged(*frames))


@pytest.mark.parametrize(
    ("call", "words"),
    [("deserialize_cuda_engine", "not compatible"), ("create_execution_context", "out of memory")],
)
def test_a_refusal_is_told_in_tensorrts_words(machine: StandInTensorRT, tmp_path: Path, call: str, words: str) -> None:
    machine.fail_at[call] = 1
    with pytest.raises(CoconetError, match=rf"{words} \(TensorRT 10\.3\.0\)"):
        TensorRtBackend(write_plan(tmp_path))
    TensorRtBackend(write_plan(tmp_path)).close()


SHIFTED = Alignment(((2.0, 0.0, 1.0), (0.0, 2.0, -1.0), (0.0, 0.0, 1.0)))


def laid_and_averaged(visible: np.ndarray, infrared: np.ndarray, alignment: Alignment) -> np.ndarray:
    """What the stand-in makes of the table: the nearest infrared pixels, 0 outside."""
    x, y = np.rint(source_points(alignment, (visible.shape[1], visible.shape[0]))).astype(int).transpose(2, 0, 1)
    height, width, _ = infrared.shape
    covered = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    laid = np.where(covered, infrared[y.clip(0, height - 1), x.clip(0, width - 1), 0], 0)
    return averaged(visible, laid[:, :, None])


@pytest.fixture
def warped(machine: StandInTensorRT, tmp_path: Path) -> Path:
    machine.names = WARPED
    return write_plan(tmp_path, model=replace(averaging_card(), form="warped"))


@pytest.mark.parametrize("options", [RingOptions(), RingOptions(zero_copy=True), RingOptions(graph=False)])
def test_an_engine_lays_infrared_pictures_of_their_own_size(
    machine: StandInTensorRT, warped: Path, options: RingOptions
) -> None:
    with TensorRtBackend(warped, options) as backend:
        for alignment in (SHIFTED, SHIFTED, Alignment(((1.5, 0.2, 0.0), (0.0, 1.5, 2.0), (0.0, 0.0, 1.0))), SHIFTED):
            for size in ((5, 7), (6, 6), (6, 6)):
                backend.align(alignment)
                visible, infrared = pair()[0], pair(*size)[1]
                wanted = laid_and_averaged(visible, infrared, alignment)
                assert np.array_equal(backend.fuse(visible, infrared), wanted)
    assert machine.gpu.living() == {}


def test_the_table_goes_up_once_for_an_alignment(machine: StandInTensorRT, warped: Path) -> None:
    with TensorRtBackend(warped, RingOptions(graph=False)) as backend:
        backend.align(SHIFTED)
        visible, infrared = pair()[0], pair(5, 7)[1]
        backend.fuse(visible, infrared)
        machine.gpu.calls()
        for _ in range(3):
            backend.align(SHIFTED)
            backend.fuse(visible, infrared)
        assert machine.gpu.calls().count("cuMemcpyHtoDAsync_v2") == 3  # both pictures in one block, no table
        assert backend.stage_times(visible, infrared, runs=1).execute_ms >= 0


def test_pairs_under_way_keep_the_alignment_they_came_with(machine: StandInTensorRT, warped: Path) -> None:
    other = replace(SHIFTED, homography=((2.0, 0.0, 3.0), (0.0, 2.0, 1.0), (0.0, 0.0, 1.0)))
    frames = [Frame(pair()[0], index, index) for index in range(6)]
    pairs = [
        FramePair(frame, replace(frame, pixels=pair(5, 7)[1]), warp=SHIFTED if frame.index < 3 else other)
        for frame in frames
    ]
    with TensorRtBackend(warped, RingOptions(depth=3)) as backend:
        given = list(overlapped([Entry(one, 0.0) for one in pairs], backend, lambda: 0.0))
        backend.align(SHIFTED)
        backend.submit(pairs[0].visible.pixels, np.asarray(pairs[0].infrared.pixels, np.uint8))
        backend.align(other)
        with pytest.raises(CoconetError, match="of one alignment while frames of .* are pending"):
            backend.submit(pairs[0].visible.pixels, np.asarray(pairs[0].infrared.pixels, np.uint8))
    for one, (_, fused) in zip(pairs, given, strict=True):
        assert one.warp is not None
        wanted = laid_and_averaged(one.visible.pixels, one.infrared.pixels, one.warp)
        assert fused is not None
        assert np.array_equal(fused, wanted)


@pytest.mark.parametrize("call", ["cuMemAlloc_v2", "cuMemHostAlloc", "cuMemcpyHtoDAsync_v2", "cuStreamSynchronize"])
def test_a_table_that_does_not_go_up_leaks_nothing(machine: StandInTensorRT, warped: Path, call: str) -> None:
    visible, infrared = pair()[0], pair(5, 7)[1]
    with TensorRtBackend(warped) as backend:
        backend.align(SHIFTED)
        machine.gpu.fail(call)
        with pytest.raises(CoconetError):
            backend.fuse(visible, infrared)
        assert machine.gpu.living() == {}
        assert np.array_equal(backend.fuse(visible, infrared), laid_and_averaged(visible, infrared, SHIFTED))


OTHER = replace(SHIFTED, homography=((2.0, 0.0, 3.0), (0.0, 2.0, 1.0), (0.0, 0.0, 1.0)))


def fails_or_is_right(backend: TensorRtBackend) -> int:
    """Fuse pairs at two alignments and sizes, and measure; how many failed, while every picture was of its own pair."""
    failed = 0
    for alignment, size in ((SHIFTED, (5, 7)), (SHIFTED, (5, 7)), (SHIFTED, (5, 7)), (OTHER, (6, 6)), (OTHER, (6, 6))):
        visible, infrared = pair()[0], pair(*size)[1]
        backend.align(alignment)
        try:
            fused = backend.fuse(visible, infrared)
            assert np.array_equal(fused, laid_and_averaged(visible, infrared, alignment))
            if alignment is OTHER:
                backend.stage_times(visible, infrared, runs=1)
        except CoconetError:
            failed += 1
    return failed


@pytest.mark.parametrize("options", [RingOptions(), RingOptions(zero_copy=True), RingOptions(graph=False)])
def test_whichever_call_of_the_driver_fails_no_old_picture_is_shown(
    machine: StandInTensorRT, warped: Path, options: RingOptions
) -> None:
    with TensorRtBackend(warped, options) as backend:
        machine.gpu.calls()
        assert fails_or_is_right(backend) == 0
        calls = machine.gpu.calls()
    failed = 0
    for call in dict.fromkeys(calls):
        for nth in {1, calls.count(call) // 2, calls.count(call)}:
            with TensorRtBackend(warped, options) as backend:
                machine.gpu.fail(call, max(1, nth))
                failed += fails_or_is_right(backend)
                machine.gpu.reset()
                assert fails_or_is_right(backend) == 0, call
            assert (machine.gpu.living(), machine.gpu.pushed) == ({}, 0), call
    assert failed > 20


def test_an_engine_of_other_tensors_is_refused(machine: StandInTensorRT, tmp_path: Path) -> None:
    machine.names = ("left", "right", "fused")
    with pytest.raises(
        CoconetError, match="says inputs visible and infrared and output fused: it has tensors left, right"
    ):
        TensorRtBackend(write_plan(tmp_path))
    machine.names, machine.dtype = ("visible", "infrared", "fused"), DataType.FLOAT
    with pytest.raises(CoconetError, match="visible as uint8 .* it has float of shape"):
        TensorRtBackend(write_plan(tmp_path))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"targets": ("sm86",), "device": None},
            "was built for sm86, and this machine has Orin, sm87",
        ),
        ({"device": DeviceIdentity("Thor")}, "was built for Thor, sm87, and this machine has Orin, sm87"),
        (
            {"device": DeviceIdentity("Orin", 16)},
            r"was built for Orin \(16 SMs\), sm87, and this machine has Orin, sm87",
        ),
        ({"tensorrt_version": "10.7.0", "options": LATER}, r"and TensorRT 10\.3\.0 is installed here"),
        ({"tensorrt_version": "8.6.1"}, r"its header says no TensorRT engine"),
        ({"tensorrt_version": "8.6.2"}, r"was built with TensorRT 8\.6\.2, and TensorRT 10\.3\.0 is installed here"),
        ({"engine_sha256": "1" * 64}, "belongs to another engine"),
    ],
)
def test_a_stale_or_foreign_engine_is_refused_unread(
    machine: StandInTensorRT, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(CoconetError, match=words):
        TensorRtBackend(write_plan(tmp_path, **changes))
    assert machine.plans == []


@pytest.mark.parametrize("built_by", ["8.6.1", "10.0.1", "10.3.0"])
def test_a_version_compatible_engine_runs_in_later_versions(
    machine: StandInTensorRT, tmp_path: Path, built_by: str
) -> None:
    with TensorRtBackend(write_plan(tmp_path, tensorrt_version=built_by, options=LATER)) as backend:
        frames = pair()
        assert np.array_equal(backend.fuse(*frames), averaged(*frames))
    assert machine.runtimes[-1].engine_host_code_allowed


def test_an_engine_for_a_compute_capability_runs_on_other_boards(machine: StandInTensorRT, tmp_path: Path) -> None:
    options = BuildOptions(same_compute_capability=True)
    with TensorRtBackend(write_plan(tmp_path, device=DeviceIdentity("Orin", 16), options=options)) as backend:
        assert backend.fuse(*pair()).shape == (8, 12, 3)
    with pytest.raises(CoconetError, match="was built for sm86, and this machine has Orin, sm87"):
        TensorRtBackend(write_plan(tmp_path, targets=("sm86",), options=options))


def test_an_engine_tells_of_its_layers(machine: StandInTensorRT, tmp_path: Path) -> None:
    with TensorRtBackend(write_plan(tmp_path)) as backend:
        assert backend.layers() == '{"Layers": ["first", "last"]}'


def test_rtx_keeps_the_kernels_it_compiled(machine: StandInTensorRT, tmp_path: Path) -> None:
    path = write_plan(tmp_path, flavour="tensorrt_rtx", device=None)
    for _ in range(2):
        with TensorRtBackend(path) as backend:
            backend.fuse(*pair())
            backend.fuse(*pair())
    assert (tmp_path / "model.engine.sm87.cache").read_bytes() == b"kernels"
    assert machine.cached == [b"kernels"]  # read by the second, as there was none for the first
    assert "cuGraphLaunch" not in machine.gpu.calls()  # it records graphs by itself


def test_a_cache_that_cannot_be_kept_is_only_slower(
    machine: StandInTensorRT, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(trt_engine, "whole_file", full)
    TensorRtBackend(write_plan(tmp_path, flavour="tensorrt_rtx", device=None)).close()
    assert "kernels are not kept: disk full" in caplog.text


def test_the_profiler_gives_mean_times_by_layer(machine: StandInTensorRT, tmp_path: Path) -> None:
    with TensorRtBackend(write_plan(tmp_path)) as backend:
        assert backend.layer_times(*pair(), runs=3) == [LayerTime("first", 0.25), LayerTime("last", 0.5)]
    assert machine.gpu.living() == {}


@pytest.mark.parametrize("depth", [1, 3])
def test_upload_execution_and_download_are_timed_apart(machine: StandInTensorRT, tmp_path: Path, depth: int) -> None:
    with TensorRtBackend(write_plan(tmp_path), RingOptions(depth)) as backend:
        found = backend.stage_times(*pair(), runs=3)
        assert isinstance(found, DeviceTimes)
        assert min(found.upload_ms, found.execute_ms, found.download_ms) > 0
        shot = pair()
        assert np.array_equal(backend.fuse(*shot), averaged(*shot))
    assert machine.gpu.living() == {}


def test_a_closed_engine_says_so_and_closes_twice(machine: StandInTensorRT, tmp_path: Path) -> None:
    with TensorRtBackend(write_plan(tmp_path)) as backend:
        backend.fuse(*pair())
        backend.close()
    with pytest.raises(CoconetError, match="engine is closed"):
        backend.fuse(*pair())


def test_without_a_driver_tensorrt_is_not_even_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcuda, "DRIVER_LIBRARY", "libno-such-driver.so.1")
    monkeypatch.setattr(trt_engine, "tensorrt_module", pytest.fail)
    with pytest.raises(CoconetError, match="CUDA device cannot be used: .* coconet doctor says what is missing"):
        TensorRtBackend(write_plan(tmp_path))


def test_measuring_takes_no_second_context(
    stand_in: StandInGpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = StandInTensorRT(stand_in, version="8.6.2")
    monkeypatch.setattr(trt, "first_cuda_device", lambda: ORIN)
    monkeypatch.setattr(trt, "open_gpu_memory", lambda library: stand_in.memory())
    monkeypatch.setattr(trt_engine, "tensorrt_module", lambda job: module)
    with TensorRtBackend(write_plan(tmp_path, tensorrt_version="8.6.2")) as backend:
        for measure in (backend.layer_times, backend.stage_times, backend.fuse, backend.stage_times):
            measure(*pair())
            assert module.contexts <= 1
    assert module.contexts == 0


def test_measuring_waits_for_what_is_pending(machine: StandInTensorRT, tmp_path: Path) -> None:
    with TensorRtBackend(write_plan(tmp_path)) as backend:
        shot = pair()
        backend.submit(*shot)
        with pytest.raises(CoconetError, match="still has 1 frame pending"):
            backend.stage_times(*pair())
        assert np.array_equal(backend.collect(), averaged(*shot))


def test_a_refusal_is_not_explained_by_an_earlier_one(machine: StandInTensorRT, tmp_path: Path) -> None:
    with TensorRtBackend(write_plan(tmp_path)) as backend:
        machine.fail_at["create_execution_context"] = 1
        with pytest.raises(CoconetError, match="out of memory"):
            backend.layer_times(*pair())
        machine.fail_at["execute_async_v3"] = 1
        with pytest.raises(CoconetError, match="gives no reason"):
            backend.fuse(*pair())


def test_a_recording_runs_through_an_engine_with_several_pairs_under_way(
    machine: StandInTensorRT, tmp_path: Path
) -> None:
    shelf = Shelf()
    with TensorRtBackend(write_plan(tmp_path), RingOptions(depth=3)) as backend:
        report = run_pipeline(Recording(7), backend, shelf)
    assert report.fused == 7
    pairs = [frame.pair for frame in shelf.frames]
    assert [pair.visible.index for pair in pairs] == list(range(7))
    for frame in shelf.frames:
        assert np.array_equal(frame.pixels, averaged(frame.pair.visible.pixels, frame.pair.infrared.pixels))
    assert machine.gpu.living() == {}
