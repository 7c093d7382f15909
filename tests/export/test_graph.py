from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from coconet.cards.frame_size import FrameSize, SizeRange
from coconet.cards.model_card import CARD_KEY, ModelCard, Signature
from coconet.cards.precision import PrecisionName
from coconet.errors import CoconetError
from coconet.export.graph import OPSET, ExportOptions, export_onnx
from coconet.networks.camera_ready import Fuser
from coconet.networks.checkpoint import Checkpoint, network_named
from coconet.networks.coconet import PUBLISHED, CoCoNet
from coconet.networks.custom import InfraredFirst
from tests.support.models.strongest import Strongest


def fresh(network: str) -> Checkpoint:
    torch.manual_seed(0)
    known = network_named(network)
    core, signature = known.build(), known.signature
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


@pytest.mark.parametrize(
    ("network", "size"),
    [
        ("lite", "48x64"),
        ("lite", "45x51"),
        ("lite", "1001x1203"),
        pytest.param("coconet", "45x51", marks=pytest.mark.slow),
        pytest.param("coconet", "48x64", marks=pytest.mark.slow),
    ],
)
def test_a_graph_of_one_size_fuses_as_pytorch_does(tmp_path: Path, network: str, size: str) -> None:
    checkpoint, fixed = fresh(network), FrameSize.parse(size)
    export_onnx(checkpoint, tmp_path / "m.onnx", ExportOptions(fixed))
    assert apart(fused_by_both(checkpoint, tmp_path / "m.onnx", fixed)) <= 1


@pytest.mark.slow
@pytest.mark.parametrize(("network", "largest"), [("lite", "1001x1203"), ("coconet", "17x120")])
def test_a_graph_of_any_size_fuses_every_size_as_pytorch_does(tmp_path: Path, network: str, largest: str) -> None:
    checkpoint = fresh(network)
    export_onnx(checkpoint, tmp_path / "m.onnx", ExportOptions())
    for size in ("48x64", "47x64", "33x50", "55x41", "17x120", largest):
        assert apart(fused_by_both(checkpoint, tmp_path / "m.onnx", FrameSize.parse(size))) <= 1


@pytest.mark.slow
def test_the_published_semantics_with_attention_survive_the_export(tmp_path: Path) -> None:
    checkpoint, size = published(), FrameSize(48, 40)
    export_onnx(checkpoint, tmp_path / "m.onnx", ExportOptions(size))
    assert apart(fused_by_both(checkpoint, tmp_path / "m.onnx", size)) <= 1
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node)
    assert kinds["InstanceNormalization"] + kinds["GroupNormalization"] == 13
    assert (kinds["MatMul"], kinds["Softmax"], kinds["BatchNormalization"]) == (2 * 9, 9, 0)


@pytest.mark.slow
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


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelCard]:
    """A graph of one size, alone in its folder, and its card."""
    path = tmp_path_factory.mktemp("small") / "m.onnx"
    return path, export_onnx(fresh("lite"), path, ExportOptions(FrameSize(32, 40)))


def test_the_file_is_single_checked_and_carries_its_card(small: tuple[Path, ModelCard]) -> None:
    path, card = small
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    entries = {entry.key: entry.value for entry in model.metadata_props}
    assert ModelCard.from_json(entries[CARD_KEY], "m.onnx") == card
    assert [entry.version for entry in model.opset_import if not entry.domain] == [OPSET]
    assert list(path.parent.iterdir()) == [path]


def test_frames_are_bytes_on_both_ends(small: tuple[Path, ModelCard]) -> None:
    graph = onnx.load(small[0]).graph
    ends = {value.name: value.type.tensor_type for value in (*graph.input, *graph.output)}
    shapes = {name: [d.dim_value for d in end.shape.dim] for name, end in ends.items()}
    assert {end.elem_type for end in ends.values()} == {onnx.TensorProto.UINT8}
    assert shapes == {"visible": [1, 32, 40, 3], "infrared": [1, 32, 40, 1], "fused": [1, 32, 40, 3]}


def test_a_graph_does_not_say_where_it_was_exported(small: tuple[Path, ModelCard]) -> None:
    assert str(Path(__file__).parents[1]).encode() not in small[0].read_bytes()


class Undecided(nn.Module):
    """Takes a way that depends on the picture, which no graph can."""

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        return visible if visible.mean() > 0.5 else infrared


@pytest.mark.parametrize("size", [None, FrameSize(32, 40)])
def test_a_network_that_cannot_become_a_graph_says_why(tmp_path: Path, size: FrameSize | None) -> None:
    with pytest.raises(CoconetError, match=r"network a:b cannot become a graph: .*test_graph\.py:146\. Rewrite what"):
        export_onnx(Checkpoint("a:b", Undecided(), Signature(), "2" * 64), tmp_path / "m.onnx", ExportOptions(size))
    assert list(tmp_path.iterdir()) == []


def test_int8_is_not_an_export_but_a_calibration() -> None:
    with pytest.raises(CoconetError, match="coconet calibrate"):
        ExportOptions(precision="int8")


def test_a_frame_too_small_for_the_padding_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(CoconetError, match="at least 8 pixels a side"):
        export_onnx(fresh("coconet"), tmp_path / "m.onnx", ExportOptions(FrameSize(4, 64)))
    assert list(tmp_path.iterdir()) == []


RANGE = SizeRange(FrameSize(32, 40), FrameSize(64, 96))


@pytest.mark.slow
def test_a_range_of_sizes_fuses_its_ends_and_is_told_in_the_card(tmp_path: Path) -> None:
    checkpoint = fresh("lite")
    card = export_onnx(checkpoint, tmp_path / "m.onnx", ExportOptions(RANGE))
    assert (card.height_px, card.smallest_px, card.largest_px) == (None, (32, 40), (64, 96))
    for size in (RANGE.minimum, RANGE.maximum, FrameSize(49, 73)):
        assert apart(fused_by_both(checkpoint, tmp_path / "m.onnx", size)) <= 1


@pytest.mark.slow
def test_a_range_over_one_side_fixes_the_other(tmp_path: Path) -> None:
    card = export_onnx(
        fresh("lite"), tmp_path / "m.onnx", ExportOptions(SizeRange(FrameSize(32, 40), FrameSize(32, 96)))
    )
    shape = onnx.load(tmp_path / "m.onnx").graph.input[0].type.tensor_type.shape.dim
    assert (card.height_px, card.width_px) == (32, None)
    assert [side.dim_value for side in shape] == [1, 32, 0, 3]


@pytest.mark.slow
def test_every_pair_of_a_batch_is_fused_as_if_alone(tmp_path: Path) -> None:
    checkpoint, size = fresh("lite"), FrameSize(40, 48)
    for batch in (1, 3):
        export_onnx(checkpoint, tmp_path / f"{batch}.onnx", ExportOptions(size, batch=batch))
    rng = np.random.default_rng(0)
    visible, infrared = (rng.integers(0, 256, (3, 40, 48, depth), np.uint8) for depth in (3, 1))
    one, three = (onnxruntime.InferenceSession(tmp_path / f"{batch}.onnx") for batch in (1, 3))
    together = three.run(["fused"], {"visible": visible, "infrared": infrared})[0]
    alone = [
        one.run(["fused"], {"visible": visible[i : i + 1], "infrared": infrared[i : i + 1]})[0][0] for i in range(3)
    ]
    assert np.abs(together.astype(int) - np.stack(alone)).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_bare_form_gives_the_floats_of_the_network(tmp_path: Path, precision: str) -> None:
    checkpoint, options = fresh("lite"), ExportOptions(None, 1, precision, form="bare")  # type: ignore[arg-type]
    card = export_onnx(checkpoint, tmp_path / "m.onnx", options)
    images = torch.rand(2, 1, 1, 45, 52, generator=torch.Generator().manual_seed(3))
    feeds = dict(zip(("visible", "infrared"), images.numpy(), strict=True))
    answer = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(["fused"], feeds)[0]
    fuser = Fuser(checkpoint.core, Signature(side_multiple=16))
    with torch.inference_mode():
        wanted = fuser.fuse_gray(*(image * 255 for image in images)).numpy() / 255
    assert (card.form, answer.dtype, answer.shape) == ("bare", np.float32, (1, 1, 45, 52))
    np.testing.assert_allclose(answer, wanted, atol=1e-5 if precision == "fp32" else 2e-2)


@pytest.mark.slow
@pytest.mark.parametrize("opset", [18, 21])
def test_other_operator_sets_fuse_alike(tmp_path: Path, opset: int) -> None:
    checkpoint, size = fresh("lite"), FrameSize(45, 51)
    export_onnx(checkpoint, tmp_path / "m.onnx", ExportOptions(size, opset=opset))
    assert [entry.version for entry in onnx.load(tmp_path / "m.onnx").opset_import if not entry.domain] == [opset]
    assert apart(fused_by_both(checkpoint, tmp_path / "m.onnx", size)) <= 1


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"opset": 12}, "opset must be 18 to 23, not 12"),
        ({"form": "bare"}, "bare form takes one visible channel, not 3"),
    ],
)
def test_options_that_no_graph_can_have_are_refused(fields: dict[str, object], complaint: str) -> None:
    with pytest.raises(CoconetError, match=complaint):
        ExportOptions(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("infrared_first", [False, True])
def test_convolutions_are_called_after_the_modules_they_come_from(tmp_path: Path, infrared_first: bool) -> None:
    network = Strongest()
    core = InfraredFirst(network) if infrared_first else network
    checkpoint = Checkpoint("strongest", core.eval(), Signature((-1.0, 1.0), (-1.0, 1.0)), "0" * 64)
    export_onnx(checkpoint, tmp_path / "m.onnx", ExportOptions(FrameSize(24, 32)))
    convs = [node for node in onnx.load(tmp_path / "m.onnx").graph.node if node.op_type == "Conv"]
    encoder = ["encoder.0", "encoder.2", "encoder.0:2", "encoder.2:2"]
    assert [node.output[0] for node in convs] == [*encoder, "decoder.0", "decoder.2"]
    assert [node.name for node in convs] == [node.output[0] for node in convs]


class Normalised(nn.Module):
    """A BatchNorm that PyTorch's exporter folds, in a module that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.last = nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) to one."""
        answer: Tensor = self.last(self.both(visible) + self.both(infrared))
        return answer


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_convolution_that_took_up_its_batch_norm_keeps_its_own_name(tmp_path: Path, precision: PrecisionName) -> None:
    checkpoint = Checkpoint("normalised", Normalised().eval(), Signature(), "0" * 64)
    export_onnx(checkpoint, tmp_path / "m.onnx", ExportOptions(FrameSize(24, 32), precision=precision))
    convs = [node for node in onnx.load(tmp_path / "m.onnx").graph.node if node.op_type == "Conv"]
    assert [node.name for node in convs] == ["both.0", "both.0:2", "last"]
