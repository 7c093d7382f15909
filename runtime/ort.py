"""ONNX Runtime backend: runs a camera-ready ONNX model on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coconet.errors import CoconetError, MissingPackage
from coconet.files import existing_file
from coconet.signature import FUSED, INFRARED, VISIBLE, ModelCard, card_from_metadata
from runtime.adapter import fuse_adapted
from runtime.frame import Pixels

try:
    import onnxruntime
except ImportError as error:
    raise MissingPackage("onnxruntime", job="running ONNX models") from error

ERRORS_ONLY = 3
"""ONNX Runtime's own log level: what it warns of is about its optimiser, not about the user's model."""
EXPORT = "Export the model with coconet export."


class OnnxRuntimeBackend:
    """A model file that is ours, checked when it is opened; frees its memory at the end of a `with` block.

    threads: how many processor threads one frame may use; None leaves it to ONNX Runtime, which takes every core.
    optimise: False runs the graph node by node as written. Slower, but an INT8 model then computes what a GPU would:
        on processors without 8 bit dot products the optimised integer kernels saturate and lose quality.
    """

    def __init__(self, path: Path, threads: int | None = None, optimise: bool = True) -> None:
        """Open the model. Raises CoconetError for a missing or corrupt file and for a model that is not ours."""
        self._where = existing_file(path, "an ONNX model")
        session = _open_session(path, threads, optimise)
        _check_names(path, session)
        self.card = card_from_metadata(session.get_modelmeta().custom_metadata_map, path)
        _check_layout(path, session, self.card)
        self.name = f"ONNX Runtime {onnxruntime.__version__} (CPU)"
        self._session: Any = session

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, 3) BGR or (H, W, 1) gray with (H, W, 1), uint8; shaped like `visible`.

        Raises CoconetError for frames of another size, shape or type than the card says.
        """
        return fuse_adapted(self.card, self._where, self._run, visible, infrared)

    def _run(self, visible: Pixels, infrared: Pixels) -> Pixels:
        if self._session is None:
            raise CoconetError(self._where, wanted="an open model", got="a closed one", remedy="Open it again.")
        try:
            fused: Pixels = self._session.run([FUSED], {VISIBLE: visible[None], INFRARED: infrared[None]})[0][0]
        except Exception as error:  # ONNX Runtime's exceptions share no base class
            got = f"from ONNX Runtime: {_first_line(error)}"
            raise CoconetError(self._where, wanted="a model that runs", got=got, remedy=EXPORT) from error
        return fused

    def close(self) -> None:
        """Release the session; a second call does nothing."""
        self._session = None

    def __enter__(self) -> OnnxRuntimeBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open_session(path: Path, threads: int | None, optimise: bool) -> Any:
    if threads is not None and threads < 1:
        raise CoconetError("threads", wanted="1 or more", got=str(threads), remedy="Leave it out to use every core.")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.intra_op_num_threads = threads or 0
    # Idle threads sleep: spinning gains some 8 % alone on a machine, and costs half the rate beside busy neighbours.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimise else levels.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        raise CoconetError(
            path,
            wanted="a readable ONNX model",
            got=f"a corrupt or unsupported one ({_first_line(error)})",
            remedy="Copy the file again, or export it again with coconet export.",
        ) from error


def _check_names(path: Path, session: Any) -> None:
    found = ([tensor.name for tensor in session.get_inputs()], [tensor.name for tensor in session.get_outputs()])
    if (sorted(found[0]), found[1]) != (sorted((VISIBLE, INFRARED)), [FUSED]):
        raise CoconetError(
            path,
            wanted=f"an ONNX model with the inputs {VISIBLE} and {INFRARED} and the output {FUSED}",
            got=f"inputs {', '.join(found[0]) or 'none'} and outputs {', '.join(found[1])}",
            remedy=EXPORT,
        )


def _check_layout(path: Path, session: Any, card: ModelCard) -> None:
    size = (card.height_px, card.width_px)
    layouts = {VISIBLE: (*size, card.visible_channels), INFRARED: (*size, 1), FUSED: (*size, card.visible_channels)}
    for tensor in (*session.get_inputs(), *session.get_outputs()):
        wanted = layouts[tensor.name]
        if tensor.type != "tensor(uint8)" or not _fits(tensor.shape, wanted, exact=tensor.name != FUSED):
            raise CoconetError(
                f"{path}, {tensor.name}",
                wanted=f"tensor(uint8) of shape {_in_words((1, *wanted))}, as the model card says",
                got=f"{tensor.type} of shape {_in_words(tensor.shape)}",
                remedy=EXPORT,
            )


def _fits(shape: list[int | str | None], wanted: tuple[int | None, ...], exact: bool) -> bool:
    """Compare a graph's shape, where text or None is any size; of an output the graph may not know its size."""
    if len(shape) != 4 or (isinstance(shape[0], int) and shape[0] != 1):
        return False
    known = [side if isinstance(side, int) else None for side in shape[1:]]
    return all(got == want or (got is None and not exact) for got, want in zip(known, wanted, strict=True))


def _in_words(shape: tuple[int | None, ...] | list[int | str | None]) -> str:
    return "(" + ", ".join(str(side) if isinstance(side, int) else "any" for side in shape) + ")"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
