"""What the metrics accept as a gray picture."""

from __future__ import annotations

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.metrics.gray import as_levels, as_samples


def test_floats_are_rounded_and_clipped_as_saving_would() -> None:
    (levels,) = as_levels(np.array([[-3.0, 0.4, 0.6], [254.5, 254.6, 300.0]]))
    assert levels.tolist() == [[0, 0, 1], [254, 255, 255]]
    assert levels.dtype == np.uint8


def test_uint8_pictures_become_float64_of_the_same_values() -> None:
    (samples,) = as_samples(np.array([[0, 255]], np.uint8))
    assert samples.dtype == np.float64
    assert samples.tolist() == [[0.0, 255.0]]


@pytest.mark.parametrize("shape", [(4, 4, 3), (16,), (4, 1), (0, 4)])
def test_other_shapes_and_short_sides_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(CoconetError, match=r"need \(H, W\) gray pictures of at least 2 pixels a side"):
        as_levels(np.zeros(shape, np.uint8), least_px=2)


def test_unequal_sizes_are_refused_with_both() -> None:
    with pytest.raises(CoconetError, match=r"equal size, here \(2, 3\), not shape \(3, 2\)"):
        as_levels(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(bad: float) -> None:
    with pytest.raises(CoconetError, match="cannot be computed from NaN or infinity"):
        as_samples(np.array([[0.0, bad]]))
