"""ONNX files with a model card: read with it, given one."""

from __future__ import annotations

from pathlib import Path

from coconet.cards.model_card import CARD_KEY, ModelCard, card_from_metadata
from coconet.errors import CoconetError, MissingPackage
from coconet.files import existing_file

try:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped, unused-ignore]
except ImportError as error:
    raise MissingPackage("onnx", job="reading ONNX files", extra="calibration") from error


def read_onnx(path: Path) -> tuple[onnx.ModelProto, ModelCard]:
    """Read a model that coconet export wrote, and its card. Raises CoconetError for any other file."""
    try:
        model = onnx.load(existing_file(path, "an ONNX model"))
    except DecodeError as error:
        raise CoconetError(
            path,
            wanted="an ONNX model",
            got="bytes that are none",
            remedy="Copy the file again, or export it again with coconet export.",
        ) from error
    return model, card_from_metadata({entry.key: entry.value for entry in model.metadata_props}, path)


def attach_card(model: onnx.ModelProto, card: ModelCard) -> None:
    """Put a card into a model's metadata in place of the one it may have."""
    kept = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, {**kept, CARD_KEY: card.to_json()})
