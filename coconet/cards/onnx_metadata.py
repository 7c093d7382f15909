"""The card of an ONNX file, found without the package onnx and without reading the weights."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from coconet.cards.model_card import ModelCard, card_from_metadata
from coconet.cards.protocol_buffer import read_fields
from coconet.errors import CoconetError
from coconet.files import existing_file

_METADATA_PROPS, _KEY, _VALUE = 14, 1, 2
"""Field numbers of ModelProto.metadata_props and of its entries, in onnx.proto."""


def read_onnx_card(path: Path) -> ModelCard:
    """Read the card of a model that coconet export wrote. Raises CoconetError for any other file."""
    with existing_file(path, "an ONNX model").open("rb") as stream:
        try:
            metadata = dict(
                read_entry(stream, field.end) for field in read_fields(stream) if field.number == _METADATA_PROPS
            )
        except (EOFError, UnicodeDecodeError) as error:
            raise CoconetError(
                path,
                wanted="a readable ONNX model",
                got=f"a corrupt or unsupported one ({error})",
                remedy="Copy the file again, or export it again with coconet export.",
                says="is not an ONNX model, or is damaged",
            ) from error
    return card_from_metadata(metadata, path)


def read_entry(stream: BinaryIO, end: int) -> tuple[str, str]:
    """Key and value of a StringStringEntryProto."""
    texts = {_KEY: "", _VALUE: ""}
    for field in read_fields(stream, end):
        texts[field.number] = stream.read(field.end - stream.tell()).decode()
    return texts[_KEY], texts[_VALUE]
