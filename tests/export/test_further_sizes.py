"""Graphs of any size are compared at sizes that they were not traced with, and refused truly where they fail there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from weakref import finalize

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from coconet.cards.model_card import Signature
from coconet.errors import CoconetError
from coconet.export.gate import FINITE_FRAMES, export_checked
from coconet.export.graph import ExportOptions
from coconet.networks.checkpoint import Checkpoint
from coconet.runtime.backends.ort_cpu import OnnxRuntimeBackend
from coconet.runtime.backends.pytorch import EagerBackend
from coconet.runtime.frame import FramePair
from tests.support.media.frames import pair_of
from tests.support.media.pair_folders import textured_pairs
from tests.support.media.textured import textured


class Halved(nn.Module):
    """Halves both sides behind a reflecting pad and doubles them again, with a choice that a graph makes only once."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 3, padding=1, padding_mode="reflect")
        with torch.no_grad():
            self.conv.weight.fill_(1 / 18)
            self.conv.bias.zero_()  # type: ignore[union-attr]

    def forward(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Two (B, 1, H, W) in 0..1 to one."""
        small = functional.avg_pool2d(self.conv(torch.cat((visible, infrared), dim=1)), 2)
        doubled = small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        for dim in (2, 3):
            if visible.shape[dim] % 2:
                doubled = torch.cat((doubled, doubled.narrow(dim, doubled.shape[dim] - 1, 1)), dim)
        return (doubled + visible) / 2


def checkpoint(multiple: int) -> Checkpoint:
    return Checkpoint("halved", Halved().eval(), Signature(side_multiple=multiple), "0" * 64)


@pytest.mark.slow
def test_a_graph_that_keeps_the_choice_of_one_size_is_refused_for_any_size_with_what_helps(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    frames = textured_pairs(tmp_path / "pairs", 1)
    with pytest.raises(CoconetError) as refused:
        export_checked(checkpoint(1), tmp_path / "m.onnx", ExportOptions(), frames)
    said = str(refused.value)
    assert said.startswith("network halved cannot be exported for any size: its graph fails (")
    assert said.endswith("--size HEIGHTxWIDTH, or pad with --multiple to what its layers halve by.")
    assert capfd.readouterr().err == ""  # no log of ONNX Runtime beside what is said
    assert not list(tmp_path.glob("*.onnx*"))


def test_of_the_frames_to_compare_on_few_are_in_memory_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, most = Counter[str](), [0]

    class Recording:
        def __iter__(self) -> Iterator[FramePair]:
            for number in range(12):
                picture = np.repeat(textured(number % 8, 32, 32)[:, :, None], 3, axis=2)
                kept["pictures"] += 1
                finalize(picture, kept.subtract, ["pictures"])
                most[0] = max(most[0], kept["pictures"])
                yield pair_of(picture, textured(7 - number % 8, 32, 32))

    monkeypatch.setattr("coconet.export.gate.sample_frames", lambda *_: Recording())
    parity = export_checked(checkpoint(2), tmp_path / "m.onnx", ExportOptions(), tmp_path)
    assert parity.frames == 12
    assert most[0] <= FINITE_FRAMES + 3


@pytest.mark.slow
def test_sides_padded_to_even_ones_by_reflection_are_any_size(tmp_path: Path) -> None:
    frames = textured_pairs(tmp_path / "pairs", 1)
    export_checked(checkpoint(2), tmp_path / "m.onnx", ExportOptions(), frames)
    reference = EagerBackend(checkpoint(2))
    with closing(OnnxRuntimeBackend(tmp_path / "m.onnx")) as graph:
        for height, width in ((41, 57), (30, 33), (64, 48)):
            pair = pair_of(textured(0, height, width), textured(1, height, width))
            pixels = pair.visible.pixels, pair.infrared.pixels
            apart = np.abs(graph.fuse(*pixels).astype(int) - reference.fuse(*pixels))
            assert apart.max() <= 1
