"""Points go from the infrared picture to the visible one and back, as the pictures themselves do."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from coconet.runtime.heat.placing import Placing
from coconet.runtime.preprocess.fit import fitted
from coconet.runtime.preprocess.warp import Alignment, Lens, Plane, source_points

BENT = Alignment(
    ((2.0, 0.05, 11.0), (-0.03, 2.1, 6.0), (1e-4, -5e-5, 1.0)),
    infrared_lens=Lens((150.0, 152.0), (80.0, 61.0), (-0.2, 0.05, 1e-3, -1e-3, 0.0)),
    visible_lens=Lens((300.0, 305.0), (170.0, 125.0), (0.1, -0.02, 0.0, 0.0, 0.0)),
    plane=Plane((40.0, 5.0), 20.0, 5.0),
)
POINTS = [(20.0, 30.0), (80.0, 60.0), (140.0, 100.0)]


def test_an_alignment_with_lenses_and_a_distance_takes_points_there_and_back() -> None:
    placing = Placing(by_alignment=BENT)
    there = placing.in_visible(POINTS)
    assert placing.in_infrared([(x, y) for x, y in there.tolist()]) == pytest.approx(np.array(POINTS), abs=0.02)
    table = source_points(BENT, (400, 300))
    x, y = np.rint(there[1]).astype(int)
    assert table[y, x] == pytest.approx(np.array(POINTS[1]), abs=0.6)  # as the picture is laid


@pytest.mark.parametrize("fit", ["scale", "crop"])
def test_a_fit_takes_a_point_to_where_its_pixel_is_shown(fit: str) -> None:
    infrared = np.zeros((60, 80, 1), np.uint8)
    infrared[20:23, 50:53] = 255
    found = fitted("crop" if fit == "crop" else "scale", (80, 60), (320, 200))
    placing = Placing(by_fit=found, infrared_px=(80, 60))
    shown = found.lay(infrared, (320, 200))[:, :, 0]
    moments = cv2.moments(shown)
    middle = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
    assert placing.in_visible([(51, 21)])[0] == pytest.approx(middle, abs=0.05)
    assert placing.in_infrared([(middle[0], middle[1])])[0] == pytest.approx([51, 21], abs=0.05)


def test_pictures_of_one_size_without_an_alignment_share_their_points() -> None:
    assert Placing().in_visible([(3, 4)]).tolist() == Placing().in_infrared([(3, 4)]).tolist() == [[3, 4]]
