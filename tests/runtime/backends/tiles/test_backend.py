"""Pictures in parts: what the whole gives, seams and borders included, or a refusal in words."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from coconet.errors import CoconetError, Refused
from coconet.media.pixels import Pixels
from coconet.model_names import checkpoint_path, shipped_model
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend
from coconet.runtime.backends.tiles import limit as limit_module
from coconet.runtime.backends.tiles.backend import TiledBackend, tiled
from coconet.runtime.backends.tiles.limit import TileLimit
from tests.support.media.textured import unequal_pair
from tests.support.models.tiny_onnx import write_averaging_model


def apart(model: Path | str, backend: str, most_px: int, size: tuple[int, int], channels: int = 3) -> int:
    """The largest difference of a picture in parts from the whole one."""
    pair = unequal_pair(*size, channels)
    with (
        closing(open_backend(model, backend)) as whole,
        closing(tiled(open_backend(model, backend), TileLimit(most_px))) as parts,
    ):
        wanted, found = whole.fuse(*pair), parts.fuse(*pair)
    assert found.shape == wanted.shape
    return int(np.abs(found.astype(int) - wanted).max())


@pytest.mark.parametrize("word", ["lite", "lite-int8", "lite-fp16"])
@pytest.mark.parametrize(("size", "channels"), [((301, 407), 3), ((240, 320), 1), ((99, 533), 3)])
def test_parts_give_the_picture_of_the_whole(word: str, size: tuple[int, int], channels: int) -> None:
    assert apart(word, "ort", 30_000, size, channels) <= 1


def test_parts_in_openvino_give_the_picture_of_the_whole() -> None:
    pytest.importorskip("openvino", reason="OpenVINO is not installed: the extra openvino brings it")
    assert apart("lite", "openvino", 30_000, (301, 407)) <= 1


LARGE = (1003, 1207)
"""A picture that lite looks at in half its size."""


@pytest.mark.parametrize("word", ["lite", "lite-int8-fp16"])
def test_parts_of_a_large_picture_are_looked_at_in_half_their_size_as_the_whole_is(word: str) -> None:
    assert apart(word, "ort", 300_000, LARGE) <= 1


def test_parts_of_a_large_picture_in_openvino_give_that_of_the_whole() -> None:
    pytest.importorskip("openvino", reason="OpenVINO is not installed: the extra openvino brings it")
    assert apart("lite", "openvino", 300_000, LARGE) <= 1


def test_parts_of_a_large_picture_give_that_of_the_whole_with_a_checkpoint() -> None:
    assert apart(checkpoint_path("lite"), "torch", 300_000, LARGE) <= 1


@pytest.mark.parametrize("backend", ["ort", "openvino"])
def test_a_large_picture_is_that_of_the_checkpoint(backend: str) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino", reason="OpenVINO is not installed: the extra openvino brings it")
    pair = unequal_pair(*LARGE)
    with closing(open_backend("lite", backend)) as exported, closing(open_backend(checkpoint_path("lite"))) as eager:
        found, wanted = exported.fuse(*pair), eager.fuse(*pair)
    assert np.abs(found.astype(int) - wanted).max() <= 1


def test_parts_of_a_checkpoint_give_the_picture_of_the_whole() -> None:
    assert apart(checkpoint_path("lite"), "torch", 30_000, (203, 275)) <= 1


def half_dark() -> list[Pixels]:
    """A pair of (240, 640) pixels that is dark in its right half."""
    darker = np.where(np.arange(640) < 320, 1, 5).astype(np.uint8)[None, :, None]
    return [side // darker for side in unequal_pair(240, 640)]


@pytest.mark.parametrize("model", ["lite", "lite-int8-fp16", checkpoint_path("lite")])
def test_parts_of_a_half_dark_picture_give_the_whole_one_and_without_its_scene_would_not(model: str | Path) -> None:
    pair, name = half_dark(), "torch" if isinstance(model, Path) else "ort"
    with closing(open_backend(model, name)) as backend:
        whole = backend.fuse(*pair).astype(int)
        alone = backend.fuse(*(np.ascontiguousarray(side[:, :240]) for side in pair))
    with closing(tiled(open_backend(model, name), TileLimit(30_000))) as backend:
        parts = backend.fuse(*pair)
    assert np.abs(parts - whole).max() <= 1
    assert np.abs(alone[:, :160] - whole[:, :160]).max() > 5


def test_small_pictures_go_through_whole_and_large_ones_in_parts_of_one_size() -> None:
    with closing(tiled(open_backend("lite", "ort"), TileLimit(30_000))) as backend:
        assert isinstance(backend, TiledBackend)
        assert backend.plan_for((96, 128)) is None
        plan = backend.plan_for((301, 407))
        assert plan is not None
        assert plan.height_px * plan.width_px <= 30_000


def test_memory_decides_if_nobody_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit_module, "bytes_in", lambda path, key: 2**25)
    with closing(tiled(open_backend("lite", "ort"))) as backend:
        assert isinstance(backend, TiledBackend)
        assert backend.plan_for((96, 128)) is None
        assert backend.plan_for((1001, 1003)) is not None


def test_a_large_picture_opens_the_model_for_its_own_parts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TileLimit, "part_px", lambda *_: 400_000)
    with closing(OnnxRuntimeBackend(shipped_model("lite"))) as model:
        opened, open_parts = list[bool](), model.for_parts

        def note_opening(*, halved: bool) -> OnnxRuntimeBackend | None:
            opened.append(halved)
            return open_parts(halved=halved)

        monkeypatch.setattr(model, "for_parts", note_opening)
        backend = tiled(model)
        for size in ((1040, 1200), (1200, 1040), (600, 800)):
            backend.fuse(*unequal_pair(*size))
        assert opened == [True, False]


@pytest.mark.parametrize("model", ["average", "tiny"])
def test_a_model_that_depends_on_the_whole_is_refused_if_parts_are_asked_for(model: str, tmp_path: Path) -> None:
    path = write_averaging_model(tmp_path / "m.onnx") if model == "tiny" else model
    with pytest.raises(Refused, match=f"{model}: a pixel of its picture depends on the whole"):
        tiled(open_backend(path), TileLimit(1000))
    backend = open_backend(path)
    assert tiled(backend) is backend
    assert tiled(backend, TileLimit(0)) is backend


def test_parts_that_would_be_overlap_alone_are_refused_with_a_size_that_works() -> None:
    with (
        closing(tiled(open_backend("lite", "ort"), TileLimit(5000))) as backend,
        pytest.raises(CoconetError, match="144 pixels a side or more, 128 of them overlap") as refused,
    ):
        backend.fuse(*unequal_pair(301, 407))
    assert "Try 331776" in str(refused.value)
    assert apart("lite", "ort", 331776, (601, 807)) <= 1


def test_a_pair_that_the_model_does_not_take_is_refused_as_ever() -> None:
    visible, infrared = unequal_pair(301, 407)
    with (
        closing(tiled(open_backend("lite", "ort"), TileLimit(30_000))) as backend,
        pytest.raises(CoconetError, match="Align the two cameras"),
    ):
        backend.fuse(visible, infrared[:-1])


def test_pairs_under_way_keep_their_order_among_pictures_in_parts() -> None:
    pytest.importorskip("openvino", reason="OpenVINO is not installed: the extra openvino brings it")
    from coconet.model_names import model_path
    from coconet.runtime.backends.openvino.backend import OpenVinoBackend

    small, large = unequal_pair(96, 128), unequal_pair(301, 407)
    with closing(tiled(OpenVinoBackend(model_path("lite"), depth=2), TileLimit(30_000))) as backend:
        assert isinstance(backend, TiledBackend)
        assert backend.depth == 2
        backend.submit(*small)
        backend.submit(*large)
        assert [backend.collect().shape for _ in range(2)] == [small[0].shape, large[0].shape]


PEAK = """
import sys
from pathlib import Path
from coconet.installation.kernel_files import bytes_in
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.backends.tiles.backend import tiled
from coconet.runtime.backends.tiles.limit import TileLimit
from tests.support.media.textured import unequal_pair
visible, infrared = (side.repeat(8, 0).repeat(8, 1) for side in unequal_pair(256, 256))
backend = tiled(open_backend("lite", "ort"), TileLimit(int(sys.argv[1])))
before = bytes_in(Path("/proc/self/status"), "VmRSS")
backend.fuse(visible, infrared)
print(bytes_in(Path("/proc/self/status"), "VmHWM") - before)
"""


def peak_bytes(most_px: int) -> int:
    """What fusing 2048x2048 pixels takes at most, in a process of its own; 0: whole."""
    done = subprocess.run([sys.executable, "-c", PEAK, str(most_px)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of a process")
def test_parts_take_a_third_of_the_memory_at_most_and_the_whole_what_its_card_says() -> None:
    whole, parts = peak_bytes(0), peak_bytes(2**17)
    assert parts < whole / 3
    assert 0.5 < whole / (110 * 2048**2) < 2
