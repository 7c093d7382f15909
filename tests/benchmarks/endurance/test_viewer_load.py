"""The cost of an audience: the loop is measured alone and watched, and the viewers do get pictures."""

from __future__ import annotations

import pytest

from coconet.benchmarks.endurance.viewer_load import Plan, Turn, ViewerLoadResult, audience_cost
from coconet.errors import CoconetError
from coconet.runtime.rig.rig_file import Rig


def test_viewers_get_pictures_in_their_turn_and_each_is_encoded_once() -> None:
    camera = "synthetic://?width=64&height=48&fps=50"
    told: list[Turn] = []
    cost = audience_cost(Rig.from_addresses(camera, camera, realtime=True), "average", Plan(3, 1, 1.0), told.append)
    assert told == list(cost.turns)
    assert told[0].pictures_per_s > 0
    assert cost.encoded > 0


def test_the_cost_is_the_median_share_that_was_lost() -> None:
    turns = tuple(Turn(1.0, 20.0, watched, 100.0) for watched in (19.0, 20.0, 10.0))
    assert ViewerLoadResult("lite", "numpy", 10, turns, 5).cost == pytest.approx(0.05)


def test_a_turn_without_a_frame_tells_nothing() -> None:
    with pytest.raises(CoconetError, match="got no fused frame in 2 s"):
        _ = Turn(2.0, 0.0, 0.0, 0.0).cost
