"""CoCoNet in half precision on whole frames of 0..255: sums over a frame outgrow 65504, and nothing may show it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from coconet.cards.frame_size import FrameSize
from coconet.export.graph import ExportOptions, export_onnx
from coconet.networks.camera_ready import BareFuser
from coconet.networks.checkpoint import Checkpoint
from coconet.networks.coconet import PUBLISHED, ChannelAttention, CoCoNet

HALF_MAX = 65504.0
WHOLE = (1024, 1280)
needs_minutes = pytest.mark.skipif(os.environ.get("COCONET_ZOO") != "all", reason="takes minutes: set COCONET_ZOO=all")


def loud_core(scale: float) -> CoCoNet:
    """The published semantics with random weights, all gates open, queries and keys `scale` times as large."""
    torch.manual_seed(0)
    core = CoCoNet().eval()
    core.use_image_statistics()
    for attention in (core.se_64, core.se_128, core.se_256):
        attention.gamma.data.fill_(0.5)
        for conv in (attention.conv_1, attention.conv_2):
            conv.weight.data *= scale
    return core


def loud(scale: float) -> Checkpoint:
    return Checkpoint("coconet", loud_core(scale), PUBLISHED, "0" * 64)


def images(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise on a ramp, 0..255, (1, 1, H, W) both."""
    generator = torch.Generator().manual_seed(1)
    ramp = torch.linspace(0, 200, width).expand(1, 1, height, width)
    return ramp + 55 * torch.rand(ramp.shape, generator=generator), ramp.flip(-1) + 55 * torch.rand(ramp.shape)


def largest_energy(core: CoCoNet, visible: torch.Tensor, infrared: torch.Tensor) -> float:
    """The largest energy in single precision, computed beside the network from what its attentions read."""
    found: list[float] = []

    def look(attention: ChannelAttention, inputs: tuple[torch.Tensor], _: torch.Tensor) -> None:
        query, key = (conv(inputs[0]).flatten(2) for conv in (attention.conv_1, attention.conv_2))
        found.append(float((query @ key.transpose(1, 2)).abs().max()))

    hooks = [layer.register_forward_hook(look) for layer in (core.se_64, core.se_128, core.se_256)]
    with torch.inference_mode():
        core(visible, infrared)
    for hook in hooks:
        hook.remove()
    return max(found)


def in_onnx_runtime(checkpoint: Checkpoint, path: Path, *sides: torch.Tensor) -> np.ndarray:
    """Run the FP16 graph node by node, so that every value in between is rounded to FP16 where it is kept."""
    size = FrameSize(*sides[0].shape[2:])
    export_onnx(checkpoint, path, ExportOptions(size, 1, "fp16", form="bare"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # as torch in tests: threads that wait spin
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feeds = dict(zip(("visible", "infrared"), (side.numpy() for side in sides), strict=True))
    return np.asarray(session.run(["fused"], feeds)[0])


@pytest.mark.slow
def test_energies_of_whole_frames_outgrow_half_precision_and_no_nan_comes_of_it(tmp_path: Path) -> None:
    """A small frame with queries and keys louder than any whole frame makes the energies."""
    checkpoint, sides = loud(32.0), images(64, 96)
    assert isinstance(checkpoint.core, CoCoNet)
    assert largest_energy(checkpoint.core, *sides) > 1000 * HALF_MAX
    with torch.inference_mode():
        wanted = BareFuser(checkpoint.core, PUBLISHED)(*sides).numpy()
    answer = in_onnx_runtime(checkpoint, tmp_path / "m.onnx", *sides)
    assert np.isfinite(answer).all()
    assert np.abs(answer - wanted).max() < 0.1


def test_energies_in_half_precision_would_make_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test above is there to see: without the single precision in between, half of it is NaN."""
    attention, features = loud_core(32.0).se_64.half(), torch.rand(1, 64, 32, 32).half() * 255
    with torch.inference_mode():
        assert attention(features).isfinite().all()
        monkeypatch.setattr(torch.Tensor, "float", lambda tensor: tensor)
        assert attention(features).isnan().any()


def test_statistics_of_a_frame_are_single_precision() -> None:
    norm, frame = loud_core(1.0).bn1_1.half(), torch.full((1, 32, 64, 96), 300.0)
    frame[..., ::2] = -900.0
    with torch.inference_mode():
        normalized = norm(frame.half())
    assert normalized.isfinite().all()
    assert float(normalized.float().std()) == pytest.approx(1.0, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(256, 320), pytest.param(WHOLE, marks=needs_minutes)], ids=["320x256", "1280x1024"])
def test_a_larger_frame_stays_finite_in_onnx_runtime(tmp_path: Path, size: tuple[int, int]) -> None:
    """Energies grow with the pixels: queries and keys are as much louder as the frame is smaller than a whole one."""
    scale = 4.0 * (WHOLE[0] * WHOLE[1] / (size[0] * size[1])) ** 0.5
    checkpoint, sides = loud(scale), images(*size)
    answer = in_onnx_runtime(checkpoint, tmp_path / "m.onnx", *sides)
    assert np.isfinite(answer).all()
    assert answer.min() < answer.max()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("scale", [1.0, 4.0, 32.0])
def test_a_whole_frame_of_1280x1024_stays_finite_in_pytorch_half_on_a_gpu(scale: float) -> None:
    fuser = BareFuser(loud(scale).core, PUBLISHED, precision="fp16").eval().cuda()
    with torch.inference_mode():
        answer = fuser(*(side.cuda() for side in images(*WHOLE)))
    assert answer.isfinite().all()
