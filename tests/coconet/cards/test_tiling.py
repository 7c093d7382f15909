"""What cards say of fusing pictures in parts, and what older ones are taken to say."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from coconet.cards.model_card import ModelCard, Signature
from coconet.cards.onnx_metadata import read_onnx_card
from coconet.cards.tiling import KNOWN, OF_LITE, Tiling
from coconet.errors import CoconetError
from coconet.model_names import shipped_model

CARD = ModelCard("densefuse", "fp32", "0" * 64, Signature(tiling=Tiling(8, 2400)))


def without_tiling(card: ModelCard) -> ModelCard:
    """The card as releases wrote it that did not know of parts."""
    fields = json.loads(card.to_json())
    del fields["signature"]["tiling"]
    return ModelCard.from_json(json.dumps(fields), "card")


def test_a_card_keeps_what_it_says_of_parts() -> None:
    assert ModelCard.from_json(CARD.to_json(), "card") == CARD
    assert CARD.tiling == Tiling(8, 2400)


def test_an_older_card_is_not_given_parts_unless_it_is_of_lite() -> None:
    assert without_tiling(CARD).tiling is None
    assert without_tiling(replace(CARD, network="lite")).tiling == KNOWN["lite"]


@pytest.mark.parametrize("word", ["lite", "lite-fp16", "lite-int8", "lite-int8-fp16"])
def test_the_shipped_lite_may_be_given_parts(word: str) -> None:
    assert read_onnx_card(shipped_model(word)).tiling == OF_LITE


def test_the_shipped_coconet_may_not_as_its_attention_sees_the_whole_picture() -> None:
    assert read_onnx_card(shipped_model("coconet-fp16")).tiling is None


@pytest.mark.parametrize(
    "whole",
    [
        replace(CARD, signature=replace(CARD.signature, stretch=True)),
        replace(CARD, signature=replace(CARD.signature, normalization="image")),
        replace(CARD, form="warped"),
        replace(CARD, batch=2),
    ],
)
def test_what_depends_on_the_whole_picture_is_not_given_parts_whatever_its_network_is(whole: ModelCard) -> None:
    assert whole.tiling is None


def test_an_overlap_below_0_is_refused() -> None:
    with pytest.raises(CoconetError, match="0 or more pixels"):
        Tiling(-1, 100)
