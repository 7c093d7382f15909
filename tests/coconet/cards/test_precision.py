"""Precisions: every one has all that follows from it, and what is asked of one is asked of its record."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import get_args

import pytest
import torch

from coconet.cards.model_card import CalibrationRecord, ModelCard
from coconet.cards.precision import EXPORTED, PRECISIONS, REFERENCE, Precision, PrecisionName, labels
from coconet.errors import CoconetError

RECORDS = list(PRECISIONS.values())
CALIBRATED = labels(tuple(record for record in RECORDS if record.calibrated), "and")
each_precision = pytest.mark.parametrize("precision", RECORDS, ids=PRECISIONS)


def test_every_name_has_its_record() -> None:
    assert tuple(PRECISIONS) == get_args(PrecisionName)
    assert [record.name for record in RECORDS] == list(PRECISIONS)


@each_precision
def test_a_record_does_not_change(precision: Precision) -> None:
    with pytest.raises(FrozenInstanceError):
        precision.rate = 0.0  # type: ignore[misc]


@each_precision
def test_no_precision_is_held_tighter_or_counted_slower_than_the_reference(precision: Precision) -> None:
    reference = PRECISIONS[REFERENCE]
    assert precision.limits.worst_psnr_db <= reference.limits.worst_psnr_db
    assert precision.limits.max_abs_error >= reference.limits.max_abs_error
    assert precision.metric_change >= reference.metric_change
    assert precision.rate >= reference.rate == 1.0


@each_precision
def test_calibration_aims_higher_than_what_is_refused(precision: Precision) -> None:
    assert not precision.calibrated or precision.aim_psnr_db > precision.limits.worst_psnr_db


def test_words_and_marks_tell_precisions_apart() -> None:
    for facts in ([r.word for r in RECORDS], [r.marker for r in RECORDS], [r.mark for r in RECORDS]):
        assert len(set(facts)) == len(RECORDS)


@each_precision
def test_a_precision_is_exported_or_calibrated(precision: Precision) -> None:
    assert (precision in EXPORTED) != precision.calibrated
    if precision.calibrated:
        with pytest.raises(
            CoconetError,
            match=f"precision {precision.name} cannot be exported.* Export {' or '.join(one.name for one in EXPORTED)}",
        ):
            precision.exported_dtype()
    else:
        assert getattr(torch, precision.exported_dtype()).is_floating_point


@each_precision
def test_a_card_takes_every_precision_and_ranges_for_calibrated_ones_alone(precision: Precision) -> None:
    record = CalibrationRecord(1, "0" * 64, "percentile 99.99") if precision.calibrated else None
    made = ModelCard("lite", precision.name, "", calibration=record)
    assert ModelCard.from_json(made.to_json(), "m.onnx") == made
    with pytest.raises(CoconetError, match=r"model card, calibration (is missing|does not belong on)") as refused:
        ModelCard("lite", precision.name, "", calibration=None if record else CalibrationRecord(1, "", ""))
    assert refused.value.wanted == f"a calibration record on {CALIBRATED} models and on no others"


@pytest.mark.parametrize(
    ("name", "model", "file"),
    [
        ("fp32", "runs/lite.safetensors", "runs/lite.onnx"),
        ("fp16", "latest.pth", "latest.fp16.onnx"),
        ("int8", "lite.fp16.onnx", "lite.fp16.int8.onnx"),
    ],
)
def test_a_graph_is_named_after_its_model_and_its_precision(name: PrecisionName, model: str, file: str) -> None:
    assert PRECISIONS[name].onnx_beside(Path(model)) == Path(file)


def test_what_is_asked_for_by_a_word_is_exported_and_not_the_reference() -> None:
    assert [record for record in RECORDS if record.asked_by] == [one for one in EXPORTED if one.name != REFERENCE]
    assert PRECISIONS["fp16"].asked_by == "half"


def test_precisions_are_enumerated_in_sentences() -> None:
    assert labels((PRECISIONS["fp32"], PRECISIONS["fp16"]), "or") == "FP32 or FP16"
    assert labels((PRECISIONS["int8"],), "and") == "INT8"
