"""The warp of an alignment as a node of a graph gives the picture that the runtime gives."""

from __future__ import annotations

import cv2
import numpy as np

from coconet.benchmarks.studies.warp_place import graph_warp
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.preprocess.warp import Alignment, Lens

INFRARED_PX, SIZE_PX = (96, 80), (160, 120)


def test_a_grid_in_a_graph_and_a_remap_before_it_agree_to_a_level() -> None:
    lens = Lens((90.0, 90.0), (48.0, 40.0), (-0.1, 0.02, 0.0, 0.0, 0.0))
    alignment = Alignment(((1.6, 0.05, 3.0), (-0.04, 1.5, 2.0), (1e-5, 2e-5, 1.0)), infrared_lens=lens)
    sharp = synthetic_pairs(1, INFRARED_PX[1], INFRARED_PX[0])[0].infrared.pixels
    smooth = cv2.GaussianBlur(sharp, (0, 0), 2)[:, :, None].astype(np.uint8)  # remap knows 32 steps between two pixels
    one, other = graph_warp(alignment, INFRARED_PX, SIZE_PX)(smooth), alignment.warp(smooth, SIZE_PX)
    assert one.shape == other.shape == (120, 160, 1)
    covered = (alignment.warp(np.full_like(smooth, 255), SIZE_PX) == 255).astype(np.uint8)
    whole = cv2.erode(covered, np.ones((3, 3))).astype(bool)  # at its border a picture falls to black at once
    assert np.abs(one.astype(int) - other)[whole].max() <= 1
    assert whole.mean() > 0.5
