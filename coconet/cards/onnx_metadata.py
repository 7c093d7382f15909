"""The card of an ONNX file, found without the package onnx and without reading the weights."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from coconet.cards.model_card import ModelCard, card_from_metadata
from coconet.cards.protocol_buffer import read_fields
from coconet.errors import CoconetError, ExitCode, ending_with
from coconet.files import existing_file
from coconet.media.naming.mistaken_file import mistaken_file

_METADATA_PROPS, _KEY, _VALUE = 14, 1, 2
"""Field numbers of ModelProto.metadata_props and of its entries, in onnx.proto."""


_AGAIN = "Copy the file again, or export it again with coconet export."


def no_onnx(path: Path, cause: str = "") -> CoconetError:
    """Say what a file is that is no ONNX model, if that can be told. cause: what could not be read, for programs."""
    found = mistaken_file(path, "onnx", _AGAIN)
    got, remedy = found or (f"a corrupt or unsupported one{f' ({cause})' if cause else ''}", _AGAIN)
    says = f"is {got}; expected an ONNX model" if found else "is not an ONNX model, or is damaged"
    return CoconetError(path, wanted="a readable ONNX model", got=got, remedy=remedy, says=says)


@ending_with(ExitCode.MODEL)
def read_onnx_card(path: Path) -> ModelCard:
    """Read the card of a model that coconet export wrote. Raises CoconetError for any other file."""
    if existing_file(path, "an ONNX model").stat().st_size == 0:  # to protobuf that is a model with nothing in it
        raise no_onnx(path)
    with path.open("rb") as stream:
        try:
            metadata = dict(
                read_entry(stream, field.end) for field in read_fields(stream) if field.number == _METADATA_PROPS
            )
        except (EOFError, UnicodeDecodeError) as error:
            raise no_onnx(path, str(error)) from error
    return card_from_metadata(metadata, path)


def read_entry(stream: BinaryIO, end: int) -> tuple[str, str]:
    """Key and value of a StringStringEntryProto."""
    texts = {_KEY: "", _VALUE: ""}
    for field in read_fields(stream, end):
        texts[field.number] = stream.read(field.end - stream.tell()).decode()
    return texts[_KEY], texts[_VALUE]
