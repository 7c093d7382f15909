"""What is odd or hostile in a file ends in a sentence that says what it is, with its exit code."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx.external_data_helper import set_external_data

from coconet.benchmarks.results.report import read_report
from coconet.cards.engine_card import EngineCard
from coconet.cards.model_card import CARD_KEY
from coconet.errors import CoconetError
from tests.support.media.pair_folders import textured_pairs
from tests.support.models.tiny_onnx import averaging_card, averaging_model
from tests.support.programs.command_line import command

SYNTHETIC = "synthetic://?width=64&height=48&fps=50"
RUN = ("run", "--visible", SYNTHETIC, "--infrared", SYNTHETIC, "--frames", 2)
BUILD = ("--gpu", "sm86", "--min", "48x64", "--opt", "48x64", "--max", "48x64")


def model_with_card(path: Path, card: str) -> Path:
    model = averaging_model()
    onnx.helper.set_model_props(model, {CARD_KEY: card})
    onnx.save(model, path)
    return path


CARDS = {
    "brackets in brackets": "[" * 100_000 + "]" * 100_000,
    "tables in tables": '{"a":' * 100_000,
    "a number of 10,000 digits": '{"network":' + "9" * 10_000 + "}",
    "no table": "[1]",
    "nothing": "",
    "null": "null",
}


@pytest.mark.parametrize("card", CARDS)
def test_a_card_that_is_none_is_said_by_every_command_that_reads_it(tmp_path: Path, card: str) -> None:
    path, pairs = model_with_card(tmp_path / "m.onnx", CARDS[card]), textured_pairs(tmp_path / "pairs", 1)
    calls: list[tuple[object, ...]] = [
        (*RUN, "--model", path),
        (*RUN, "--model", path, "--backend", "openvino"),
        ("build", path, *BUILD),
        ("calibrate", path, "--frames", pairs),
        ("verify", path, path, "--frames", pairs),
    ]
    for words in calls:
        ended = command(*words)
        assert (ended.code, "has a model card that cannot be read" in ended.err) == (4, True), ended.err


@pytest.mark.parametrize("name", ["[bold]x[/nope]", ":bomb: [link=x]", "a\u202eb", "%s{0}"])
def test_the_name_in_a_card_is_shown_as_it_is(tmp_path: Path, name: str) -> None:
    card = averaging_card().to_json().replace('"tiny"', f'"{name}"')
    ended = command(*RUN, "--model", model_with_card(tmp_path / "m.onnx", card))
    assert (ended.code, name in ended.out) == (0, True), ended.err


@pytest.mark.parametrize("place", ["gone.bin", "../../../etc/passwd", "/etc/passwd"])
def test_weights_beside_a_model_that_are_missing_or_elsewhere_are_refused(tmp_path: Path, place: str) -> None:
    model = averaging_model()
    weights = model.graph.initializer[0]
    set_external_data(weights, place, offset=0, length=16)
    weights.ClearField("raw_data")
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    for words in ((*RUN, "--model", path), ("build", path, *BUILD)):
        ended = command(*words)
        assert ended.code == 4, ended.err
        assert "m.onnx keeps weights in " in ended.err or "cannot be read as an ONNX model" in ended.err


def test_other_json_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[" * 100_000)
    with pytest.raises(CoconetError, match="x is not an engine card: it "):
        EngineCard.from_json("[" * 100_000, "x")
    with pytest.raises(CoconetError, match="is not a report|is a report of schema"):
        read_report(tmp_path / "x.json")


NUMBERS = {
    "homography = [[nan, 0, 0], [0, 1, 0], [0, 0, 1]]": "homography.0.0 must be a finite number, not nan",
    "homography = [[1e308, 0, 0], [0, 1e308, 0], [0, 0, 1]]": "that can be inverted",
    "homography = [[0.0, 0, 0], [0, 0, 0], [0, 0, 0]]": "can be inverted",
    "size_px = [0, 0]": "must be more than 0, not 0",
    "plane = { distance_m = 5, focal_px = 0 }": "alignment.plane",
    "plane = { distance_m = 0, parallax_px_m = [1, 0] }": "alignment.plane",
    "plane = { distance_m = 1e-300, parallax_px_m = [1e300, 0] }": "alignment.plane",
}


@pytest.mark.parametrize("line", NUMBERS)
def test_an_alignment_that_maps_nothing_is_refused(tmp_path: Path, line: str) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text(f'[visible]\naddress = "{SYNTHETIC}"\n[infrared]\naddress = "{SYNTHETIC}"\n[alignment]\n{line}\n')
    ended = command("run", rig, "--model", "average", "--frames", 2)
    assert (ended.code, NUMBERS[line] in ended.err) == (2, True), ended.err


@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (1, 1)])
@pytest.mark.parametrize(("model", "code"), [("average", 0), ("lite", 4), ("pyramid", 4)])
def test_pictures_of_one_row_are_fused_or_said_to_be_too_small(
    tmp_path: Path, shape: tuple[int, int], model: str, code: int
) -> None:
    for side in ("vis", "ir"):
        (tmp_path / side).mkdir()
        assert cv2.imwrite(str(tmp_path / side / "a.png"), np.full(shape, 90, np.uint8))
    words = ("--visible", tmp_path / "vis", "--infrared", tmp_path / "ir", "--out", tmp_path / "out")
    ended = command("run", *words, "--model", model)
    assert ended.code == code, ended.err
    assert code == 0 or "expected" in ended.err or "pixels" in ended.err
    assert sorted(path.name for path in tmp_path.glob("out/*")) == ["a.png"] * (code == 0)
