from __future__ import annotations

from pathlib import Path

import pytest

from coconet.benchmarks.studies.processor.targets import LARGE_VISIBLE, Target, large_rig, second_targets
from coconet.benchmarks.studies.processor.turns import Cost
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig


@pytest.mark.parametrize(("value", "at_most", "met"), [(0.5, True, True), (0.7, True, False), (0.7, False, True)])
def test_a_limit_is_kept_from_below_or_from_above(value: float, at_most: bool, met: bool) -> None:
    target = Target("ratio", 0.6, value, at_most=at_most)
    assert target.met is met
    assert target.cells()[-1] == ("yes" if met else "no")


def test_seconds_are_held_against_the_release_before_if_that_is_at_hand(tmp_path: Path) -> None:
    (alone,) = second_targets("of a command", 0.4, lambda: Cost(0.3, 0.2), 2, None)
    assert (alone.limit, alone.clock, alone.processor) == (0.4, 0.3, 0.2)
    before, asked = tmp_path / "coconet", tmp_path / "asked"
    before.write_text(f"#!/bin/sh\necho $1 >> {asked}\n")
    before.chmod(0o755)
    _, over = second_targets("of a command", 0.4, lambda: Cost(3000.0, 0.2), 2, before)
    assert over.limit == pytest.approx(1.25)
    assert over.clock > 100
    assert asked.read_text().split() == ["--help"] * 2


@pytest.mark.slow
def test_the_large_rig_gives_aligned_pairs_of_both_sizes(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(large_rig(tmp_path, seconds=0.1))
    with open_rig(Rig.from_file(path)) as pairs:
        pair = next(iter(pairs))
    assert pair.visible.pixels.shape[:2] == (LARGE_VISIBLE.height_px, LARGE_VISIBLE.width_px)
    assert pair.laid_infrared.shape[:2] == pair.visible.pixels.shape[:2]
