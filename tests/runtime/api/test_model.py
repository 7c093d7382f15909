"""A model called on arrays: shapes in and out, what is refused in which words, and calls of many threads."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import coconet
from coconet.errors import CoconetError, ExitCode
from coconet.media.pixels import Pixels
from coconet.model_names import RULES
from coconet.runtime.api.model import FusionModel
from coconet.runtime.backends.rules.baseline import BaselineBackend
from tests.support.media.textured import unequal_pair
from tests.support.models.tiny_onnx import write_averaging_model

COLOUR = np.random.default_rng(1).integers(0, 256, (24, 32, 3), np.uint8)
GRAY = np.random.default_rng(2).integers(0, 256, (24, 32), np.uint8)


def fuse_by_hand(visible: Pixels) -> Pixels:
    """The mean of both, shaped like `visible`."""
    seen = visible if visible.ndim == 3 else visible[:, :, None]
    return BaselineBackend("average").fuse(seen, GRAY[:, :, None]).reshape(visible.shape)


@pytest.mark.parametrize("visible", [COLOUR, GRAY, GRAY[:, :, None]], ids=["colour", "plane", "one channel"])
@pytest.mark.parametrize("infrared", [GRAY, GRAY[:, :, None]], ids=["plane", "one channel"])
@pytest.mark.parametrize("word", ["lite", "average"])
def test_the_fused_picture_is_shaped_like_the_visible_one(word: str, visible: Pixels, infrared: Pixels) -> None:
    with coconet.load(word) as fuse:
        fused = fuse(visible, infrared)
    assert fused.shape == visible.shape
    assert fused.dtype == np.uint8


def test_what_is_called_is_what_the_backend_computes() -> None:
    with coconet.load("average") as fuse:
        assert np.array_equal(fuse(COLOUR, GRAY), BaselineBackend("average").fuse(COLOUR, GRAY[:, :, None]))


@pytest.mark.parametrize("word", ["lite", "coconet", "average"])
def test_pictures_of_any_memory_layout_fuse_alike_and_stay_as_they_are(word: str) -> None:
    mirrored, fixed, columns = COLOUR[:, ::-1][:, ::-1], COLOUR.copy(), np.asfortranarray(COLOUR)
    fixed.flags.writeable = False
    wide = np.zeros((48, 64, 3), np.uint8)
    wide[::2, ::2] = COLOUR
    before = COLOUR.copy()
    with coconet.load(word) as fuse:
        expected = fuse(COLOUR, GRAY)
        for other in (mirrored, fixed, columns, wide[::2, ::2]):
            assert np.array_equal(fuse(other, GRAY), expected)
    assert np.array_equal(COLOUR, before)


@pytest.mark.parametrize("visible", [COLOUR, GRAY], ids=["colour", "plane"])
@pytest.mark.parametrize("heat", [0, 20, 50, 100])
def test_a_picture_of_any_heat_belongs_to_the_caller(heat: int, visible: Pixels) -> None:
    kept, thermal = visible.copy(), GRAY.copy()
    with coconet.load("average") as fuse:
        fused = fuse(visible, GRAY, heat=heat)
    assert np.array_equal(fused, {0: visible, 50: fuse_by_hand(visible)}.get(heat, fused))
    fused[:] = 7
    assert np.array_equal(visible, kept)
    assert np.array_equal(GRAY, thermal)


@pytest.mark.parametrize("word", ["lite", "coconet", *RULES])
def test_the_fused_picture_belongs_to_the_caller(word: str) -> None:
    with coconet.load(word) as fuse:
        first, expected = fuse(COLOUR, GRAY), fuse(COLOUR, GRAY).copy()
        second = fuse(COLOUR, GRAY)
        first[:] = 0
    assert np.array_equal(second, expected)


REFUSED = {
    "floats": (
        COLOUR / 255,
        GRAY,
        r"^visible picture has samples of type float64, and only uint8 is taken\. Scale to 0\.\.255",
    ),
    "not numbers": (np.full((24, 32), np.nan), GRAY, "^visible picture .* samples of type float64"),
    "counts": (COLOUR, GRAY.astype(np.uint16), r"^infrared picture has .* uint16.* Bring raw counts to 8 bit"),
    "signed": (COLOUR, GRAY.astype(np.int64), r"^infrared picture has .* int64.* Cut off .*clip"),
    "mask": (
        COLOUR,
        GRAY > 9,
        r"^infrared picture has samples of type bool.*astype\(numpy\.uint8\) \* 255",
    ),
    "list": (COLOUR.tolist(), GRAY, "^visible picture must be a numpy array .* not a list"),
    "nothing": (None, GRAY, "^visible picture is None. Check the path .*imread"),
    "holes": (COLOUR, np.ma.masked_less(GRAY, 9), r"^infrared picture is a masked array.*picture.filled\(0\)"),
    "alpha": (np.zeros((24, 32, 4), np.uint8), GRAY, r"has shape \(24, 32, 4\);.* Drop the alpha"),
    "channels first": (COLOUR.transpose(2, 0, 1), GRAY, r"has shape \(3, 24, 32\);.* Move the channels last"),
    "colour infrared": (COLOUR, COLOUR, r"^infrared picture has shape \(24, 32, 3\); expected .* Convert it to one"),
    "batch": (COLOUR[None], GRAY, r"has shape \(1, 24, 32, 3\);.* Give one picture"),
    "row": (GRAY[0], GRAY[0], r"has shape \(32,\)"),
    "number": (np.uint8(3), GRAY, "not a uint8"),
    "no channel": (COLOUR[:, :, :0], GRAY, r"has shape \(24, 32, 0\)"),
    "no row": (COLOUR[:0], GRAY[:0], r"^visible picture has no pixels: its shape is \(0, 32, 3\)"),
    "no column": (COLOUR, GRAY[:, :0], r"^infrared picture has no pixels: its shape is \(24, 0\)"),
    "sizes": (COLOUR, GRAY[:20], "^infrared picture is 20x32 .*, but the visible picture is 24x32"),
    "turned": (COLOUR, GRAY.T, "^infrared picture is 32x24 .*, but the visible picture is 24x32"),
}


@pytest.mark.parametrize(("visible", "infrared", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_fit_is_refused_in_words(visible: Pixels, infrared: Pixels, said: str) -> None:
    with coconet.load("average") as fuse, pytest.raises(CoconetError, match=said):
        fuse(visible, infrared)


@pytest.mark.parametrize("size", [(1, 1), (4, 40), (40, 7)])
@pytest.mark.parametrize("word", ["lite", "lite-int8"])
def test_pictures_too_small_to_be_padded_are_refused_in_onnx_runtime_as_in_pytorch(
    word: str, size: tuple[int, int]
) -> None:
    small = np.zeros(size, np.uint8)
    with coconet.load(word) as fuse, pytest.raises(CoconetError, match="expected at least 8 pixels a side"):
        fuse(small, small)


def test_a_gray_model_refuses_colour_and_takes_gray(tmp_path: Path) -> None:
    with coconet.load(write_averaging_model(tmp_path / "gray.onnx", channels=1)) as fuse:
        assert fuse(GRAY, GRAY).shape == GRAY.shape
        with pytest.raises(CoconetError, match=r"visible frame has .*expected .*\(height, width, 1\)") as refused:
            fuse(COLOUR, GRAY)
    assert refused.value.exit_code == ExitCode.MODEL


def test_a_closed_model_says_so_and_closes_again_without_harm() -> None:
    fuse = coconet.load("lite")
    fuse.close()
    fuse.close()
    with pytest.raises(CoconetError, match="^lite is closed"):
        fuse(COLOUR, GRAY)
    assert (fuse.card.network, repr(fuse)) == ("lite", f"<FusionModel lite fp32, {fuse.name}, closed>")


def test_an_error_inside_the_block_closes_the_model_and_comes_out() -> None:
    with pytest.raises(ZeroDivisionError), coconet.load("average") as fuse:
        raise ZeroDivisionError
    with pytest.raises(CoconetError, match="closed"):
        fuse(COLOUR, GRAY)


def test_it_says_what_it_is_and_what_runs_it() -> None:
    with coconet.load("lite", backend="ort") as fuse:
        assert (fuse.card.network, fuse.card.precision) == ("lite", "fp32")
        assert fuse.name.startswith("ONNX Runtime")
        assert repr(fuse) == f"<FusionModel lite fp32, {fuse.name}>"


@pytest.mark.parametrize(
    ("model", "backend", "said"),
    [
        ("gone.onnx", "auto", r"gone\.onnx does not exist; expected a model file, or one of the words lite"),
        ("gone.engine", "auto", r"gone\.engine does not exist; expected a model file"),
        ("", "auto", "^model is empty. Name a file, or one of"),
        ("lite", "cuda", "^backend must be auto or ort"),
        ("lite_int8", "auto", r"Did you mean lite-int8\? Otherwise check the path\.$"),
        ("LITE", "auto", r"Did you mean lite\? Otherwise check the path\.$"),
        ("unlike", "auto", r"Check the path\.$"),
        ("/dev/null", "auto", "is a device, a pipe or a socket; expected"),
        ("lite", "torch", "is an ONNX model, which the backend torch does not run"),
        ("average", "ort", "is not run by the backend ort but by rule"),
    ],
)
def test_what_cannot_be_loaded_is_named(model: str, backend: str, said: str) -> None:
    with pytest.raises(CoconetError, match=said) as refused:
        coconet.load(model, backend=backend)
    assert refused.value.exit_code == ExitCode.REFUSED


def test_a_corrupt_file_of_any_kind_is_one_error(tmp_path: Path) -> None:
    for name in ("model.onnx", "model.engine", "model.safetensors", "model.pth"):
        (tmp_path / name).write_bytes(b"none of them")
        with pytest.raises(CoconetError):
            coconet.load(tmp_path / name)


class OneAtATime(BaselineBackend):
    """Fails where two calls overlap, as the backends do that have one set of buffers."""

    busy = False
    closed = False

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        assert not self.busy
        assert not self.closed
        self.busy = True
        fused = super().fuse(visible, infrared)
        self.busy = False
        return fused

    def close(self) -> None:
        assert not self.busy
        self.closed = True


def test_many_threads_may_call_one_model_and_each_gets_its_own_picture() -> None:
    pictures = [np.full((64, 64), level, np.uint8) for level in range(100)]
    with FusionModel(OneAtATime()) as fuse, ThreadPoolExecutor(8) as pool:
        fused = list(pool.map(fuse, pictures, pictures))
    assert all(np.array_equal(got, picture) for got, picture in zip(fused, pictures, strict=True))


def test_a_model_closed_by_another_thread_finishes_the_call_under_way_and_refuses_the_next() -> None:
    fuse = FusionModel(OneAtATime())
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(fuse, GRAY, GRAY) for _ in range(200)]
        fuse.close()
    refused = [error for call in calls if (error := call.exception()) is not None]
    assert all(isinstance(error, CoconetError) and error.got == "a closed one" for error in refused)
    with pytest.raises(CoconetError, match="is closed"):
        fuse(GRAY, GRAY)


@pytest.mark.parametrize("word", ["lite", "average"])
def test_gray_pictures_without_opencv_name_the_package_and_colour_ones_need_none(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with coconet.load(word) as fuse:
        assert fuse(COLOUR, GRAY).shape == COLOUR.shape
        with pytest.raises(coconet.MissingPackage, match=r"^cv2 is not installed in this Python, .*headless"):
            fuse(GRAY, GRAY)


def test_large_pictures_in_parts_are_those_of_the_whole_and_a_model_without_parts_says_so() -> None:
    pair = unequal_pair(203, 275)
    with coconet.load("lite", tile_pixels=30_000) as parts, coconet.load("lite", tile_pixels=0) as whole:
        assert np.abs(parts(*pair).astype(int) - whole(*pair)).max() <= 1
    with pytest.raises(
        CoconetError, match="^tile_pixels does not work with average.*depends on the whole.*Leave tile_pixels out"
    ):
        coconet.load("average", tile_pixels=20_000)
    with pytest.raises(CoconetError, match="tile_pixels must be a number of pixels"):
        coconet.load("lite", tile_pixels="20000")  # type: ignore[arg-type]
