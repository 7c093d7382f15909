"""Checkpoints: a network with its weights loaded, and the networks that a checkpoint may be of."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from coconet.cards.model_card import ModelCard, Publication, Signature
from coconet.cards.precision import REFERENCE
from coconet.errors import CoconetError, ExitCode, MissingPackage, Refused, ending_with, nearest
from coconet.files import whole_file
from coconet.model_endings import SAFETENSORS
from coconet.networks import coconet, lite
from coconet.networks.network import Network, RuledCore
from coconet.networks.recognition import LEAST_LIKENESS, Assembly, assemble, match_of
from coconet.networks.tensors.state_dict import NETWORK_KEY, load_strictly
from coconet.networks.tensors.weight_files import Piece, hash_of, read_pieces
from coconet.networks.zoo import (
    densefuse,
    didfuse,
    fusiongan,
    ifcnn,
    rfn_nest,
    sdnet,
    seafusion,
    smoa,
    swinfusion,
    tardal,
    u2fusion,
)

try:
    import torch
    from safetensors.torch import save_file
    from torch import nn
except ImportError as error:
    raise MissingPackage(str(error.name), job="reading checkpoints", extra="export") from error


NETWORKS: tuple[Network[Any], ...] = (
    coconet.NETWORK,
    lite.NETWORK,
    densefuse.NETWORK,
    densefuse.ORIGINAL,
    didfuse.NETWORK,
    fusiongan.NETWORK,
    ifcnn.NETWORK,
    rfn_nest.NETWORK,
    sdnet.NETWORK,
    seafusion.NETWORK,
    smoa.NETWORK,
    swinfusion.NETWORK,
    tardal.NETWORK,
    u2fusion.NETWORK,
    u2fusion.PORT,
)
"""Every network that is known by name or by the tensors of its published weights."""


@dataclass(frozen=True)
class Checkpoint:
    """A network in evaluation mode with its weights loaded.

    network: its name here, or the module path of its factory. sha256: hash of the file that the weights came from, or
        of the hashes of several. publication: see ModelCard.
    """

    network: str
    core: nn.Module
    signature: Signature
    sha256: str
    publication: Publication | None = None

    @property
    def card(self) -> ModelCard:
        """The card of the checkpoint run as it is: single precision, colour and gray, any size."""
        return ModelCard(self.network, REFERENCE, self.sha256, self.signature, publication=self.publication)


def network_named(name: str) -> Network[Any]:
    """The network of this name. Raises CoconetError if there is none."""
    for network in NETWORKS:
        if network.name == name:
            return network
    if ":" in name:
        raise CoconetError(
            f"network {name}",
            wanted="a network that is known here",
            got="one of a factory",
            says="is made by a factory of yours",
            remedy=f"Type: coconet export --model {shlex.quote(name)} --weights FILE --range 0..1 "
            "--order visible,infrared, with the range and the order that it was trained with.",
        )
    names = [network.name for network in NETWORKS]
    remedy = f"{nearest(name, names)}Name one of them."
    raise CoconetError(
        "network",
        wanted=f"one of {', '.join(names)}",
        got=repr(name),
        remedy=remedy,
        says=f"{name!r} is not known; known are {', '.join(names)}",
    )


def load_checkpoint(path: Path) -> Checkpoint:
    """Load .safetensors (ours, which name their network) or published weights, with their own semantics.

    Raises CoconetError for a file that is truncated, of another kind, or whose tensors are not the network's.
    """
    return load_weights([str(path)])


@dataclass(frozen=True)
class WeightOptions:
    """How published weights are to be run, if not as their files say and their authors do.

    network: the name of the network; empty if its tensors are to tell. rule: how features are joined, one of its
    `rules`; empty for the published way, which the name of a file may say. stretch: see Signature.
    """

    network: str = ""
    rule: str = ""
    stretch: bool = False


@ending_with(ExitCode.MODEL)
def load_weights(words: Sequence[str], options: WeightOptions = WeightOptions()) -> Checkpoint:
    """Load a network from one file or several, named as `read_pieces` takes them, in any usual container.

    Raises CoconetError as `read_pieces` and `recognised` do, for tensors that are not exactly the network's, and for a
    rule that it does not have.
    """
    pieces = read_pieces(words)
    named = _network_of(pieces, options)
    if named is not None and NETWORK_KEY in pieces[0].metadata:
        assembly, signature = Assembly(named, tuple(pieces), named.upgrade(pieces[0].tensors)), named.signature
    else:
        assembly, signature = recognised(pieces, named)
    network = assembly.network
    core = network.build()
    load_strictly(core, assembly.tensors, " and ".join(piece.where for piece in assembly.pieces))
    rule = options.rule or _rule_of(assembly)
    _join_by(core, network, rule)
    signature = replace(signature, stretch=options.stretch)
    network.ready(core, signature)
    publication = network.publication
    if publication is not None and rule:
        publication = replace(publication, fusion_rule=rule)
    return Checkpoint(network.name, core.eval(), signature, hash_of(assembly.pieces), publication)


def recognised(pieces: Sequence[Piece], network: Network[Any] | None = None) -> tuple[Assembly, Signature]:
    """The network whose published weights some files hold, with their tensors and their signature.

    network: the only one to look for, if that is known. Raises CoconetError as `assemble` does.
    """
    known = [one for one in NETWORKS if one.published is not None]
    if network is None and any(piece.path.suffix == SAFETENSORS for piece in pieces):
        # Such files of ours have a name in them; without one, it could be either way for networks trained here too.
        known = [one for one in known if one.published == one.signature]
        likeness = [max(match_of(piece, one).likeness for one in known) for piece in pieces]
        if min(likeness) < LEAST_LIKENESS:
            raise CoconetError(
                pieces[0].where,
                wanted="a checkpoint that names its network",
                got="safetensors without that entry",
                remedy="Use a checkpoint that coconet train wrote, or name the network with coconet export --model.",
                says="does not name its network",
            )
    assembly = assemble(pieces, known, network)
    return assembly, assembly.network.published or assembly.network.signature


def _network_of(pieces: Sequence[Piece], options: WeightOptions) -> Network[Any] | None:
    """The network that was asked for or that the one file names; None if the tensors are to tell."""
    inside = pieces[0].metadata.get(NETWORK_KEY) if len(pieces) == 1 else None
    if options.network and inside and options.network != inside:
        raise Refused(
            pieces[0].where,
            wanted=f"weights of {options.network}",
            got=f"weights of {inside}",
            remedy=f"Name {inside}.",
            says=f"holds weights of {inside}, not of {options.network}",
        )
    name = options.network or inside
    return network_named(name) if name else None


def _rule_of(assembly: Assembly) -> str:
    """The rule that the files say by their names; empty if they say none."""
    words = {word for piece in assembly.pieces for word in re.split(r"[\W_]+", Path(piece.where).stem.upper())}
    return next((rule for word, rule in assembly.network.trained_for.items() if word in words), "")


def _join_by(core: nn.Module, network: Network[Any], rule: str) -> None:
    if not rule:
        return
    if rule not in network.rules or not isinstance(core, RuledCore):
        raise Refused(
            "--rule",
            wanted=f"one of {', '.join(network.rules)}" if network.rules else f"none, as {network.name} has no choice",
            got=repr(rule),
            remedy="Leave --rule out for the published way.",
            says=f"{rule} is not one of {', '.join(network.rules)}"
            if network.rules
            else f"does not apply: {network.name} has no choice of rules",
        )
    core.rule = rule


def save_checkpoint(path: Path, network: str, core: nn.Module, *, half: bool = False) -> None:
    """Write the weights as safetensors, whole or not at all; `half` stores them in half precision."""
    kept = torch.float16 if half else torch.float32
    tensors = {
        name: (tensor.to(kept) if tensor.is_floating_point() else tensor).clone().contiguous()  # none shares memory
        for name, tensor in core.state_dict().items()
    }
    with whole_file(path) as scratch:
        save_file(tensors, scratch, metadata={NETWORK_KEY: network})
