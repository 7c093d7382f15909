"""Every key that a rig file may have is documented, and its value is of its own type."""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import BaseModel

from coconet.config import Checked
from coconet.errors import CoconetError
from coconet.runtime.cameras.device.csi import CsiSettings
from coconet.runtime.cameras.synthetic.camera import SyntheticSettings
from coconet.runtime.rig.rig_file import Rig

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "rig.md"
SYNTHETIC = "synthetic://?width=64&height=48"


def types_in(annotation: Any) -> Iterator[type]:
    """The classes that an annotation is made of."""
    for inner in get_args(annotation):
        yield from types_in(inner)
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        yield annotation


def keys_of(table: type) -> Iterator[str]:
    """The keys of a table and of the tables in it."""
    if issubclass(table, BaseModel):
        annotations: dict[str, Any] = {name: field.annotation for name, field in table.model_fields.items()}
    elif dataclasses.is_dataclass(table):
        annotations = get_type_hints(table)
    else:
        return
    yield from annotations
    for annotation in annotations.values():
        for inner in types_in(annotation):
            yield from keys_of(inner)


def test_every_key_of_a_rig_is_in_an_example_of_its_document() -> None:
    examples = "\n".join(re.findall(r"^```toml\n(.*?)^```$", DOCUMENT.read_text(), flags=re.MULTILINE | re.DOTALL))
    keys = set(keys_of(Rig))
    assert {"realtime", "offset_ms", "pair_by", "range_of", "late_periods", "fourcc", "focal_px", "distance_m"} <= keys
    mentioned = set(re.findall(r"[\w-]+", examples))
    assert keys - mentioned == set()


@pytest.mark.parametrize(("kind", "settings"), [("synthetic://", SyntheticSettings), ("csi://N", CsiSettings)])
def test_every_setting_of_an_address_is_in_a_table_of_the_document(kind: str, settings: type[Checked]) -> None:
    table = DOCUMENT.read_text().partition(f"| key of `{kind}` |")[2].partition("\n\n")[0]
    assert {key for row in table.splitlines()[2:] for key in re.findall(r"`(\w+)`", row.split("|")[1])} == set(
        settings.model_fields
    )


@pytest.mark.parametrize(
    ("table", "line", "said"),
    [
        ("infrared", 'offset_ms = "3"', "infrared.offset_ms must be a number, not a text"),
        ("infrared", "offset_ms = true", "infrared.offset_ms must be a number, not True"),
        ("infrared", 'black_hot = "yes"', "infrared.black_hot must be true or false, not a text"),
        ("infrared", "mend_dead_pixels = 1", "infrared.mend_dead_pixels must be true or false, not 1"),
        ("infrared", 'agc_percentiles = ["1", 99]', "infrared.agc_percentiles must be a number, not a text"),
        ("infrared", 'size_px = [640, "480"]', "infrared.size_px must be a number"),
        ("pairing", 'tolerance_ms = "20"', "pairing.tolerance_ms must be a number"),
        ("health", 'late_s = "1"', "health.late_s must be a number"),
        ("alignment", 'homography = [[1, 0, 0], [0, 1, 0], [0, 0, "1"]]', "alignment.homography must be a number"),
        (
            "alignment.plane",
            'parallax_px_m = [4, 0]\naligned_at_m = "2"\ndistance_m = 5',
            "plane.aligned_at_m must be a",
        ),
    ],
)
def test_a_value_of_another_type_is_refused(table: str, line: str, said: str, tmp_path: Path) -> None:
    inside = f"{line}\n" if table == "infrared" else ""
    beside = "" if table == "infrared" else f"[{table}]\n{line}\n"
    text = f'[visible]\naddress = "{SYNTHETIC}"\n[infrared]\naddress = "{SYNTHETIC}"\n{inside}{beside}'
    (tmp_path / "rig.toml").write_text(text)
    with pytest.raises(CoconetError, match=re.escape(said)):
        Rig.from_file(tmp_path / "rig.toml")


def test_a_rig_file_without_keys_is_said_to_be_that(tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_text("# nothing yet\n")
    with pytest.raises(CoconetError, match=r"rig\.toml has no keys; expected a rig file\. coconet init A B writes one"):
        Rig.from_file(tmp_path / "rig.toml")


SIDES = "width = 8\nheight = 8"

METERED = f"""
[visible]
address = "{SYNTHETIC}"
[infrared]
address = "{SYNTHETIC}"
[infrared.temperature]
scheme = "lepton"
[[meter]]
name = "bearing"
kind = "spot"
points_px = [[3, 4]]
"""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("points_px = [[3, 4]]", "", "points_px must be one point for spot, not 0"),
        ("points_px = [[3, 4]]", 'points_px = [["3", 4]]', "points_px must be a number"),
        ("kind =", "kidn =", "meter.0.kidn is not a known key here; known are name, kind"),
        ("kind =", "colour = 1\nkind =", "meter.0.colour is not a known key here; known are name, kind, points_px"),
        ('"bearing"', '"a/b"', "name must be 1 to 40 letters"),
        ('scheme = "lepton"', 'scheme = "leptom"', "infrared.temperature.scheme must be 'linear', 'lepton'"),
        ('[infrared.temperature]\nscheme = "lepton"', "", "[[meter]] has nothing to measure by"),
        ("[[meter]]", '[[meter]]\nname = "bearing"\nkind = "hottest"\n[[meter]]', '"bearing" stands twice'),
        (
            "[[meter]]",
            f'[infrared.layout]\nfourcc = "Y16 "\n{SIDES}\nx = 1\n[[meter]]',
            "x is not a known key here; known are",
        ),
    ],
)
def test_a_meter_that_cannot_be_read_is_refused(before: str, after: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_text(METERED)
    assert Rig.from_file(tmp_path / "rig.toml").meter[0].points_px == ((3.0, 4.0),)
    (tmp_path / "rig.toml").write_text(METERED.replace(before, after))
    with pytest.raises(CoconetError, match=re.escape(said)):
        Rig.from_file(tmp_path / "rig.toml")
