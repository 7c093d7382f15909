from __future__ import annotations

from pathlib import Path

import pytest

from coconet.benchmarks.studies.precision import FrameSet
from coconet.benchmarks.studies.processor.shortcuts import HEADS, frame_sets, rows_of, ways_of
from coconet.media.image import write_picture
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.picking import candidate
from coconet.runtime.picking.candidate import candidates_of


def test_every_way_has_a_line_on_every_set_and_int8_keeps_its_limits() -> None:
    sets = [FrameSet("street", synthetic_pairs(1, 64, 96)), FrameSet("again", synthetic_pairs(2, 64, 96))]
    lines = [line.strip("| ").split(" | ") for line in rows_of("lite", sets)]
    assert len(lines) == 2 * (len(ways_of("lite")) - 1)
    assert {len(cells) for cells in lines} == {len(HEADS)}
    assert {cells[-1] for cells in lines if "int8" in cells[0]} <= {"yes"}


def test_the_way_that_is_never_picked_is_compared_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidate, "has_bf16", lambda: True)
    pytest.importorskip("openvino", reason="OpenVINO is not installed: the extra openvino brings it")
    ways, picked = ways_of("lite"), candidates_of("lite")
    assert [(one.path.name, one.kind) for one in ways if one not in picked] == [("lite.onnx", "openvino-bf16")]
    assert (ways[0], len(set(ways))) == (picked[0], len(ways))


@pytest.mark.parametrize(("most", "names"), [(9, 5), (2, 2), (3, 3)])
def test_pairs_of_a_folder_are_spread_over_it(tmp_path: Path, most: int, names: int) -> None:
    for index, pair in enumerate(synthetic_pairs(5, 32, 32)):
        for side, frame in (("vis", pair.visible), ("ir", pair.infrared)):
            (tmp_path / side).mkdir(exist_ok=True)
            write_picture(tmp_path / side / f"{index}.png", frame.pixels)
    (found,) = frame_sets([tmp_path], [], most)
    assert len(found.pairs) == names
