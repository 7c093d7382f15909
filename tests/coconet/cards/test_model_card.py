from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from coconet.cards.model_card import CARD_KEY, CalibrationRecord, FrontEnd, ModelCard, Signature, card_from_metadata
from coconet.errors import CoconetError

CARD = ModelCard(
    network="lite",
    precision="int8",
    weights_sha256="ab" * 32,
    signature=Signature((-1.0, 1.0), (0.0, 1.0), side_multiple=16, normalization="image"),
    visible_channels=1,
    height_px=480,
    width_px=640,
    calibration=CalibrationRecord(25, "cd" * 32, "percentile 99.99"),
)


@pytest.mark.parametrize(
    "card", [CARD, replace(CARD, precision="fp16", calibration=None, height_px=None, width_px=None)]
)
def test_a_card_survives_json(card: ModelCard) -> None:
    assert ModelCard.from_json(card.to_json(), "x") == card


def test_a_card_keeps_the_front_end_of_its_calibration_and_older_cards_load_without_one() -> None:
    assert CARD.calibration is not None
    front_end = FrontEnd(raw_counts=True, contrast="plateau", agc_percentiles=(1.0, 99.0))
    noted = replace(CARD, calibration=replace(CARD.calibration, front_end=front_end))
    assert ModelCard.from_json(noted.to_json(), "x") == noted
    fields = json.loads(CARD.to_json())
    del fields["calibration"]["front_end"]
    assert ModelCard.from_json(json.dumps(fields), "x") == CARD


def test_equal_cards_are_equal_text() -> None:
    assert CARD.to_json() == replace(CARD).to_json()


@pytest.mark.parametrize("text", ["", "[]", "{}", '"card"', json.dumps({"network": "lite"})])
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(CoconetError, match="m.onnx has a model card that cannot be read"):
        ModelCard.from_json(text, "m.onnx")


@pytest.mark.parametrize(
    "fields", [{"visible_channels": 2}, {"precision": "fp8"}, {"precision": "fp32"}, {"calibration": None}]
)
def test_a_card_that_contradicts_itself_cannot_be_made(fields: dict[str, Any]) -> None:
    with pytest.raises(CoconetError, match="model card"):
        replace(CARD, **fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("input_range", (1.0, 1.0)),
        ("output_range", (2.0, 1.0)),
        ("side_multiple", 0),
        ("side_multiple", 3),
        ("normalization", "batch"),
    ],
)
def test_a_signature_is_checked_when_it_is_made(field: str, value: Any) -> None:
    with pytest.raises(CoconetError, match=f"model card, {field}"):
        replace(Signature(), **{field: value})


def test_metadata_without_a_card_is_sent_to_export() -> None:
    assert card_from_metadata({CARD_KEY: CARD.to_json()}, "m.onnx") == CARD
    with pytest.raises(CoconetError, match="m.onnx has no model card"):
        card_from_metadata({"author": "somebody"}, "m.onnx")
