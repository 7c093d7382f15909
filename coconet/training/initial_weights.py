"""Initial weights: what a network knows before its first step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coconet.cards.model_card import Signature
from coconet.errors import CoconetError, MissingPackage
from coconet.losses.vgg_features import load_imagenet
from coconet.networks.checkpoint import build_network, load_checkpoint
from coconet.networks.coconet import CoCoNet
from coconet.networks.vgg import find_imagenet_file, imagenet_encoder

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
    """A network with random weights, and CoCoNet's encoder from `imagenet` or torchvision's cache."""
    core, signature = build_network(name)
    note = prepare_encoder(core, imagenet)
    return InitialNetwork(core, signature, note, note)


def started_network(name: str, weights: Path) -> InitialNetwork:
    """A network with the weights of a checkpoint; its encoder, if it has one, learns no further.

    The published checkpoint may be one to start from, too: from then on it works as our networks do, on -1..1 and
    with stored statistics, which is how it was trained. Raises CoconetError for a checkpoint of another network.
    """
    checkpoint = load_checkpoint(weights)
    if checkpoint.network != name:
        raise CoconetError(
            weights, wanted=f"weights of {name}", got=f"those of {checkpoint.network}", remedy="Change --network."
        )
    core, signature = build_network(name)
    core.load_state_dict(checkpoint.core.state_dict())
    if isinstance(core, CoCoNet):
        _hold_gates(core)
        core.vgg19.requires_grad_(False)
    return InitialNetwork(core, signature, f"weights from {weights.name}", checkpoint.sha256)


def prepare_encoder(core: nn.Module, file: Path | None) -> str:
    """Give CoCoNet its ImageNet encoder, frozen, and close its attention gates; say in words what was done.

    The weights come from `file` or from torchvision's cache. Without them the encoder learns with the rest, which is
    a substitute and said so.
    """
    if not isinstance(core, CoCoNet):
        return "no encoder in this network"
    _hold_gates(core)
    file = file or find_imagenet_file()
    if file is None:
        for layer in core.vgg19.modules():
            if isinstance(layer, nn.Conv2d):  # eight layers in a row: the usual start would fade out
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        return "no ImageNet weights for the encoder: it starts at random and is trained with the network"
    load_imagenet(core.vgg19, imagenet_encoder, file)
    return f"encoder from {file.name}, frozen"


def _hold_gates(core: CoCoNet) -> None:
    # Attention energies are sums over the frame, so what is learnt on crops would act differently on whole frames.
    # Gates start at 0, and a closed gate saves 28 % of the operations.
    for name, parameter in core.named_parameters():
        if name.endswith(("gamma", "conv_1.weight", "conv_1.bias", "conv_2.weight", "conv_2.bias")):
            parameter.requires_grad_(False)
    core.skip_closed_attention()
