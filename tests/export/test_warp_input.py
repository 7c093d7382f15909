"""A graph that aligns by itself lays every pixel where the runtime's own warp lays it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coconet.calibration.int8.graph import OnnxModel
from coconet.cards.frame_size import FrameSize
from coconet.cards.onnx_card import read_onnx
from coconet.errors import CoconetError
from coconet.export.engines.tensorrt_flavour import creation_flags, open_tensorrt, set_targets
from coconet.export.warp_input import fuse_warped, with_warp, write_warped
from coconet.model_names import shipped_model
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.preprocess.warp import Alignment, Lens, Plane
from coconet.runtime.preprocess.warp_table import warp_table
from tests.support.models.tiny_onnx import averaging_model, write_averaging_model

TURNED = Alignment(((1.9, 0.05, 6.0), (-0.04, 1.95, 4.0), (1e-4, 2e-4, 1.0)))
BENT = Alignment(
    ((0.8, 0.0, 5.0), (0.0, 0.8, 3.0), (0.0, 0.0, 1.0)),
    infrared_lens=Lens((80.0, 80.0), (40.0, 30.0), (-0.3, 0.1, 0.001, 0.002, 0.0)),
    visible_lens=Lens((90.0, 90.0), (48.0, 32.0), (0.1, 0.0, 0.0, 0.0, 0.0)),
    plane=Plane((40.0, 3.0), 20.0, 5.0),
)
SIZES = [((97, 65), (51, 37)), ((96, 64), (128, 96)), ((33, 47), (33, 47))]
"""Width and height of the visible and of the infrared picture."""


@pytest.fixture(scope="module")
def warped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("warped") / "model.warp.onnx"
    write_warped(write_averaging_model(out.with_name("model.onnx")), out)
    return out


@pytest.mark.parametrize("alignment", [Alignment(), TURNED, BENT])
@pytest.mark.parametrize(("size_px", "infrared_px"), SIZES)
def test_the_graph_warps_within_a_level_of_the_runtime(
    warped: Path, alignment: Alignment, size_px: tuple[int, int], infrared_px: tuple[int, int]
) -> None:
    if alignment.trivial and size_px != infrared_px:
        pytest.skip("the identity lies between equal sizes alone")
    random = np.random.default_rng(4)
    infrared = random.integers(0, 256, (*infrared_px[::-1], 1), np.uint8)  # noise: a misplaced pixel shows at once
    black = np.zeros((*size_px[::-1], 3), np.uint8)
    wanted = open_backend(warped.with_name("model.onnx"), "ort").fuse(black, alignment.warp(infrared, size_px))
    given = fuse_warped(warped, black, infrared, warp_table(alignment, size_px))
    assert np.abs(wanted.astype(int) - given).max() <= 1
    assert wanted.max() > 50


@pytest.mark.parametrize("word", ["lite", "lite-fp16", "lite-int8", "lite-int8-fp16"])
def test_every_precision_of_the_shipped_network_takes_a_warp(tmp_path: Path, word: str) -> None:
    parity = write_warped(shipped_model(word), tmp_path / "model.onnx")
    assert read_onnx(tmp_path / "model.onnx").card.form == "warped"
    assert parity.within_one_level > 0.99


@pytest.mark.parametrize("word", ["lite-fp16", "lite-int8"])
def test_tensorrt_builds_it_for_infrared_pictures_of_any_size(word: str) -> None:
    model = with_warp(read_onnx(shipped_model(word)).model, word)
    tensorrt = open_tensorrt(("sm86",))
    trt = tensorrt.module
    builder = trt.Builder(tensorrt.logger)
    network = builder.create_network(creation_flags(trt))
    parser = trt.OnnxParser(network, tensorrt.logger)
    assert parser.parse(model.SerializeToString()), parser.get_error(0).desc()
    config, profile = builder.create_builder_config(), builder.create_optimization_profile()
    set_targets(tensorrt, config)
    size, infrared = FrameSize(480, 640), [(96, 128), (256, 320), (512, 640)]
    shapes = {"visible": (size.height_px, size.width_px, 3), "warp": (size.height_px, size.width_px, 2)}
    for name, shape in shapes.items():
        profile.set_shape(name, *[(1, *shape)] * 3)
    profile.set_shape("infrared", *((1, *sides, 1) for sides in infrared))
    config.add_optimization_profile(profile)
    assert builder.build_serialized_network(network, config) is not None


def test_a_graph_with_a_warp_gets_no_second_one(warped: Path, tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"is a warped one of batch 1; .* Use it as it is"):
        write_warped(warped, tmp_path / "again.onnx")


def test_calibration_takes_the_graph_before_its_warp(warped: Path) -> None:
    with pytest.raises(CoconetError, match=r"a warped model .* Calibrate the model that --with-warp was given"):
        OnnxModel.read(warped)


def test_a_graph_of_another_hand_gets_no_warp() -> None:
    model = averaging_model()
    cast = next(node for node in model.graph.node if "infrared" in node.input)
    cast.op_type = "Identity"
    with pytest.raises(CoconetError, match="infrared read by Identity"):
        with_warp(model, "model.onnx")


def test_a_warp_that_goes_wrong_gets_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coconet.export.warp_input.warp_table", lambda *_: np.zeros((1, 241, 321, 2), np.float32))
    model = write_averaging_model(tmp_path / "model.onnx")
    with pytest.raises(CoconetError, match="behind the runtime's warp"):
        write_warped(model, tmp_path / "warped.onnx")
    assert list(tmp_path.iterdir()) == [model]
