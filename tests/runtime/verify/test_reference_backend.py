"""Models opened to be compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coconet.cards.model_card import ModelCard
from coconet.errors import CoconetError
from coconet.model_names import shipped_model
from coconet.runtime.backends.baseline import BaselineBackend
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend
from coconet.runtime.verify.reference_backend import common_card, open_contender
from tests.support.conv_onnx import write_conv_model
from tests.support.tiny_onnx import averaging_card, write_averaging_model

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (32, 48, 3), dtype=np.uint8)
THERMAL = RNG.integers(0, 256, (32, 48, 1), dtype=np.uint8)


def test_an_int8_graph_runs_as_written(tmp_path: Path) -> None:
    path = write_conv_model(tmp_path / "m.onnx", "int8")
    as_written = OnnxRuntimeBackend(path, optimise=False).fuse(COLOUR, THERMAL)
    np.testing.assert_array_equal(open_contender(path).fuse(COLOUR, THERMAL), as_written)


def test_the_shipped_int8_model_runs_as_its_file_does() -> None:
    as_written = OnnxRuntimeBackend(shipped_model("lite-int8"), optimise=False).fuse(COLOUR, THERMAL)
    np.testing.assert_array_equal(open_contender("lite-int8").fuse(COLOUR, THERMAL), as_written)


def test_a_word_and_a_float_model_open_as_ever(tmp_path: Path) -> None:
    assert isinstance(open_contender("average"), BaselineBackend)
    assert open_contender(write_averaging_model(tmp_path / "m.onnx")).card.precision == "fp32"


@pytest.mark.parametrize("turned", [False, True])
def test_the_common_card_has_the_size_of_the_one_that_has_any_and_the_fewer_channels(turned: bool) -> None:
    cards: list[ModelCard] = [averaging_card(3, (24, 32)), averaging_card(1)]
    if turned:
        cards.reverse()
    common = common_card(*cards)
    assert (common.height_px, common.width_px, common.visible_channels) == (24, 32, 1)


def test_sizes_that_agree_are_kept_and_others_are_refused() -> None:
    card = averaging_card(size=(24, 32))
    assert common_card(card, card) == card
    with pytest.raises(CoconetError, match=r"got 24x32 .* for A and 24x40 .* for B"):
        common_card(card, replace(card, width_px=40))
