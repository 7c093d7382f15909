"""Models opened to be compared."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from coconet.cards.model_card import ModelCard
from coconet.cards.precision import PrecisionName
from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.model_names import shipped_model
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.verify.reference_backend import CachingBackend, common_card, open_to_compare
from tests.support.models.conv_onnx import write_conv_model
from tests.support.models.tiny_onnx import averaging_card, write_averaging_model

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (32, 48, 3), dtype=np.uint8)
THERMAL = RNG.integers(0, 256, (32, 48, 1), dtype=np.uint8)


def test_an_int8_graph_runs_as_written(tmp_path: Path) -> None:
    path = write_conv_model(tmp_path / "m.onnx", "int8")
    as_written = OnnxRuntimeBackend(path, optimise=False).fuse(COLOUR, THERMAL)
    np.testing.assert_array_equal(open_to_compare(path).fuse(COLOUR, THERMAL), as_written)


def test_the_shipped_int8_model_runs_as_its_file_does() -> None:
    as_written = OnnxRuntimeBackend(shipped_model("lite-int8"), optimise=False).fuse(COLOUR, THERMAL)
    np.testing.assert_array_equal(open_to_compare("lite-int8").fuse(COLOUR, THERMAL), as_written)


def test_a_word_and_a_float_model_open_as_ever(tmp_path: Path) -> None:
    assert isinstance(open_to_compare("average"), BaselineBackend)
    assert open_to_compare(write_averaging_model(tmp_path / "m.onnx")).card.precision == "fp32"


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_model_to_compare_is_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: PrecisionName
) -> None:
    opened: list[str] = []
    session = onnxruntime.InferenceSession

    def counted(path: str, *arguments: Any, **options: Any) -> Any:
        opened.append(path)
        return session(path, *arguments, **options)

    monkeypatch.setattr(onnxruntime, "InferenceSession", counted)
    path = write_conv_model(tmp_path / "m.onnx", precision)
    assert open_to_compare(path).card.precision == precision
    assert opened == [str(path)]


def test_a_missing_model_is_said_in_the_words_of_every_model(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"gone\.onnx does not exist; expected a model file, or one of the words"):
        open_to_compare(tmp_path / "gone.onnx")


class Counted:
    """A backend that answers the visible frame plus the number of its call."""

    card, name = averaging_card(), "counted"

    def __init__(self) -> None:
        self.calls, self.closed = 0, 0

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        self.calls += 1
        return np.asarray(visible + self.calls, np.uint8)

    def close(self) -> None:
        self.closed += 1


def test_what_was_fused_is_remembered_by_the_samples_of_both_frames() -> None:
    counted = Counted()
    remembered = CachingBackend(counted)
    with closing(remembered):
        first = remembered.fuse(COLOUR, THERMAL)
        first[:] = 0  # the caller's own, to do with what it likes
        np.testing.assert_array_equal(remembered.fuse(COLOUR.copy(), THERMAL.copy()), COLOUR + np.uint8(1))
        other = THERMAL.copy()
        other[0, 0, 0] ^= 1
        np.testing.assert_array_equal(remembered.fuse(COLOUR, other), COLOUR + np.uint8(2))
        remembered.fuse(COLOUR.reshape(48, 32, 3), THERMAL.reshape(48, 32, 1))  # the same bytes in another shape
        assert (counted.calls, remembered.card, remembered.name) == (3, counted.card, "counted")
        folder = Path(remembered._folder.name)
        assert len(list(folder.iterdir())) == 3
    assert not folder.exists()
    assert counted.closed == 1


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
    with pytest.raises(CoconetError, match=r"A takes 24x32 .* and B 24x40"):
        common_card(card, replace(card, width_px=40))
