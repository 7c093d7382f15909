"""The pictures of all views, palettes and heats: one for each, from a scene of known temperature."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from coconet.benchmarks.studies.heat import looks
from coconet.benchmarks.studies.heat.looks import heats_of, main, palettes_of, street_frame, views_of
from coconet.media.image import read_picture
from coconet.media.palettes.palette import SHOWN
from coconet.media.panel import BAND_PX, GAP_PX
from coconet.runtime.views.names import VIEW_NAMES

SMALL = "synthetic://?width=160&height=120&fps=25"


def test_every_view_and_every_palette_has_a_place() -> None:
    frame = street_frame(SMALL)
    for sheet, count, columns in ((views_of(frame), len(VIEW_NAMES), 5), (palettes_of(frame), len(SHOWN), 3)):
        rows = -(-count // columns)
        assert sheet.shape == (rows * (240 + BAND_PX), columns * 320 + (columns - 1) * GAP_PX, 3)
        cells = [
            sheet[row * 264 + 34 : row * 264 + 254, column * 324 : column * 324 + 320]
            for row in range(rows)
            for column in range(columns)
        ][:count]
        assert len({cell.tobytes() for cell in cells}) == count
        assert min(cell.std() for cell in cells) > 5


@pytest.mark.parametrize("count", [1, 4, 6])
def test_a_last_row_may_have_fewer_views(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "VIEW_NAMES", VIEW_NAMES[:count])
    sheet = views_of(street_frame(SMALL))
    assert sheet.shape[0] == -(-count // 5) * (240 + BAND_PX)
    assert sheet[-240:, -320:].std() == 0


def test_the_street_has_temperatures() -> None:
    heat = street_frame(SMALL).pair.heat
    assert heat is not None
    assert heat.temperatures is not None
    assert -20 < heat.temperatures.min() < 0
    assert 30 < heat.temperatures.max() < 45


def test_five_heats_stand_beside_each_other_and_the_first_is_the_visible_picture() -> None:
    frame = street_frame("synthetic://?width=320&height=240&fps=25")
    sheet = heats_of(frame)
    assert sheet.shape == (240 + BAND_PX, 5 * 320 + 4 * GAP_PX, 3)
    cells = [sheet[BAND_PX:, at * (320 + GAP_PX) : at * (320 + GAP_PX) + 320] for at in range(5)]
    assert np.array_equal(cells[0], frame.pair.visible.pixels)
    assert len({cell.tobytes() for cell in cells}) == 5


def test_the_command_writes_the_three_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "street_frame", lambda: street_frame(SMALL))
    monkeypatch.setattr(sys, "argv", ["looks", str(tmp_path)])
    main()
    assert {path.name for path in tmp_path.iterdir()} == {"views.jpg", "palettes.jpg", "heats.jpg"}
    assert read_picture(tmp_path / "views.jpg").shape[1] == 5 * 320 + 4 * GAP_PX
