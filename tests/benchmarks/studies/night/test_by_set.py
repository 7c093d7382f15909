from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from typer import Typer
from typer.testing import CliRunner

from coconet.benchmarks.studies.night.by_set import all_sets, measure


def write_pairs(folder: Path, names: list[str]) -> None:
    rng = np.random.default_rng(0)
    for side in ("vis", "ir"):
        (folder / side).mkdir(parents=True)
        for name in names:
            blobs = cv2.GaussianBlur(rng.uniform(0, 255, (64, 80)), (0, 0), 3)
            cv2.imwrite(str(folder / side / name), 255 * (blobs - blobs.min()) / np.ptp(blobs))


def test_of_a_set_some_pairs_are_darkened_and_of_dusk_one_clip_counts(tmp_path: Path) -> None:
    write_pairs(tmp_path / "roadscene", [f"{index}.png" for index in range(6)])
    write_pairs(tmp_path / "dusk", ["0115_1847_00.png", "0115_1847_01.png", "0115_1847_16.png", "0111_1753_00.png"])
    found = {name: len(pairs) for name, pairs in all_sets(tmp_path)}
    darker = ("dim", "dark", "black")
    assert found == {
        "roadscene": 6, **{f"roadscene, {one}": 2 for one in darker}, "dusk": 2, **{f"dusk, {one}": 2 for one in darker}
    }  # fmt: skip


def test_the_table_has_a_row_for_every_set_and_model_beside_the_pyramid(tmp_path: Path) -> None:
    write_pairs(tmp_path / "tno", ["a.png"])
    app = Typer()
    app.command()(measure)
    result = CliRunner().invoke(app, [str(tmp_path), "average"])
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.output.splitlines() if "tno" in line]
    assert len(rows) == 8
    assert rows[0][:2] == ["tno", "average"]
    assert rows[1][:2] == ["tno", "pyramid"]
