"""The zoo as graphs: any size compared with PyTorch at even and odd ones, in single and half precision, and engines.

`COCONET_ZOO=all python -m pytest tests/export/test_zoo_graphs.py -rP` also prints what was measured.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import onnx
import pytest

from coconet.calibration.commands.calibrate import calibrate
from coconet.cards.engine_card import BuildOptions, EngineCard
from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.cards.onnx_card import read_onnx
from coconet.cards.precision import PrecisionName
from coconet.errors import CoconetError
from coconet.export.commands.export import export
from coconet.export.graph import ExportOptions, export_onnx
from coconet.export.jetpack_operators import refusals
from coconet.networks.checkpoint import load_weights
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend
from coconet.runtime.backends.pytorch import EagerBackend
from coconet.runtime.commands.verify import verify
from tests.support.media.pair_folders import textured_pairs
from tests.support.models.engines import build_file
from tests.support.programs.called import call
from tests.support.weights.zoo import PUBLISHED, published

LONG = os.environ.get("COCONET_ZOO") == "all"
QUICK = ("densefuse", "tardal", "sdnet")
"""Tried in both precisions: reflection, BatchNorm, TensorFlow. An export takes seconds."""
HEAVY = ("smoa", "swinfusion")
"""Over half a minute for one export of any size on one core: of one size here, of any with COCONET_ZOO=all."""
TWINS = ("u2fusion-pytorch", "densefuse-tensorflow")
"""Their graphs are those of u2fusion and densefuse, but for the order of maps and the last layer."""
needs_minutes = pytest.mark.skipif(not LONG, reason="takes minutes: set COCONET_ZOO=all")


def each(*, any_size: bool) -> pytest.MarkDecorator:
    """Single precision once for every network, half for the quick ones; everything with COCONET_ZOO=all."""
    return pytest.mark.parametrize(
        ("name", "precision"),
        [
            pytest.param(one.name, precision, marks=marks(one.name, precision, any_size=any_size))
            for one in PUBLISHED
            for precision in ("fp32", "fp16")
        ],
    )


def marks(name: str, precision: str, *, any_size: bool) -> list[pytest.MarkDecorator]:
    if any_size and name in QUICK:
        return []
    quick = precision == "fp32" and name not in TWINS and any_size != (name in HEAVY)
    return [] if quick else [needs_minutes]


def marks_int8(name: str) -> list[pytest.MarkDecorator]:
    if name in QUICK[:2]:
        return [pytest.mark.slow] if name == QUICK[1] else []
    return [pytest.mark.slow, needs_minutes]


SIZES = ((48, 64), (37, 51), (50, 67))
ODD = FrameSize(41, 51)
LEVELS = {"fp32": 1, "fp16": 3}
SMALL = SizeProfile(FrameSize(33, 41), FrameSize(48, 64), FrameSize(96, 128))
GPUS: tuple[str, ...] = ("sm75", "sm86", "sm89", "sm120")
"""In one engine, which takes no longer than for one of them."""

Graph = Callable[[str, PrecisionName, FrameSize | None], Path]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """Export a network for any size or for one, once."""

    @functools.cache
    def make(name: str, precision: PrecisionName, size: FrameSize | None) -> Path:
        folder = tmp_path_factory.mktemp(name)
        loaded = load_weights([str(published(name).write(folder)[0])])
        export_onnx(loaded, folder / "m.onnx", ExportOptions(size, precision=precision))
        return folder / "m.onnx"

    return make


def require_the_pictures_of_pytorch(path: Path, name: str, folder: Path, sizes: Sequence[tuple[int, int]]) -> None:
    reference = EagerBackend(load_weights([str(published(name).write(folder)[0])]))
    random = np.random.default_rng(0)
    with closing(OnnxRuntimeBackend(path)) as model:
        assert model.card.publication == reference.card.publication
        worst = 0
        for height, width in sizes:
            visible = random.integers(0, 256, (height, width, 3), np.uint8)
            infrared = random.integers(0, 256, (height, width, 1), np.uint8)
            wanted = reference.fuse(visible, infrared).astype(int)
            worst = max(worst, int(np.abs(wanted - model.fuse(visible, infrared)).max()))
            assert wanted.std() > 5  # a picture, not a plain
        print(f"{name} {model.card.precision}, {sizes}: {worst} levels from PyTorch at most")
        assert worst <= LEVELS[model.card.precision]
    assert list(refusals(onnx.load(path))) == []


@pytest.mark.slow
@each(any_size=True)
def test_a_graph_of_any_size_fuses_as_pytorch_does_and_becomes_an_engine(
    graph: Graph, tmp_path: Path, name: str, precision: PrecisionName
) -> None:
    path = graph(name, precision, None)
    require_the_pictures_of_pytorch(path, name, tmp_path, SIZES)
    require_an_engine(path, name, precision, tmp_path)


@pytest.mark.slow
@each(any_size=False)
def test_a_graph_of_one_odd_size_fuses_as_pytorch_does_and_becomes_an_engine(
    graph: Graph, tmp_path: Path, name: str, precision: PrecisionName
) -> None:
    path = graph(name, precision, ODD)
    require_the_pictures_of_pytorch(path, name, tmp_path, [(ODD.height_px, ODD.width_px)])
    require_an_engine(path, name, precision, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [HEAVY[0], pytest.param(HEAVY[1], marks=needs_minutes)])
def test_matrix_products_in_single_precision_are_refused_for_turing(graph: Graph, tmp_path: Path, name: str) -> None:
    with pytest.raises(CoconetError, match=r"Turing \(SM75\): FP32 GEMM is not supported"):
        engine(graph(name, "fp32", ODD), ("sm75",), tmp_path)


def require_an_engine(path: Path, name: str, precision: PrecisionName, folder: Path) -> None:
    gpus = GPUS[1:] if name in HEAVY and precision != "fp16" else GPUS  # the heavy ones have matrix products
    card = engine(path, gpus, folder)
    print(f"{name} {precision}: one engine for {', '.join(card.targets)}")
    assert (card.targets, card.model.network, card.model.precision) == (gpus, name, precision)


def engine(path: Path, gpus: tuple[str, ...], folder: Path) -> EngineCard:
    sizes = SMALL if read_onnx(path).card.height_px is None else None
    return build_file(path, folder / "m.engine", BuildOptions(gpus, sizes))


@pytest.mark.parametrize("name", [pytest.param(one.name, marks=marks_int8(one.name)) for one in PUBLISHED])
def test_int8_passes_the_gate_of_verify_and_is_built_or_is_refused(graph: Graph, tmp_path: Path, name: str) -> None:
    path, int8 = graph(name, "fp32", None if LONG and name not in HEAVY else ODD), tmp_path / "m.int8.onnx"
    frames = textured_pairs(tmp_path / "frames", 3)
    result = call(calibrate, path, "--frames", frames, "--check", frames, "--out", int8)
    print(result.stdout, result.exception or "")
    assert int8.exists() == (result.exit_code == 0)
    if int8.exists():
        assert call(verify, path, int8, "--frames", frames).exit_code == 0
        require_an_engine(int8, name, "int8", tmp_path)
    else:
        assert re.search(r"PSNR|changed by|frames", str(result.exception))


@pytest.mark.slow
def test_one_word_and_the_weights_are_enough(tmp_path: Path) -> None:
    published("didfuse").write(tmp_path)
    words = [
        word
        for part in ("encoder", "decoder")
        for word in ("--weights", f"{part}={tmp_path}/{part.title()}_weight_IJCAI.pkl")
    ]
    said = call(export, "didfuse", *words, "--size", "48x64", "--rule", "average").stdout
    assert (
        "taken for didfuse by the names and shapes of 53 tensors; images in either order, 0..1, joined by average"
        in said
    )
    assert f"{tmp_path}/didfuse.onnx: fp32, 48x64" in said


@pytest.mark.slow
def test_a_file_alone_is_recognised_and_a_stretch_is_only_made_if_asked_for(tmp_path: Path) -> None:
    path = published("sdnet").write(tmp_path)[0]
    assert "infrared,visible, -1..1, not stretched as the published" in call(export, path, "--size", "48x64").stdout
    assert "stretched as published" in call(export, path, "--size", "48x64", "--stretch", "--overwrite").stdout
    frames = [np.random.default_rng(0).integers(90, 110, (48, 64, 1), np.uint8)] * 2
    with closing(OnnxRuntimeBackend(tmp_path / "SDNet.model.onnx")) as model:
        fused = model.fuse(*frames)
    assert (fused.min(), fused.max()) == (0, 255)
    assert model.card.signature.stretch


def test_a_name_alone_asks_for_the_weights_of_every_part() -> None:
    error = call(export, "smoa").exception
    assert "Add --weights encoder1=FILE --weights encoder2=FILE --weights decoder=FILE." in str(error)
