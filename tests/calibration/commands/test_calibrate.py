"""The command `coconet calibrate`: what it writes, what it refuses, and that it leaves nothing half done."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from coconet.calibration.commands.calibrate import calibrate
from coconet.calibration.int8.graph import OnnxModel
from coconet.calibration.int8.ranges import read_ranges
from coconet.calibration.int8.sensitivity import RANKING_FRAMES, RANKING_SIDE_PX, expected_speed
from coconet.cards.precision import PrecisionName
from coconet.files import sha256_of
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend
from tests.support.media.pair_folders import spotted_pairs
from tests.support.models.small_unet import write_unet
from tests.support.models.tiny_onnx import write_averaging_model
from tests.support.programs.called import call, complaint_of


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_unet(tmp_path / "unet.onnx")


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    return spotted_pairs(tmp_path / "frames", 3)


run = partial(call, calibrate)
complaint = partial(complaint_of, calibrate)


def test_it_writes_the_int8_model_and_its_ranges_and_says_how_close_it_is(model: Path, frames: Path) -> None:
    result = run(model, "--frames", frames)
    assert result.exit_code == 0, result.exception
    assert "4 of 7 convolutions in INT8" in result.stdout
    assert " dB" in result.stdout
    int8 = OnnxModel.read(model.with_name("unet.int8.onnx"))
    ranges = read_ranges(model.with_name("unet.int8.ranges.json"), sha256_of(model))
    assert int8.card.calibration == ranges.record
    assert (ranges.record.frames, ranges.record.method) == (2, "mse")


def test_few_frames_and_pictures_of_nothing_are_warned_of_in_a_line_each(model: Path, frames: Path) -> None:
    few, nothing = run(model, "--frames", frames).stderr.splitlines()
    assert few == (
        "warning: ranges from 2 frames; 100 or more of your own cameras are safer, --crops 100 is the next best"
    )
    assert nothing.startswith("warning: unet.onnx fuses 1 of 1 frame into pictures that show nothing of use: that of")


def test_it_says_on_which_frames_it_was_compared(model: Path, frames: Path, tmp_path: Path) -> None:
    other = spotted_pairs(tmp_path / "other", 1)
    assert f"on frames held out of {frames}: " in run(model, "--frames", frames).stdout
    assert f"on {other}: " in run(model, "--frames", frames, "--check", other, "--overwrite").stdout


@pytest.mark.parametrize("method", ["percentile", "mse", "entropy", "max"])
def test_every_method_is_offered(model: Path, frames: Path, method: str) -> None:
    result = run(model, "--frames", frames, "--method", method)
    assert result.exit_code == 0, result.exception
    assert f"unet.int8.ranges.json: {method}" in result.stdout


def test_ranges_of_an_earlier_run_give_the_same_model(model: Path, frames: Path, tmp_path: Path) -> None:
    run(model, "--frames", frames, "--method", "mse")
    ranges, again = tmp_path / "unet.int8.ranges.json", tmp_path / "again.onnx"
    result = run(model, "--ranges", ranges, "--check", frames, "--out", again)
    assert result.exit_code == 0, result.exception
    assert again.read_bytes() == (tmp_path / "unet.int8.onnx").read_bytes()


def test_a_model_below_the_limit_is_not_written(model: Path, frames: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    text = complaint(model, "--frames", frames, "--min-psnr", "90")
    assert "unet.int8.onnx is not written: no mixture of INT8 and fp32 reaches 90 dB or more" in text
    assert re.search(r"--min-psnr \d+ lets the nearest one, with 3 of 4 convolutions kept, go on", text)
    assert text.endswith("with coconet export --half.")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_int8_is_kept_only_if_it_pays_on_this_machine(model: Path, frames: Path, tmp_path: Path) -> None:
    text = complaint(model, "--frames", frames, "--keep-if-faster", "1000")
    assert "asks for INT8 1000 times as fast or more" in text
    assert re.search(r"but it is \d+\.\d\d times as fast as unet.onnx in OpenVINO .* on this machine", text)
    assert not (tmp_path / "unet.int8.onnx").exists()
    said = run(model, "--frames", frames, "--keep-if-faster", "0").stdout
    assert "INT8 is" in said
    assert (tmp_path / "unet.int8.onnx").exists()


def test_ranges_of_another_model_are_refused(model: Path, frames: Path, tmp_path: Path) -> None:
    run(model, "--frames", frames)
    other = write_unet(tmp_path / "other.onnx", half=True)
    text = complaint(other, "--ranges", tmp_path / "unet.int8.ranges.json", "--check", frames)
    assert "holds the ranges of another model" in text


def test_an_already_quantised_model_is_refused(model: Path, frames: Path) -> None:
    run(model, "--frames", frames)
    assert "quantised already" in complaint(model.with_name("unet.int8.onnx"), "--frames", frames)


def test_the_word_of_a_shipped_model_is_calibrated_into_the_working_folder(
    frames: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("lite", "--frames", frames, "--min-psnr", 1)
    assert result.exit_code == 0, result.exception
    assert OnnxModel.read(tmp_path / "lite.int8.onnx").card.network == "lite"


def test_a_model_with_nothing_to_quantise_is_refused(frames: Path, tmp_path: Path) -> None:
    tiny = write_averaging_model(tmp_path / "tiny.onnx")
    assert "has no convolution of " in complaint(tiny, "--frames", frames)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("unet.onnx", "is the float model itself"),
        ("model.engine", "has the ending .engine"),
        ("missing/int8.onnx", "is no folder"),
    ],
)
def test_a_name_that_cannot_be_the_int8_models_is_refused(model: Path, frames: Path, name: str, says: str) -> None:
    assert says in complaint(model, "--frames", frames, "--out", model.parent / name)


def test_frames_are_needed_somewhere(model: Path) -> None:
    assert "--frames is missing: calibration needs frames" in complaint(model)


def test_frames_are_needed_to_measure(model: Path, frames: Path) -> None:
    assert "Name some, or give --ranges." in complaint(model, "--check", frames)


def test_a_percentile_beside_another_method_is_refused(model: Path, frames: Path) -> None:
    text = complaint(model, "--frames", frames, "--method", "mse", "--percentile", "99.9")
    assert "--percentile cannot be used with --method mse" in text


def test_a_method_beside_ready_ranges_is_refused(model: Path, frames: Path) -> None:
    text = complaint(model, "--frames", frames, "--ranges", "ranges.json", "--method", "mse")
    assert "--ranges cannot be used with --method" in text


def test_crops_beside_ready_ranges_are_refused(model: Path, frames: Path) -> None:
    text = complaint(model, "--frames", frames, "--ranges", "ranges.json", "--crops", "9")
    assert "--ranges cannot be used with --method, --percentile or --crops" in text


def test_crops_make_up_the_number_and_are_told_in_the_card(model: Path, frames: Path, tmp_path: Path) -> None:
    result = run(model, "--frames", frames, "--crops", "100")
    assert (result.exit_code, "ranges from" in result.stderr) == (0, False)
    record = OnnxModel.read(tmp_path / "unet.int8.onnx").card.calibration
    assert record is not None
    assert (record.frames, record.method) == (100, "mse (98 of the frames are crops)")


def test_frames_are_described_in_one_line(model: Path, frames: Path) -> None:
    first = run(model, "--frames", frames).stdout.splitlines()[0]
    assert first.startswith(f"{frames}, frames: 3 (")
    assert first.endswith(", near-duplicates left out: 0")


def test_two_recordings_are_calibrated_on_through_the_rig(model: Path, frames: Path) -> None:
    cameras = ("--visible", frames / "vis", "--infrared", frames / "ir", "--every", "1")
    result = run(model, *cameras)
    assert result.exit_code == 0, result.exception
    assert f"on frames held out of {frames / 'vis'} and {frames / 'ir'}: " in result.stdout


def test_the_table_is_shown_where_it_is_asked_for(model: Path, frames: Path) -> None:
    assert "kept in FP32" not in run(model, "--frames", frames).stdout
    shown = run(model, "--frames", frames, "--sensitivity", "--overwrite").stdout
    assert [f"{kept} of 4" in shown for kept in range(5)] == [True, True, True, True, False]
    assert "4 of 7 convolutions in INT8" in shown


def test_the_worst_convolutions_stay_in_floating_point_until_the_limit_holds(model: Path, frames: Path) -> None:
    plain = run(model, "--frames", frames, "--check", frames, "--sensitivity").stdout
    limit = max(float(line.split()[-2]) for line in plain.splitlines() if " of 4 " in line) - 0.05
    result = run(model, "--frames", frames, "--check", frames, "--min-psnr", limit, "--overwrite")
    assert result.exit_code == 0, result.exception
    assert "->" in result.stdout
    assert "4 of 7 convolutions in INT8" not in result.stdout


def test_the_half_model_is_held_against_the_single_one(model: Path, frames: Path, tmp_path: Path) -> None:
    half = write_unet(tmp_path / "half.onnx", half=True)
    result = run(half, "--frames", frames, "--against", model)
    assert result.exit_code == 0, result.exception
    assert f"against {model} on frames held out" in result.stdout
    assert OnnxModel.read(tmp_path / "half.int8.onnx").card.precision == "int8"
    harder = ("--min-psnr", "99", "--overwrite")
    assert "reaches 99 dB or more" in complaint(half, "--frames", frames, "--against", model, *harder)


@pytest.mark.parametrize(("share", "precision", "speed"), [(0.0, "fp16", 1.0), (1.0, "fp16", 2.0), (0.5, "fp32", 1.6)])
def test_the_expected_speed_follows_amdahl(share: float, precision: PrecisionName, speed: float) -> None:
    assert expected_speed(share, precision) == pytest.approx(speed)


@pytest.mark.slow
@pytest.mark.data
def test_a_u_net_on_real_pictures_stays_within_reach_of_its_float_form(data: Path, tmp_path: Path) -> None:
    model = write_unet(tmp_path / "unet.onnx", size=(128, 160))
    result = run(model, "--frames", data / "tno", "--check", data / "roadscene", "--min-psnr", "40")
    assert result.exit_code == 0, result.exception


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often ONNX Runtime opens a file, and how often a model fuses; by the name of the file."""
    counts: Counter[str] = Counter()
    session, fuse = onnxruntime.InferenceSession, OnnxRuntimeBackend.fuse

    def counted_session(model: str | bytes, *arguments: Any, **options: Any) -> Any:
        counts["open " + (Path(model).name if isinstance(model, str) else "in memory")] += 1
        return session(model, *arguments, **options)

    def counted_fuse(backend: Any, visible: Any, infrared: Any) -> Any:
        counts[f"fuse {backend._where.name}"] += 1
        return fuse(backend, visible, infrared)

    monkeypatch.setattr(onnxruntime, "InferenceSession", counted_session)
    monkeypatch.setattr(OnnxRuntimeBackend, "fuse", counted_fuse)
    return counts


def test_the_reference_is_opened_once_and_fuses_each_frame_of_a_set_once(
    model: Path, frames: Path, tmp_path: Path, opened: Counter[str]
) -> None:
    checked = spotted_pairs(tmp_path / "checked", 5)
    run(model, "--frames", frames, "--check", checked, "--sensitivity")
    mixtures, ranked = 4, 4  # of four convolutions none, one, two or three are kept; each is ranked alone
    assert opened["open unet.onnx"] == 1
    assert opened["fuse unet.onnx"] == 5
    assert opened["open candidate.onnx"] == mixtures + ranked
    assert opened["fuse candidate.onnx"] == mixtures * 5 + ranked * RANKING_FRAMES


def test_frames_that_are_ranked_on_their_middle_are_a_set_of_their_own(
    model: Path, tmp_path: Path, opened: Counter[str]
) -> None:
    large = spotted_pairs(tmp_path / "large", 5, width=RANKING_SIDE_PX + 6)
    run(model, "--frames", large, "--check", large, "--sensitivity")
    assert opened["fuse unet.onnx"] == 5 + RANKING_FRAMES


def test_an_int8_reference_is_opened_once(model: Path, frames: Path, opened: Counter[str]) -> None:
    run(model, "--frames", frames)
    opened.clear()
    run(model, "--frames", frames, "--against", model.with_name("unet.int8.onnx"), "--out", model.with_name("b.onnx"))
    assert opened["open unet.int8.onnx"] == 1
