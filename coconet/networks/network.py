"""A network: the one record of what the package knows of a fusion network, beside the layers themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

from coconet.cards.model_card import Publication, Signature
from coconet.errors import MissingPackage
from coconet.networks.tensors.state_dict import without_prefixes

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="the networks", extra="export") from error


Core = TypeVar("Core", bound=nn.Module)


def _as_it_is(core: nn.Module) -> None:
    """What a network does to itself that has nothing to prepare."""


def _no_encoder(core: nn.Module, imagenet: Path | None) -> str:
    return "no encoder in this network"


@dataclass(frozen=True)
class Training(Generic[Core]):
    """What a network wants of its training beside the recipe. One that wants nothing is trained as it is built.

    prepare: gets a core with fresh weights ready for its first step, from the file of VGG-19 weights named for it, if
        any, and says in words what was done.
    hold: takes out of the training of a core with loaded weights what is to learn no further.
    settle: makes a core in training see what the deployed one will; called before every step of the last stretch.
    """

    prepare: Callable[[Core, Path | None], str] = _no_encoder
    hold: Callable[[Core], None] = _as_it_is
    settle: Callable[[Core], None] = _as_it_is


class RuledCore(nn.Module):
    """A core that joins the features of both images by a rule without weights; `rule` is the word of it."""

    def __init__(self, rule: str) -> None:
        super().__init__()
        self.rule = rule


def _under_the_same_names(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    return tensors


@dataclass(frozen=True)
class Network(Generic[Core]):
    """A fusion network: a core that takes two (B, 1, H, W) images, visible first, and gives one like them.

    name: what cards, recipes and checkpoints call it.
    build: makes a core with fresh weights; called without arguments.
    signature: the ranges, padding and normalisation of the weights that `coconet train` writes, whose file names the
        network.
    published: the same of the authors' own weights, whose file names nothing and is recognised by its tensors; None
        if there are none.
    upgrade: turns the tensors of an earlier release's checkpoint into those of today's layers; gives back others as
        they are.
    ready: called with a core and the signature of the weights that were loaded into it, before it fuses.
    training: see Training; nothing special, if it says nothing.
    publication: what the signature does not say of how the authors feed it; None if it is ours.
    adapt: makes tensors of the core, by names and layouts, of those in the authors' files, and leaves out the ones that
        nothing uses. Tensors it does not know stay as they are, and are refused later by their names.
    parts: the children of the core whose weights come in a file of their own, if not all come in one.
    rules: what a core that is a RuledCore may join features by, the published way first.
    trained_for: the rule that some of the authors' files were trained for, by a word in their names, as their tensors
        do not tell; the first of `rules` for the others.
    """

    name: str
    build: Callable[[], Core]
    signature: Signature
    published: Signature | None = None
    upgrade: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] = lambda tensors: tensors
    ready: Callable[[Core, Signature], None] = lambda core, signature: None
    training: Training[Core] = field(default_factory=Training)
    publication: Publication | None = None
    adapt: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] = _under_the_same_names
    parts: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    trained_for: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The names and shapes of the core's tensors."""
        with torch.device("meta"):  # the numbers are not wanted
            return {name: tuple(tensor.shape) for name, tensor in self.build().state_dict().items()}

    def shapes_of(self, part: str) -> Mapping[str, tuple[int, ...]]:
        """The same of one part, by its own names; of the whole core where `part` is empty."""
        start = f"{part}." if part else ""
        return {name.removeprefix(start): shape for name, shape in self.shapes.items() if name.startswith(start)}

    def adapted(self, tensors: Mapping[str, Tensor], part: str = "") -> Mapping[str, Tensor]:
        """The tensors of a file under the names of the core, or of its part."""
        return self.adapt(without_prefixes(tensors, self.shapes_of(part)))

    def likeness(self, tensors: Mapping[str, Tensor], part: str = "") -> float:
        """How much of this network, or of its part, a state dict is, 0..1.

        Names and shapes that both have, as a share of all there are in either.
        """
        own = set(self.shapes_of(part).items())
        theirs = {(name, tuple(tensor.shape)) for name, tensor in self.adapted(tensors, part).items()}
        return len(own & theirs) / len(own | theirs)
