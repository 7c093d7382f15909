"""ONNX Runtime on the GPU: the CUDA provider with bound memory and a CUDA graph, and never the CPU in silence.

Written against the interface of onnxruntime-gpu 1.31; the binding is tested on the CPU, the GPU itself was not run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coconet.cards.model_card import FUSED, INFRARED, VISIBLE, WARP, ModelCard
from coconet.errors import CoconetError, MissingPackage, Refused
from coconet.installation.remedy import exchange_remedy
from coconet.media.pixels import Pixels
from coconet.runtime.backends.gpu.libcuda import Libcuda
from coconet.runtime.backends.gpu.refusal import GpuRefused
from coconet.runtime.backends.onnx_failure import closed
from coconet.runtime.backends.onnx_tensors import input_feed
from coconet.runtime.backends.ort_cpu import VERSION, OrtValue, Result, open_session, run_in_words, session_options
from coconet.runtime.backends.tensorrt.timing import DeviceTimes
from coconet.runtime.frame_check import adapt_frames, fuse_adapted
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.preprocess.warp_table import WarpTable

try:
    import onnxruntime
except ImportError as error:
    raise MissingPackage("onnxruntime", job="running ONNX models", extra="cpu") from error


PROVIDER = "CUDAExecutionProvider"


def require_provider() -> None:
    """Raise Refused if this ONNX Runtime has no CUDA provider; load the CUDA libraries that pip installed."""
    found = onnxruntime.get_available_providers()
    if PROVIDER not in found:
        raise Refused(
            f"ONNX Runtime {onnxruntime.__version__}",
            wanted=f"the build for GPUs, with {PROVIDER}",
            got=f"one with {', '.join(found)}",
            remedy=exchange_remedy("Exchange it (ort-gpu-cu12 for CUDA 12):", ["onnxruntime"], "ort-gpu"),
            says=f"does not run on the GPU: it is a build without {PROVIDER}",
        )
    if hasattr(onnxruntime, "preload_dlls"):
        with suppress(Exception):  # what is missing is told better by the session
            onnxruntime.preload_dlls()


LOG = logging.getLogger("coconet.gpu")


class OnnxRuntimeCudaBackend:
    """A model file run by the CUDA execution provider; one thread at a time.

    graph: replay the kernels as one CUDA graph, which wants a fixed frame size: a new size opens the model again.
    After an error the next frame does so too: a recorded graph reads and writes the memory that it was recorded with,
    and would show an old picture as a new one. If the first frame fails, as it does when ONNX Runtime cannot record the
    kernels, it is fused again without a graph.
    """

    def __init__(self, path: Path, graph: bool = True) -> None:
        """Open the model. Raises CoconetError if the provider does not load, or is not what the model runs on."""
        require_provider()
        with suppress(GpuRefused):  # the session says better what is wrong with the GPU
            Libcuda().let_waits_sleep(0)
        self._where, self._graph, self._closed, self._warp = path, graph, False, WarpTable()
        self._bound: BoundSession | None = None
        self._session: Any
        self._session, self.card, self._graphed = open_on_gpu(path, graph)
        self.name = name_of(graphed=self._graphed)

    def align(self, alignment: Alignment | None) -> None:
        """Lay infrared pictures as an alignment says from the next one on, if the model takes one."""
        self._warp.align(alignment)

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, 3) BGR or (H, W, 1) gray with (H, W, 1), uint8; shaped like `visible`.

        Raises CoconetError for frames of another size, shape or type than the card says.
        """
        return fuse_adapted(self.card, self._where, self._run, visible, infrared)

    def stage_times(self, visible: Pixels, infrared: Pixels, runs: int = 20) -> DeviceTimes:
        """Run frames as `fuse` takes them; the mean times to the GPU, on it and back, by the host's clock."""
        pair = adapt_frames(self.card, self._where, visible, infrared)
        with self._forgetting_errors():
            feed = input_feed(self.card, self._warp, *pair, self._where)
            warm_up = 2  # the first loads kernels, the second records the graph
            self._through(feed, lambda bound: bound.times(feed, runs=warm_up))
            return self._through(feed, lambda bound: bound.times(feed, runs=runs))

    def close(self) -> None:
        """Release session and memory; a second call does nothing."""
        self._bound = self._session = None
        self._closed = True

    def _run(self, visible: Pixels, infrared: Pixels) -> Pixels:
        with self._forgetting_errors():
            feed = input_feed(self.card, self._warp, visible, infrared, self._where)
            return self._through(feed, lambda bound: bound.run(feed))

    def _through(self, feed: Feed, use: Callable[[BoundSession], Result]) -> Result:
        """Use the session that is bound to memory for these inputs; one that has never run may lose its graph."""
        bound = self._bound_to(feed)
        try:
            return run_in_words(self._where, lambda: use(bound))
        except CoconetError as error:
            if bound.ran or not self._graphed:
                raise
            found = self._without_graph(feed, use)
            LOG.warning("running without a CUDA graph: %s", error.got)
            return found

    def _without_graph(self, feed: Feed, use: Callable[[BoundSession], Result]) -> Result:
        """Use a session without a graph, and keep to that if it works; what fails there too is not its fault."""
        self._bound = self._session = None
        self._session, _, _ = open_on_gpu(self._where, graph=False)
        bound = self._bound = BoundSession(self._session, shapes_of(feed), "cuda")
        found = run_in_words(self._where, lambda: use(bound))
        self._graph = self._graphed = False
        self.name = name_of(graphed=False)
        return found

    @contextmanager
    def _forgetting_errors(self) -> Iterator[None]:
        """Let an error in the block take the session and its memory with it."""
        try:
            yield
        except BaseException:
            self._bound = self._session = None
            raise

    def _bound_to(self, feed: Feed) -> BoundSession:
        if self._closed:
            raise closed(self._where)
        if self._bound is not None and self._bound.shapes == shapes_of(feed):
            return self._bound
        if self._bound is not None and self._graph:
            self._bound = self._session = None  # the recorded graph is of the other size
        if self._session is None:
            self._session, _, self._graphed = open_on_gpu(self._where, self._graph)
        self._bound = BoundSession(self._session, shapes_of(feed), "cuda")
        return self._bound


def name_of(*, graphed: bool) -> str:
    """What reports call the backend. graphed: whether it replays a CUDA graph."""
    return f"ONNX Runtime {VERSION} (CUDA{', graph' if graphed else ''})"


Feed = Mapping[str, NDArray[Any]]
"""The inputs of a session, by name: pictures (1, H, W, C) uint8, and a warp (1, H, W, 2) float32."""


def shapes_of(feed: Feed) -> dict[str, tuple[int, ...]]:
    """The shapes of inputs, by name."""
    return {name: array.shape for name, array in feed.items()}


class BoundSession:
    """A session with its tensors at fixed places in memory. device: `cuda`, or `cpu` where tests bind it.

    ran: whether it has given a picture.
    """

    def __init__(self, session: Any, shapes: dict[str, tuple[int, ...]], device: str) -> None:
        """Allocate inputs of these shapes and a fused picture like the visible one, and bind them."""
        self.shapes, self.ran = shapes, False
        make = OrtValue.ortvalue_from_shape_and_type
        types = {WARP: np.float32}
        self._values = {
            name: make(list(sides), types.get(name, np.uint8), device, 0)
            for name, sides in {**shapes, FUSED: shapes[VISIBLE]}.items()
        }
        self._warp: NDArray[Any] | None = None
        self._session, self._binding = session, session.io_binding()
        for name in shapes:
            self._binding.bind_ortvalue_input(name, self._values[name])
        self._binding.bind_ortvalue_output(FUSED, self._values[FUSED])

    def run(self, feed: Feed) -> Pixels:
        """Copy the inputs in, run, and copy the fused picture out."""
        self._upload(feed)
        self._session.run_with_iobinding(self._binding)
        return self._download()

    def times(self, feed: Feed, runs: int) -> DeviceTimes:
        """The same `runs` times; the mean of each step, which ends when the device has done it."""
        found = []
        for _ in range(runs):
            moments = [time.perf_counter()]
            self._upload(feed)
            moments.append(time.perf_counter())
            self._session.run_with_iobinding(self._binding)
            moments.append(time.perf_counter())
            self._download()
            moments.append(time.perf_counter())
            found.append(DeviceTimes(*(1e3 * (end - begin) for begin, end in pairwise(moments))))
        return DeviceTimes.mean(found)

    def _upload(self, feed: Feed) -> None:
        """Copy the pictures in; the table only when it is another one than there."""
        for name in (VISIBLE, INFRARED):
            self._values[name].update_inplace(np.ascontiguousarray(feed[name]))
        if (table := feed.get(WARP)) is not self._warp:
            self._values[WARP].update_inplace(table)
            self._warp = table

    def _download(self) -> Pixels:
        fused: Pixels = self._values[FUSED].numpy()[0].copy()
        self.ran = True
        return fused


def open_on_gpu(path: Path, graph: bool) -> tuple[Any, ModelCard, bool]:
    """Open a session on the GPU and say whether it records a CUDA graph; some models have nodes that cannot be."""
    if graph:
        try:
            return (*_open_with(path, {"enable_cuda_graph": "1"}), True)
        except CoconetError as error:
            LOG.info("%s runs without a CUDA graph: %s", path, error)
    return (*_open_with(path, {}), False)


def _open_with(path: Path, options: dict[str, str]) -> tuple[Any, ModelCard]:
    session, card = open_session(path, session_options(), [(PROVIDER, {"device_id": "0", **options})])
    session.disable_fallback()
    if PROVIDER not in session.get_providers():
        raise CoconetError(
            path,
            wanted="a model on the GPU",
            got=f"one on {', '.join(session.get_providers())}: ONNX Runtime could not load its CUDA provider",
            remedy="coconet doctor says which CUDA library is missing; the backend ort runs it on the CPU.",
            says="does not run on the GPU: ONNX Runtime could not load its CUDA provider",
        )
    return session, card
