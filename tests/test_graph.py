from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from coconet.checkpoint import Checkpoint, build_network
from coconet.engine_card import FrameSize
from coconet.errors import CoconetError
from coconet.fuser import Fuser
from coconet.network import PUBLISHED, CoCoNet
from coconet.signature import CARD_KEY, ModelCard, Signature
from export.graph import OPSET, ExportOptions, export_onnx


def fresh(network: str) -> Checkpoint:
    torch.manual_seed(0)
    core, signature = build_network(network)
    if isinstance(core, CoCoNet):
        core.skip_closed_attention()
    return Checkpoint(network, core.eval(), signature, "0" * 64)


def published() -> Checkpoint:
    """The published semantics: 0..255, statistics of the picture at hand, attention in use."""
    torch.manual_seed(1)
    core = CoCoNet().eval()
    core.use_image_statistics()
    for attention in (core.se_64, core.se_128, core.se_256):
        attention.gamma.data.fill_(0.5)
    return Checkpoint("coconet", core, PUBLISHED, "1" * 64)


def fused_by_both(
    checkpoint: Checkpoint, path: Path, size: FrameSize, channels: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    frames = {
        "visible": rng.integers(0, 256, (1, size.height_px, size.width_px, channels), np.uint8),
        "infrared": rng.integers(0, 256, (1, size.height_px, size.width_px, 1), np.uint8),
    }
    with torch.inference_mode():
        fuser = Fuser(checkpoint.core, checkpoint.signature, channels)
        eager = fuser(*(torch.from_numpy(frame) for frame in frames.values())).numpy()
    return eager, onnxruntime.InferenceSession(path).run(["fused"], frames)[0]


def apart(pair: tuple[np.ndarray, np.ndarray]) -> int:
    return int(np.abs(pair[0].astype(int) - pair[1]).max())


@pytest.mark.parametrize("size", ["48x64", "45x51"])
@pytest.mark.parametrize("network", ["lite", "coconet"])
def test_a_graph_of_one_size_fuses_as_pytorch_does(tmp_path: Path, network: str, size: str) -> None:
    checkpoint, fixed = fresh(network), FrameSize.parse(size)
    export_onnx(checkpoint, tmp_path / "m.onnx", ExportOptions(fixed))
    assert apart(fused_by_both(checkpoint, tmp_path / "m.onnx", fixed)) <= 1


@pytest.mark.parametrize("network", ["lite", "coconet"])
def test_a_graph_of_any_size_fuses_every_size_as_pytorch_does(tmp_path: Path, network: str) -> None:
    checkpoint = fresh(network)
    export_onnx(checkpoint, tmp_path / "m.onnx", ExportOptions())
    for size in ("48x64", "47x64", "33x50", "55x41", "17x120"):
        assert apart(fused_by_both(checkpoint, tmp_path / "m.onnx", FrameSize.parse(size))) <= 1


def test_the_published_semantics_with_attention_survive_the_export(tmp_path: Path) -> None:
    checkpoint, size = published(), FrameSize(48, 40)
    export_onnx(checkpoint, tmp_path / "m.onnx", ExportOptions(size))
    assert apart(fused_by_both(checkpoint, tmp_path / "m.onnx", size)) <= 1
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node)
    assert kinds["InstanceNormalization"] + kinds["GroupNormalization"] == 13
    assert (kinds["MatMul"], kinds["Softmax"], kinds["BatchNormalization"]) == (2 * 9, 9, 0)


def test_half_precision_differs_by_a_few_levels_and_leaves_the_checkpoint_alone(tmp_path: Path) -> None:
    checkpoint, size = fresh("coconet"), FrameSize(48, 64)
    export_onnx(checkpoint, tmp_path / "m.onnx", ExportOptions(size, precision="fp16"))
    assert apart(fused_by_both(checkpoint, tmp_path / "m.onnx", size)) <= 3
    weights = [t for t in onnx.load(tmp_path / "m.onnx").graph.initializer if t.name.endswith("conv9_1.weight")]
    assert [tensor.data_type for tensor in weights] == [onnx.TensorProto.FLOAT16]
    assert {p.dtype for p in checkpoint.core.parameters()} == {torch.float32}


def test_a_gray_visible_camera_gets_a_gray_graph(tmp_path: Path) -> None:
    checkpoint, size = fresh("lite"), FrameSize(32, 40)
    export_onnx(checkpoint, tmp_path / "m.onnx", ExportOptions(size, visible_channels=1))
    assert apart(fused_by_both(checkpoint, tmp_path / "m.onnx", size, channels=1)) <= 1


def test_the_file_is_single_checked_and_carries_its_card(tmp_path: Path) -> None:
    card = export_onnx(fresh("lite"), tmp_path / "m.onnx", ExportOptions())
    model = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(model, full_check=True)
    entries = {entry.key: entry.value for entry in model.metadata_props}
    assert ModelCard.from_json(entries[CARD_KEY], "m.onnx") == card
    assert [entry.version for entry in model.opset_import if not entry.domain] == [OPSET]
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_frames_are_bytes_on_both_ends(tmp_path: Path) -> None:
    export_onnx(fresh("lite"), tmp_path / "m.onnx", ExportOptions(FrameSize(32, 40)))
    graph = onnx.load(tmp_path / "m.onnx").graph
    ends = {value.name: value.type.tensor_type for value in (*graph.input, *graph.output)}
    shapes = {name: [d.dim_value for d in end.shape.dim] for name, end in ends.items()}
    assert {end.elem_type for end in ends.values()} == {onnx.TensorProto.UINT8}
    assert shapes == {"visible": [1, 32, 40, 3], "infrared": [1, 32, 40, 1], "fused": [1, 32, 40, 3]}


class Undecided(nn.Module):
    """Takes a way that depends on the picture, which no graph can."""

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        return visible if visible.mean() > 0.5 else infrared


@pytest.mark.parametrize(
    ("size", "complaint"),
    [(None, "for any size, got .* Name one frame size with --size"), (FrameSize(32, 40), "for 32x40, got .* Rewrite")],
)
def test_a_network_that_cannot_become_a_graph_says_why(tmp_path: Path, size: FrameSize | None, complaint: str) -> None:
    with pytest.raises(CoconetError, match=f"network a:b: wanted a network that can become a graph {complaint}"):
        export_onnx(Checkpoint("a:b", Undecided(), Signature(), "2" * 64), tmp_path / "m.onnx", ExportOptions(size))
    assert list(tmp_path.iterdir()) == []


def test_int8_is_not_an_export_but_a_calibration() -> None:
    with pytest.raises(CoconetError, match="coconet calibrate"):
        ExportOptions(precision="int8")


def test_a_frame_too_small_for_the_padding_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="at least 9 pixels a side"):
        export_onnx(fresh("coconet"), tmp_path / "m.onnx", ExportOptions(FrameSize(4, 64)))
    assert list(tmp_path.iterdir()) == []
