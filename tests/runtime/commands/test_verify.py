"""`coconet verify` as a user calls it: models that are alike, and deliberately bad ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import typer
from typer.testing import CliRunner, Result

from coconet.calibration.int8.graph import OnnxModel
from coconet.calibration.int8.observer import observe
from coconet.calibration.int8.placement import quantizable_convs
from coconet.calibration.int8.qdq import quantize_model
from coconet.calibration.int8.threshold import RangeMethod
from coconet.cards.model_card import INFRARED, VISIBLE
from coconet.errors import CoconetError
from coconet.installation.remedy import remedy_for
from coconet.media.image import read_picture
from coconet.media.panel import BAND_PX, GAP_PX
from coconet.runtime.cameras.pair_folder import FolderFrames
from coconet.runtime.commands.verify import verify
from coconet.runtime.frame import FramePair
from tests.support.media.frames import pair_of
from tests.support.media.pair_folders import textured_pairs, write_pair
from tests.support.media.textured import textured
from tests.support.models.small_unet import write_unet
from tests.support.models.tiny_onnx import write_averaging_model
from tests.support.rigs.aligned_rig import BENT, INFRARED_PX, VISIBLE_PX, aligned_rig, write_both_models
from tests.support.rigs.fleet_tree import write_recording

APP = typer.Typer(pretty_exceptions_enable=False)
APP.command()(verify)
HEIGHT, WIDTH = 48, 64


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    return textured_pairs(tmp_path / "frames", 2)


@pytest.fixture
def unet(tmp_path: Path) -> Path:
    return write_unet(tmp_path / "unet.onnx")


def run(*words: object) -> Result:
    return CliRunner().invoke(APP, [str(word) for word in words], env={"COLUMNS": "200"})


def complaint(*words: object) -> str:
    error = run(*words).exception
    assert isinstance(error, CoconetError), error
    return str(error)


def swapped(model: Path) -> Path:
    """The same model with the two cameras plugged in the wrong way round."""
    proto = onnx.load(model)
    other = {VISIBLE: INFRARED, INFRARED: VISIBLE}
    for node in proto.graph.node:
        node.input[:] = [other.get(name, name) for name in node.input]
    onnx.save(proto, model.with_name("swapped.onnx"))
    return model.with_name("swapped.onnx")


def quantised(model: Path, pairs: list[FramePair] | FolderFrames) -> Path:
    """An INT8 model that passed no gate."""
    float_model = OnnxModel.read(model)
    sites = quantizable_convs(float_model)
    ranges = observe(float_model, sorted({site.activation for site in sites}), pairs).ranges(RangeMethod())
    quantize_model(float_model, sites, ranges).write(model.with_name("int8.onnx"))
    return model.with_name("int8.onnx")


def lens_cap_noise() -> list[FramePair]:
    noise = np.random.default_rng(0).integers(0, 3, (2, HEIGHT, WIDTH, 1), dtype=np.uint8)
    return [pair_of(noise[0], noise[1])]


def test_a_model_is_like_itself(frames: Path, unet: Path, tmp_path: Path) -> None:
    result = run(unet, unet, "--frames", frames, "--json", tmp_path / "v.json", "--worst", tmp_path / "w.png")
    assert result.exit_code == 0, result.output
    assert "within the limits" in result.stdout
    report = json.loads((tmp_path / "v.json").read_text())
    assert (report["passed"], report["reasons"], report["parity"]["psnr_db"], report["ssim"]) == (True, [], None, 1.0)
    assert read_picture(tmp_path / "w.png").shape == (HEIGHT + BAND_PX, 5 * WIDTH + 4 * GAP_PX, 3)


def test_an_honest_int8_model_passes_and_its_changes_are_told(frames: Path, unet: Path, tmp_path: Path) -> None:
    int8 = quantised(unet, FolderFrames(frames))
    result = run(unet, int8, "--frames", frames, "--json", tmp_path / "v.json")
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "v.json").read_text())
    assert (report["candidate"]["precision"], report["parity"]["frames"]) == ("int8", 2)
    assert list(report["metrics"]) == ["EN", "AG", "SF", "SD", "SCD", "VIF"]
    assert 0.9 < report["ssim"] < 1.0
    assert report["limits"]["worst_psnr_db"] == 35.0


def test_swapped_cameras_are_caught_and_the_worst_frame_is_named_and_drawn(frames: Path, tmp_path: Path) -> None:
    unet = write_unet(tmp_path / "unet.onnx")
    result = run(unet, swapped(unet), "--frames", frames, "--worst", tmp_path / "w.png", "--json", tmp_path / "v.json")
    assert result.exit_code == 1
    assert result.stderr.startswith("beyond the limits: ")
    assert result.stderr.count("\n") == 1
    worst = json.loads((tmp_path / "v.json").read_text())["parity"]["worst_frame"]
    assert result.stderr.endswith(f"Look at {worst} first.\n")
    assert (tmp_path / "w.png").is_file()


def test_models_that_are_different_or_the_wrong_way_round_are_said_to_be(frames: Path, unet: Path) -> None:
    other = run("average", "maximum", "--frames", frames)
    assert other.exit_code == 1
    assert "The two are different networks, of which coconet score says which fuses better. Look at" in other.stderr
    turned = run(quantised(unet, FolderFrames(frames)), unet, "--frames", frames)
    assert turned.exit_code == 1
    said = "The reference is INT8 and the candidate FP32: they are probably the wrong way round. Look at"
    assert said in turned.stderr


def test_the_page_says_the_verdict_and_shows_the_frames_that_differ_most(frames: Path, tmp_path: Path) -> None:
    model = write_averaging_model(tmp_path / "average.onnx")
    run(model, model, "--frames", frames, "--html", tmp_path / "v.html")
    text = (tmp_path / "v.html").read_text(encoding="utf-8")
    assert '<p class="verdict">' in text
    assert ": within the limits." in text
    assert text.count("<img ") == 2  # both frames of the folder
    assert "PSNR inf dB, 100.00% of samples within one level" in text


def test_ranges_measured_on_noise_are_caught(frames: Path, unet: Path) -> None:
    result = run(unet, quantised(unet, lens_cap_noise()), "--frames", frames)
    assert result.exit_code == 1
    assert "wanted 35 dB or more on every frame" in result.stderr


def test_a_floor_for_the_psnr_takes_the_place_of_all_limits(frames: Path) -> None:
    assert run("average", "maximum", "--frames", frames).exit_code == 1
    assert run("average", "maximum", "--frames", frames, "--min-psnr", 1).exit_code == 0
    assert "wanted 60 dB" in run("average", "maximum", "--frames", frames, "--min-psnr", 60).stderr


def test_frames_are_cut_to_the_size_of_the_one_model_that_has_one(frames: Path, tmp_path: Path) -> None:
    model = write_averaging_model(tmp_path / "m.onnx", size=(44, 46))
    result = run("average", model, "--frames", frames, "--worst", tmp_path / "w.png", "--min-psnr", 40)
    assert result.exit_code == 0, result.output
    assert read_picture(tmp_path / "w.png").shape == (44 + BAND_PX, 5 * 46 + 4 * GAP_PX, 3)


def test_a_model_that_aligns_by_itself_is_compared_with_one_that_is_given_aligned_pictures(tmp_path: Path) -> None:
    aligned_rig(tmp_path)
    laying, warped = write_both_models(tmp_path)
    (height, width), rows = VISIBLE_PX[::-1], [list(row) for row in BENT.homography]
    rig = tmp_path / "rig.toml"
    rig.write_text(
        f'[visible]\naddress = "visible"\n[infrared]\naddress = "infrared"\n[alignment]\nhomography = {rows}\n'
        f"size_px = [{width}, {height}]\ninfrared_size_px = {list(INFRARED_PX)}\n"
    )
    for models in ((laying, warped), (warped, laying)):
        ended = run(*models, "--frames", rig, "--json", tmp_path / "v.json", "--overwrite")
        assert ended.exit_code == 0, ended.output
        found = json.loads((tmp_path / "v.json").read_text())
        assert 0 < found["parity"]["max_abs_error"] <= 1  # its own table, and not the runtime's pictures


def test_two_sizes_that_differ_are_refused(frames: Path, tmp_path: Path) -> None:
    models = [write_averaging_model(tmp_path / f"{side}.onnx", size=(side, 48)) for side in (42, 44)]
    assert "A takes 42x48 (height x width) and B 44x48 (height x width)" in complaint(*models, "--frames", frames)


@pytest.mark.parametrize(
    ("name", "got"), [("w.jpg", "ends in .jpg"), ("w", "has no ending"), ("no/w.png", "no folder")]
)
def test_a_picture_that_cannot_be_written_is_refused_before_anything_is_opened(
    tmp_path: Path, name: str, got: str
) -> None:
    assert got in complaint("gone.onnx", "average", "--frames", tmp_path, "--worst", tmp_path / name)


def test_frames_too_small_for_the_metrics_leave_no_file(tmp_path: Path) -> None:
    write_pair(tmp_path, "a.png", textured(0, 20, 20), textured(0, 20, 20))
    text = complaint("average", "maximum", "--frames", tmp_path, "--json", tmp_path / "v.json")
    assert "at least 41 pixels a side" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ir", "vis"]


def test_without_scipy_the_extra_is_named(frames: Path) -> None:
    hiding = "import sys; sys.modules['scipy'] = None; from coconet.cli import main; main()"
    command = [sys.executable, "-c", hiding, "verify", "average", "average", "--frames", str(frames)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert remedy_for("metrics") in answer.stderr


@pytest.mark.data
def test_the_shipped_int8_model_is_near_its_float_form_on_real_pictures(tmp_path: Path, data: Path) -> None:
    for side in ("ir", "vis"):
        (tmp_path / side).mkdir()
        picture = next((data / "tno" / side).glob("TNO_026.*"))
        (tmp_path / side / picture.name).symlink_to(picture)
    result = run("lite", "lite-int8", "--frames", tmp_path)
    assert result.exit_code == 0, result.output


def test_a_report_does_not_replace_a_recording_that_the_rig_file_names(tmp_path: Path) -> None:
    rig = write_recording(tmp_path / "night", frames=2) / "rig.toml"
    before = (video := tmp_path / "night" / "visible.mp4").read_bytes()
    assert "write over or among the input" in complaint(
        "average", "maximum", "--frames", rig, "--json", video, "--overwrite"
    )
    assert video.read_bytes() == before


def flat_twin(model: Path) -> Path:
    """The same model with its last convolution at nothing but its bias, as one that has learned nothing."""
    proto = onnx.load(model)
    for tensor in proto.graph.initializer:
        if tensor.name == "last.weight":
            tensor.CopyFrom(
                onnx.numpy_helper.from_array(np.zeros_like(onnx.numpy_helper.to_array(tensor)), tensor.name)
            )
    onnx.save(proto, model.with_name("flat.onnx"))
    return model.with_name("flat.onnx")


def test_two_models_that_agree_on_pictures_of_nothing_are_warned_of(tmp_path: Path, frames: Path) -> None:
    good = write_averaging_model(tmp_path / "tiny.onnx")
    flat = flat_twin(good)
    told = run(flat, flat, "--frames", frames)
    assert told.exit_code == 0, told.exception
    assert "100.0" in told.stdout or "inf" in told.stdout
    assert told.stderr.count("fuses 2 of 2 frames into pictures that show nothing of use") == 2
    assert "flat.onnx" in told.stderr
    assert "show nothing" not in run(good, good, "--frames", frames).stderr


def test_a_model_that_is_not_there_is_refused_before_the_first_is_loaded(
    tmp_path: Path, frames: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = write_averaging_model(tmp_path / "tiny.onnx")
    monkeypatch.setattr("coconet.runtime.verify.reference_backend.open_to_compare", None)
    assert "none.onnx does not exist" in complaint(good, tmp_path / "none.onnx", "--frames", frames)
