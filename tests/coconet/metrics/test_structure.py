"""A picture that shows nothing of its sources is told from one that shows either of them, however dark or low it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from coconet.metrics.structure import StructureWatch, loss_of

Plane = NDArray[np.float64]

Y, X = np.mgrid[:64, :80]
VISIBLE: Plane = 120 + 60 * np.sin(X / 5.0)
INFRARED: Plane = np.where((X - 40) ** 2 + (Y - 30) ** 2 < 200, 220.0, 60.0)


@pytest.mark.parametrize(
    ("rule", "loss"),
    [
        (lambda visible, infrared: (visible + infrared) / 2, None),
        (lambda visible, infrared: visible, None),
        (lambda visible, infrared: infrared / 4, None),
        (lambda visible, infrared: 128 + (visible - 120) / 5, None),
        (lambda visible, infrared: np.full_like(visible, 127.0), "flat"),
        (lambda visible, infrared: 127 + (visible - 120) / 50, "flat"),
        (lambda visible, infrared: np.zeros_like(visible), "cut off"),
        (lambda visible, infrared: np.clip(visible * 40 - 300, 0, 255), "cut off"),
        (lambda visible, infrared: 255 - (visible + infrared) / 2, "unlike"),
        (lambda visible, infrared: np.random.default_rng(0).uniform(20, 230, visible.shape), "unlike"),
    ],
)
def test_each_loss_is_told_from_what_is_merely_odd(rule: Callable[[Plane, Plane], Plane], loss: str | None) -> None:
    assert loss_of(rule(VISIBLE, INFRARED), (VISIBLE, INFRARED)) == loss


def test_of_flat_sources_nothing_is_said_and_one_that_has_structure_is_enough() -> None:
    flat = np.full_like(VISIBLE, 90.0)
    assert loss_of(flat, (flat, flat + 1)) is None
    assert loss_of(flat, (flat, INFRARED)) == "flat"
    assert loss_of(INFRARED, (flat, INFRARED)) is None


def test_a_saturated_source_may_stay_saturated() -> None:
    white = np.where(X < 60, 255.0, 100.0)
    assert loss_of(white, (white, INFRARED)) is None


def test_a_warning_says_what_is_wrong_on_which_frame_and_what_to_do() -> None:
    watch = StructureWatch()
    for number in range(3):
        watch.look(f"{number}.png", np.full_like(VISIBLE, 127.0), VISIBLE, INFRARED)
    watch.look("3.png", VISIBLE, VISIBLE, INFRARED)
    assert watch.warning.startswith("fuses 3 of 4 frames into pictures that show nothing of use: that of 0.png is flat")
    assert all(word in watch.warning for word in ("train it longer", "--range, --output-range and --order"))


def test_a_single_odd_frame_and_none_at_all_are_no_warning() -> None:
    watch = StructureWatch()
    assert watch.warning == ""
    for fused in (np.full_like(VISIBLE, 127.0), VISIBLE, INFRARED):
        watch.look("a.png", fused, VISIBLE, INFRARED)
    assert watch.warning == ""
