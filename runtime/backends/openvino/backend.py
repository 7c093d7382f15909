"""OpenVINO backend: runs a camera-ready ONNX model, FP32 or INT8 with Q/DQ, on the processor."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, NamedTuple

from numpy.typing import NDArray

from coconet.cards.model_card import VISIBLE
from coconet.cards.onnx_metadata import read_onnx_card
from coconet.cards.onnx_weights import check_onnx_weights
from coconet.errors import CoconetError, counted, first_line
from coconet.files import existing_file
from coconet.installation.processor import sums_int8_exactly, usable_cores
from coconet.media.pixels import Pixels
from coconet.networks.scene import Scene
from coconet.runtime.backends.onnx_failure import closed, corrupt, no_memory, remedy_for
from coconet.runtime.backends.onnx_tensors import TensorFact, check_tensors, held_scene, input_feed, without_scene
from coconet.runtime.backends.openvino.compiled_place import CompiledForms
from coconet.runtime.backends.openvino.graph import prepared
from coconet.runtime.backends.openvino.package import openvino
from coconet.runtime.backends.openvino.planes import (
    NO_MARGINS,
    PLANES,
    Margins,
    in_planes,
    join,
    margins_for,
    part,
    takes_planes,
)
from coconet.runtime.backends.openvino.sized_models import SizedModels
from coconet.runtime.backends.tiles.graph import graph_with_scene
from coconet.runtime.frame_check import adapt_frames, fuse_adapted, like_visible
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.preprocess.warp_table import WarpTable

Arithmetic = Literal["f32", "bf16"]
"""What OpenVINO computes in, and hands on, where the model says FP32; BF16 has 8 bits of mantissa."""


class _Form(NamedTuple):
    """A model compiled for one size or any: a request for each pair that may be under way, and how it takes them."""

    requests: deque[Any]
    in_planes: bool

    def next_request(self) -> Any:
        """The request that was started longest ago."""
        self.requests.rotate(-1)
        return self.requests[-1]


class _Pending(NamedTuple):
    """A request under way, and what its picture is: in planes or not, with margins, and of which shape without."""

    request: Any
    in_planes: bool
    margins: Margins
    shape: tuple[int, ...]

    def picture(self) -> Pixels:
        """The fused picture, which is a copy."""
        height, width = self.shape[:2]
        fused = self.request.get_output_tensor(0).data
        if self.in_planes:
            return join(self.margins.taken_off(fused, height, width))
        top, left = self.margins.top, self.margins.left
        picture: Pixels = fused[0, top : top + height, left : left + width].copy()
        return picture


class OpenVinoBackend:
    """A model file compiled for this processor and the sizes that come; one thread at a time.

    threads: how many processor threads one frame may use; None is as many as the process may run on.
    arithmetic: f32 gives the pictures that the model was compared with; bf16 is quicker on processors with units for
        it, and is for code that has compared its pictures (`coconet.runtime.picking` does).
    depth: how many pairs may be under way at once, each on its share of the threads: that takes less of the processor
        for each, and makes each later.
    """

    def __init__(
        self,
        path: Path,
        threads: int | None = None,
        arithmetic: Arithmetic = "f32",
        depth: int = 1,
        for_parts: bytes | None = None,
    ) -> None:
        """Open the model. Raises CoconetError for a missing or corrupt file and for a model that is not ours.

        for_parts: the model of the file with the scene as inputs, see `graph_with_scene`.
        """
        self._options: tuple[int | None, Arithmetic] = (threads, arithmetic)
        self._scene: dict[str, NDArray[Any]] = {}
        self.depth, self._pending = depth, deque[_Pending]()
        self._where, self._warp = existing_file(path, "an ONNX model"), WarpTable()
        self._core = openvino.Core()
        # Without a hint processors with BF16 units compute FP32 models in BF16, 8 bits short of what was compared.
        self._config: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": arithmetic}
        self._config["INFERENCE_NUM_THREADS"] = threads or len(usable_cores())
        if depth > 1:
            self._config["NUM_STREAMS"] = depth
        if not sums_int8_exactly():
            # Kernels of INT8 would saturate, by up to 74 levels on real frames: the model is computed in floats with
            # its values rounded to the levels of INT8, which is what it means.
            self._config["LP_TRANSFORMS_MODE"] = False
        self._forms = None if for_parts else self._compiled_forms()
        kept = self._forms is not None and self._forms.any_kept
        self._read: Any = None if kept else _read(self._core, path, for_parts)
        self.card = read_onnx_card(path)
        # What may be fused in parts depends on nothing but what is near, so that padding it outside changes nothing.
        self._pads = for_parts is None and self.card.tiling is not None and self.card.form == "camera"
        self._pads = self._pads and self.card.height_px is None
        self._models: SizedModels | None = SizedModels(self._compile)
        if self._read is not None:
            self._check(self._read)
            if all(tensor.partial_shape.is_static for tensor in self._read.inputs):
                self._models.request_for({tensor.any_name: tuple(tensor.shape) for tensor in self._read.inputs})
        self.name = f"OpenVINO {openvino.__version__.partition('-')[0]} (CPU{', BF16' if arithmetic == 'bf16' else ''})"

    def align(self, alignment: Alignment | None) -> None:
        """Lay infrared pictures as an alignment says from the next one on, if the model takes one."""
        self._warp.align(alignment)

    def for_parts(self, *, halved: bool) -> OpenVinoBackend | None:
        """The same model for parts of pictures, one at a time: one that is given the scene, if it needs that."""
        content = None
        if self.card.tiling is not None and self.card.tiling.room:
            content = graph_with_scene(self._where, halved=halved)
            if content is None:
                return None
        return OpenVinoBackend(self._where, *self._options, for_parts=content)

    def hold_scene(self, scene: Scene) -> None:
        """Take this for the scene from the next part on."""
        self._scene = held_scene(scene)

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, 3) BGR or (H, W, 1) gray with (H, W, 1), uint8; shaped like `visible`.

        Raises CoconetError for frames of another size, shape or type than the card says.
        """
        return fuse_adapted(self.card, self._where, self._run, visible, infrared)

    def submit(self, visible: Pixels, infrared: Pixels) -> None:
        """Start fusing a pair; at most `depth` may be pending, all of one size. Raises CoconetError as `fuse` does."""
        if len(self._pending) >= self.depth:
            raise CoconetError(
                self._where,
                wanted=f"at most {counted(self.depth, 'pending frame')}",
                got=str(len(self._pending) + 1),
                remedy="Collect one first.",
                says=f"already has {counted(self.depth, 'pending frame')}, which is as many as it takes",
            )
        pending, feed = self._request_for(*adapt_frames(self.card, self._where, visible, infrared), visible.shape)
        self._in_words(lambda: pending.request.start_async(feed))
        self._pending.append(pending)

    def collect(self) -> Pixels:
        """Wait for the oldest pending pair and give its picture, shaped like its visible frame."""
        if not self._pending:
            raise CoconetError(
                self._where,
                wanted="a pending frame",
                got="none",
                remedy="Submit a pair of frames first.",
                says="has no pending frame to collect",
            )
        pending = self._pending.popleft()
        self._in_words(pending.request.wait)
        return like_visible(pending.picture(), pending.shape[2])

    def _run(self, visible: Pixels, infrared: Pixels) -> Pixels:
        pending, feed = self._request_for(visible, infrared, visible.shape)
        self._in_words(lambda: pending.request.infer(feed))
        return pending.picture()

    def _request_for(
        self, visible: Pixels, infrared: Pixels, shape: tuple[int, ...]
    ) -> tuple[_Pending, dict[str, NDArray[Any]]]:
        """A request for pairs of this size, and what it takes of this pair. shape: of the picture that is wanted."""
        if self._models is None:
            raise closed(self._where)
        margins = margins_for(visible, self.card.signature.side_multiple) if self._pads else NO_MARGINS
        visible, infrared = margins.added_to(visible), margins.added_to(infrared)
        feed = input_feed(self.card, self._warp, visible, infrared, self._where) | self._scene
        form: _Form = self._models.request_for({name: array.shape for name, array in feed.items()})
        if form.in_planes:
            feed = {name: array for name, array in feed.items() if name != VISIBLE} | {PLANES: part(visible)}
        return _Pending(form.next_request(), form.in_planes, margins, shape), feed

    def _in_words(self, call: Callable[[], Any]) -> Any:
        """Call OpenVINO and turn its errors into ours."""
        try:
            return call()
        except RuntimeError as error:
            raise self._failure(error, "a model that runs", "does not run in") from error

    def _compile(self, shapes: Mapping[str, tuple[int, ...]] | None) -> Any:
        """Compile for inputs of these shapes, or of any; gives a _Form."""
        try:
            compiled = self._compiled(shapes)
            requests = deque(compiled.create_infer_request() for _ in range(self.depth))
            return _Form(requests, takes_planes(compiled))
        except RuntimeError as error:
            raise self._failure(error, "a model that OpenVINO can compile", "cannot be compiled by") from error

    def _failure(self, error: RuntimeError, wanted: str, what: str) -> CoconetError:
        got, says = f"from OpenVINO: {first_line(error)}", f"{what} OpenVINO: {_reason(error)}"
        return CoconetError(self._where, wanted=wanted, got=got, remedy=remedy_for(error), says=says)

    def _compiled(self, shapes: Mapping[str, tuple[int, ...]] | None) -> Any:
        """The compiled form for these shapes, which is kept for the next process if the model is that of its file."""
        if shapes is None:
            return self._core.compile_model(prepared(self._model().clone()), "CPU", self._config)
        if self._forms is not None and (kept := self._forms.place(shapes).load()) is not None:
            with suppress(RuntimeError):  # what cannot be read back is compiled again, and replaced
                return self._core.import_model(BytesIO(kept), "CPU", self._config)
        model = self._model().clone()
        model.reshape({name: list(shape) for name, shape in shapes.items()})
        model = prepared(model)
        compiled = self._core.compile_model(in_planes(model) or model, "CPU", self._config)
        if self._forms is not None:
            with suppress(RuntimeError):  # a model that cannot be kept runs all the same
                self._forms.place(shapes).save(compiled.export_model().getvalue())
        return compiled

    def _compiled_forms(self) -> CompiledForms:
        return CompiledForms.of(self._where, self._config, openvino.__version__)

    def _model(self) -> Any:
        """The model as it was read; if a compiled form was kept, it is read now, from what the file is by now."""
        if self._read is None:
            self._forms, read = self._compiled_forms(), _read(self._core, self._where, None)
            self._check(read)
            self._read = read
        return self._read

    def _check(self, model: Any) -> None:
        """Raise CoconetError for a model that is not as its card says, or whose weights are no numbers."""
        check_tensors(self._where, self.card, without_scene(_tensors(model.inputs)), _tensors(model.outputs))
        check_onnx_weights(self._where)

    def close(self) -> None:
        """Release the compiled model; a second call does nothing."""
        models, self._models = self._models, None
        while self._pending:
            self._pending.popleft().request.wait()
        if models is not None:
            models.close()


def _read(core: Any, path: Path, content: bytes | None) -> Any:
    try:
        return core.read_model(path if content is None else BytesIO(content))
    except RuntimeError as error:
        raise corrupt(path, error) from error


def _reason(error: BaseException) -> str:
    if no_memory(error):
        return "the memory does not suffice"
    return "one of its operations is not as this version of OpenVINO takes it"


def _tensors(found: list[Any]) -> list[TensorFact]:
    types = {openvino.Type.u8: "tensor(uint8)", openvino.Type.f32: "tensor(float)"}  # as ONNX Runtime writes them
    return [
        TensorFact(
            tensor.any_name,
            types.get(tensor.element_type, f"tensor({tensor.element_type.to_string()})"),
            [side.get_length() if side.is_static else None for side in tensor.partial_shape],
        )
        for tensor in found
    ]
