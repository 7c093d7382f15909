"""A graph that points into its checkpoint: the same pictures, the weights once, and nothing else in their place."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import onnx
import pytest

from coconet.cards.engine_card import BuildOptions
from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.cards.onnx_card import read_onnx
from coconet.errors import CoconetError
from coconet.export.engines.engine_source import read_engine_source
from coconet.export.gate import export_checked
from coconet.export.graph import ExportOptions
from coconet.export.linked_weights import check_linkable, link_weights
from coconet.files import sha256_of
from coconet.model_names import shipped_checkpoint, shipped_model
from coconet.networks.checkpoint import load_checkpoint
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from tests.support.models.engines import build_file


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small network's graph beside its weights, in FP32 as they are."""
    folder = tmp_path_factory.mktemp("linked")
    weights = Path(shutil.copy(shipped_checkpoint("lite"), folder))
    options = ExportOptions(FrameSize(48, 64), linked=weights)
    export_checked(load_checkpoint(weights), folder / "lite.onnx", options)
    return folder / "lite.onnx"


@pytest.mark.slow
def test_the_weights_stay_in_the_checkpoint_and_the_pictures_are_the_same(linked: Path) -> None:
    pair = synthetic_pairs(1, 48, 64)[0]
    with closing(open_backend(linked, "ort")) as small, closing(open_backend("lite", "ort")) as whole:
        fused, wanted = (one.fuse(pair.visible.pixels, pair.infrared.pixels) for one in (small, whole))
    assert np.array_equal(fused, wanted)
    assert linked.stat().st_size < 0.2 * linked.with_suffix(".safetensors").stat().st_size


@pytest.mark.slow
def test_tensorrt_reads_the_weights_from_the_checkpoint(linked: Path, tmp_path: Path) -> None:
    card = build_file(linked, tmp_path / "lite.engine", BuildOptions(("sm86",)))
    assert card.onnx_sha256 == read_onnx(linked).sha256
    assert (tmp_path / "lite.engine").stat().st_size > 0.5 * linked.with_suffix(".safetensors").stat().st_size


def test_other_weights_in_the_checkpoint_make_another_model(linked: Path, tmp_path: Path) -> None:
    for file in (linked, linked.with_suffix(".safetensors")):
        shutil.copy(file, tmp_path)
    copy = tmp_path / linked.name
    assert read_onnx(copy).sha256 == read_onnx(linked).sha256
    weights = bytearray(copy.with_suffix(".safetensors").read_bytes())
    weights[-5000:-4000] = bytes(1000)
    copy.with_suffix(".safetensors").write_bytes(weights)
    with pytest.raises(CoconetError, match=r"lite\.safetensors has changed since the graph was linked"):
        read_engine_source(copy)


def test_a_graph_without_its_checkpoint_says_what_is_missing(linked: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(linked, tmp_path))
    with pytest.raises(CoconetError, match=r"keeps weights in lite\.safetensors, .* Copy the files beside it"):
        read_engine_source(copy)


def test_weights_of_another_precision_are_not_linked(linked: Path) -> None:
    model = onnx.load(shipped_model("lite-fp16"))
    with pytest.raises(CoconetError, match="has no weights in the precision of the graph"):
        link_weights(model, linked.with_suffix(".safetensors"))


@pytest.mark.parametrize("checkpoint", ["lite.pth", "elsewhere/lite.safetensors"])
def test_only_a_checkpoint_beside_the_graph_is_linked(tmp_path: Path, checkpoint: str) -> None:
    with pytest.raises(CoconetError, match=r"--link needs a \.safetensors file in the folder of the graph"):
        check_linkable(tmp_path / checkpoint, tmp_path / "lite.onnx")


def test_the_full_network_comes_as_a_graph_without_its_weights_a_second_time() -> None:
    graph, weights = shipped_model("coconet-fp16"), shipped_checkpoint("coconet")
    file = read_onnx(graph)
    assert file.card.weights_sha256 == sha256_of(weights)
    assert graph.stat().st_size < 0.01 * weights.stat().st_size
    assert sum(len(tensor.raw_data) for tensor in file.outside) > 0.8 * 15.2e6  # of what its FP16 graph weighs alone


@pytest.mark.slow
def test_the_full_network_builds_without_pytorch_from_its_checkpoint(tmp_path: Path) -> None:
    profile = SizeProfile(FrameSize(256, 320), FrameSize(480, 640), FrameSize(1088, 1920))
    options = BuildOptions(("sm86",), profile)
    assert build_file(shipped_model("coconet-fp16"), tmp_path / "c.engine", options).model.precision == "fp16"
    assert (tmp_path / "c.engine").stat().st_size > 14e6
