"""Which backend runs a model, and why: what was asked for, or what this machine can do best."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from coconet.errors import Refused, nearest
from coconet.files import existing_file
from coconet.model_endings import CHECKPOINT_SUFFIXES, ENGINE_SUFFIX, MODEL_SUFFIXES
from coconet.model_names import MODEL_WORDS, RULES, model_path, name_beside
from coconet.runtime.backends.tensorrt.ring_options import RingOptions
from coconet.runtime.backends.tiles.limit import AUTOMATIC, TileLimit

if TYPE_CHECKING:
    from coconet.runtime.backends.remote.server_address import ServerAddress
    from coconet.runtime.serving.protocol.picture_coding import PictureCoding

BackendKind = Literal["ort", "ort-cuda", "openvino", "tensorrt", "torch", "rule", "remote"]
"""ONNX Runtime on the processor or on the GPU, OpenVINO, TensorRT, PyTorch, the rules without a network, a server."""

OPTIONS = {
    "depth": ("--depth", "through which several pairs may be on their way"),
    "zero_copy": ("--zero-copy", "which may read frames in place"),
    "graph": ("--no-graph", "whose kernels are replayed as a CUDA graph"),
    "spin": ("--spin", "which is waited for"),
    "library": ("--gpu-library", "to which a library moves the frames"),
}
"""Each field of RingOptions as an option of the command line, and what it has to do with an engine."""

AS_THEY_ARE = RingOptions()

ASKABLE = ("auto", *(kind for kind in get_args(BackendKind) if kind not in ("rule", "remote")))
"""What may be asked for a model on this machine; a server is asked for by its address."""


WORD_OR_FILE = f"Name a file, or one of the words {', '.join(MODEL_WORDS)}."


@dataclass(frozen=True)
class ServedElsewhere:
    """A model on a server. local: what takes over while the server is lost; None if nothing does.

    depth: pairs under way at most. late_s: after so long a picture of a live rig is dropped. coding: how pictures
    travel; None is as they are.
    """

    address: ServerAddress
    local: BackendChoice | None = None
    depth: int = 4
    late_s: float = 0.25
    coding: PictureCoding | None = None


@dataclass(frozen=True)
class BackendChoice:
    """A backend and the reason for it, as half a sentence. path: the model file, or the word of a rule.

    ring: how frames travel through a TensorRT engine; other backends have none or one of these choices.
    threads: of ONNX Runtime on the processor and of OpenVINO; None is every core.
    server: of the kind remote, where the model is; path is the local model then, or the word `remote`.
    picked_from: the file or word whose fastest form on this machine is to be picked at the first pair, see
        coconet.runtime.picking; kind and path are what it is measured against. None: nothing is picked.
    tiles: from which size on a run fuses pictures in parts.
    """

    kind: BackendKind
    path: Path
    reason: str
    ring: RingOptions = AS_THEY_ARE
    server: ServedElsewhere | None = None
    threads: int | None = None
    picked_from: Path | str | None = None
    tiles: TileLimit = AUTOMATIC

    def __post_init__(self) -> None:
        taken = OPTIONS.keys() if self.kind == "tensorrt" else {"graph"} if self.kind == "ort-cuda" else set()
        for name in sorted(self.ring.chosen - taken):
            option, job = OPTIONS[name]
            raise Refused(
                option,
                wanted=f"a TensorRT engine{' or ONNX Runtime on a GPU' if name == 'graph' else ''}, {job}",
                got=f"a model that {self.kind} runs",
                remedy=f"Leave {option} out.",
                says=f"does not apply to a model that {self.kind} runs",
            )

    @property
    def label(self) -> str:
        """What it is called on the first line of a run."""
        return self.kind if self.picked_from is None else "auto"


def choose_backend(model: Path | str, wanted: str = "auto", *, builds: bool = False) -> BackendChoice:
    """Choose what runs a model: by its ending, and for .onnx by what is installed or what is asked for.

    wanted: one of ASKABLE. builds: whether the caller makes an engine of an .onnx model that TensorRT is to run, which
    takes minutes; otherwise TensorRT runs engines alone.
    Raises CoconetError for another word, a missing file, and a backend that takes no such file.
    """
    check_askable(wanted)
    if str(model) in RULES:
        return _only("rule", Path(str(model)), wanted, "a rule needs no network")
    path = model_file(model)
    if path.suffix == ENGINE_SUFFIX:
        return _only("tensorrt", path, wanted, "the model is a TensorRT engine")
    if path.suffix in CHECKPOINT_SUFFIXES:
        return _only("torch", path, wanted, "the model is a checkpoint")
    if wanted == "auto":
        return _best(path, builds=builds)
    if wanted == "tensorrt" and builds:
        return BackendChoice("tensorrt", path, "as asked for")
    if wanted not in ("ort", "ort-cuda", "openvino"):
        remedy = "Leave the backend out, or build or export the model for it."
        says = f"is an ONNX model, which the backend {wanted} does not run"
        raise Refused(path, wanted=f"a model that {wanted} runs", got="an ONNX model", remedy=remedy, says=says)
    kind: BackendKind = wanted  # type: ignore[assignment]  # mypy does not narrow by membership
    return BackendChoice(kind, path, "as asked for")


def check_askable(wanted: str) -> None:
    """Raise Refused for a word that is none of ASKABLE."""
    if wanted not in ASKABLE:
        remedy = f"{nearest(wanted, ASKABLE)}auto takes what this machine runs best."
        known = " or ".join(ASKABLE)
        says = f"must be {known}, not {wanted!r}"
        raise Refused("backend", wanted=known, got=repr(wanted), remedy=remedy, says=says)


def check_model(model: Path | str) -> None:
    """Raise Refused for a model that is neither a rule nor a file of a model."""
    if str(model) not in RULES:
        model_file(model)


def choose_server(served: ServedElsewhere) -> BackendChoice:
    """Choose a model on a server."""
    local = served.local
    reason = f"{served.address}{'' if local is None else f'; {local.path.name} takes over while it is lost'}"
    return BackendChoice("remote", Path("remote") if local is None else local.path, reason, server=served)


def model_file(model: Path | str) -> Path:
    """Find the file of a model, or of the word of one that comes with the package; not of a rule, which has none.

    Raises CoconetError for a missing file, and for an ending that no model has.
    """
    kind = f"a model file, or one of the words {', '.join(MODEL_WORDS)}"
    if not str(model):
        raise Refused(
            "model",
            wanted=kind,
            got="an empty text",
            remedy=WORD_OR_FILE,
            says="is empty",
        )
    path = existing_file(model_path(model), kind, _nearest_word(str(model)) or name_beside(Path(model), MODEL_SUFFIXES))
    if path.suffix not in MODEL_SUFFIXES:
        raise Refused(
            path,
            wanted=f"a model that ends in {', '.join(MODEL_SUFFIXES[:-1])} or {MODEL_SUFFIXES[-1]}",
            got=path.suffix or "no ending",
            remedy="Export the model with coconet export.",
            says=f"has {f'the ending {path.suffix}' if path.suffix else 'no ending'}; a model ends in "
            f"{', '.join(MODEL_SUFFIXES[:-1])} or {MODEL_SUFFIXES[-1]}",
        )
    return path


def _nearest_word(text: str) -> str:
    """Ask about the word that a text without folders resembles; empty if there is none."""
    question = nearest(text, MODEL_WORDS) if Path(text).name == text else ""
    return f"{question}Otherwise check the path." if question else ""


def _best(path: Path, *, builds: bool) -> BackendChoice:
    """Take TensorRT if an engine may be made, else the GPU if ONNX Runtime can use one, and the processor otherwise."""
    if builds:
        from coconet.runtime.backends.tensorrt.verdict import engine_verdict

        if engine_verdict() is None:
            return BackendChoice("tensorrt", path, "TensorRT is installed, and makes an engine of the model once")
    from coconet.runtime.backends.cuda_provider import cuda_verdict

    verdict = cuda_verdict()
    if verdict is None:
        return BackendChoice("ort-cuda", path, "its CUDA provider loads and there is a GPU")
    return BackendChoice("ort", path, verdict)


def _only(kind: BackendKind, path: Path, wanted: str, reason: str) -> BackendChoice:
    if wanted not in ("auto", kind):
        remedy = "Leave the backend out."
        says = f"is not run by the backend {wanted} but by {kind}: {reason}"
        got = f"one for {kind}: {reason}"
        raise Refused(path, wanted=f"a model that {wanted} runs", got=got, remedy=remedy, says=says)
    return BackendChoice(kind, path, reason)
