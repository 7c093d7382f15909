"""ONNX files with a model card: read once with all that is asked of them, given a card."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from coconet.cards.model_card import CARD_KEY, ModelCard, card_from_metadata
from coconet.cards.onnx_metadata import no_onnx
from coconet.cards.onnx_weights import check_onnx_weights
from coconet.errors import CoconetError, ExitCode, MissingPackage, Refused, ending_with, first_line
from coconet.files import read_file, sha256_of
from coconet.model_endings import ONNX_SUFFIX, SAFETENSORS

try:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped, unused-ignore]
    from onnx.checker import ValidationError
    from onnx.external_data_helper import load_external_data_for_model, uses_external_data
except ImportError as error:
    raise MissingPackage("onnx", job="reading ONNX files", extra="calibration") from error


@dataclass(frozen=True)
class OnnxFile:
    """A model file of coconet export, read from disk once.

    content: the bytes of the file. model: the graph they hold, with its weights. card: from its metadata.
    outside: the weights that lie in other files, in the order of the graph.
    """

    path: Path
    content: bytes = field(repr=False)
    model: onnx.ModelProto = field(repr=False)
    card: ModelCard
    outside: tuple[onnx.TensorProto, ...] = field(default=(), repr=False)

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the file and of its weights in other files, as 64 hexadecimal digits."""
        digest = hashlib.sha256(self.content)
        for tensor in self.outside:
            digest.update(tensor.raw_data)
        return digest.hexdigest()


@ending_with(ExitCode.MODEL)
def read_onnx(path: Path) -> OnnxFile:
    """Read a model that coconet export wrote, and its card. Raises CoconetError for any other file."""
    content = read_file(path, "an ONNX model")
    if path.suffix != ONNX_SUFFIX:
        ending = f"the ending {path.suffix}" if path.suffix else "no ending"
        says, remedy = f"has {ending}; an ONNX model ends in {ONNX_SUFFIX}", "Export the model with coconet export."
        raise Refused(path, wanted=f"a name that ends in {ONNX_SUFFIX}", got=ending, remedy=remedy, says=says)
    if not content:  # to protobuf that is a model with nothing in it
        raise no_onnx(path)
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise no_onnx(path) from error
    card = card_from_metadata({entry.key: entry.value for entry in model.metadata_props}, path)
    outside = tuple(tensor for tensor in model.graph.initializer if uses_external_data(tensor))
    _check_checkpoints(path.parent, outside, card)
    try:
        load_external_data_for_model(model, str(path.parent))
    except (ValidationError, OSError, ValueError) as error:
        places = sorted(
            {entry.value for tensor in outside for entry in tensor.external_data if entry.key == "location"}
        )
        missing = [place for place in places if not (path.parent / place).is_file()]
        raise CoconetError(
            path,
            wanted="an ONNX model with all its weights, in it or in files beside it",
            got=first_line(error),
            says=f"keeps weights in {missing[0]}, and there is no such file beside it"
            if missing
            else f"keeps weights in {', '.join(places)}, which is cut short or outside its folder",
            remedy="Copy the files beside it as well, or export it again with coconet export.",
        ) from error
    check_onnx_weights(path, content)
    return OnnxFile(path, content, model, card, outside)


def _check_checkpoints(folder: Path, outside: Iterable[onnx.TensorProto], card: ModelCard) -> None:
    """Refuse a checkpoint that was replaced: at the places that the graph names now lie other weights."""
    locations = {entry.value for tensor in outside for entry in tensor.external_data if entry.key == "location"}
    for file in (folder / location for location in locations if location.endswith(SAFETENSORS)):
        if file.is_file() and (found := sha256_of(file)) != card.weights_sha256:
            raise CoconetError(
                file,
                wanted=f"the weights that the graph was made of (SHA-256 {card.weights_sha256[:12]})",
                got=f"others ({found[:12]})",
                remedy="Copy graph and checkpoint together, or export it again with coconet export --link.",
                says=f"has changed since the graph was linked to it: its SHA-256 is {found[:12]} and was "
                f"{card.weights_sha256[:12]}",
            )


def attach_card(model: onnx.ModelProto, card: ModelCard) -> None:
    """Put a card into a model's metadata in place of the one it may have."""
    kept = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, {**kept, CARD_KEY: card.to_json()})
