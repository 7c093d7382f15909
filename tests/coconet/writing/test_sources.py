"""What an input has beside itself is an input too."""

from __future__ import annotations

import os
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from coconet.errors import CoconetError
from coconet.writing.outputs import check_outputs
from coconet.writing.sources import Sources, files_beside


def write_split_model(path: Path, weights: str) -> None:
    """A model with its weights in a file of another name."""
    tensor = numpy_helper.from_array(np.zeros((64, 64), np.float32), "w")
    value = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (64, 64))
    graph = helper.make_graph([helper.make_node("Identity", ["w"], ["y"])], "g", [], [value], [tensor])
    onnx.save_model(helper.make_model(graph), path, save_as_external_data=True, location=weights, size_threshold=0)


def test_the_weights_that_an_onnx_file_names_are_read_with_it(tmp_path: Path) -> None:
    write_split_model(tmp_path / "m.onnx", "weights.bin")
    assert list(files_beside(tmp_path / "m.onnx")) == [tmp_path / "weights.bin"]


def test_a_file_that_is_no_model_has_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"\x0a\x08location\x12\xff")
    assert list(files_beside(tmp_path / "m.onnx")) == []
    assert list(files_beside(tmp_path / "missing.onnx")) == []


@pytest.mark.parametrize(
    ("read", "needed"),
    [
        ("m.onnx", "weights.bin"),
        ("m.engine", "m.engine.json"),
        ("visible.mkv", "visible.stamps.csv"),
        ("visible.mkv", "visible-3.mkv"),
        ("a.zip/net.pth", "a.zip"),
    ],
)
def test_an_output_that_an_input_needs_is_refused_by_whatever_name(tmp_path: Path, read: str, needed: str) -> None:
    write_split_model(tmp_path / "m.onnx", "weights.bin")
    for name in ("m.engine", "m.engine.json", "visible.mkv", "visible-2.mkv", "visible-3.mkv", "visible.stamps.csv"):
        (tmp_path / name).write_bytes(b"something")
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("net.pth", b"something")
    os.link(tmp_path / needed, tmp_path / "out.json")
    for out in (needed, "out.json"):
        with pytest.raises(CoconetError, match="write over or among the input"):
            check_outputs([tmp_path / out], inputs=[tmp_path / read], overwrite=True)


@pytest.mark.parametrize("address", ["run", "run#/camera/image_raw", "run/run_0.db3"])
def test_a_bag_is_not_written_into_the_folder_of_a_bag_that_is_read(address: str, tmp_path: Path) -> None:
    """Whoever reads that folder would read two."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "metadata.yaml").write_text("rosbag2_bagfile_information:\n  version: 9\n")
    (folder / "run_0.db3").write_bytes(b"")
    sources = Sources()
    sources.add(tmp_path / address)
    assert [sources.harmed_by(folder / name) for name in ("new.mcap", "new.mcap.unfinished")] == [folder] * 2
    assert sources.harmed_by(tmp_path / "new.mcap") is None
    assert sources.harmed_by(folder / "fused.mp4") is None
