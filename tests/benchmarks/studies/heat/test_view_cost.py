"""The costs of meters and views: every way does what it is called, and shares are of the loop."""

from __future__ import annotations

from coconet.benchmarks.studies.heat.view_cost import CostScene, medians_us, shares
from coconet.runtime.views.names import VIEW_NAMES


def test_every_view_and_all_of_the_loop_is_measured() -> None:
    scene = CostScene((96, 64))
    ways = {**scene.loop(), **scene.off(), **scene.measuring(), **scene.drawing()}
    assert {f"view {name}" for name in VIEW_NAMES} < ways.keys()
    assert all(taken > 0 for taken in medians_us(ways, 2).values())


def test_the_meters_that_are_measured_read_numbers_turn_after_turn() -> None:
    heat = CostScene((96, 64)).frame.pair.heat
    assert heat is not None
    assert len(heat.readings) == 8
    assert all(reading.value is not None for reading in heat.readings)


def test_shares_are_of_the_loop_at_the_same_size() -> None:
    table = shares({"small": {"a": 50.0}, "large": {"a": 100.0}}, {"small": 1000.0, "large": 10_000.0})
    cells = [next(iter(column.cells)) for column in table.columns]
    assert cells == ["a", "0.050", "5.0%", "0.100", "1.0%"]
