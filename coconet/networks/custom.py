"""Foreign networks: anyone's two-input fusion network, made by a factory in their code and filled from their file."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from coconet.cards.model_card import INFRARED, VISIBLE, Normalization, Signature
from coconet.errors import CoconetError, MissingPackage, first_line
from coconet.networks.checkpoint import Checkpoint
from coconet.networks.tensors.state_dict import load_strictly
from coconet.networks.tensors.weight_files import Piece, hash_of, read_pieces

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="running a network of yours", extra="export") from error


ORDERS = {f"{VISIBLE},{INFRARED}": False, f"{INFRARED},{VISIBLE}": True}
"""How the two arguments may be ordered, and whether the infrared image is then the first."""

TRIAL_SIDE_PX = 64
"""The height, before it is rounded up to the network's multiple, of the images that a network is tried on."""

WRAP_IT = "Write a factory that wraps the network so that it takes two (B, 1, H, W) tensors and returns one."


class InfraredFirst(nn.Module):
    """A network that takes the infrared image first, in the argument order of everything here."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) images to one, in the ranges of the network."""
        fused: Tensor = self.network(infrared, visible)
        return fused


def load_foreign(
    factory: str, weights: Sequence[str], signature: Signature, *, infrared_first: bool = False
) -> Checkpoint:
    """Make a network with `package.module:factory`, fill it from its files and try it on two small images.

    The factory is looked for in the working directory and then among the installed packages, and called without
    arguments. Its network takes two (B, 1, H, W) float tensors and returns one like them.
    weights: one file, or PART=FILE for children of the network that have one each; see read_pieces.
    signature: the ranges and the padding, which no file can tell; its normalisation is replaced by what the layers do.
    Raises CoconetError for a factory or a network of another kind, and for weights that are not the network's.
    """
    core, completed = fresh_foreign(factory, signature, infrared_first=infrared_first)
    pieces = read_pieces(weights)
    load_strictly(own_network(core), _joined(pieces), " and ".join(piece.where for piece in pieces))
    _try_out(core, signature, factory)
    return Checkpoint(factory, core, completed, hash_of(pieces))


def fresh_foreign(factory: str, signature: Signature, *, infrared_first: bool = False) -> tuple[nn.Module, Signature]:
    """Make a network as load_foreign does, with the weights that its factory gives it, in evaluation mode.

    The signature comes back with the normalisation of the layers. Raises CoconetError as load_foreign does.
    """
    network = make_network(factory)
    core = (InfraredFirst(network) if infrared_first else network).eval()
    _try_out(core, signature, factory)
    return core, replace(signature, normalization=_normalization(network))


def own_network(core: nn.Module) -> nn.Module:
    """The network that a factory made, inside what puts its arguments into our order; its tensors have its names."""
    return core.network if isinstance(core, InfraredFirst) else core


def _joined(pieces: Sequence[Piece]) -> Mapping[str, Tensor]:
    if len(pieces) > 1 and not all(piece.part for piece in pieces):
        raise CoconetError(
            "--weights",
            wanted="one file, or PART=FILE for each of several",
            got=", ".join(piece.where for piece in pieces[:4]),
            remedy="Name the child of the network that each file is of, or one file.",
            says="is given for several files, some of which have no PART= in front",
        )
    return {
        f"{piece.part}.{name}" if piece.part else name: tensor
        for piece in pieces
        for name, tensor in piece.tensors.items()
    }


def make_network(factory: str) -> nn.Module:
    """Import and call `package.module:factory`. Raises CoconetError, which names the step that failed."""
    found = re.fullmatch(r"([\w.]+):(\w+)", factory)
    if found is None:
        raise CoconetError(
            f"--model {factory}",
            wanted="package.module:factory",
            got="text of another form",
            remedy="For example densefuse.net:DenseFuse for the class DenseFuse in densefuse/net.py.",
            says="is not of the form package.module:factory",
        )
    with _importable_working_directory():
        network = _called(_attribute(factory, *found.groups()), factory)
    if not isinstance(network, nn.Module):
        raise _wrong_factory(
            factory,
            "a factory that returns a torch.nn.Module",
            f"a value of type {type(network).__name__}",
            "Return the network.",
            f"returns a value of type {type(network).__name__}, not a torch.nn.Module",
        )
    return network


def parse_range(text: str, option: str = "--range") -> tuple[float, float]:
    """Read `-1..1` as the two values that black and white have. `option` names the text in the error."""
    number = r"([-+]?\d+(?:\.\d+)?)"
    found = re.fullmatch(rf"{number}\.\.{number}", text)
    if found is None or not float(found[1]) < float(found[2]):
        raise CoconetError(
            option,
            wanted="the values of black and white, the lower first: 0..1, -1..1 or 0..255",
            got=repr(text),
            remedy="Use the range that the network was trained with.",
            says=f"must be the values of black and white, the lower first, such as 0..1, -1..1 or 0..255, not {text!r}",
        )
    return float(found[1]), float(found[2])


def parse_signature(input_range: str, output_range: str | None, multiple: int) -> Signature:
    """Read what the options --range, --output-range (as --range when None) and --multiple say of a network."""
    if multiple != 1 and multiple % 2:
        raise CoconetError(
            "--multiple",
            wanted="1 or an even number of pixels",
            got=str(multiple),
            remedy=f"Try {2 * multiple}.",
            says=f"must be 1 or an even number of pixels, not {multiple}",
        )
    takes = parse_range(input_range)
    return Signature(takes, parse_range(output_range, "--output-range") if output_range else takes, multiple)


def parse_order(text: str) -> bool:
    """Read the order of a network's arguments; True where the infrared image is the first."""
    if text not in ORDERS:
        raise CoconetError(
            "--order",
            wanted=" or ".join(ORDERS),
            got=repr(text),
            remedy="Name the arguments as forward takes them.",
            says=f"must be {' or '.join(ORDERS)}, not {text!r}",
        )
    return ORDERS[text]


@contextmanager
def _importable_working_directory() -> Iterator[None]:
    # A console script, unlike `python -m`, does not find modules beside it.
    # And some code parses the command line when it is imported: it finds no options of ours there.
    here, words = str(Path.cwd()), sys.argv
    sys.path.insert(0, here)
    sys.argv = words[:1]
    try:
        yield
    finally:
        sys.argv = words
        sys.path.remove(here)


def _attribute(factory: str, module: str, name: str) -> object:
    try:
        return getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:  # the code is anyone's; some parses a command line when imported
        if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
            remedy = "Call this from the folder that holds the module, or install it."
            got = f"no module {error.name} in {Path.cwd()} or the installed packages"
            says = f"names a module, {error.name}, that is neither in {Path.cwd()} nor installed"
        elif isinstance(error, AttributeError) and name in str(error):
            remedy, got = "Correct the name behind the colon.", f"no {name} in it"
            says = f"names {name}, which is not in the module {module}"
        else:
            remedy, got = "Look into that module.", f"{type(error).__name__}: {first_line(error)}"
            says = f"names a module that cannot be imported ({got})"
        raise _wrong_factory(factory, f"{name} from the module {module}", got, remedy, says) from error


def _called(candidate: object, factory: str) -> object:
    if not callable(candidate):
        raise _wrong_factory(
            factory,
            "something to call",
            f"a value of type {type(candidate).__name__}",
            "Name a function or the network's class.",
            f"names a value of type {type(candidate).__name__}, which cannot be called",
        )
    without_arguments: Callable[[], Any] = candidate
    try:
        return without_arguments()
    except (Exception, SystemExit) as error:  # the code is anyone's
        raise _wrong_factory(
            factory,
            "a factory that works without arguments",
            f"{type(error).__name__}: {first_line(error)}",
            "Write a function that calls it with the arguments that the weights were trained with.",
            f"fails when it is called without arguments ({type(error).__name__}: {first_line(error)})",
        ) from error


def _try_out(core: nn.Module, signature: Signature, factory: str) -> None:
    """Run the network once on noise in its range; an answer of another kind is told in words."""
    multiple, (low, high) = signature.side_multiple, signature.input_range
    height = -(-TRIAL_SIDE_PX // multiple) * multiple
    shape = (1, 1, height, height + 2 * max(multiple, 8))  # not square: a transposed answer would fit
    generator = torch.Generator().manual_seed(0)
    images = [low + (high - low) * torch.rand(shape, generator=generator) for _ in range(2)]
    try:
        with torch.inference_mode():
            answer: object = core(*images)
    except Exception as error:  # the code is anyone's
        got = f"{type(error).__name__}: {first_line(error)}"
        wanted, says = (
            f"a network that takes two {shape} tensors",
            f"makes a network that fails on two {shape} tensors ({got})",
        )
        raise _wrong_factory(factory, wanted, got, WRAP_IT, says) from error
    if not isinstance(answer, Tensor) or answer.shape != shape or not answer.is_floating_point():
        wanted, got = f"a network that makes one {shape} tensor of two", _in_words(answer)
        raise _wrong_factory(factory, wanted, got, WRAP_IT, f"makes a network that gives {got}, not one {shape} tensor")


def _in_words(answer: object) -> str:
    if isinstance(answer, Tensor):
        return f"a {tuple(answer.shape)} tensor of {answer.dtype}"
    return f"a {type(answer).__name__}{f' of {len(answer)}' if isinstance(answer, (tuple, list, dict)) else ''}"


def _normalization(network: nn.Module) -> Normalization:
    layers = list(network.modules())
    stored = [layer.track_running_stats for layer in layers if isinstance(layer, (nn.BatchNorm2d, nn.SyncBatchNorm))]
    if not all(stored) or any(isinstance(layer, (nn.InstanceNorm2d, nn.GroupNorm)) for layer in layers):
        return "image"
    return "running" if stored else "none"


def _wrong_factory(factory: str, wanted: str, got: str, remedy: str, says: str) -> CoconetError:
    return CoconetError(f"--model {factory}", wanted=wanted, got=got, remedy=remedy, says=says)
