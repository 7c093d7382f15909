"""Looks from words and rig files: what is taken, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from coconet.errors import CoconetError
from coconet.runtime.look import Look, OutputLook, look_fields
from coconet.runtime.rig.rig_file import Rig, with_look

RIG = Rig.from_addresses("vis", "ir")


def test_words_are_a_view_and_keys_of_it_as_in_a_rig_file() -> None:
    words = ["edges", "colours=ironbow", "edges.strength=2", "edges.colour=#ff0000", "isotherm.between=[30, 40]"]
    assert look_fields(words) == {
        "show": "edges",
        "colours": "ironbow",
        "edges": {"strength": 2, "colour": "#ff0000"},
        "isotherm": {"between": [30, 40]},
    }


def test_a_look_that_is_asked_for_is_that_of_the_view_and_of_the_output() -> None:
    rig = with_look(RIG, look_fields(["edges", "edges.strength=2", "overlay.show=['utc', 'age']"]))
    assert rig.view.show == rig.output.show == "edges"
    assert rig.output.edges == Look().edges.model_copy(update={"strength": 2})
    assert rig.view.overlay.show == ("utc", "age")
    assert (rig.view.meters, rig.output.meters) == (True, False)


def test_keys_that_are_not_asked_for_stay_those_of_the_rig_file(tmp_path: Path) -> None:
    text = "[visible]\naddress='v'\n[infrared]\naddress='i'\n[output]\nshow='blend'\nblend=0.3\nedges={strength=3}\n"
    (tmp_path / "rig.toml").write_text(text)
    rig = with_look(Rig.from_file(tmp_path / "rig.toml"), look_fields(["edges.colour=#00ff00"]))
    assert (rig.output.show, rig.output.blend, rig.output.edges.strength) == ("blend", 0.3, 3)
    assert rig.view.show == "fused"


def test_no_words_leave_the_rig_as_it_is() -> None:
    assert with_look(RIG, look_fields([])) is RIG
    assert RIG.output.is_plain
    assert not OutputLook(show="visible").is_plain


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["heat"], "view.show"),
        (['edges.colour=""', "blend=2"], "blend"),
        (["colours=pink"], "colours"),
        (["edges.strength=9"], "edges.strength"),
        (["edges.strength=much"], "edges.strength"),
        (["edges.colour=red"], "edges.colour must be a colour such as #ff8020, not 'red'"),
        (["isotherm.above_colour=red"], "isotherm.above_colour must be a colour such as #ff8020, not 'red'"),
        (["blend=1.5"], "blend"),
        (["isotherm.between=[40, 30]"], "isotherm.between"),
        (["overlay.show=['weather']"], "overlay.show"),
        (["overlay.show=utc"], "overlay.show must be a list, not 'utc'"),
        (["a.b.c=1"], "a key and its value"),
        (["=1"], "a key and its value"),
        (["edges.strength=1", "edges=2"], "edges"),
        (["edges=2", "edges.strength=1"], "both"),
        (["edges.strength=1", "edges.strength=2"], "--look names edges.strength twice. Leave one of them out."),
        (["edges", "split"], "--look names a view twice"),
        (["reversed=1"], "reversed"),
    ],
)
def test_what_is_no_look_is_refused_by_its_key(words: list[str], complaint: str) -> None:
    with pytest.raises(CoconetError, match=complaint):
        with_look(RIG, look_fields(words))


def test_palettes_of_a_rig_lie_beside_it_and_are_sources_that_no_output_may_harm(tmp_path: Path) -> None:
    text = "[visible]\naddress='v'\n[infrared]\naddress='i'\n[view]\ncolours='lab'\n[palettes]\nlab='lab.csv'\n"
    (tmp_path / "rig.toml").write_text(text)
    rig = Rig.from_file(tmp_path / "rig.toml")
    assert tmp_path / "lab.csv" in rig.sources
    assert rig.view.colours == "lab"


def test_a_palette_may_not_take_the_name_of_another() -> None:
    with pytest.raises(CoconetError, match="the name of a palette already"):
        Rig.model_validate({**RIG.model_dump(), "palettes": {"turbo": "x.csv"}})
