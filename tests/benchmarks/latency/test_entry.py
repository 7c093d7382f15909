"""Entries: models and runners, and the labels that tell them apart."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from coconet.benchmarks.latency.entry import RINGS, Entry, label_entries
from coconet.cards.engine_card import DeviceIdentity
from coconet.errors import CoconetError
from coconet.files import sha256_of
from coconet.runtime.backends.tensorrt import engine as trt_engine
from tests.support.gpu.stand_in_gpu import StandInGpu
from tests.support.gpu.stand_in_tensorrt import StandInTensorRT, write_plan
from tests.support.models.tiny_onnx import write_averaging_model, write_weights_beside


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("lite", ("lite", "auto")),
        ("coconet@compile", ("coconet", "compile")),
        ("runs/a.pth@half", ("runs/a.pth", "half")),
        ("me@work.onnx", ("me@work.onnx", "auto")),
        ("lite.engine@zero-copy", ("lite.engine", "zero-copy")),
    ],
)
def test_an_entry_is_a_model_and_perhaps_a_runner(text: str, wanted: tuple[str, str]) -> None:
    entry = Entry.parse(text)
    assert (entry.model, entry.runner) == wanted


def test_weights_beside_a_graph_count_to_its_hash(tmp_path: Path) -> None:
    model = write_averaging_model(tmp_path / "model.onnx")
    entry = Entry(str(model))
    assert entry.file_sha256() == sha256_of(model)
    beside = write_weights_beside(model)
    before = entry.file_sha256()
    beside.write_bytes(bytes(value ^ 1 for value in beside.read_bytes()))
    assert entry.file_sha256() != before


@pytest.mark.parametrize("runner", RINGS)
def test_an_engine_runs_in_every_kind_of_ring(
    driver: StandInGpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: str
) -> None:
    module = StandInTensorRT(driver)
    monkeypatch.setattr(trt_engine, "tensorrt_module", lambda job: module)
    engine = write_plan(tmp_path, device=DeviceIdentity("Stand-in", 8))
    visible, infrared = np.full((8, 12, 3), 100, np.uint8), np.full((8, 12, 1), 50, np.uint8)
    with closing(Entry.parse(f"{engine}@{runner}").open()) as backend:
        for _ in range(3):
            assert (backend.fuse(visible, infrared) == 75).all()
        assert ("mapped" in driver.living()) == (runner == "zero-copy")
    assert ("cuGraphLaunch" in driver.calls()) == (runner != "no-graph")
    assert (driver.spins > 0) == (runner == "spin")


@pytest.mark.parametrize("runner", RINGS)
def test_only_an_engine_has_a_ring(runner: str) -> None:
    with pytest.raises(CoconetError, match="does not apply to a model that"):
        Entry.parse(f"lite@{runner}").open()


def test_equal_entries_are_numbered_to_compare_a_model_with_itself() -> None:
    words = ["lite", "lite", "coconet@half", "a/x.onnx", "b/x.onnx"]
    labels = [entry.label for entry in label_entries([Entry.parse(word) for word in words])]
    assert labels == ["lite", "lite#2", "coconet@half", "a/x.onnx", "b/x.onnx"]


def test_an_onnx_file_is_not_for_pytorch_to_compile() -> None:
    with pytest.raises(CoconetError, match="has no checkpoint for"):
        Entry.parse("lite-int8@compile").open()


def test_the_weights_of_a_shipped_word_are_found_for_pytorch() -> None:
    assert Entry.parse("lite@half").resolved.name == "lite.safetensors"
    assert Entry.parse("lite").resolved.name == "lite.onnx"


def test_half_precision_gives_nearly_the_picture_of_single_precision() -> None:
    pytest.importorskip("torch")
    from coconet.benchmarks.latency.pictures import BenchFrames
    from coconet.cards.frame_size import FrameSize
    from coconet.cards.precision import PRECISIONS
    from coconet.runtime.verify.parity import compare, within

    full, half = Entry.parse("lite.safetensors").open(), Entry.parse("lite@half").open()
    pairs = BenchFrames(count=1).pairs(full.card, FrameSize(48, 64))
    assert half.card.precision == "fp16"
    assert within(compare(full, half, pairs), PRECISIONS["fp16"].limits)
