"""Initial weights: what a network knows before its first step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coconet.cards.model_card import Signature
from coconet.errors import CoconetError, MissingPackage
from coconet.networks.checkpoint import load_checkpoint, network_named

try:
    from torch import nn
except ImportError as error:
    raise MissingPackage("torch", job="training", extra="train") from error


@dataclass(frozen=True)
class InitialNetwork:
    """A network ready to be trained. note: in words where its weights are from. origin: the same, exactly."""

    core: nn.Module
    signature: Signature
    note: str
    origin: str


def fresh_network(name: str, imagenet: Path | None) -> InitialNetwork:
    """A network with random weights, and its encoder, if it has one, from `imagenet` or torchvision's cache.

    Raises CoconetError for a name that is unknown.
    """
    network = network_named(name)
    training, core = network.training, network.build()
    note = training.prepare(core, imagenet)
    return InitialNetwork(core, network.signature, note, note)


def start_network(name: str, weights: Path) -> InitialNetwork:
    """A network with the weights of a checkpoint; its encoder, if it has one, learns no further.

    The published checkpoint may be one to start from, too: from then on it works as our networks do, on -1..1 and
    with stored statistics, which is how it was trained. Raises CoconetError for a checkpoint of another network, and
    as fresh_network does.
    """
    checkpoint = load_checkpoint(weights)
    if checkpoint.network != name:
        raise CoconetError(
            weights, wanted=f"weights of {name}", got=f"those of {checkpoint.network}", remedy="Change --network."
        )
    network = network_named(name)
    training, core = network.training, network.build()
    core.load_state_dict(checkpoint.core.state_dict())
    training.hold(core)
    return InitialNetwork(core, network.signature, f"weights from {weights.name}", checkpoint.sha256)
