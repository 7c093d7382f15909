"""Checkpoints: a network with its weights, ours as safetensors and the published one as a PyTorch file."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coconet.errors import CoconetError, MissingPackage
from coconet.files import existing_file, sha256_of, whole_file
from coconet.lite import OURS as LITE_SIGNATURE
from coconet.lite import LiteNet
from coconet.network import OURS as COCONET_SIGNATURE
from coconet.network import PUBLISHED, CoCoNet
from coconet.signature import Signature

try:
    import torch
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save_file
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage(str(error.name), job="reading checkpoints", extra="export") from error

NETWORKS = ("coconet", "lite")
NETWORK_KEY = "coconet_edge.network"
"""The safetensors metadata key that names the network of a checkpoint."""


@dataclass(frozen=True)
class Checkpoint:
    """A network in evaluation mode with its weights loaded. sha256: hash of the file it came from."""

    network: str
    core: nn.Module
    signature: Signature
    sha256: str


def build_network(name: str) -> tuple[nn.Module, Signature]:
    """A network of ours by name, with fresh weights."""
    if name == "coconet":
        return CoCoNet(), COCONET_SIGNATURE
    if name == "lite":
        return LiteNet(), LITE_SIGNATURE
    raise CoconetError("network", wanted=f"one of {', '.join(NETWORKS)}", got=repr(name), remedy="Name one of them.")


def load_checkpoint(path: Path) -> Checkpoint:
    """Load .safetensors (ours) or .pth/.pt (the published CoCoNet, which brings its own semantics).

    Raises CoconetError for a file that is truncated, of another kind, or whose tensors are not the network's.
    """
    existing_file(path, "a checkpoint")
    if path.suffix == ".safetensors":
        name, tensors = _read_safetensors(path)
        core, signature = build_network(name)
    else:
        name, tensors, (core, signature) = "coconet", _read_published(path), (CoCoNet(), PUBLISHED)
    _load_strictly(core, tensors, path)
    if isinstance(core, CoCoNet):
        core.skip_closed_attention()
        if signature.normalization == "image":
            core.use_image_statistics()
    return Checkpoint(name, core.eval(), signature, sha256_of(path))


def save_checkpoint(path: Path, network: str, core: nn.Module, *, half: bool = False) -> None:
    """Write the weights as safetensors, whole or not at all; `half` stores them in half precision."""
    kept = torch.float16 if half else torch.float32
    tensors = {
        name: (tensor.to(kept) if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in core.state_dict().items()
    }
    with whole_file(path) as scratch:
        save_file(tensors, scratch, metadata={NETWORK_KEY: network})


def load_tensor_file(path: Path) -> Any:
    """What `torch.save` wrote, tensors and plain containers only: nothing in the file is executed."""
    try:
        return torch.load(existing_file(path, "a PyTorch file"), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise CoconetError(
            path,
            wanted="a whole PyTorch file that holds tensors and nothing to execute",
            got=str(error).splitlines()[0] if str(error) else type(error).__name__,
            remedy="Copy or save the file again.",
        ) from error


def _read_safetensors(path: Path) -> tuple[str, Mapping[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as stream:
            name = (stream.metadata() or {}).get(NETWORK_KEY)
            tensors = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118  it is no dictionary
    except SafetensorError as error:
        raise CoconetError(
            path, wanted="a whole safetensors file", got=str(error), remedy="Copy the file again."
        ) from error
    if name is None:
        raise CoconetError(
            path,
            wanted="a checkpoint that names its network",
            got="safetensors without that entry",
            remedy="Use a checkpoint that coconet train wrote.",
        )
    return name, tensors


def _read_published(path: Path) -> Mapping[str, Tensor]:
    content = load_tensor_file(path)
    tensors = content.get("state_dict", content) if isinstance(content, Mapping) else content
    if not isinstance(tensors, Mapping) or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise CoconetError(
            path,
            wanted="a state dict, bare or under the key state_dict",
            got=type(content).__name__,
            remedy="Save model.state_dict() with torch.save.",
        )
    return tensors


def _load_strictly(core: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    try:
        core.load_state_dict(
            {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}
        )
    except RuntimeError as error:
        wanted = core.state_dict().keys()
        missing, foreign = sorted(wanted - tensors.keys()), sorted(tensors.keys() - wanted)
        if missing or foreign:
            got = f"{len(missing)} missing {missing[:3]} and {len(foreign)} unknown {foreign[:3]}"
        else:
            got = str(error).splitlines()[-1].strip()
        raise CoconetError(
            path,
            wanted=f"the {len(wanted)} tensors of {type(core).__name__}",
            got=got,
            remedy="Check that the checkpoint belongs to this network.",
        ) from error
