"""Initial weights: what a network knows before its first step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coconet.cards.model_card import Signature
from coconet.errors import CoconetError, MissingPackage
from coconet.networks.checkpoint import load_checkpoint, network_named
from coconet.networks.custom import fresh_foreign, load_foreign, parse_order, parse_signature
from coconet.training.recipe import TrainingPlan

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


def initial_network(plan: TrainingPlan) -> InitialNetwork:
    """The network of a plan, known or anyone's, fresh or with the weights that it starts from.

    Raises CoconetError as fresh_network, start_network and load_foreign do, for crops whose sides do not suit the
    network, and for a network that has nothing to train.
    """
    if plan.model is None:
        return start_network(plan.network, plan.start) if plan.start else fresh_network(plan.network, plan.encoder)
    signature = parse_signature(plan.input_range or "", plan.output_range, plan.multiple or 1)
    infrared_first = parse_order(plan.order or "")
    if plan.patch % signature.side_multiple:
        raise CoconetError(
            "--patch",
            wanted=f"a multiple of {signature.side_multiple}",
            got=str(plan.patch),
            says=f"is {plan.patch}, which is no multiple of --multiple {signature.side_multiple}",
            remedy="Choose sides of crops that the network takes.",
        )
    if plan.start is None:
        core, signature = fresh_foreign(plan.model, signature, infrared_first=infrared_first)
        found = InitialNetwork(core, signature, f"{plan.model} as its factory makes it", plan.model)
    else:
        loaded = load_foreign(plan.model, [str(plan.start)], signature, infrared_first=infrared_first)
        found = InitialNetwork(loaded.core, loaded.signature, f"weights from {plan.start.name}", loaded.sha256)
    if not any(tensor.requires_grad for tensor in found.core.parameters()):
        raise CoconetError(
            f"--model {plan.model}",
            wanted="a network with weights that are trained",
            got="none",
            says="has no weights that could be trained",
            remedy="Check that its parameters have requires_grad.",
        )
    return found


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
            weights,
            wanted=f"weights of {name}",
            got=f"those of {checkpoint.network}",
            remedy="Change --network.",
            says=f"holds weights of {checkpoint.network}, not of {name}",
        )
    network = network_named(name)
    training, core = network.training, network.build()
    core.load_state_dict(checkpoint.core.state_dict())
    training.hold(core)
    return InitialNetwork(core, network.signature, f"weights from {weights.name}", checkpoint.sha256)
