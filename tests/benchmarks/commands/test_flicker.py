"""coconet steadiness as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from coconet.benchmarks.commands.flicker import steadiness
from coconet.errors import CoconetError
from coconet.networks.checkpoint import save_checkpoint
from coconet.networks.coconet import CoCoNet
from tests.support.media.recordings import flat, write_folder, write_video
from tests.support.media.textured import textured
from tests.support.models.tiny_onnx import write_averaging_model

APP = typer.Typer(pretty_exceptions_enable=False)
APP.command()(steadiness)


def coconet_steadiness(*words: object) -> str:
    result = CliRunner().invoke(APP, [str(word) for word in words], catch_exceptions=False, env={"COLUMNS": "100"})
    assert result.exit_code == 0, result.output
    return result.stdout


def rows(printed: str) -> dict[str, list[str]]:
    """The table's lines by their first word."""
    return {words[0]: words[1:] for words in map(str.split, printed.splitlines()) if words}


@pytest.fixture
def cameras(tmp_path: Path) -> list[str]:
    """Two folders of six frames: the visible level alternates by one, the infrared one stands still."""
    write_folder(tmp_path / "vis", [flat(100 + number % 2) for number in range(6)])
    write_folder(tmp_path / "ir", [flat(50, channels=1)] * 6)
    return ["--visible", f"{tmp_path}/vis", "--infrared", f"{tmp_path}/ir"]


def test_the_table_has_a_row_for_each_camera_and_each_model(cameras: list[str]) -> None:
    table = rows(coconet_steadiness("maximum", "average", *cameras))
    assert table["visible"] == ["camera", "1.000", "1.00", "1.000", "1.00"]
    assert table["infrared"] == ["camera", "0.000", "0.00", "0.000", "0.00"]
    assert table["maximum"] == ["none", "1.000", "1.00", "1.000", "1.00"]


def test_what_was_counted_and_how_stands_below_the_table(cameras: list[str]) -> None:
    printed = " ".join(coconet_steadiness("average", *cameras).split())
    assert "32 x 24, 6 frames, 5 steps" in printed
    assert "100.0% of the pixels counted as still: change below 2 levels in both cameras" in printed


def test_the_json_holds_every_figure_with_its_unit(tmp_path: Path, cameras: list[str]) -> None:
    coconet_steadiness("maximum", *cameras, "--json", tmp_path / "report.json")
    told: dict[str, Any] = json.loads((tmp_path / "report.json").read_text())
    assert (told["schema"], told["frames"], told["steps"], told["still_share"]) == (1, 6, 5, 1.0)
    assert told["stillness"] == {"threshold_levels": 2.0, "sigma_px": 2.0}
    assert told["models"][0]["change"] == told["visible"]
    assert told["visible"]["flicker_levels"] == pytest.approx(1.0, abs=1e-5)


def test_cameras_that_stand_still_have_no_ratio(tmp_path: Path) -> None:
    for side, channels in (("vis", 3), ("ir", 1)):
        write_folder(tmp_path / side, [flat(9, channels=channels)] * 3)
    printed = coconet_steadiness(
        "average", "--visible", tmp_path / "vis", "--infrared", tmp_path / "ir", "--json", tmp_path / "r.json"
    )
    assert rows(printed)["average"] == ["none", "0.000", "-", "0.000", "-"]
    assert json.loads((tmp_path / "r.json").read_text())["models"][0]["change"]["flicker_ratio"] is None


def test_a_part_at_a_smaller_size_is_enough(cameras: list[str]) -> None:
    assert "16 x 12, 4 frames, 2 steps" in coconet_steadiness(
        "average", *cameras, "--stride", 3, "--frames", 4, "--scale", 0.5
    )


def test_videos_are_taken_like_folders(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for side in ("vis", "ir"):
        scene = textured(0, 48, 64)[:, :, None]
        noisy = [np.clip(scene + rng.normal(0, 2, scene.shape), 0, 255).astype(np.uint8) for _ in range(4)]
        write_video(tmp_path / f"{side}.mp4", noisy)
    words = ("--visible", tmp_path / "vis.mp4", "--infrared", tmp_path / "ir.mp4")
    assert "64 x 48, 4 frames, 3 steps" in coconet_steadiness("pyramid", *words)


def test_one_set_of_weights_is_compared_under_both_semantics_and_beside_an_onnx_model(tmp_path: Path) -> None:
    torch.manual_seed(0)
    core = CoCoNet()
    save_checkpoint(tmp_path / "ours.safetensors", "coconet", core)
    torch.save({"state_dict": core.state_dict()}, tmp_path / "latest.pth")
    onnx = write_averaging_model(tmp_path / "mean.onnx")
    camera = "synthetic://?width=64&height=48&duration_s=0.1&seed=2"
    models = (tmp_path / "ours.safetensors", tmp_path / "latest.pth", onnx)
    table = rows(coconet_steadiness(*models, "--visible", camera, "--infrared", camera))
    statistics = [table[name][0] for name in ("ours.safetensors", "latest.pth", "mean.onnx")]
    assert statistics == ["running", "image", "none"]
    assert float(table["mean.onnx"][2]) < 1.0  # independent noise averages out


def test_a_missing_model_leaves_no_report(tmp_path: Path, cameras: list[str]) -> None:
    with pytest.raises(CoconetError, match=r"gone\.onnx does not exist; expected a model file"):
        coconet_steadiness("average", tmp_path / "gone.onnx", *cameras, "--json", tmp_path / "report.json")
    assert not list(tmp_path.glob("*report*"))


@pytest.mark.data
def test_on_a_real_recording_the_average_is_about_as_steady_as_its_cameras(data: Path) -> None:
    clip = [f"{data}/video/0117_1605_{side}.mp4" for side in ("vis", "ir")]
    words = ("--visible", clip[0], "--infrared", clip[1], "--frames", 6, "--stride", 20)
    assert 0.5 < float(rows(coconet_steadiness("average", *words))["average"][2]) < 1.1
