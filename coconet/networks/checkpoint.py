"""Checkpoints: a network with its weights loaded, and the networks that a checkpoint may be of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coconet.cards.model_card import ModelCard, Signature
from coconet.cards.precision import REFERENCE
from coconet.errors import CoconetError, MissingPackage
from coconet.files import sha256_of, whole_file
from coconet.model_endings import SAFETENSORS
from coconet.networks import coconet, lite
from coconet.networks.network import Network
from coconet.networks.state_dict import load_strictly, read_tensors

try:
    import torch
    from safetensors.torch import save_file
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage(str(error.name), job="reading checkpoints", extra="export") from error


NETWORKS: tuple[Network[Any], ...] = (coconet.NETWORK, lite.NETWORK)
"""Every network that is known by name or by the tensors of its published weights."""

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

    @property
    def card(self) -> ModelCard:
        """The card of the checkpoint run as it is: single precision, colour and gray, any size."""
        return ModelCard(self.network, REFERENCE, self.sha256, self.signature)


def network_named(name: str) -> Network[Any]:
    """The network of this name. Raises CoconetError where there is none."""
    for network in NETWORKS:
        if network.name == name:
            return network
    names = ", ".join(network.name for network in NETWORKS)
    raise CoconetError("network", wanted=f"one of {names}", got=repr(name), remedy="Name one of them.")


def recognised(tensors: Mapping[str, Tensor], where: object) -> tuple[Network[Any], Signature]:
    """The network whose published weights a state dict is most like, and their signature; `where` names the file.

    Raises CoconetError where no tensor has a name and shape of any.
    """
    published = {network.name: (network, network.published) for network in NETWORKS if network.published is not None}
    likeness = {name: network.likeness(tensors) for name, (network, _) in published.items()}
    nearest = max(likeness, key=lambda name: likeness[name])
    if likeness[nearest] == 0.0:
        first = next(iter(tensors))
        raise CoconetError(
            where,
            wanted=f"the published weights of {' or '.join(published)}",
            got=f"{len(tensors)} tensors that are of none, such as {first} {tuple(tensors[first].shape)}",
            remedy="Name the code of another network with coconet export --model.",
        )
    return published[nearest]


def load_checkpoint(path: Path) -> Checkpoint:
    """Load .safetensors (ours, which name their network) or .pth/.pt (published weights, with their own semantics).

    Raises CoconetError for a file that is truncated, of another kind, or whose tensors are not the network's.
    """
    metadata, tensors = read_tensors(path)
    if path.suffix == SAFETENSORS:
        network = network_named(_network_name(metadata, path))
        signature = network.signature
    else:
        network, signature = recognised(tensors, path)
    core = network.build()
    load_strictly(core, tensors, path)
    network.ready(core, signature)
    return Checkpoint(network.name, core.eval(), signature, sha256_of(path))


def save_checkpoint(path: Path, network: str, core: nn.Module, *, half: bool = False) -> None:
    """Write the weights as safetensors, whole or not at all; `half` stores them in half precision."""
    kept = torch.float16 if half else torch.float32
    tensors = {
        name: (tensor.to(kept) if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in core.state_dict().items()
    }
    with whole_file(path) as scratch:
        save_file(tensors, scratch, metadata={NETWORK_KEY: network})


def _network_name(metadata: Mapping[str, str], path: Path) -> str:
    if NETWORK_KEY not in metadata:
        raise CoconetError(
            path,
            wanted="a checkpoint that names its network",
            got="safetensors without that entry",
            remedy="Use a checkpoint that coconet train wrote, or name the network with coconet export --model.",
        )
    return metadata[NETWORK_KEY]
