"""Large pictures go into a compiled model and come out of it in planes, and are the same pictures."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from coconet.model_names import shipped_model
from coconet.networks.camera_ready import mirror_pad

pytest.importorskip("openvino", reason="OpenVINO is not installed: the extra openvino brings it")

from coconet.runtime.backends.openvino import planes
from coconet.runtime.backends.openvino.backend import OpenVinoBackend
from coconet.runtime.backends.openvino.graph import prepared
from coconet.runtime.backends.openvino.package import openvino
from coconet.runtime.backends.openvino.package import opset13 as opset
from coconet.runtime.backends.openvino.planes import NO_MARGINS, in_planes, join, margins_for, part, takes_planes
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend

SIZE = (24, 40)


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planes, "FROM_PX", SIZE[0] * SIZE[1])


def pair(size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    rng = np.random.default_rng(3)
    visible, infrared = (rng.integers(0, 256, (*size, channels), np.uint8) for channels in (3, 1))
    return visible, infrared


def lite(size: tuple[int, int] = SIZE, channels: int = 3) -> Any:
    model = openvino.Core().read_model(shipped_model("lite"))
    model.reshape({"visible": [1, *size, channels], "infrared": [1, *size, 1]})
    return prepared(model)


def compiled(model: Any) -> Any:
    return openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


def test_a_picture_is_parted_and_joined_again() -> None:
    visible, _ = pair(SIZE)
    parted = part(visible)
    assert np.array_equal(parted[0], visible.transpose(2, 0, 1))
    assert np.array_equal(join(parted), visible)


@pytest.mark.parametrize("size", [SIZE, (37, 53)])
def test_a_model_in_planes_gives_the_same_picture(size: tuple[int, int]) -> None:
    visible, infrared = pair(size)
    wanted = compiled(lite(size))({"visible": visible[None], "infrared": infrared[None]})[0][0]
    model = compiled(in_planes(lite(size)))
    assert takes_planes(model)
    found = model({planes.PLANES: part(visible), "infrared": infrared[None]})[0]
    assert np.abs(join(found).astype(int) - wanted).max() <= 1
    assert (join(found) == wanted).mean() > 0.999


def test_a_smaller_picture_stays_as_it_is() -> None:
    assert in_planes(lite((SIZE[0], SIZE[1] - 8))) is None


def test_without_opencv_a_picture_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planes, "has_opencv", lambda: False)
    assert in_planes(lite()) is None


def test_a_model_of_open_sizes_stays_as_it_is() -> None:
    model = openvino.Core().read_model(shipped_model("lite"))
    assert in_planes(prepared(model)) is None


@pytest.mark.parametrize("last", [opset.relu, opset.negative])
def test_a_model_that_joins_colour_in_another_way_stays_as_it_is(last: Any) -> None:
    taken = opset.parameter([1, *SIZE, 3], openvino.Type.u8)
    other = last(opset.convert(taken, "f32"))
    assert in_planes(openvino.Model([opset.convert(other, "u8")], [taken], "other")) is None


def test_the_backend_gives_the_same_picture_in_planes_and_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    visible, infrared = pair(SIZE)
    found = {}
    for least in (SIZE[0] * SIZE[1], 10**9):
        monkeypatch.setattr(planes, "FROM_PX", least)
        monkeypatch.setattr(OpenVinoBackend, "_compiled_forms", lambda _: None)
        backend = OpenVinoBackend(shipped_model("lite"), threads=1, depth=2)
        first = backend.fuse(visible, infrared)
        backend.submit(visible, infrared)
        backend.submit(infrared, infrared)
        found[least] = first, backend.collect(), backend.collect()
        kept = first.copy()
        backend.fuse(infrared, infrared)
        assert np.array_equal(first, kept)
        backend.close()
    for one, other in zip(*found.values(), strict=True):
        assert one.shape == other.shape
        assert np.abs(one.astype(int) - other).max() <= 1


@pytest.mark.parametrize("size", [(24, 40), (25, 41), (37, 53), (30, 47), (40, 31)])
def test_margins_are_those_of_the_graph_and_come_off_again(size: tuple[int, int]) -> None:
    visible, infrared = pair(size)
    margins = margins_for(visible, 16)
    for picture in (visible, infrared):
        whole = torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32))
        wanted = mirror_pad(mirror_pad(whole, 2, 16), 3, 16)[0].numpy().transpose(1, 2, 0)
        padded = margins.added_to(picture)
        assert np.array_equal(padded, wanted)
        assert np.array_equal(margins.taken_off(padded.transpose(2, 0, 1), *size), picture.transpose(2, 0, 1))


def test_a_small_picture_and_one_of_whole_multiples_have_no_margins() -> None:
    assert margins_for(pair((23, 39))[0], 16) == NO_MARGINS
    assert margins_for(pair((32, 48))[0], 16) == NO_MARGINS
    assert margins_for(pair((25, 41))[0], 1) == NO_MARGINS


@pytest.mark.parametrize("size", [(25, 41), (37, 53), (33, 48), (48, 63)])
@pytest.mark.parametrize(("word", "levels"), [("lite", 1), ("lite-int8", 3)])
def test_a_padded_picture_is_that_of_onnx_runtime(
    word: str, levels: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenVinoBackend, "_compiled_forms", lambda _: None)
    smooth = [np.asarray(cv2.GaussianBlur(side, (0, 0), 3), np.uint8).reshape(side.shape) for side in pair(size)]
    with closing(OpenVinoBackend(shipped_model(word))) as found, closing(OnnxRuntimeBackend(shipped_model(word))) as by:
        for sides in (smooth, [smooth[1], smooth[1]]):
            wanted, fused = by.fuse(*sides), found.fuse(*sides)
            assert fused.shape == wanted.shape == sides[0].shape
            assert np.abs(fused.astype(int) - wanted).max() <= levels
