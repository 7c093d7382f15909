"""Our own networks as engines: TensorRT's parser and builder take every graph that export and calibration make."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch

from coconet.calibration.int8.concat_split import joined_tensors, split_concats
from coconet.calibration.int8.graph import OnnxModel
from coconet.calibration.int8.placement import quantizable_convs
from coconet.calibration.int8.qdq import quantize_model
from coconet.calibration.int8.ranges import ActivationRanges
from coconet.cards.engine_card import BuildOptions
from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.cards.model_card import CalibrationRecord
from coconet.cards.precision import PrecisionName
from coconet.errors import CoconetError
from coconet.export.graph import ExportOptions, export_onnx
from coconet.export.jetpack_operators import refusals
from coconet.networks.checkpoint import Checkpoint, network_named
from coconet.networks.coconet import PUBLISHED, CoCoNet
from tests.support.models.engines import build_file

FIXED = FrameSize(480, 640)
ANY_SIZE = SizeProfile(FrameSize(256, 320), FIXED, FrameSize(1024, 1280))
EVERY_GPU = ("sm75", "sm86", "sm89", "sm120")
AFTER_TURING = EVERY_GPU[1:]
KINDS = (("fp32", "fp32"), ("fp16", "fp16"), ("int8", "fp32"), ("int8", "fp16"))
"""Precision, and that of the export it comes from: INT8 among FP32 and INT8 among FP16."""

Model = Callable[[str, FrameSize | None, PrecisionName, PrecisionName], Path]


def checkpoint(network: str) -> Checkpoint:
    """A network with fresh weights.

    `coconet` and `lite` as they are shipped, the gates of the attention closed; `published` with every attention open,
    as a closed one is left out of the graph, and with the statistics of each picture.
    """
    torch.manual_seed(0)
    known = network_named(network if network == "lite" else "coconet")
    core, signature = known.build(), known.signature
    if isinstance(core, CoCoNet):
        if network == "published":
            for attention in (core.se_64, core.se_128, core.se_256):
                torch.nn.init.constant_(attention.gamma, 0.3)
            core.use_image_statistics()
            signature = PUBLISHED
        core.skip_closed_attention()
    return Checkpoint(network, core.eval(), signature, "0" * 64)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Make a graph once a session: an export takes seconds."""

    @functools.cache
    def make(network: str, size: FrameSize | None, precision: PrecisionName, base: PrecisionName) -> Path:
        if precision == "int8":
            return quantized(make(network, size, base, base))
        path = tmp_path_factory.mktemp("networks") / f"{network}.{precision}.onnx"
        export_onnx(checkpoint(network), path, ExportOptions(size, precision=precision))
        return path

    return make


def quantized(model: Path) -> Path:
    """Write the INT8 form; the ranges are all alike, as this is about what the builder takes and not about pictures."""
    whole = OnnxModel.read(model)
    tensors = {site.activation for site in quantizable_convs(whole)} | joined_tensors(whole)
    record = CalibrationRecord(frames=1, frames_sha256="0" * 64, method="max")
    ranges = ActivationRanges(whole.sha256, record, dict.fromkeys(tensors, 4.0))
    source = split_concats(whole, ranges, unlike=1.0)
    sites = quantizable_convs(source)
    assert sites
    path = model.with_suffix(".int8.onnx")
    quantize_model(source, sites, ranges).write(path)
    return path


@pytest.mark.parametrize("kind", KINDS, ids="-in-".join)
@pytest.mark.parametrize(
    "size", [pytest.param(FIXED, id="static"), pytest.param(None, id="dynamic", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("network", ["lite", pytest.param("coconet", marks=pytest.mark.slow)])
def test_every_graph_builds_for_every_gpu_and_is_one_that_jetpack_6_reads(
    model: Model, tmp_path: Path, network: str, size: FrameSize | None, kind: tuple[PrecisionName, PrecisionName]
) -> None:
    source, engine = model(network, size, *kind), tmp_path / "model.engine"
    card = build_file(source, engine, BuildOptions(EVERY_GPU, None if size else ANY_SIZE))
    assert (card.targets, card.model.network, card.model.precision) == (EVERY_GPU, network, kind[0])
    assert engine.stat().st_size > 0
    assert list(refusals(onnx.load(source))) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids="-in-".join)
def test_the_published_semantics_build_for_all_but_turing(
    model: Model, tmp_path: Path, kind: tuple[PrecisionName, PrecisionName]
) -> None:
    source = model("published", FIXED, *kind)
    build_file(source, tmp_path / "model.engine", BuildOptions(AFTER_TURING))
    assert list(refusals(onnx.load(source))) == []


@pytest.mark.slow
def test_turing_has_no_matrix_product_for_energies_in_single_precision_and_says_so(
    model: Model, tmp_path: Path
) -> None:
    source = model("published", FIXED, "fp16", "fp16")
    with pytest.raises(
        CoconetError, match=r"cannot be built by TensorRT .* for sm75: .*Turing \(SM75\): FP32 GEMM is not supported"
    ):
        build_file(source, tmp_path / "model.engine", BuildOptions(("sm75",)))


@pytest.mark.slow
def test_an_engine_holds_the_types_of_its_graph(model: Model, tmp_path: Path) -> None:
    sizes = []
    for kind in (("fp32", "fp32"), ("fp16", "fp16"), ("int8", "fp16")):
        build_file(model("coconet", FIXED, *kind), tmp_path / "model.engine", BuildOptions(("sm86",)))
        sizes.append((tmp_path / "model.engine").stat().st_size)
    assert sizes[0] > 1.3 * sizes[1] > 1.3 * 1.3 * sizes[2]


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3])
def test_gray_and_colour_of_odd_size_build(tmp_path: Path, channels: int) -> None:
    model = tmp_path / "lite.onnx"
    export_onnx(checkpoint("lite"), model, ExportOptions(FrameSize(270, 361), channels, "fp16"))
    card = build_file(model, tmp_path / "lite.engine", BuildOptions(EVERY_GPU))
    assert (card.model.visible_channels, card.model.height_px) == (channels, 270)
