"""OpenVINO backend: runs a camera-ready ONNX model, FP32 or INT8 with Q/DQ, on the processor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from coconet.cards.model_card import card_from_metadata
from coconet.cards.onnx_weights import check_onnx_weights
from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.files import existing_file
from coconet.installation.processor import usable_cores
from coconet.media.pixels import Pixels
from coconet.runtime.backends.openvino_sizes import SizedModels
from coconet.runtime.backends.ort_cpu import EXPORT, TensorFact, check_tensors, closed, corrupt, input_feed
from coconet.runtime.frame_check import fuse_adapted
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.preprocess.warp_table import WarpTable

try:
    import openvino
except ImportError as error:
    raise MissingPackage("openvino", job="running models with OpenVINO", extra="openvino") from error


Arithmetic = Literal["f32", "bf16"]
"""What OpenVINO computes in, and hands on, where the model says FP32; BF16 has 8 bits of mantissa."""

FRAMEWORK = "framework"
"""Where OpenVINO keeps the metadata of an ONNX file."""


class OpenVinoBackend:
    """A model file compiled for this processor and the sizes that come; one thread at a time.

    threads: how many processor threads one frame may use; None is as many as the process may run on.
    arithmetic: f32 gives the pictures that the model was compared with; bf16 is quicker on processors with units for
        it, and is for whoever has compared its pictures (`coconet.runtime.picking` does).
    """

    def __init__(self, path: Path, threads: int | None = None, arithmetic: Arithmetic = "f32") -> None:
        """Open the model. Raises CoconetError for a missing or corrupt file and for a model that is not ours."""
        self._where, self._warp = existing_file(path, "an ONNX model"), WarpTable()
        self._core = openvino.Core()
        self._model = _read(self._core, path)
        metadata = self._model.get_rt_info([FRAMEWORK]).value if FRAMEWORK in self._model.rt_info else {}
        self.card = card_from_metadata(metadata, path)
        check_tensors(path, self.card, _tensors(self._model.inputs), _tensors(self._model.outputs))
        check_onnx_weights(path)
        # Without a hint processors with BF16 units compute FP32 models in BF16, 8 bits short of what was compared.
        self._config: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": arithmetic}
        self._config["INFERENCE_NUM_THREADS"] = threads or len(usable_cores())
        self._models: SizedModels | None = SizedModels(self._compile)
        if all(tensor.partial_shape.is_static for tensor in self._model.inputs):
            self._models.request_for({tensor.any_name: tuple(tensor.shape) for tensor in self._model.inputs})
        self.name = f"OpenVINO {openvino.__version__.partition('-')[0]} (CPU{', BF16' if arithmetic == 'bf16' else ''})"

    def align(self, alignment: Alignment | None) -> None:
        """Lay infrared pictures as an alignment says from the next one on, if the model takes one."""
        self._warp.align(alignment)

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, 3) BGR or (H, W, 1) gray with (H, W, 1), uint8; shaped like `visible`.

        Raises CoconetError for frames of another size, shape or type than the card says.
        """
        return fuse_adapted(self.card, self._where, self._run, visible, infrared)

    def _run(self, visible: Pixels, infrared: Pixels) -> Pixels:
        if self._models is None:
            raise closed(self._where)
        feed = input_feed(self.card, self._warp, visible, infrared, self._where)
        request = self._models.request_for({name: array.shape for name, array in feed.items()})
        try:
            outputs = request.infer(feed)
        except RuntimeError as error:
            got = f"from OpenVINO: {first_line(error)}"
            raise CoconetError(self._where, wanted="a model that runs", got=got, remedy=EXPORT) from error
        fused: Pixels = outputs[0][0].copy()
        return fused

    def _compile(self, shapes: Mapping[str, tuple[int, ...]] | None) -> Any:
        """Compile for inputs of these shapes, or of any."""
        try:
            model = self._model
            if shapes is not None:
                model = self._model.clone()
                model.reshape({name: list(shape) for name, shape in shapes.items()})
            return self._core.compile_model(model, "CPU", self._config).create_infer_request()
        except RuntimeError as error:
            got = f"from OpenVINO: {first_line(error)}"
            raise CoconetError(
                self._where, wanted="a model that OpenVINO can compile", got=got, remedy=EXPORT
            ) from error

    def close(self) -> None:
        """Release the compiled model; a second call does nothing."""
        models, self._models = self._models, None
        if models is not None:
            models.close()


def _read(core: Any, path: Path) -> Any:
    try:
        return core.read_model(path)
    except RuntimeError as error:
        raise corrupt(path, error) from error


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
