"""Our own networks as engines: TensorRT's parser and builder take every graph that export and calibration make."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from calibration.onnx_model import OnnxModel
from calibration.placement import quantizable_convs
from calibration.qdq import quantized_model
from calibration.ranges import ActivationRanges
from coconet.checkpoint import Checkpoint, build_network
from coconet.engine_card import BuildOptions, FrameSize, SizeProfile
from coconet.network import PUBLISHED, CoCoNet
from coconet.signature import CalibrationRecord, Precision
from export.engine import build_engine
from export.graph import ExportOptions, export_onnx

ANY_SIZE = SizeProfile(FrameSize(256, 320), FrameSize(480, 640), FrameSize(1024, 1280))
NETWORKS = ("lite", "coconet", "published")

Model = Callable[[str, Precision], Path]
Build = Callable[[str, Precision, Precision], Path]


def checkpoint(network: str) -> Checkpoint:
    """A network with fresh weights and every attention open, because a closed one is left out of the graph."""
    torch.manual_seed(0)
    core, signature = build_network("coconet" if network == "published" else network)
    if network == "published" and isinstance(core, CoCoNet):
        core.use_image_statistics()
        signature = PUBLISHED
    for name, parameter in core.named_parameters():
        if name.endswith("gamma"):
            torch.nn.init.constant_(parameter, 0.3)
    return Checkpoint(network, core.eval(), signature, "0" * 64)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Export a network for any frame size, once a session: CoCoNet takes about 20 s."""

    @functools.cache
    def export(network: str, precision: Precision) -> Path:
        path = tmp_path_factory.mktemp("networks") / f"{network}.{precision}.onnx"
        export_onnx(checkpoint(network), path, ExportOptions(precision=precision))
        return path

    return export


@pytest.fixture(scope="session")
def built(exported: Model) -> Build:
    """Build a network for any frame size, once a session; INT8 comes from the graph of precision `base`."""

    @functools.cache
    def build(network: str, precision: Precision, base: Precision) -> Path:
        model = exported(network, base)
        engine = model.with_suffix(f".{precision}.engine")
        source = quantized(model) if precision == "int8" else model
        card = build_engine(source, engine, BuildOptions(("sm86",), ANY_SIZE))
        assert (card.model.network, card.model.precision) == (network, precision)
        return engine

    return build


def quantized(model: Path) -> Path:
    """Write the INT8 form; the ranges are all alike, as this is about what the builder takes and not about pictures."""
    source = OnnxModel.read(model)
    sites = quantizable_convs(source)
    assert sites
    record = CalibrationRecord(frames=1, frames_sha256="0" * 64, method="max")
    ranges = ActivationRanges(source.sha256, record, {site.activation: 4.0 for site in sites})
    path = model.with_suffix(".int8.onnx")
    quantized_model(source, sites, ranges).write(path)
    return path


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_every_network_builds_for_any_frame_size(built: Build, network: str, precision: Precision) -> None:
    assert built(network, precision, precision).stat().st_size > 0


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("base", ["fp32", "fp16"])
def test_every_network_builds_in_int8(built: Build, network: str, base: Precision) -> None:
    assert built(network, "int8", base).stat().st_size > 0


def test_an_engine_holds_the_types_of_its_graph(built: Build) -> None:
    sizes = [built("coconet", *kind).stat().st_size for kind in (("fp32", "fp32"), ("fp16", "fp16"), ("int8", "fp16"))]
    assert sizes[0] > 1.3 * sizes[1] > 1.3 * 1.3 * sizes[2]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_of_one_frame_size_builds_for_several_gpus(tmp_path: Path, channels: int) -> None:
    model, gpus = tmp_path / "lite.onnx", ("sm86", "sm89", "sm120")
    export_onnx(checkpoint("lite"), model, ExportOptions(FrameSize(270, 361), channels, "fp16"))
    card = build_engine(model, tmp_path / "lite.engine", BuildOptions(gpus))
    assert (card.targets, card.model.visible_channels, card.model.height_px) == (gpus, channels, 270)
