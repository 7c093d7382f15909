"""`coconet build` as a user calls it."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from coconet.cards import engine_card
from coconet.cards.engine_card import read_engine_card
from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.errors import CoconetError
from coconet.export.commands.build import build
from coconet.export.engines import engine, tensorrt_flavour
from coconet.files import sha256_of
from coconet.runtime.backends.tensorrt.module import rtx_module
from tests.support.models.conv_onnx import write_conv_model
from tests.support.models.tiny_onnx import write_averaging_model

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
    with pytest.raises(CoconetError, match="go together, but only 1 of them is given"):
        run(write_conv_model(tmp_path / "lite.onnx"), "--gpu", "sm86", "--opt", "32x48")


def test_a_word_is_built_where_the_user_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sizes = ("--min", "64x64", "--opt", "96x128", "--max", "128x160")
    printed = run("lite-int8", "--gpu", "sm86", "--no-cache", *sizes)
    assert read_engine_card(tmp_path / "lite.int8.sm86.engine").model.precision == "int8"
    assert "minShapes=visible:1x64x64x3,infrared:1x64x64x1" in printed


def test_the_same_build_without_coconet_is_printed(tmp_path: Path) -> None:
    model, out = write_averaging_model(tmp_path / "any model.onnx"), tmp_path / "any.engine"
    sizes = ("--min", "32x48", "--opt", "64x80", "--max", "96x128")
    printed = run(model, "--gpu", "sm86", "--gpu", "sm89", "--out", out, *sizes, "--level", "1", "--no-cache")
    line = next(line for line in printed.splitlines() if line.startswith("the same without coconet"))
    words = shlex.split(line.partition(": ")[2])
    assert words[:4] == ["tensorrt_rtx", f"--onnx={model}", f"--saveEngine={out}", "--computeCapabilities=86,89"]
    assert {"--builderOptimizationLevel=1", "--maxShapes=visible:1x96x128x3,infrared:1x96x128x1"} < set(words)


def test_what_needs_the_engine_to_run_is_refused_for_other_gpus(tmp_path: Path) -> None:
    model = write_conv_model(tmp_path / "lite.onnx")
    with pytest.raises(CoconetError, match=r"--layers cannot be used with --gpu sm86"):
        run(model, "--gpu", "sm86", "--layers", tmp_path / "layers.json")
    assert list(tmp_path.iterdir()) == [model]


def test_options_of_the_tensorrt_of_a_device_are_refused_with_named_gpus(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="engines of TensorRT for RTX run on every GPU that --gpu names"):
        run(write_conv_model(tmp_path / "lite.onnx"), "--gpu", "sm86", "--no-cache", "--version-compatible")


def test_an_unknown_gpu_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"GPU sm87 is not one that TensorRT for RTX .* builds for: sm75, .*sm120"):
        run(write_conv_model(tmp_path / "lite.onnx"), "--gpu", "sm87")


def test_a_level_beyond_the_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="optimisation level must be 0 to 5, not 9"):
        run(write_conv_model(tmp_path / "lite.onnx"), "--gpu", "sm86", "--level", "9")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the command reads a model, opens TensorRT and hashes an engine.

    A model that was read is taken away, so that a second look at it by any means, TensorRT's own included, fails.
    """
    counts: Counter[str] = Counter()
    read_bytes, open_rtx, hash_file = Path.read_bytes, rtx_module, sha256_of

    def read_once(path: Path) -> bytes:
        content = read_bytes(path)
        if path.suffix == ".onnx":
            counts["model read"] += 1
            path.unlink()
        return content

    def opened() -> object:
        counts["TensorRT opened"] += 1
        return open_rtx()

    def hashed(path: Path) -> str:
        counts["engine hashed"] += 1
        return hash_file(path)

    monkeypatch.setattr(Path, "read_bytes", read_once)
    monkeypatch.setattr(tensorrt_flavour, "rtx_module", opened)
    for module in (engine, engine_card):
        monkeypatch.setattr(module, "sha256_of", hashed)
    return counts


ONCE = {"model read": 1, "TensorRT opened": 1, "engine hashed": 1}


@pytest.mark.parametrize("kept", ["--no-cache", "--cache"])
def test_a_build_reads_the_model_and_opens_tensorrt_once(tmp_path: Path, counted: Counter[str], kept: str) -> None:
    run(write_conv_model(tmp_path / "lite.onnx"), "--gpu", "sm86", kept, *[tmp_path / "cache"] * (kept == "--cache"))
    assert counted == ONCE
    assert read_engine_card(tmp_path / "lite.fp16.sm86.engine").targets == ("sm86",)


def test_an_engine_that_is_there_or_in_the_cache_is_looked_at_once(tmp_path: Path, counted: Counter[str]) -> None:
    words = (tmp_path / "lite.onnx", "--gpu", "sm86", "--cache", tmp_path / "cache")
    run(write_conv_model(words[0]), *words[1:])
    counted.clear()
    assert "not built again" in run(write_conv_model(words[0]), *words[1:])
    assert counted == ONCE
    (tmp_path / "lite.fp16.sm86.engine").unlink()
    counted.clear()
    assert "taken from" in run(write_conv_model(words[0]), *words[1:])
    assert counted == ONCE
