"""What viewers wish for: views and palettes are listed, wishes read, and what is none refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.palettes.palette import SHOWN, Palette, palette_colours
from coconet.runtime.drawing.renderer import Renderer
from coconet.runtime.look import Look
from coconet.runtime.viewers.look_routes import looks_of
from coconet.runtime.views.names import VIEW_NAMES
from tests.support.rigs.live_rig import live_rig

OWN = Palette.of("lab", np.zeros((256, 3), np.float32))


def test_a_page_is_told_all_views_and_palettes(tmp_path: Path) -> None:
    with live_rig(tmp_path) as rig:
        status, _, body = rig.ask("GET", "/looks")
    told = json.loads(body)
    assert status == 200
    assert [view["name"] for view in told["views"]] == list(VIEW_NAMES)
    assert {view["name"]: view["keys"][:1] for view in told["views"]}["edges"] == ["edges"]
    assert [palette["name"] for palette in told["palettes"]] == list(SHOWN)
    viridis = next(one for one in told["palettes"] if one["name"] == "viridis")
    hottest = palette_colours("viridis")[-1, ::-1].astype(int).tolist()
    assert (viridis["ordered"], viridis["swatch"][-1]) == (True, "#{:02x}{:02x}{:02x}".format(*hottest))


def test_a_wish_has_the_keys_of_a_rig_file() -> None:
    wish = {"show": "isotherm", "meters": False, "isotherm": {"above": 40, "below": None}, "overlay": {"show": ["utc"]}}
    (look,) = looks_of(json.dumps({"looks": [wish]}), Renderer())
    assert (look.show, look.meters, look.isotherm.above, look.overlay.show) == ("isotherm", False, 40, ("utc",))


def test_what_a_page_is_told_can_be_wished_for_again() -> None:
    told = Look(show="split", colours="lab").model_dump(mode="json")
    assert looks_of(json.dumps({"looks": [told]}), Renderer({"lab": OWN})) == [Look(show="split", colours="lab")]


@pytest.mark.parametrize(
    "look",
    [
        {"show": "heat"},
        {"colours": "lab"},
        {"colours": "../secret.csv"},
        {"meters": [1]},
        {"edges": {"strength": 1e9}},
        {"isotherm": {"between": [4, 3]}},
        {"view": "fused"},
        [],
        None,
    ],
)
def test_a_wish_that_is_none_is_refused(look: object) -> None:
    with pytest.raises(CoconetError):
        looks_of(json.dumps({"looks": [look]}), Renderer())
