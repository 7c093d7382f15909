"""Pictures that travel as files, held against what is known of them."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from coconet.benchmarks.studies.fleet.travel_cost import SAME_DB, distance_db, travelled
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.serving.protocol.picture_coding import PictureCoding


def test_the_distance_of_pictures_one_level_apart_is_that_of_the_formula() -> None:
    dark = np.zeros((4, 6, 3), np.uint8)
    assert distance_db(dark, dark + np.uint8(1)) == pytest.approx(48.1308, abs=1e-4)
    assert distance_db(dark, dark) == SAME_DB


def test_png_brings_the_same_picture_in_fewer_bytes_and_jpeg_another_one_in_fewer_still() -> None:
    across = np.linspace(0, 255, 64).astype(np.uint8)
    pair = (
        np.broadcast_to(across[None, :, None], (48, 64, 3)),
        np.broadcast_to(across[::-1][None, :, None], (48, 64, 1)),
    )
    with closing(open_backend("average")) as backend:
        raw, png, jpeg = (travelled(backend, pair, PictureCoding.parse(way)) for way in ("raw", "png", "jpeg:60"))
    assert np.array_equal(raw[0], backend.fuse(*pair))
    assert np.array_equal(raw[0], png[0])
    assert 30 < distance_db(raw[0], jpeg[0]) < SAME_DB
    assert raw[1] > 48 * 64 * 7 > png[1]
