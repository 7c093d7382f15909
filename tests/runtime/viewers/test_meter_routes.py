"""Meters on the page: what they read, in figures, metrics and the picture, and how they are changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from coconet.runtime.drawing.renderer import Renderer
from coconet.runtime.heat.meter import MeterTable
from coconet.runtime.heat.meters import Meters
from coconet.runtime.heat.temperature import TemperatureTable
from coconet.runtime.heat.thermometer import Thermometer
from coconet.runtime.look import Look
from coconet.runtime.preprocess.agc import ThermalStretch
from coconet.runtime.preprocess.fit import Placement
from coconet.runtime.preprocess.preprocess import Preparation
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from tests.support.rigs.live_rig import LiveRig, LoopEnds, live_rig, until

RIG = """
[visible]
address = "synthetic://"
[infrared]
address = "synthetic://"
[infrared.temperature]
scheme = "lepton"
unit = "fahrenheit"
"""
TABLES = (
    MeterTable(name="hot", kind="hottest"),
    MeterTable(name="all", kind="box", points_px=((0, 0), (63, 47)), above=80),
    MeterTable(name="gone", kind="spot", points_px=((99, 99),)),
)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRig]:
    file = tmp_path_factory.mktemp("rig") / "rig.toml"
    file.write_text(RIG)
    meters = Meters(Thermometer(TemperatureTable(scheme="lepton", unit="fahrenheit")), TABLES)
    preparation = Preparation(ThermalStretch(), Placement(Alignment()), ("visible", "infrared"), meters=meters)
    tuner = AdjustableRig(Rig.from_file(file), file)
    with live_rig(file.parent / "captures", tuner=tuner, ends=LoopEnds(preparation, counts=True)) as running:
        yield running


def vitals(rig: LiveRig) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(rig.ask("GET", "/vitals")[2])["vitals"]
    return told


def test_the_figures_have_what_every_meter_reads(rig: LiveRig) -> None:
    assert until(lambda: vitals(rig)["meters"][0]["value"] is not None)
    hot, box, gone = vitals(rig)["meters"]
    assert (hot["name"], hot["unit"], hot["value"]) == ("hot", "fahrenheit", pytest.approx(97.7, abs=0.01))
    assert (box["share_above"], box["max"]) == (pytest.approx(8 / 64), pytest.approx(97.7, abs=0.01))
    assert (gone["value"], gone["blind"]) == (None, "outside of the infrared picture of 64x48")


def test_the_metrics_have_it_in_degrees_celsius(rig: LiveRig) -> None:
    assert until(lambda: vitals(rig)["meters"][0]["value"] is not None)
    text = rig.ask("GET", "/metrics")[2].decode()
    found = {family.name: family.samples for family in text_string_to_metric_families(text)}
    celsius = {(one.labels["meter"], one.labels["statistic"]): one.value for one in found["coconet_meter_celsius"]}
    assert celsius["hot", "max"] == pytest.approx(36.5, abs=0.01)
    assert celsius["all", "min"] == pytest.approx(20, abs=0.01)
    assert {one.labels["meter"]: one.value for one in found["coconet_meter_blind"]} == {"hot": 0, "all": 0, "gone": 1}
    assert not [key for key in celsius if key[0] == "gone"]
    assert found["coconet_meter_share_above_ratio"][0].value == pytest.approx(8 / 64)


def test_the_picture_has_them_only_when_that_is_wished(rig: LiveRig) -> None:
    assert until(lambda: vitals(rig)["meters"][0]["value"] is not None)
    posted = rig.page.view.board.newest
    assert posted is not None
    plain = Renderer().draw(posted.frame, Look(show="visible", meters=False))
    assert plain is posted.frame.pair.visible.pixels
    assert (Renderer().draw(posted.frame, Look(show="visible")) != plain).any()


def test_meters_are_changed_and_saved_through_the_page(rig: LiveRig, tmp_path: Path) -> None:
    told = json.loads(rig.ask("GET", "/meters")[2])
    assert told == {"meters": [], "measures": True, "may_change": True, "shown_px": []}
    spot = {"name": "spot 1", "kind": "spot", "points_px": [[3, 4]], "pixels": "visible"}
    status, _, body = rig.ask("POST", "/meters", {"meters": [spot]})
    assert (status, json.loads(body)["meters"]) == (200, [spot])
    assert rig.ask("POST", "/settings/save", {})[0] == 200
    for wrong in ({"meters": [{"name": "x"}]}, {"meters": 3}, {}, {"meters": [spot, spot]}):
        status, _, body = rig.ask("POST", "/meters", wrong)
        assert status == 400
        assert re.search(
            "must be|stands twice|has nothing|names neither|is missing|not a known key", json.loads(body)["error"]
        )
    told = json.loads(rig.ask("GET", "/meters")[2])
    assert (told["meters"], told["shown_px"]) == ([spot], [[[3, 4]]])


def test_a_meter_in_infrared_pixels_is_told_with_where_it_is_shown(rig: LiveRig) -> None:
    assert until(lambda: vitals(rig)["meters"][0]["value"] is not None)
    spot = {"name": "spot", "kind": "spot", "points_px": [[5, 6]]}
    told = json.loads(rig.ask("POST", "/meters", {"meters": [spot, {"name": "hot", "kind": "hottest"}]})[2])
    assert told["shown_px"] == [[[5, 6]], None]
