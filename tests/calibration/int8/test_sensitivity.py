"""Sensitivity: the worst convolution is found, kept in floating point, and the figures in the table are true."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto
from rich.console import Console

from coconet.calibration.int8.gate import Gate
from coconet.calibration.int8.graph import OnnxModel
from coconet.calibration.int8.observer import observe
from coconet.calibration.int8.placement import quantizable_convs
from coconet.calibration.int8.qdq import quantize_model
from coconet.calibration.int8.ranges import ActivationRanges
from coconet.calibration.int8.sensitivity import (
    Sensitivity,
    conv_macs,
    damage_table,
    mixture_table,
    share,
    steps,
    worst_first,
)
from coconet.calibration.int8.threshold import RangeMethod
from coconet.cards.engine_card import BuildOptions
from coconet.cards.precision import ParityLimits
from coconet.runtime.frame import FramePair
from coconet.runtime.verify.reference_backend import open_to_compare
from tests.support.media.frames import pair_of
from tests.support.models.small_unet import QUANTIZED, write_unet

MACS = {
    "first": 16 * 2 * 9 * 16 * 32,
    "down": 32 * 16 * 9 * 8 * 16,
    "shared_a": 16 * 32 * 9 * 8 * 16,
    "shared_b": 16 * 32 * 9 * 8 * 16,
    "thin": 4 * 16 * 9 * 8 * 16,
    "up": 16 * 52 * 9 * 16 * 32,
    "last": 1 * 16 * 9 * 16 * 32,
}


def pairs(count: int = 2) -> list[FramePair]:
    rng = np.random.default_rng(0)
    ramp = np.add.outer(np.linspace(0, 99, 16), np.linspace(0, 99, 32))
    pictures = [(ramp + rng.normal(40, 4, ramp.shape)).astype(np.uint8) for _ in range(count)]
    return [pair_of(picture, picture, index, str(index)) for index, picture in enumerate(pictures)]


def prepared(path: Path, *, spoilt: str | None = None) -> Sensitivity:
    """A small U-Net with good ranges, but for one activation, which is clipped to nearly nothing."""
    model = OnnxModel.read(path)
    tensors = sorted({site.activation for site in quantizable_convs(model)})
    ranges = observe(model, tensors, pairs()).ranges(RangeMethod("max"))
    if spoilt is not None:
        thresholds = {**ranges.thresholds, spoilt: ranges.thresholds[spoilt] / 20}
        ranges = ActivationRanges(ranges.model_sha256, ranges.record, thresholds)
    gate = Gate(path, pairs(), ParityLimits(40.0, 96), open_to_compare(path))
    return Sensitivity(model, ranges, gate, conv_macs(model, pairs()[0]))


def test_multiply_accumulates_are_those_of_the_shapes(tmp_path: Path) -> None:
    macs = conv_macs(OnnxModel.read(write_unet(tmp_path / "unet.onnx")), pairs()[0])
    assert macs == MACS
    assert share(macs, {"down", "up"}) == pytest.approx((MACS["down"] + MACS["up"]) / sum(MACS.values()))


@pytest.mark.parametrize(("spoilt", "worst"), [("pooled", "down"), ("joined", "up")])
def test_the_convolution_with_the_bad_range_ranks_worst(tmp_path: Path, spoilt: str, worst: str) -> None:
    sensitivity = prepared(write_unet(tmp_path / "unet.onnx"), spoilt=spoilt)
    sites = quantizable_convs(sensitivity.model)
    ranked = worst_first(list(sensitivity.damages(sites)))
    assert ranked[0].output == worst
    assert sorted(site.output for site in ranked) == sorted(QUANTIZED)


@pytest.mark.parametrize("half", [False, True])
def test_the_worst_one_in_floating_point_brings_the_picture_back(tmp_path: Path, half: bool) -> None:
    sensitivity = prepared(write_unet(tmp_path / "unet.onnx", half=half), spoilt="joined")
    ranked = worst_first(list(sensitivity.damages(quantizable_convs(sensitivity.model))))
    before, after = (sensitivity.mixture(ranked, keep) for keep in (0, 1))
    assert (before.holds, after.holds) == (False, True)
    assert after.kept == ("up",)
    assert after.parity.worst_psnr_db >= 40 > before.parity.worst_psnr_db


def test_a_mixture_says_how_large_it_is_and_how_much_is_in_int8(tmp_path: Path) -> None:
    sensitivity = prepared(write_unet(tmp_path / "unet.onnx"))
    mixture = sensitivity.mixture(quantizable_convs(sensitivity.model), 3)
    model = quantize_model(sensitivity.model, mixture.sites, sensitivity.ranges)
    model.write(tmp_path / "mixed.onnx")
    assert mixture.size_bytes == (tmp_path / "mixed.onnx").stat().st_size
    assert mixture.int8_share == pytest.approx(MACS["up"] / sum(MACS.values()))
    assert mixture.kept == ("down", "shared_a", "shared_b")


def test_kept_convolutions_of_an_fp16_export_stay_in_fp16(tmp_path: Path) -> None:
    sensitivity = prepared(write_unet(tmp_path / "unet.onnx", half=True))
    model = quantize_model(sensitivity.model, quantizable_convs(sensitivity.model)[:1], sensitivity.ranges)
    types = {tensor.name: tensor.data_type for tensor in model.proto.graph.initializer}
    assert (types["up.weight"], types["down.weight.quantized"]) == (TensorProto.FLOAT16, TensorProto.INT8)
    assert TensorProto.FLOAT not in {kind for name, kind in types.items() if name != "twice"}


@pytest.mark.parametrize("half", [False, True])
def test_tensorrt_for_rtx_builds_a_mixture(tmp_path: Path, half: bool) -> None:
    pytest.importorskip("tensorrt_rtx_bindings")
    from tests.support.models.engines import build_file

    sensitivity = prepared(write_unet(tmp_path / "unet.onnx", size=(16, 32), half=half))
    sites = quantizable_convs(sensitivity.model)[1:3]
    quantize_model(sensitivity.model, sites, sensitivity.ranges).write(tmp_path / "mixed.onnx")
    build_file(tmp_path / "mixed.onnx", tmp_path / "mixed.engine", BuildOptions(gpus=("sm86",)))
    assert (tmp_path / "mixed.engine").stat().st_size > 0


def test_large_frames_are_ranked_on_their_middle(tmp_path: Path) -> None:
    sensitivity = prepared(write_unet(tmp_path / "unet.onnx"))
    picture = np.arange(300 * 302).reshape(300, 302).astype(np.uint8)
    small = sensitivity.cut_small(pair_of(picture, picture))
    assert np.array_equal(small.visible.pixels, picture[22:278, 23:279, None])


def test_frames_for_a_model_of_one_size_are_not_cut(tmp_path: Path) -> None:
    sensitivity = prepared(write_unet(tmp_path / "unet.onnx", size=(16, 32)))
    pair = pair_of(np.zeros((300, 302), np.uint8), np.zeros((300, 302), np.uint8))
    assert sensitivity.cut_small(pair).visible is pair.visible


def test_steps_go_one_by_one_and_then_faster_and_leave_one_in_int8() -> None:
    assert steps(1) == [0]
    assert steps(6) == [0, 1, 2, 3, 4, 5]
    assert steps(39) == [0, 1, 2, 3, 4, 6, 9, 13, 19, 28, 38]


def test_the_tables_name_the_worst_first_and_mark_what_is_written(tmp_path: Path) -> None:
    sensitivity = prepared(write_unet(tmp_path / "unet.onnx", half=True), spoilt="joined")
    damages = list(sensitivity.damages(quantizable_convs(sensitivity.model)))
    tried = [sensitivity.mixture(worst_first(damages), keep) for keep in (0, 1)]
    console = Console(record=True, width=100, file=StringIO())
    console.print(damage_table(damages), mixture_table(tried, sensitivity.model.card.precision, tried[1]))
    lines = console.export_text().splitlines()
    assert next(line for line in lines if any(f" {name} " in line for name in QUANTIZED)).split()[1] == "up"
    assert any("kept in FP16" in line for line in lines)
    assert next(line for line in lines if "->" in line).split()[3:6] == ["1", "of", "4"]
