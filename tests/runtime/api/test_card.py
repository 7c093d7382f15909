"""The card of any model, by file or by word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest

import coconet
from coconet.cards.model_card import CARD_KEY, ModelCard
from coconet.cards.onnx_card import attach_card
from coconet.errors import CoconetError, ExitCode
from coconet.model_names import RULES, shipped_checkpoint, shipped_model
from tests.support.models.engine_files import CARD, write_engine
from tests.support.models.tiny_onnx import averaging_card, write_averaging_model


@pytest.mark.parametrize("word", ["lite", "lite-int8", "coconet", *RULES])
def test_the_card_is_that_of_the_loaded_model(word: str) -> None:
    with coconet.load(word) as fuse:
        assert coconet.read_card(word) == fuse.card


def test_a_path_a_text_and_a_word_name_the_same_model() -> None:
    path = shipped_model("lite")
    assert coconet.read_card(str(path)) == coconet.read_card(path) == coconet.read_card("lite")


def test_the_card_of_a_checkpoint_names_its_network_and_weights() -> None:
    card = coconet.read_card(shipped_checkpoint("lite"))
    assert (card.network, card.precision) == ("lite", "fp32")
    assert card.weights_sha256 == coconet.read_card("lite").weights_sha256


def test_the_card_of_an_engine_is_that_of_its_model_and_the_engine_card_says_the_rest(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    assert coconet.read_card(str(engine)) == CARD.model
    assert coconet.read_engine_card(str(engine)).targets == CARD.targets


def test_a_form_that_is_not_run_here_has_its_card_read_all_the_same(tmp_path: Path) -> None:
    path = write_averaging_model(tmp_path / "bare.onnx")
    model, card = onnx.load(path), replace(averaging_card(), form="bare", batch=4)
    attach_card(model, card)
    onnx.save(model, path)
    assert coconet.read_card(path) == card


@pytest.mark.parametrize(
    ("name", "content", "said", "code"),
    [
        ("m.onnx", b"", "is an empty file", ExitCode.MODEL),
        ("m.onnx", b"no protobuf", "ONNX model", ExitCode.MODEL),
        ("m.engine", b"plan\0\xfe", "the card of m.engine", ExitCode.REFUSED),
        ("m.safetensors", b"short", "whole safetensors file", ExitCode.MODEL),
        ("m.pth", b"short", "expected a PyTorch file", ExitCode.MODEL),
        ("m.tflite", b"", r"ends in \.onnx, \.engine", ExitCode.REFUSED),
    ],
)
def test_a_file_without_a_card_is_one_error(
    tmp_path: Path, name: str, content: bytes, said: str, code: ExitCode
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CoconetError, match=said) as refused:
        coconet.read_card(tmp_path / name)
    assert refused.value.exit_code == code


def test_an_onnx_file_of_others_is_named(tmp_path: Path) -> None:
    path = write_averaging_model(tmp_path / "theirs.onnx")
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(CoconetError, match="has no model card"):
        coconet.read_card(path)


def test_a_card_damaged_inside_a_sound_file_is_named(tmp_path: Path) -> None:
    path = write_averaging_model(tmp_path / "damaged.onnx")
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {CARD_KEY: "{"})
    onnx.save(model, path)
    with pytest.raises(CoconetError, match="has a model card that cannot be read"):
        coconet.read_card(path)


def test_a_missing_file_and_an_unknown_word_list_the_words() -> None:
    for name in ("gone.onnx", "lightning"):
        with pytest.raises(CoconetError, match="one of the words lite, .*lite-int8, .*coconet, .*average"):
            coconet.read_card(name)


def test_cards_are_records_that_come_back_from_their_json() -> None:
    card = coconet.read_card("lite-int8")
    assert ModelCard.from_json(card.to_json(), "test") == card
