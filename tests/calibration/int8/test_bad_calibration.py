"""Calibrations that are bad on purpose: which of them are caught, by what, and which do no harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from coconet.calibration.commands.calibrate import calibrate
from coconet.calibration.int8.gate import Gate
from coconet.calibration.int8.graph import OnnxModel
from coconet.calibration.int8.observer import observe
from coconet.calibration.int8.placement import quantizable_convs
from coconet.calibration.int8.qdq import quantize_model
from coconet.calibration.int8.threshold import RangeMethod
from coconet.cards.precision import PRECISIONS, ParityLimits
from coconet.media.pixels import Pixels
from coconet.runtime.cameras.pair_folder import FolderFrames
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.commands.verify import verify
from coconet.runtime.frame import FramePair
from coconet.runtime.frame_check import fit_pairs
from coconet.runtime.verify.parity import answers_of
from coconet.runtime.verify.reference_backend import open_to_compare
from coconet.runtime.verify.verification import VerdictLimits, judge, verification_of
from tests.support.media.frames import pair_of
from tests.support.media.pair_folders import textured_pairs, write_pairs
from tests.support.models.small_unet import write_unet
from tests.support.programs.called import call, complaint_of

RAMP = np.add.outer(np.linspace(0, 60, 16), np.linspace(0, 60, 32))
Painter = Callable[[int], np.ndarray]


def day(index: int) -> np.ndarray:
    return 120 + RAMP[:, :: (-1) ** index] - 5 * index


def night(index: int) -> np.ndarray:
    return RAMP[:: (-1) ** index] / 5 + index


def noise(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 256, RAMP.shape)


def colour(index: int) -> np.ndarray:
    return np.stack([day(index), night(index), day(index + 1)], axis=2)


def write_frames(root: Path, visible: Painter, infrared: Painter, count: int = 6) -> Path:
    return write_pairs(root, pictures(visible, infrared, count))


def pictures(visible: Painter, infrared: Painter, count: int) -> list[tuple[Pixels, Pixels]]:
    return [(visible(index).astype(np.uint8), infrared(index).astype(np.uint8)) for index in range(count)]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_frames(tmp_path / "good", day, night)


@pytest.fixture
def lopsided(tmp_path: Path) -> Path:
    """A network that is not symmetric: it hears the visible picture a hundred times louder than the infrared one."""
    path = write_unet(tmp_path / "unet.onnx")
    model = onnx.load(path)
    weight = next(tensor for tensor in model.graph.initializer if tensor.name == "first.weight")
    values = numpy_helper.to_array(weight) * np.reshape([3.0, 0.03], (1, 2, 1, 1))
    weight.CopyFrom(numpy_helper.from_array(values.astype(np.float32), weight.name))
    onnx.save(model, path)
    return path


run = partial(call, calibrate)
complaint = partial(complaint_of, calibrate)


def test_noise_is_refused_before_anything_is_measured(lopsided: Path, good: Path, tmp_path: Path) -> None:
    frames = write_frames(tmp_path / "noise", noise, noise)
    for check in ([], ["--check", good]):
        text = complaint(lopsided, "--frames", frames, *check)
        assert "has nothing but noise in 6 of its 6 frames. Use frames of a scene" in text


def test_one_frame_is_refused_where_it_would_be_compared_with_itself(lopsided: Path, tmp_path: Path) -> None:
    one = write_frames(tmp_path / "one", day, night, count=1)
    text = complaint(lopsided, "--frames", one)
    assert "and none is left to check with. Give more frames of different scenes" in text


def test_the_same_frame_many_times_is_one_frame(lopsided: Path, tmp_path: Path) -> None:
    same = write_frames(tmp_path / "same", lambda _: day(0), lambda _: night(0))
    assert "none is left to check with. Give more frames" in complaint(lopsided, "--frames", same)


def test_one_frame_with_others_to_check_on_is_warned_of_and_judged_by_them(
    lopsided: Path, good: Path, tmp_path: Path
) -> None:
    one = write_frames(tmp_path / "one", day, night, count=1)
    result = run(lopsided, "--frames", one, "--check", good)
    assert result.exit_code == 0, result.exception
    assert "warning: ranges from 1 frame;" in result.stderr


def test_sides_in_the_wrong_order_are_seen_by_their_colours(lopsided: Path, good: Path, tmp_path: Path) -> None:
    swapped = write_frames(tmp_path / "swapped", night, colour)
    assert "They are in colour: swap the two sides" in complaint(lopsided, "--frames", swapped, "--check", good)


def test_gray_sides_in_the_wrong_order_fail_on_frames_in_the_right_one(
    lopsided: Path, good: Path, tmp_path: Path
) -> None:
    swapped = write_frames(tmp_path / "swapped", night, day)
    before = sorted(path.name for path in tmp_path.iterdir())
    text = complaint(lopsided, "--frames", swapped, "--check", good)
    assert "reaches 40 dB or more" in text
    assert "both cameras, each on its own side" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_gray_sides_in_the_wrong_order_pass_on_frames_in_the_same_order(lopsided: Path, tmp_path: Path) -> None:
    """What nothing can see: held-out frames are as wrong as the others. Frames to check on have to be right."""
    swapped = write_frames(tmp_path / "swapped", night, day)
    assert run(lopsided, "--frames", swapped).exit_code == 0


def as_pairs(visible: Painter, infrared: Painter) -> list[FramePair]:
    return [pair_of(*sides, index) for index, sides in enumerate(pictures(visible, infrared, 3))]


def test_a_gate_on_real_frames_sees_ranges_of_dark_noise(lopsided: Path) -> None:
    """Past the look at the frames, as where less than half of them are noise."""
    model = OnnxModel.read(lopsided)
    sites = quantizable_convs(model)
    dark = as_pairs(lambda index: noise(index) / 8, lambda index: noise(index) / 8)
    ranges = observe(model, sorted({site.activation for site in sites}), dark).ranges(RangeMethod())
    gate = Gate(lopsided, as_pairs(day, night), ParityLimits(40.0, 96), open_to_compare(lopsided))
    assert not gate.measure(quantize_model(model, sites, ranges)).holds


def test_the_gate_gives_the_verdict_of_verify_metrics_and_all(lopsided: Path, tmp_path: Path) -> None:
    model = OnnxModel.read(lopsided)
    sites = quantizable_convs(model)
    frames = synthetic_pairs(2, 48, 64)
    ranges = observe(model, sorted({site.activation for site in sites}), frames).ranges(RangeMethod())
    quantized = quantize_model(model, sites, ranges)
    limits = ParityLimits(10.0, 255)
    gate = Gate(lopsided, frames, limits, open_to_compare(lopsided))
    assert gate.measure(quantized).holds
    quantized.write(tmp_path / "int8.onnx")
    answers = answers_of(
        open_to_compare(lopsided), open_to_compare(tmp_path / "int8.onnx"), fit_pairs(frames, model.card)
    )
    verdict = judge(verification_of(answers), VerdictLimits(limits, 1e-9))
    assert gate.measure(quantized).reasons == ()
    assert replace(gate, metric_change=1e-9).measure(quantized).reasons == verdict.reasons
    assert "changed by" in verdict.reasons[0]


def test_what_holds_on_frames_held_out_has_to_hold_beside_those_it_was_measured_on(lopsided: Path) -> None:
    model = OnnxModel.read(lopsided)
    sites = quantizable_convs(model)
    frames = as_pairs(day, noise)
    ranges = observe(model, sorted({site.activation for site in sites}), frames).ranges(RangeMethod())
    quantized = quantize_model(model, sites, ranges)
    alone = Gate(lopsided, frames, ParityLimits(0.0, 255), open_to_compare(lopsided))
    psnr = {at: replace(alone, frames=[pair]).measure(quantized).parity.psnr_db for at, pair in enumerate(frames)}
    worst, *_, best = sorted(psnr, key=lambda at: psnr[at])
    limits = ParityLimits((psnr[worst] + psnr[best]) / 2, 255)
    gate = replace(alone, frames=[frames[best]], limits=limits)
    assert gate.measure(quantized).holds
    both = replace(gate, measured=[frames[worst]]).measure(quantized)
    assert (both.holds, both.parity.frames) == (False, 2)


def offset(levels: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda bias: bias + levels


def scaled(factor: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda values: values * factor


def one_loud(values: np.ndarray) -> np.ndarray:
    return values * np.where(np.arange(len(values)) == 0, 40.0, 1.0).reshape(-1, *[1] * (values.ndim - 1))


NEAR_BUT_OTHERWISE: dict[str, dict[str, Callable[[np.ndarray], np.ndarray]]] = {
    "one channel drowns the others": {"first.weight": one_loud, "last.weight": scaled(0.3)},
    "the same further inside, in a pale picture": {"down.weight": one_loud, "last.weight": scaled(0.1)},
    "features far from zero": {"first.bias": offset(30.0), "last.weight": scaled(0.1)},
    "features far from zero, taken back later": {
        "first.bias": offset(30.0),
        "up.bias": offset(-20.0),
        "last.weight": scaled(0.3),
    },
    "features far from zero, faintly read": {"first.bias": offset(30.0), "up.weight": scaled(0.1)},
}
"""Weights of which INT8 is near enough in every pixel, and yet changes a metric by more than it may."""


@pytest.mark.slow
@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("kind", NEAR_BUT_OTHERWISE)
def test_calibrate_and_verify_have_one_verdict(kind: str, held_out: bool, tmp_path: Path) -> None:
    path = write_unet(tmp_path / "unet.onnx")
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        change = NEAR_BUT_OTHERWISE[kind].get(tensor.name)
        if change is not None:
            values = change(numpy_helper.to_array(tensor)).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, path)
    frames = textured_pairs(tmp_path / "frames", 4)
    require_only_the_metrics_to_object(path, list(FolderFrames(frames)))
    result = run(path, "--frames", frames, *([] if held_out else ["--check", frames]))
    written = tmp_path / "unet.int8.onnx"
    assert written.exists() == (result.exit_code == 0)
    if written.exists():
        assert call(verify, path, written, "--frames", frames).exit_code == 0
        assert "4 of 7 convolutions in INT8" not in result.stdout  # some stayed in floating point for it
    else:
        assert "changed by" in str(result.exception)


def require_only_the_metrics_to_object(path: Path, frames: list[FramePair]) -> None:
    """All of it in INT8: within the pixels' limits, beyond those of the metrics."""
    model = OnnxModel.read(path)
    sites = quantizable_convs(model)
    ranges = observe(model, sorted({site.activation for site in sites}), frames).ranges(RangeMethod("mse"))
    gate = Gate(path, frames, replace(PRECISIONS["int8"].limits, worst_psnr_db=40.0), open_to_compare(path))
    quantized = quantize_model(model, sites, ranges)
    assert gate.measure(quantized).holds
    assert "changed by" in replace(gate, metric_change=PRECISIONS["int8"].metric_change).measure(quantized).reasons[0]
