"""The card of an ONNX file, as the package onnx finds it."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from coconet.cards.onnx_card import read_onnx
from coconet.cards.onnx_metadata import read_onnx_card
from coconet.errors import CoconetError
from coconet.model_names import shipped_model
from tests.support.models.conv_onnx import write_conv_model


@pytest.mark.parametrize("word", ["lite", "lite-int8"])
def test_it_is_the_card_that_onnx_reads(word: str) -> None:
    assert read_onnx_card(shipped_model(word)) == read_onnx(shipped_model(word)).card


def test_it_is_found_among_other_metadata_and_fields_of_every_kind(tmp_path: Path) -> None:
    path = write_conv_model(tmp_path / "m.onnx", "int8")
    model = onnx.load(path)
    model.metadata_props.insert(0, onnx.StringStringEntryProto(key="größe", value="x" * 300))
    model.metadata_props.append(onnx.StringStringEntryProto(key="empty"))
    model.model_version = -1  # the longest number there is
    onnx.save(model, path)
    fixed = b"\xf9\x3e" + bytes(8) + b"\xfd\x3e" + bytes(4)  # fields 1007 of 64 and of 32 bits, which nobody knows
    path.write_bytes(fixed + path.read_bytes() + fixed)
    assert read_onnx_card(path) == read_onnx(path).card


def test_a_file_cut_anywhere_is_refused_in_words(tmp_path: Path) -> None:
    whole = write_conv_model(tmp_path / "m.onnx").read_bytes()
    card_begins = whole.index(b"coconet_edge.card")
    for length in (0, 1, 2, len(whole) // 2, card_begins - 3, card_begins, card_begins + 40):
        (tmp_path / "cut.onnx").write_bytes(whole[:length])
        with pytest.raises(CoconetError, match=r"cut\.onnx (is not an ONNX model|is an empty file|has no model card)"):
            read_onnx_card(tmp_path / "cut.onnx")


@pytest.mark.parametrize("content", [b"\x00" * 9, b"\xff" * 40, b"\x72\x04\x0a\x02\xff\xfe"])
def test_what_is_no_model_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(CoconetError, match=r"m\.onnx is not an ONNX model, or is damaged"):
        read_onnx_card(tmp_path / "m.onnx")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not a model at all", r"is a text file; expected an ONNX model\. Name the right file\."),
        (b"ftrt" + bytes(40), r"is a TensorRT engine; expected an ONNX model\. Give it the ending \.engine\."),
        (b"", "is an empty file; expected an ONNX model"),
    ],
)
def test_what_lies_under_the_name_of_a_model_is_said_to_be_what_it_is(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(CoconetError, match=rf"m\.onnx {said}"):
        read_onnx_card(tmp_path / "m.onnx")


def test_a_missing_file_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="does not exist; expected an ONNX model"):
        read_onnx_card(tmp_path / "gone.onnx")
