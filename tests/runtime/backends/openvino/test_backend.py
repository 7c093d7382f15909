"""OpenVINO on the shipped and tiny models: the pictures of ONNX Runtime, and the same words for what is wrong."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from coconet.errors import CoconetError
from coconet.media.image import read_gray, read_picture
from coconet.media.pixels import Pixels, RawPixels
from coconet.model_names import model_path
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from tests.support.models.tiny_onnx import averaging_model, write_averaging_model
from tests.support.rigs.aligned_rig import BENT, INFRARED_PX, VISIBLE_PX, write_both_models

pytest.importorskip("openvino", reason="OpenVINO is not installed: the extra openvino brings it")

from coconet.runtime.backends.openvino.backend import OpenVinoBackend


@pytest.mark.parametrize(("model", "differing"), [("lite", 0.001), ("lite-int8", 0.1)])
def test_openvino_agrees_with_onnx_runtime(model: str, differing: float) -> None:
    (pair,) = synthetic_pairs(1, 96, 128)
    sides = (pair.visible.pixels, pair.infrared.pixels)
    ours = OpenVinoBackend(model_path(model), 1).fuse(*sides)
    theirs = OnnxRuntimeBackend(model_path(model), 1, optimise=False).fuse(*sides)
    apart = np.abs(ours.astype(int) - theirs)
    assert ours.shape == theirs.shape
    assert apart.max() <= 1
    assert (apart > 0).mean() <= differing


def test_a_gray_camera_is_taken_by_a_colour_model(tmp_path: Path) -> None:
    backend = OpenVinoBackend(write_averaging_model(tmp_path / "m.onnx"), 1)
    gray = np.full((12, 16, 1), 100, np.uint8)
    assert backend.fuse(gray, gray + 50).shape == (12, 16, 1)
    assert backend.card.network == "tiny"


def test_a_model_that_aligns_by_itself_is_given_the_table(tmp_path: Path) -> None:
    laying, warped = (OpenVinoBackend(path, 1) for path in write_both_models(tmp_path))
    random = np.random.default_rng(2)
    visible, infrared = (random.integers(0, 256, (*px[::-1], 1), np.uint8) for px in (VISIBLE_PX, INFRARED_PX))
    warped.align(BENT)
    wanted = laying.fuse(visible, BENT.warp(infrared, VISIBLE_PX))
    assert np.abs(warped.fuse(visible, infrared).astype(int) - wanted).max() <= 1


def test_every_size_gives_the_pictures_of_onnx_runtime() -> None:
    ours, theirs = OpenVinoBackend(model_path("lite"), 1), OnnxRuntimeBackend(model_path("lite"), 1)
    for height, width in [(48, 64), (50, 66), (50, 66), (47, 61), (48, 64)]:
        (pair,) = synthetic_pairs(1, height, width)
        sides = (pair.visible.pixels, pair.infrared.pixels)
        assert np.abs(ours.fuse(*sides).astype(int) - theirs.fuse(*sides)).max() <= 1
    ours.close()


def test_a_model_compiled_for_a_size_that_is_padded_gives_the_pictures_of_onnx_runtime() -> None:
    (pair,) = synthetic_pairs(1, 99, 133)
    sides = (pair.visible.pixels, pair.infrared.pixels)
    ours, theirs = OpenVinoBackend(model_path("lite"), 1), OnnxRuntimeBackend(model_path("lite"), 1)
    assert np.abs(ours.fuse(*sides).astype(int) - theirs.fuse(*sides)).max() <= 1


def test_pairs_under_way_at_once_give_the_same_pictures_in_order() -> None:
    at_once, alone = OpenVinoBackend(model_path("lite"), 2, depth=2), OpenVinoBackend(model_path("lite"), 1)
    pairs = [(pair.visible.pixels, pair.infrared.pixels) for pair in synthetic_pairs(5, 48, 64)]
    pictures: list[Pixels] = []
    for index, pair in enumerate(pairs):
        if index >= 2:
            pictures.append(at_once.collect())
        at_once.submit(*pair)
    with pytest.raises(CoconetError, match="already has 2 pending frames"):
        at_once.submit(*pairs[0])
    pictures += [at_once.collect(), at_once.collect()]
    for pair, picture in zip(pairs, pictures, strict=True):
        assert np.abs(picture.astype(int) - alone.fuse(*pair)).max() <= 1
    with pytest.raises(CoconetError, match="has no pending frame to collect"):
        at_once.collect()
    at_once.submit(*pairs[0])
    at_once.close()


def test_bfloat16_is_asked_for_and_said(tmp_path: Path) -> None:
    model = write_averaging_model(tmp_path / "m.onnx")
    assert OpenVinoBackend(model, 1, "bf16").name.endswith("(CPU, BF16)")
    assert OpenVinoBackend(model, 1).name.endswith("(CPU)")


def test_a_corrupt_file_is_called_corrupt(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"\x08\x09\xff\xfe no model")
    with pytest.raises(CoconetError, match="cannot be read as an ONNX model"):
        OpenVinoBackend(tmp_path / "m.onnx")


def test_a_model_without_a_card_is_sent_to_export(tmp_path: Path) -> None:
    model = averaging_model()
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(CoconetError, match="has no model card"):
        OpenVinoBackend(tmp_path / "m.onnx")


def test_float_pictures_are_not_our_layout(tmp_path: Path) -> None:
    model = averaging_model()
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(CoconetError, match=r"visible is tensor\(float\) .* says tensor\(uint8\)"):
        OpenVinoBackend(tmp_path / "m.onnx")


def test_a_closed_model_says_so_and_closes_twice(tmp_path: Path) -> None:
    backend = OpenVinoBackend(write_averaging_model(tmp_path / "m.onnx"), 1)
    backend.close()
    backend.close()
    gray = np.zeros((12, 16, 1), np.uint8)
    with pytest.raises(CoconetError, match="is closed"):
        backend.fuse(gray, gray)


def small(pixels: RawPixels) -> Pixels:
    return np.asarray(cv2.resize(pixels, (320, 240)), np.uint8).reshape(240, 320, -1)


@pytest.mark.data
@pytest.mark.parametrize(("model", "differing", "levels"), [("lite", 0.001, 1), ("lite-int8", 0.02, 3)])
def test_openvino_agrees_on_real_frames(data: Path, model: str, differing: float, levels: int) -> None:
    ours, theirs = OpenVinoBackend(model_path(model), 1), OnnxRuntimeBackend(model_path(model), 1, optimise=False)
    for name in sorted(path.name for path in (data / "roadscene" / "vis").iterdir())[:3]:
        visible = small(read_picture(data / "roadscene" / "vis" / name))
        infrared = small(read_gray(data / "roadscene" / "ir" / name))
        apart = np.abs(ours.fuse(visible, infrared).astype(int) - theirs.fuse(visible, infrared))
        assert apart.max() <= levels  # a value between two levels of INT8 may be rounded to either
        assert (apart > 0).mean() <= differing


def test_a_model_that_memory_does_not_suffice_for_is_not_sent_to_export(tmp_path: Path) -> None:
    backend = OpenVinoBackend(write_averaging_model(tmp_path / "m.onnx"), 1)

    def fail() -> None:
        raise RuntimeError("Check failed: std::bad_alloc")

    with pytest.raises(CoconetError, match=r"does not run in OpenVINO: the memory does not suffice\. Close other"):
        backend._in_words(fail)
