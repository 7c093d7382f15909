"""ONNX Runtime on the processor, its session checked against the card of the model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from coconet.cards.model_card import FUSED, INFRARED, VISIBLE, WARP, ModelCard, card_from_metadata
from coconet.cards.onnx_metadata import no_onnx
from coconet.cards.onnx_weights import check_onnx_weights
from coconet.errors import NODE, CoconetError, MissingPackage, first_line
from coconet.files import existing_file
from coconet.media.naming.mistaken_file import mistaken_file
from coconet.media.pixels import Pixels
from coconet.runtime.backends.tiles.graph import ROOM, graph_with_room
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

EXPORT = "Export the model with coconet export."


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

    for_parts: the model of the file with the input ROOM, see `graph_with_room`; None for the file as it is.

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
    check_tensors(path, card, without_room(inputs), outputs, card.batch if batches else 1)
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


def input_feed(
    card: ModelCard, warp: WarpTable, visible: Pixels, infrared: Pixels, where: object
) -> dict[str, NDArray[Any]]:
    """What a model takes for a pair, by input, each with its batch of one: pictures and, if it warps, the table."""
    feed: dict[str, NDArray[Any]] = {VISIBLE: visible[None], INFRARED: infrared[None]}
    return feed | {WARP: warp.table_for(visible, infrared, where)} if card.form == "warped" else feed


def held_room(room: float) -> dict[str, NDArray[Any]]:
    """What a graph for parts takes beside a pair."""
    return {ROOM: np.full((1, 1, 1, 1), room, np.float32)}


def without_room(tensors: list[TensorFact]) -> list[TensorFact]:
    """The inputs that the card says."""
    return [tensor for tensor in tensors if tensor.name != ROOM]


def corrupt(path: Path, error: Exception) -> CoconetError:
    """Say that a file could not be read as a model, and what it is if that can be told."""
    if path.is_file() and mistaken_file(path, "onnx") is not None:
        return no_onnx(path)
    return CoconetError(
        path,
        wanted="a readable ONNX model",
        got=f"a corrupt or unsupported one ({first_line(error)})",
        remedy="Copy the file again, or export it again with coconet export.",
        says=f"cannot be read as an ONNX model: {ort_reason(error)}",
    )


_REASONS = {
    "InvalidProtobuf": "it is something else, or damaged",
    "NoModel": "it is something else, or damaged",
    "NoSuchFile": "a file that it consists of is missing",
    "NotImplemented": "it has an operation that this version does not have",
    "InvalidGraph": "its operations do not fit together, or are newer than this version",
    "InvalidArgument": "what an operation is given does not fit it",
}
"""What the kinds of ONNX Runtime's errors mean; their texts name lines of its source, types of C++ and nodes."""

_NO_MEMORY = re.compile(r"bad.?alloc|allocate memory|out of memory", re.IGNORECASE)


_CUDA = re.compile(r"CUDA failure \d+: [^;\n]+")


def remedy_for(error: BaseException) -> str:
    """What to do about a model that a library does not run, by what it says of it."""
    if no_memory(error):
        return "Close other programs that hold memory there, or fuse smaller frames or parts (--tile-pixels)."
    if _CUDA.search(str(error)):
        return "coconet doctor looks at the driver and its GPU."
    return EXPORT


def no_memory(error: BaseException) -> bool:
    """Whether an error of a library says that memory ran out."""
    return isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)) is not None


def ort_reason(error: BaseException) -> str:
    """Why ONNX Runtime gave up, as a sentence goes on after a colon; its own words are no help to a user.

    The number and the words of a failure of CUDA stay: they are what CUDA's manual and its users know it by.
    """
    if found := _CUDA.search(str(error)):
        return found[0].strip()
    if no_memory(error):
        return "the memory does not suffice"
    if "No graph was found" in str(error):
        return "there is no model in it"
    if found := NODE.search(str(error)):
        return f"its operation {found[1]} ({found[2]}) failed" if found[2] else f"its operation {found[1]} failed"
    return _REASONS.get(type(error).__name__, "one of its operations failed")


def closed(path: Path) -> CoconetError:
    """Say that a model was closed."""
    return CoconetError(path, wanted="an open model", got="a closed one", remedy="Open it again.", says="is closed")


class TensorFact(NamedTuple):
    """A tensor of a graph, its type as ONNX Runtime writes it; text or None in the shape is any size."""

    name: str
    type: str
    shape: list[int | str | None]


def check_tensors(
    path: Path, card: ModelCard, inputs: list[TensorFact], outputs: list[TensorFact], batch: int = 1
) -> None:
    """Refuse a model whose tensors have other names, types or shapes than its card says, or another batch."""
    found = (sorted(tensor.name for tensor in inputs), [tensor.name for tensor in outputs])
    depths = card.input_depths
    if found != (sorted(depths), [FUSED]):
        names = [", ".join(tensor.name for tensor in side) or "none" for side in (inputs, outputs)]
        raise CoconetError(
            path,
            wanted=f"an ONNX model with the inputs {' and '.join(depths)} and the output {FUSED}",
            got="inputs {} and outputs {}".format(*names),
            remedy=EXPORT,
            says="has the inputs {} and the outputs {}; expected {} and {}".format(*names, " and ".join(depths), FUSED),
        )
    size = (card.height_px, card.width_px)
    layouts = {name: (*size, depth) for name, depth in {**depths, FUSED: card.visible_channels}.items()}
    if card.form == "warped":
        layouts[INFRARED] = (None, None, 1)
    for tensor in (*inputs, *outputs):
        wanted, kind = layouts[tensor.name], "tensor(float)" if tensor.name == WARP else "tensor(uint8)"
        if tensor.type != kind or not _fits(tensor.shape, (batch, *wanted), exact=tensor.name != FUSED):
            raise CoconetError(
                f"{path}, {tensor.name}",
                wanted=f"{kind} of shape {_in_words((batch, *wanted))}, as the model card says",
                got=f"{tensor.type} of shape {_in_words(tensor.shape)}",
                remedy=EXPORT,
                says=f"is {tensor.type} of shape {_in_words(tensor.shape)}, but its model card says {kind} of shape "
                f"{_in_words((batch, *wanted))}",
            )


def _tensors(found: list[Any]) -> list[TensorFact]:
    return [TensorFact(tensor.name, tensor.type, tensor.shape) for tensor in found]


def _fits(shape: list[int | str | None], wanted: tuple[int | None, ...], exact: bool) -> bool:
    """Compare a graph's shape, where text or None is any size; of an output the graph may not know its size."""
    if len(shape) != 4 or (isinstance(shape[0], int) and shape[0] != wanted[0]):
        return False
    known = [side if isinstance(side, int) else None for side in shape[1:]]
    return all(got == want or (got is None and not exact) for got, want in zip(known, wanted[1:], strict=True))


def _in_words(shape: Sequence[int | str | None]) -> str:
    return "(" + ", ".join(str(side) if isinstance(side, int) else "any" for side in shape) + ")"


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
        self._room: dict[str, NDArray[Any]] = {}
        self._session: Any
        options = session_options(threads, optimise)
        self._session, self.card = open_session(path, options, ["CPUExecutionProvider"], for_parts=for_parts)
        self.name = f"ONNX Runtime {VERSION} (CPU)"

    def align(self, alignment: Alignment | None) -> None:
        """Lay infrared pictures as an alignment says from the next one on, if the model takes one."""
        self._warp.align(alignment)

    def for_parts(self) -> OnnxRuntimeBackend | None:
        """The same model for parts of pictures: itself, or one that is given the stretch room."""
        if self.card.tiling is None or not self.card.tiling.room:
            return self
        content = graph_with_room(self._where)
        return None if content is None else OnnxRuntimeBackend(self._where, self._threads, self._optimise, content)

    def hold_room(self, room: float) -> None:
        """Take this for the stretch room from the next part on."""
        self._room = held_room(room)

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, 3) BGR or (H, W, 1) gray with (H, W, 1), uint8; shaped like `visible`.

        Raises CoconetError for frames of another size, shape or type than the card says.
        """
        return fuse_adapted(self.card, self._where, self._run, visible, infrared)

    def _run(self, visible: Pixels, infrared: Pixels) -> Pixels:
        session = self._session
        if session is None:
            raise closed(self._where)
        feed = input_feed(self.card, self._warp, visible, infrared, self._where) | self._room
        return run_in_words(self._where, lambda: session.run([FUSED], feed)[0][0])

    def close(self) -> None:
        """Release the session; a second call does nothing."""
        self._session = None

    def __enter__(self) -> OnnxRuntimeBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
