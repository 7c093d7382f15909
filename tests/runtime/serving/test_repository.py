"""A model repository, read back with Triton's own message and held against the files that lie in it."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import pytest

from coconet.cards.engine_card import card_path, read_engine_card
from coconet.cards.model_card import CARD_KEY, ModelCard
from coconet.errors import CoconetError
from coconet.files import sha256_of
from coconet.model_names import shipped_model
from coconet.runtime.serving.model_config import Instances, to_pbtxt
from coconet.runtime.serving.protocol.tensor_spec import spec_of
from coconet.runtime.serving.repository import served_model, write_repository
from tests.support.models.engine_files import CARD, write_engine
from tests.support.models.tiny_onnx import averaging_card, write_averaging_model
from tests.support.programs.command_line import command
from tests.support.servers.triton_config import parsed_config

KINDS: dict[int, str] = {onnx.TensorProto.UINT8: "TYPE_UINT8", onnx.TensorProto.FLOAT: "TYPE_FP32"}


def told(tensor: Any) -> tuple[str, str, list[int]]:
    """Name, type and shape of a tensor in a configuration."""
    return (
        tensor.name,
        tensor.DESCRIPTOR.fields_by_name["data_type"].enum_type.values_by_number[tensor.data_type].name,
        list(tensor.dims),
    )


def found(tensor: onnx.ValueInfoProto) -> tuple[str, str, list[int]]:
    """The same of a tensor in a graph."""
    kind = tensor.type.tensor_type
    return tensor.name, KINDS[kind.elem_type], [side.dim_value or -1 for side in kind.shape.dim]


@pytest.mark.parametrize("size", [None, (48, 64)], ids=["any size", "one size"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_configuration_says_what_the_graph_beside_it_takes(
    tmp_path: Path, channels: int, size: tuple[int, int] | None
) -> None:
    model = served_model(str(write_averaging_model(tmp_path / "tiny.onnx", channels, size)))
    (place,) = write_repository([model], tmp_path / "repo", 1, Instances(2, "cpu"))
    config, graph = parsed_config(place.parent / "config.pbtxt"), onnx.load(place / "model.onnx").graph
    assert [told(tensor) for tensor in config.input] == [found(tensor) for tensor in graph.input]
    assert [told(tensor)[:2] for tensor in config.output] == [found(tensor)[:2] for tensor in graph.output]
    assert (config.name, config.backend, config.max_batch_size) == ("tiny", "onnxruntime", 0)
    assert [(group.count, group.kind) for group in config.instance_group] == [(2, group_kind(config, "KIND_CPU"))]
    assert ModelCard.from_json(config.parameters[CARD_KEY].string_value, "config") == averaging_card(channels, size)


def group_kind(config: Any, name: str) -> int:
    return int(getattr(type(config.instance_group[0]), name))


def test_the_warm_up_fills_every_side_with_a_size_that_the_model_takes(tmp_path: Path) -> None:
    fixed = served_model(str(write_averaging_model(tmp_path / "fixed.onnx", 3, (48, 64))))
    places = write_repository([fixed, served_model("lite")], tmp_path / "repo", 1, Instances())
    sizes = []
    for place in places:
        (warm_up,) = parsed_config(place.parent / "config.pbtxt").model_warmup
        sizes.append({name: list(pair.dims) for name, pair in warm_up.inputs.items()})
    assert sizes[0] == {"visible": [1, 48, 64, 3], "infrared": [1, 48, 64, 1]}
    assert sizes[1] == {"visible": [1, 480, 640, 3], "infrared": [1, 480, 640, 1]}


def test_weights_beside_a_graph_come_along(tmp_path: Path) -> None:
    model = served_model("coconet-fp16")
    (place,) = write_repository([model], tmp_path / "repo", 1, Instances())
    (weights,) = model.beside
    assert sha256_of(place / weights.name) == sha256_of(weights)
    assert onnx.load(place / "model.onnx").graph.initializer


def test_an_engine_has_its_gpu_and_its_tensorrt_in_its_name_and_its_own_size_in_its_warm_up(tmp_path: Path) -> None:
    engine = write_engine(tmp_path)
    card = replace(CARD, flavour="tensorrt", targets=("sm87",), tensorrt_version="10.3.0")
    card_path(engine).write_text(replace(card, engine_sha256=sha256_of(engine)).to_json())
    model = served_model(str(engine))
    (place,) = write_repository([replace(model, usual_px=(256, 320))], tmp_path / "repo", 3, Instances())
    config = parsed_config(place.parent / "config.pbtxt")
    assert place == tmp_path / "repo" / "model-sm87-tensorrt10.3.0" / "3"
    assert (place / "model.plan").read_bytes() == engine.read_bytes()
    assert (config.platform, config.instance_group[0].kind) == ("tensorrt_plan", group_kind(config, "KIND_GPU"))
    assert list(config.model_warmup[0].inputs["visible"].dims) == [1, 256, 320, 3]
    assert model.usual_px == (480, 640)
    assert read_engine_card(engine).options.profile is not None


def test_a_warped_model_has_its_table_and_thermal_pictures_of_any_size() -> None:
    spec = spec_of(replace(averaging_card(3, (48, 64)), form="warped"))
    assert [(one.name, one.data_type, one.shape) for one in spec.inputs] == [
        ("visible", "UINT8", (1, 48, 64, 3)),
        ("infrared", "UINT8", (1, -1, -1, 1)),
        ("warp", "FP32", (1, 48, 64, 2)),
    ]


def test_text_in_a_configuration_may_hold_anything(tmp_path: Path) -> None:
    (tmp_path / "config.pbtxt").write_text(to_pbtxt({"name": 'a "quoted" back\\slash,\nand a second line: é'}))
    assert parsed_config(tmp_path / "config.pbtxt").name == 'a "quoted" back\\slash,\nand a second line: é'


def test_a_second_version_stands_beside_the_first_and_an_older_one_is_refused(tmp_path: Path) -> None:
    model, repository = write_averaging_model(tmp_path / "tiny.onnx"), tmp_path / "repo"
    assert command("serve-repository", model, "--out", repository, "--version", 2).code == 0
    again = command("serve-repository", model, "--out", repository, "--version", 2)
    older = command("serve-repository", model, "--out", repository)
    assert (again.code, older.code) == (2, 2)
    assert "already exists. Choose another name or pass --overwrite." in again.err
    assert "Choose --version 3" in older.err
    assert command("serve-repository", model, "--out", repository, "--version", 2, "--overwrite").code == 0
    assert command("serve-repository", model, "--out", repository, "--version", 3).code == 0
    assert sorted(path.name for path in (repository / "tiny").iterdir()) == ["2", "3", "config.pbtxt"]


REFUSED = {
    "average": "a rule without a network",
    "coconet": "Export it first: coconet export coconet",
    "model.engine": "an engine of TensorRT for RTX",
    "a b.onnx": "which cannot stand in an address",
    "gone.onnx": "does not exist",
    "unlike.onnx": "is not an ONNX model, or is damaged",
}


@pytest.mark.parametrize("model", REFUSED)
def test_what_no_server_runs_is_refused_before_anything_is_written(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_engine(tmp_path)
    write_averaging_model(tmp_path / "a b.onnx")
    (tmp_path / "unlike.onnx").write_bytes(b"\x0a")
    monkeypatch.chdir(tmp_path)
    ended = command("serve-repository", shipped_model("lite"), model, "--out", "repo")
    code = 4 if model == "unlike.onnx" else 2
    assert (ended.code, REFUSED[model] in ended.err) == (code, True), ended.err
    assert not (tmp_path / "repo").exists()


def test_two_models_of_one_name_and_an_output_among_the_inputs_are_refused(tmp_path: Path) -> None:
    model = write_averaging_model(tmp_path / "tiny.onnx")
    assert "is the name of two models" in command("serve-repository", model, model, "--out", tmp_path / "repo").err
    place = tmp_path / "repo" / "tiny" / "1"
    place.mkdir(parents=True)
    inside = write_averaging_model(place / "tiny.onnx")
    ended = command("serve-repository", inside, "--out", tmp_path / "repo", "--overwrite")
    assert (ended.code, "write over or among the input" in ended.err) == (2, True), ended.err
    assert inside.is_file()


def test_a_disk_without_room_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = served_model(str(write_averaging_model(tmp_path / "tiny.onnx")))
    (place,) = write_repository([model], tmp_path / "repo", 1, Instances())
    before = {path: sha256_of(path) for path in place.parent.rglob("*") if path.is_file()}
    assert len(before) == 2

    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", fill)
    for version, name in ((1, "tiny"), (2, "tiny"), (1, "lite")):
        wanted = model if name == "tiny" else served_model(name)
        with pytest.raises(CoconetError, match="No space left on device"):
            write_repository([wanted], tmp_path / "repo", version, Instances(), overwrite=True)
    assert {path: sha256_of(path) for path in (tmp_path / "repo").rglob("*") if path.is_file()} == before
    assert [path.name for path in (tmp_path / "repo").iterdir()] == ["tiny"]


def test_a_version_is_replaced_by_a_whole_one(tmp_path: Path) -> None:
    for channels in (1, 3):
        model = served_model(str(write_averaging_model(tmp_path / "tiny.onnx", channels)))
        (place,) = write_repository([model], tmp_path / "repo", 1, Instances(), overwrite=True)
        assert sha256_of(place / "model.onnx") == sha256_of(tmp_path / "tiny.onnx")
    assert sorted(path.name for path in place.parent.iterdir()) == ["1", "config.pbtxt"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_whose_weights_are_no_numbers_is_not_laid_out(tmp_path: Path, value: float) -> None:
    model = onnx.load(shipped_model("lite"))
    spoilt = next(
        one for one in model.graph.initializer if one.data_type == onnx.TensorProto.FLOAT and len(one.dims) > 1
    )
    spoilt.CopyFrom(onnx.numpy_helper.from_array(np.full(list(spoilt.dims), value, np.float32), spoilt.name))
    onnx.save(model, tmp_path / "lite.onnx")
    with pytest.raises(CoconetError, match="holds (NaN|infinity) in"):
        served_model(str(tmp_path / "lite.onnx"))
