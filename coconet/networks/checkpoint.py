"""Checkpoints: a network with its weights, from whatever a state dict was saved in, into exactly its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coconet.cards.model_card import ModelCard, Signature
from coconet.cards.precision import REFERENCE
from coconet.errors import CoconetError, MissingPackage
from coconet.files import existing_file, sha256_of, whole_file
from coconet.networks.coconet import OURS as COCONET_SIGNATURE
from coconet.networks.coconet import PUBLISHED, CoCoNet
from coconet.networks.lite import OURS as LITE_SIGNATURE
from coconet.networks.lite import LiteNet

try:
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage("torch", job="reading checkpoints", extra="export") from error

try:
    import torch
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save_file
    from torch import Tensor, nn
except ImportError as error:
    raise MissingPackage(str(error.name), job="reading checkpoints", extra="export") from error


WRAPPINGS = ("state_dict", "model_state_dict", "model", "net", "generator", "params", "weights")
"""Keys under which training programs keep the state dict, beside the epoch, the optimiser and the like."""

PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every name."""


def unwrapped(content: object, where: object) -> Mapping[str, Tensor]:
    """Find the state dict in what a file holds, under one key of WRAPPINGS or several in each other.

    Raises CoconetError, which says what is there instead; `where` names the file.
    """
    if isinstance(content, Mapping):
        if _is_state_dict(content):
            return content
        for key in WRAPPINGS:
            if isinstance(content.get(key), Mapping):
                return unwrapped(content[key], where)
    raise CoconetError(
        where,
        wanted=f"a state dict, bare or under one of the keys {', '.join(WRAPPINGS)}",
        got=_in_words(content),
        remedy="Save model.state_dict() with torch.save.",
    )


def load_strictly(network: nn.Module, tensors: Mapping[str, Tensor], where: object) -> None:
    """Fill a network, in single precision. Raises CoconetError where names or shapes are not the network's own."""
    wanted = network.state_dict()
    found = _without_prefixes(tensors, wanted)
    try:
        network.load_state_dict(
            {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in found.items()}
        )
    except RuntimeError as error:
        raise CoconetError(
            where,
            wanted=f"the {len(wanted)} tensors of {type(network).__name__}",
            got=_differences(wanted, found) or str(error).splitlines()[-1].strip(),
            remedy="Check that the checkpoint belongs to this network.",
        ) from error


def _is_state_dict(content: Mapping[object, object]) -> bool:
    return bool(content) and all(isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items())


def _in_words(content: object) -> str:
    if not isinstance(content, Mapping):
        return f"a {type(content).__name__}"
    if not content:
        return "an empty dictionary"
    return f"a dictionary of {', '.join(str(key) for key in list(content)[:5])}{', ...' if len(content) > 5 else ''}"


def _without_prefixes(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    for prefix in PREFIXES:
        # A network may itself keep everything in a part called `module`; then the names are right as they are.
        own = any(name.startswith(prefix) for name in wanted)
        if not own and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def _differences(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str:
    """What is wrong with the names and shapes, the first three of each kind; empty where nothing is."""
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

    @property
    def card(self) -> ModelCard:
        """The card of the checkpoint run as it is: single precision, colour and gray, any size."""
        return ModelCard(self.network, REFERENCE, self.sha256, self.signature)


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
