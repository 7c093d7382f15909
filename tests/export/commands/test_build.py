"""`coconet build` as a user calls it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from coconet.cards.engine_card import read_engine_card
from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.errors import CoconetError
from coconet.export.commands.build import build
from tests.support.conv_onnx import write_conv_model
from tests.support.tiny_onnx import write_averaging_model

APP = typer.Typer()
APP.command()(build)


def run(*arguments: str | Path) -> str:
    """Call the command and give back what it prints; errors come through as they are."""
    result = CliRunner().invoke(APP, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_engine_for_named_gpus_is_named_after_them(tmp_path: Path) -> None:
    run(write_conv_model(tmp_path / "lite.onnx"), "--gpu", "sm86", "--gpu", "SM89", "--gpu", "sm86")
    assert read_engine_card(tmp_path / "lite.fp16.sm86-sm89.engine").targets == ("sm86", "sm89")


def test_the_table_says_what_was_built(tmp_path: Path) -> None:
    printed = run(write_conv_model(tmp_path / "lite.onnx"), "--gpu", "sm86", "--out", tmp_path / "my.engine")
    card = read_engine_card(tmp_path / "my.engine")
    for word in ("MiB", " s", f"tensorrt_rtx {card.tensorrt_version}", "sm86", "fp16", "32x48"):
        assert word in printed


def test_sizes_and_limits_reach_the_engine(tmp_path: Path) -> None:
    sizes = ("--min", "32x48", "--opt", "64x80", "--max", "96x128")
    out = tmp_path / "any.engine"
    printed = run(
        *(write_averaging_model(tmp_path / "any.onnx"), "--gpu", "sm86", "--out", out, *sizes),
        *("--workspace-mib", "64", "--level", "1"),
    )
    options = read_engine_card(out).options
    assert options.profile == SizeProfile(FrameSize(32, 48), FrameSize(64, 80), FrameSize(96, 128))
    assert (options.workspace_mib, options.optimization_level) == (64, 1)
    assert "32x48 to 96x128, best at 64x80" in printed


def test_sizes_are_given_all_or_none(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="wanted all three or none, got 1 of them"):
        run(write_conv_model(tmp_path / "lite.onnx"), "--gpu", "sm86", "--opt", "32x48")


def test_an_unknown_gpu_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"GPU sm87: wanted one that TensorRT for RTX .* builds for: sm75, .*sm120"):
        run(write_conv_model(tmp_path / "lite.onnx"), "--gpu", "sm87")


def test_a_level_beyond_the_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="optimisation level: wanted 0 to 5, got 9"):
        run(write_conv_model(tmp_path / "lite.onnx"), "--gpu", "sm86", "--level", "9")
