"""The ONNX Runtime backend: that it fuses, and what it says of files that are not ours."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from coconet.cards.model_card import CARD_KEY
from coconet.errors import CoconetError
from coconet.runtime.backends.onnx_failure import ort_reason
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend, run_in_words
from coconet.runtime.backends.rules.baseline import BaselineBackend
from tests.support.models.tiny_onnx import averaging_card, averaging_model, write_averaging_model

RANDOM = np.random.default_rng(1)
COLOUR = RANDOM.integers(0, 256, (12, 16, 3), np.uint8)
GRAY = RANDOM.integers(0, 256, (12, 16, 1), np.uint8)
THERMAL = RANDOM.integers(0, 256, (12, 16, 1), np.uint8)


def save(model: onnx.ModelProto, folder: Path) -> Path:
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


def card_model(**changes: Any) -> onnx.ModelProto:
    model = averaging_model()
    helper.set_model_props(model, {CARD_KEY: dataclasses.replace(averaging_card(), **changes).to_json()})
    return model


@pytest.mark.parametrize("optimise", [True, False])
@pytest.mark.parametrize(("channels", "visible"), [(3, COLOUR), (3, GRAY), (1, GRAY)])
def test_a_model_that_averages_agrees_with_numpy(
    tmp_path: Path, channels: int, visible: np.ndarray, optimise: bool
) -> None:
    with OnnxRuntimeBackend(write_averaging_model(tmp_path / "m.onnx", channels), 1, optimise) as backend:
        fused = backend.fuse(visible, THERMAL)
    wanted = BaselineBackend("average").fuse(visible, THERMAL)
    assert fused.shape == visible.shape
    assert fused.dtype == np.uint8
    assert np.abs(fused.astype(int) - wanted).max() <= 1


def test_frames_that_are_views_of_larger_pictures_are_taken(tmp_path: Path) -> None:
    backend = OnnxRuntimeBackend(write_averaging_model(tmp_path / "m.onnx"))
    whole = backend.fuse(np.ascontiguousarray(COLOUR[::2, ::-1]), np.ascontiguousarray(THERMAL[::2, ::-1]))
    assert np.array_equal(backend.fuse(COLOUR[::2, ::-1], THERMAL[::2, ::-1]), whole)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match=r"gone\.onnx does not exist; expected an ONNX model"):
        OnnxRuntimeBackend(tmp_path / "gone.onnx")


@pytest.mark.parametrize("damage", [b"", b"not a model", None])
def test_a_corrupt_file_is_called_corrupt(tmp_path: Path, damage: bytes | None) -> None:
    path = write_averaging_model(tmp_path / "m.onnx")
    path.write_bytes(path.read_bytes()[:-200] if damage is None else damage)
    said = (
        "cannot be read as an ONNX model: it is something else, or damaged|is (an empty|a text) file; expected an ONNX"
    )
    with pytest.raises(CoconetError, match=said):
        OnnxRuntimeBackend(path)


def test_other_inputs_are_listed_beside_the_wanted_ones(tmp_path: Path) -> None:
    model = averaging_model()
    model.graph.input[1].name = model.graph.node[1].input[0] = "thermal"
    with pytest.raises(
        CoconetError, match="has the inputs visible, thermal and the outputs .*; expected visible and infrared"
    ):
        OnnxRuntimeBackend(save(model, tmp_path))


def test_a_model_without_a_card_is_sent_to_export(tmp_path: Path) -> None:
    model = averaging_model()
    del model.metadata_props[:]
    with pytest.raises(CoconetError, match=r"has no model card, .* Export the model with coconet export"):
        OnnxRuntimeBackend(save(model, tmp_path))


def test_a_card_that_is_no_card_is_refused(tmp_path: Path) -> None:
    model = averaging_model()
    helper.set_model_props(model, {CARD_KEY: "{}"})
    with pytest.raises(CoconetError, match="has a model card that cannot be read"):
        OnnxRuntimeBackend(save(model, tmp_path))


@pytest.mark.parametrize("changes", [{"visible_channels": 1}, {"height_px": 12, "width_px": 16}])
def test_a_card_that_contradicts_its_graph_is_refused(tmp_path: Path, changes: dict[str, int]) -> None:
    with pytest.raises(
        CoconetError,
        match=r"visible is tensor\(uint8\) of shape .*\(1, any, any, 3.*says tensor\(uint8\) of shape \(1, ",
    ):
        OnnxRuntimeBackend(save(card_model(**changes), tmp_path))


def test_float_pictures_are_not_our_layout(tmp_path: Path) -> None:
    model = averaging_model()
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    with pytest.raises(CoconetError, match=r"visible is tensor\(float\) .* says tensor\(uint8\)"):
        OnnxRuntimeBackend(save(model, tmp_path))


def test_a_model_for_one_size_names_the_wanted_and_the_given_size(tmp_path: Path) -> None:
    backend = OnnxRuntimeBackend(write_averaging_model(tmp_path / "m.onnx", size=(24, 32)))
    with pytest.raises(CoconetError, match=r"m\.onnx, frame size is 12x16 .*, but the model was exported for 24x32"):
        backend.fuse(COLOUR, THERMAL)


def test_a_run_that_fails_inside_is_our_error(tmp_path: Path) -> None:
    model = averaging_model()
    model.graph.node.append(helper.make_node("Cast", ["visible"], ["beyond_the_end"], to=onnx.TensorProto.INT64))
    model.graph.node.append(helper.make_node("Gather", ["first.bias", "beyond_the_end"], ["gathered"]))
    said = r"does not run in ONNX Runtime [\d.]+: its operation Gather failed\. Export the model with coconet export\."
    with pytest.raises(CoconetError, match=said):
        OnnxRuntimeBackend(save(model, tmp_path), optimise=False).fuse(COLOUR, THERMAL)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("std::bad_alloc"), "the memory does not suffice"),
        (RuntimeError("BFCArena: Failed to allocate memory for requested buffer"), "the memory does not suffice"),
        (
            RuntimeError("Non-zero status code returned while running MatMul node. Name:'/a/b' Status Message: x.h:5"),
            "its operation MatMul (/a/b) failed",
        ),
        (
            RuntimeError("CUDA failure 2: out of memory ; GPU=0 ; hostname=jetson ; file=/a/b.cc ; line=1"),
            "CUDA failure 2: out of memory",
        ),
        (RuntimeError("/src/ops.h:563 axis == 1 was false"), "one of its operations failed"),
    ],
)
def test_what_onnx_runtime_says_becomes_a_sentence_of_ours(error: Exception, said: str) -> None:
    assert ort_reason(error) == said


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("CUDA failure 2: out of memory ; GPU=0", "Close other programs"),
        ("std::bad_alloc", "Close other programs"),
        ("CUDA failure 719: unspecified launch failure ; GPU=0", "coconet doctor"),
        ("axis == 1 was false", "Export the model"),
    ],
)
def test_the_advice_fits_what_failed(words: str, remedy: str) -> None:
    def fail() -> None:
        raise RuntimeError(words)

    with pytest.raises(CoconetError, match=remedy):
        run_in_words(Path("m.onnx"), fail)


def test_a_closed_model_says_so_and_closes_twice(tmp_path: Path) -> None:
    with OnnxRuntimeBackend(write_averaging_model(tmp_path / "m.onnx")) as backend:
        backend.close()
    with pytest.raises(CoconetError, match="is closed"):
        backend.fuse(COLOUR, THERMAL)


def test_no_threads_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="threads must be 1 or more, not 0"):
        OnnxRuntimeBackend(write_averaging_model(tmp_path / "m.onnx"), threads=0)
