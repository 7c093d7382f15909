"""ONNX Runtime on the processor, its session checked against the card of the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from coconet.cards.model_card import FUSED, ModelCard, card_from_metadata
from coconet.cards.onnx_weights import check_onnx_weights
from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.files import existing_file
from coconet.media.pixels import Pixels
from coconet.networks.scene import Scene
from coconet.runtime.backends.onnx_failure import closed, corrupt, ort_reason, remedy_for
from coconet.runtime.backends.onnx_tensors import TensorFact, check_tensors, held_scene, input_feed, without_scene
from coconet.runtime.backends.tiles.graph import graph_with_scene
from coconet.runtime.frame_check import fuse_adapted
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.preprocess.warp_table import WarpTable

try:
    import onnxruntime
except ImportError as error:
    raise MissingPackage("onnxruntime", job="running ONNX models", extra="cpu") from error


Result = TypeVar("Result")

VERSION = str(onnxruntime.__version__)

OrtValue = onnxruntime.OrtValue

FATAL_ONLY = 4
"""ONNX Runtime's own log level: it warns of its optimiser, not of the user's model, and raises its errors as well."""


def session_options(threads: int | None = None, optimise: bool = True) -> Any:
    """Make the options of a session; see OnnxRuntimeBackend for the arguments."""
    if threads is not None and threads < 1:
        raise CoconetError(
            "threads",
            wanted="1 or more",
            got=str(threads),
            remedy="Leave it out to use every core.",
            says=f"must be 1 or more, not {threads}",
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL_ONLY
    options.intra_op_num_threads = threads or 0
    # Idle threads sleep: spinning gains some 8 % alone on a machine, and costs half the rate beside busy neighbours.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimise else levels.ORT_DISABLE_ALL
    return options


def open_session(
    path: Path, options: Any, providers: list[Any], *, batches: bool = False, for_parts: bytes | None = None
) -> tuple[Any, ModelCard]:
    """Open a model and read its card. batches: whether it may take several pairs at once.

    for_parts: the model of the file with the inputs of INPUTS, see `graph_with_scene`; None for the file as it is.

    Raises CoconetError for a missing or corrupt file or one that is not ours.
    """
    existing_file(path, "an ONNX model")
    try:
        session = onnxruntime.InferenceSession(for_parts or str(path), options, providers=providers)
        metadata = session.get_modelmeta().custom_metadata_map
        inputs, outputs = _tensors(session.get_inputs()), _tensors(session.get_outputs())
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        raise corrupt(path, error) from error
    card = card_from_metadata(metadata, path)
    check_tensors(path, card, without_scene(inputs), outputs, card.batch if batches else 1)
    check_onnx_weights(path)
    return session, card


def run_in_words(path: Path, run: Callable[[], Result]) -> Result:
    """Run frames and turn ONNX Runtime's errors into ours."""
    try:
        return run()
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        raise CoconetError(
            path,
            wanted="a model that runs",
            got=f"from ONNX Runtime: {first_line(error)}",
            remedy=remedy_for(error),
            says=f"does not run in ONNX Runtime {VERSION}: {ort_reason(error)}",
        ) from error


def _tensors(found: list[Any]) -> list[TensorFact]:
    return [TensorFact(tensor.name, tensor.type, tensor.shape) for tensor in found]


class OnnxRuntimeBackend:
    """A model file that is ours, checked when it is opened; frees its memory at the end of a `with` block.

    threads: how many processor threads one frame may use; None leaves it to ONNX Runtime, which takes every core.
    optimise: False runs the graph node by node as written. Slower, but an INT8 model then computes what a GPU would:
        on processors without 8 bit dot products the optimised integer kernels saturate and lose quality.
    """

    def __init__(
        self, path: Path, threads: int | None = None, optimise: bool = True, for_parts: bytes | None = None
    ) -> None:
        """Open the model. Raises CoconetError for a missing or corrupt file and for a model that is not ours.

        for_parts: of open_session.
        """
        self._where, self._warp, self._threads, self._optimise = path, WarpTable(), threads, optimise
        self._scene: dict[str, NDArray[Any]] = {}
        self._session: Any
        options = session_options(threads, optimise)
        self._session, self.card = open_session(path, options, ["CPUExecutionProvider"], for_parts=for_parts)
        self.name = f"ONNX Runtime {VERSION} (CPU)"

    def align(self, alignment: Alignment | None) -> None:
        """Lay infrared pictures as an alignment says from the next one on, if the model takes one."""
        self._warp.align(alignment)

    def for_parts(self, *, halved: bool) -> OnnxRuntimeBackend | None:
        """The same model for parts of pictures: itself, or one that is given the scene."""
        if self.card.tiling is None or not self.card.tiling.room:
            return self
        content = graph_with_scene(self._where, halved=halved)
        return None if content is None else OnnxRuntimeBackend(self._where, self._threads, self._optimise, content)

    def hold_scene(self, scene: Scene) -> None:
        """Take this for the scene from the next part on."""
        self._scene = held_scene(scene)

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, 3) BGR or (H, W, 1) gray with (H, W, 1), uint8; shaped like `visible`.

        Raises CoconetError for frames of another size, shape or type than the card says.
        """
        return fuse_adapted(self.card, self._where, self._run, visible, infrared)

    def _run(self, visible: Pixels, infrared: Pixels) -> Pixels:
        session = self._session
        if session is None:
            raise closed(self._where)
        feed = input_feed(self.card, self._warp, visible, infrared, self._where) | self._scene
        return run_in_words(self._where, lambda: session.run([FUSED], feed)[0][0])

    def close(self) -> None:
        """Release the session; a second call does nothing."""
        self._session = None

    def __enter__(self) -> OnnxRuntimeBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
