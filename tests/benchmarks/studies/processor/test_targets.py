from __future__ import annotations

from pathlib import Path

import pytest

from coconet.benchmarks.studies.processor.targets import LARGE_VISIBLE, Target, large_rig
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig


@pytest.mark.parametrize(("value", "at_most", "met"), [(0.5, True, True), (0.7, True, False), (0.7, False, True)])
def test_a_limit_is_kept_from_below_or_from_above(value: float, at_most: bool, met: bool) -> None:
    target = Target("ratio", 0.6, value, at_most=at_most)
    assert target.met is met
    assert target.cells()[-1] == ("yes" if met else "no")


@pytest.mark.slow
def test_the_large_rig_gives_aligned_pairs_of_both_sizes(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(large_rig(tmp_path, seconds=0.1))
    with open_rig(Rig.from_file(path)) as pairs:
        pair = next(iter(pairs))
    assert pair.visible.pixels.shape[:2] == (LARGE_VISIBLE.height_px, LARGE_VISIBLE.width_px)
    assert pair.laid_infrared.shape[:2] == pair.visible.pixels.shape[:2]
