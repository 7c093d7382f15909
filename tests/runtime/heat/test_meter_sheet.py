"""What meters read, as a file: a line a frame, whole under its name or unfinished under another."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.runtime.frame import FusedFrame
from coconet.runtime.heat.meter import MeterTable
from coconet.runtime.heat.meter_sheet import MeterSheet
from coconet.runtime.heat.meters import Meters
from coconet.runtime.heat.temperature import TemperatureTable
from coconet.runtime.heat.thermometer import Thermometer
from tests.support.media.heat_scenes import counts_of, disc_c, heat_pair
from tests.support.programs.command_line import command
from tests.support.rigs.heat_rig import heat_rig

BOX = MeterTable(name="disc", kind="box", points_px=((20, 20), (60, 40)), above=30)
COLDEST = MeterTable(name="cold", kind="coldest")


def frames(count: int, *tables: MeterTable) -> list[FusedFrame]:
    meters = Meters(Thermometer(TemperatureTable(scheme="lepton")), tables)
    pairs = [heat_pair(counts_of(disc_c(36.5 + at)), at) for at in range(count)]
    read = [
        dataclasses.replace(pair, raw_infrared=pair.infrared, heat=meters.read(pair, np.zeros(0, np.intp), None))
        for pair in pairs
    ]
    return [FusedFrame(pair.visible.pixels, pair, 1.0) for pair in read]


def rows_of(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    parquet = pytest.importorskip("pyarrow.parquet", reason="PyArrow is not installed")
    return list(parquet.read_table(path).to_pylist())


@pytest.mark.parametrize("name", ["meters.csv", "meters.parquet"])
def test_every_frame_is_a_line_with_what_every_meter_read(tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="PyArrow is not installed")
    sheet = MeterSheet(tmp_path / name)
    for frame in frames(3, BOX, COLDEST):
        sheet.write(frame)
    assert not (tmp_path / name).exists()
    sheet.close()
    rows = rows_of(tmp_path / name)
    assert [float(row["disc max"]) for row in rows] == pytest.approx([36.5, 37.5, 38.5])
    assert [float(row["timestamp_s"]) for row in rows] == pytest.approx([0, 0.04, 0.08])
    assert [float(row["cold value"]) for row in rows] == pytest.approx([20] * 3)
    assert float(rows[0]["disc share_above"]) == pytest.approx(float((disc_c()[20:41, 20:61] > 30).mean()))
    assert [row["utc"] or "" for row in rows] == [""] * 3


def test_a_file_is_unfinished_until_it_is_whole_and_stays_so_after_an_error(tmp_path: Path) -> None:
    sheet = MeterSheet(tmp_path / "m.csv")
    for frame in frames(2, BOX):
        sheet.write(frame)
    sheet.discard()
    assert [path.name for path in tmp_path.iterdir()] == ["m.csv.unfinished"]
    assert len((tmp_path / "m.csv.unfinished").read_text().splitlines()) == 3


def test_what_a_killed_run_has_left_is_kept_and_what_another_writes_is_left_alone(tmp_path: Path) -> None:
    killed = MeterSheet(tmp_path / "m.csv")
    killed.write(frames(1, BOX)[0])
    with pytest.raises(CoconetError, match="is being written by another run"):
        MeterSheet(tmp_path / "m.csv").write(frames(1, BOX)[0])
    killed.discard()
    after = MeterSheet(tmp_path / "m.csv")
    after.write(frames(1, COLDEST)[0])
    after.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m-recovered.csv", "m.csv"]
    assert "disc value" in rows_of(tmp_path / "m-recovered.csv")[0]


def test_other_meters_begin_the_next_file(tmp_path: Path) -> None:
    sheet = MeterSheet(tmp_path / "m.csv")
    for frame in (*frames(2, BOX), *frames(3, BOX, COLDEST)):
        sheet.write(frame)
    sheet.close()
    assert (len(rows_of(tmp_path / "m.csv")), len(rows_of(tmp_path / "m-2.csv"))) == (2, 3)


def test_another_ending_is_refused() -> None:
    with pytest.raises(CoconetError, match="ends in .csv or .parquet"):
        MeterSheet(Path("meters.xls"))


def test_a_run_writes_its_sheet_beside_the_output(tmp_path: Path) -> None:
    rig, sheet = heat_rig(tmp_path, [counts_of(disc_c(30 + at)) for at in range(3)]), tmp_path / "m.csv"
    ended = command("run", rig, "--model", "average", "--meters", sheet)
    assert ended.code == 0, ended.err
    assert [float(row["disc value"]) for row in rows_of(sheet)] == pytest.approx([30, 31, 32])
    again = command("run", rig, "--model", "average", "--meters", sheet)
    assert (again.code, "already exists" in again.err) == (2, True)


def test_a_rig_that_does_not_measure_has_no_sheet(tmp_path: Path) -> None:
    synthetic = "synthetic://?width=64&height=48&duration_s=0.1"
    ended = command("run", "--visible", synthetic, "--infrared", synthetic, "--meters", tmp_path / "m.csv")
    assert (ended.code, "does not measure. Add [infrared.temperature]" in ended.err) == (2, True), ended.err
