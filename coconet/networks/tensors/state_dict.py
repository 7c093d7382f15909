"""State dicts: out of whatever file or wrapping they were saved in, into exactly the tensors of a network."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coconet.cards.onnx_weights import check_numbers
from coconet.errors import CoconetError, ExitCode, MissingPackage, counted, ending_with
from coconet.files import existing_file
from coconet.media.naming.mistaken_file import mistaken_file
from coconet.model_endings import CHECKPOINT_SUFFIXES, ONNX_SUFFIX, SAFETENSORS
from coconet.model_names import name_beside

try:
    import torch
    from safetensors import SafetensorError, safe_open
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage(str(error.name), job="reading checkpoints", extra="export") from error


WRAPPINGS = ("state_dict", "model_state_dict", "model", "net", "generator", "params_ema", "params", "weights", "weight")
"""Keys under which training programs keep the state dict, beside the epoch, the optimiser and the like."""

NETWORK_KEY = "coconet_edge.network"
"""The safetensors metadata key that names the network of a checkpoint."""

PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every name."""


def unwrap(content: object, where: object) -> Mapping[str, Tensor]:
    """Find the state dict in what a file holds, under one key of WRAPPINGS or several in each other.

    Several state dicts beside each other under other keys become one, whose names begin with these keys and a dot.
    Raises CoconetError, which says what is there instead; `where` names the file.
    """
    if isinstance(content, Mapping):
        if _is_state_dict(content):
            return content
        for key in WRAPPINGS:
            if isinstance(content.get(key), Mapping):
                return unwrap(content[key], where)
        if parts := _parts(content):
            return parts
    raise CoconetError(
        where,
        wanted=f"a state dict, bare or under one of the keys {', '.join(WRAPPINGS)}",
        got=_in_words(content),
        remedy="Save model.state_dict() with torch.save.",
        says=f"holds {_in_words(content)}, but no state dict, bare or under one of the keys {', '.join(WRAPPINGS)}",
    )


def load_strictly(network: nn.Module, tensors: Mapping[str, Tensor], where: object) -> None:
    """Fill a network, in single precision.

    Raises CoconetError if names or shapes are not the network's own, and for weights that are no numbers.
    """
    wanted = network.state_dict()
    _check_dense(tensors, where)
    single = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in without_prefixes(tensors, wanted).items()
    }
    try:
        network.load_state_dict(single)
    except RuntimeError as error:
        differences = _differences(wanted, single) or "tensors that do not fit"
        raise CoconetError(
            where,
            wanted=f"the {counted(len(wanted), 'tensor')} of {type(network).__name__}",
            got=differences,
            remedy="Check that the checkpoint belongs to this network.",
            says=f"cannot fill the {counted(len(wanted), 'tensor')} of {type(network).__name__}: {differences}",
        ) from error
    for name, tensor in single.items():
        if tensor.is_floating_point():
            check_numbers(where, name, tensor.detach().numpy())


def _check_dense(tensors: Mapping[str, Tensor], where: object) -> None:
    """Refuse tensors that single precision cannot hold as they are, or that have no values."""
    for name, tensor in tensors.items():
        kinds = {
            "no values": tensor.is_meta,
            "complex numbers": tensor.is_complex(),
            "quantised numbers": tensor.is_quantized,
            "a sparse tensor": tensor.layout != torch.strided,
        }
        kind = next((kind for kind, it_is in kinds.items() if it_is), None)
        if kind is not None:
            raise CoconetError(
                where,
                wanted="dense tensors of real numbers",
                got=f"{kind} in {name}",
                remedy="Save the state_dict() of the network in single precision with torch.save.",
                says=f"has {kind} in {name}; only dense tensors of real numbers are taken",
            )


def _parts(content: Mapping[object, object]) -> dict[str, Tensor]:
    """The tensors of all state dicts in a dictionary, in each other or beside each other, under dotted names."""
    found: dict[str, Tensor] = {}
    for key, value in content.items():
        if isinstance(value, Mapping) and isinstance(key, str):
            inner = value if _is_state_dict(value) else _parts(value)
            found |= {f"{key}.{name}": tensor for name, tensor in inner.items()}
    return found


def _is_state_dict(content: Mapping[object, object]) -> bool:
    return bool(content) and all(isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items())


def _in_words(content: object) -> str:
    if not isinstance(content, Mapping):
        return f"a {type(content).__name__}"
    if not content:
        return "an empty dictionary"
    return f"a dictionary of {', '.join(str(key) for key in list(content)[:5])}{', ...' if len(content) > 5 else ''}"


def without_prefixes(tensors: Mapping[str, Tensor], wanted: Collection[str]) -> Mapping[str, Tensor]:
    """Take off the PREFIXES that all of the names have and the wanted ones have not."""
    for prefix in PREFIXES:
        # A network may itself keep everything in a part called `module`; then the names are right as they are.
        own = any(name.startswith(prefix) for name in wanted)
        if not own and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def _differences(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str:
    """What is wrong with the names and shapes, the first three of each kind; empty if nothing is."""
    kinds = {
        "missing": sorted(wanted.keys() - found.keys()),
        "unknown": sorted(found.keys() - wanted.keys()),
        "of another shape": [
            f"{name}: {tuple(found[name].shape)} for {tuple(tensor.shape)}"
            for name, tensor in wanted.items()
            if name in found and found[name].shape != tensor.shape
        ],
    }
    return " and ".join(
        f"{len(names)} {kind} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for kind, names in kinds.items()
        if names
    )


@ending_with(ExitCode.MODEL)
def load_tensor_file(path: Path, where: object = None) -> Any:
    """What `torch.save` wrote: tensors, plain containers and numbers of numpy; nothing in the file is executed.

    where: what the file is called in errors, if not `path`.
    """
    existing_file(path, "a PyTorch file")
    try:
        with torch.serialization.safe_globals(_NUMPY_NUMBERS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about how it was pickled
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes end in whatever the unpickling of them runs into
        again = "Copy the file again, or save model.state_dict() with torch.save."
        found = _refusal(error), again
        if path.suffix == ONNX_SUFFIX:  # there are no first bytes to know it by
            found = "an ONNX model", "Name the checkpoint that it was exported from."
        got, remedy = mistaken_file(path, "torch", again) or found
        raise CoconetError(
            path if where is None else where,
            wanted="a whole PyTorch file that holds tensors and nothing to execute",
            got=got,
            remedy=remedy,
            says=f"is {got}; expected a PyTorch file of tensors, with nothing to execute",
        ) from error


_DAMAGED = "a damaged file, or one of another kind"


def _refusal(error: Exception) -> str:
    """Why PyTorch did not read a file. Its own words stay out: they advise to execute what is in it."""
    found = re.search(r"GLOBAL ([\w.]{1,80})", str(error))
    if found is not None:
        return f"a file that names code, {found[1]}"
    return "a file whose objects are more than tensors" if "eights only" in str(error) else _DAMAGED


def _numpy_number(dtype: object, content: object = None) -> float:
    """What a number of numpy in a file becomes: losses and learning rates lie beside the weights as such."""
    if not isinstance(dtype, np.dtype) or dtype.kind not in "biuf" or isinstance(content, Mapping):
        raise ValueError(f"a number of numpy of type {dtype}")
    data = content.encode("latin1") if isinstance(content, str) else bytes(content)  # type: ignore[call-overload]
    return float(np.frombuffer(data, dtype, count=1)[0])


_NUMPY_NUMBERS: list[Any] = [
    np.dtype,
    *{type(np.dtype(code)) for code in np.typecodes["AllInteger"] + "?efd"},
    *((_numpy_number, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
]
"""What may stand in a file beside tensors, by name: numpy's types of numbers, and its way to make one of them."""


def _state_of_training(content: object) -> tuple[Mapping[str, str], Mapping[str, Tensor]] | None:
    """What read_tensors gives of the state.pt that a training goes on from; None for any other file."""
    if not isinstance(content, Mapping) or not {"step", "network", "optimizer", "recipe"} <= content.keys():
        return None
    try:
        recipe = json.loads(content["recipe"])
        name = recipe.get("model") or recipe["network"]
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    tensors = content["network"]
    return ({NETWORK_KEY: str(name)}, tensors) if isinstance(tensors, Mapping) and _is_state_dict(tensors) else None


@ending_with(ExitCode.MODEL)
def read_tensors(path: Path, where: object = None) -> tuple[Mapping[str, str], Mapping[str, Tensor]]:
    """The metadata and the state dict of a file: .safetensors, or what torch.save wrote under any other ending.

    where: what the file is called in errors, if not `path`.
    Raises CoconetError for a file that is missing, truncated, would execute code or holds no state dict.
    """
    existing_file(path, "a checkpoint", name_beside(path, CHECKPOINT_SUFFIXES))
    where = path if where is None else where
    if path.suffix != SAFETENSORS:
        content = load_tensor_file(path, where)
        return _state_of_training(content) or ({}, unwrap(content, where))
    try:
        with safe_open(path, framework="pt") as stream:
            metadata = stream.metadata() or {}
            tensors = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118  it is no dictionary
    except SafetensorError as error:
        got, remedy = mistaken_file(path, "safetensors") or (_DAMAGED, "Copy the file again.")
        raise CoconetError(
            where,
            wanted="a whole safetensors file",
            got=got,
            remedy=remedy,
            says=f"is {got}; expected a whole safetensors file",
        ) from error
    return metadata, unwrap(tensors, where)
