"""Checkpoints: a network with its weights, ours as safetensors and the published one as a PyTorch file."""

from __future__ import annotations

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
from coconet.state_dict import load_strictly, unwrapped

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
    """A network in evaluation mode with its weights loaded.

    network: its name here, or the module path of its factory. sha256: hash of the file that the weights came from.
    """

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
    metadata, tensors = read_tensors(path)
    if path.suffix == ".safetensors":
        name = _network_name(metadata, path)
        core, signature = build_network(name)
    else:
        name, core, signature = "coconet", CoCoNet(), PUBLISHED
    load_strictly(core, tensors, path)
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
    existing_file(path, "a PyTorch file")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes end in whatever the unpickling of them runs into
        raise CoconetError(
            path,
            wanted="a whole PyTorch file that holds tensors and nothing to execute",
            got=str(error).splitlines()[0] if str(error) else type(error).__name__,
            remedy="Copy the file again, or save model.state_dict() with torch.save.",
        ) from error


def read_tensors(path: Path) -> tuple[Mapping[str, str], Mapping[str, Tensor]]:
    """The metadata and the state dict of a file: .safetensors, or what torch.save wrote under any other ending.

    Raises CoconetError for a file that is missing, truncated, would execute code or holds no state dict.
    """
    existing_file(path, "a checkpoint")
    if path.suffix != ".safetensors":
        return {}, unwrapped(load_tensor_file(path), path)
    try:
        with safe_open(path, framework="pt") as stream:
            metadata = stream.metadata() or {}
            tensors = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118  it is no dictionary
    except SafetensorError as error:
        raise CoconetError(
            path, wanted="a whole safetensors file", got=str(error), remedy="Copy the file again."
        ) from error
    return metadata, unwrapped(tensors, path)


def _network_name(metadata: Mapping[str, str], path: Path) -> str:
    if NETWORK_KEY not in metadata:
        raise CoconetError(
            path,
            wanted="a checkpoint that names its network",
            got="safetensors without that entry",
            remedy="Use a checkpoint that coconet train wrote, or name the network with coconet export --model.",
        )
    return metadata[NETWORK_KEY]
