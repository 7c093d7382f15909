"""Compiled models in the cache folder: read back bit for bit, never damaged ones, and never more than fits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("openvino", reason="OpenVINO is not installed: the extra openvino brings it")

from coconet.model_names import model_path
from coconet.runtime.backends.openvino import backend as openvino_backend
from coconet.runtime.backends.openvino import compiled_place
from coconet.runtime.backends.openvino.backend import Arithmetic, OpenVinoBackend
from coconet.runtime.backends.openvino.compiled_place import CompiledForms, CompiledPlace
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from tests.support.models.tiny_onnx import write_averaging_model, write_weights_beside

(PAIR,) = synthetic_pairs(1, 48, 64)
SIDES = (PAIR.visible.pixels, PAIR.infrared.pixels)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where compiled models go in a test."""
    monkeypatch.setattr(compiled_place, "default_cache_folder", lambda: tmp_path)
    return tmp_path / "compiled"


def place_in(folder: Path, name: str = "a") -> CompiledPlace:
    return CompiledPlace(folder / f"{name}.openvino")


@pytest.mark.parametrize("arithmetic", ["f32", "bf16"])
@pytest.mark.parametrize("word", ["lite", "lite-int8"])
def test_what_is_read_back_gives_the_same_picture(
    word: str, arithmetic: Arithmetic, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = []
    for depth in (1, 1, 2):
        with_depth = OpenVinoBackend(model_path(word), arithmetic=arithmetic, depth=depth)
        pictures.append(with_depth.fuse(*SIDES))
        with_depth.close()
    assert len(list(folder.iterdir())) == 2  # one a depth
    assert all(np.array_equal(one, pictures[0]) for one in pictures)


def test_a_second_backend_compiles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_averaging_model(tmp_path / "m.onnx")
    first = OpenVinoBackend(model)
    expected = first.fuse(*SIDES)
    first.close()
    monkeypatch.setattr(OpenVinoBackend, "_model", None)  # which compiling would need
    second = OpenVinoBackend(model)
    assert np.array_equal(second.fuse(*SIDES), expected)
    second.close()


def test_a_model_with_a_compiled_form_is_neither_read_nor_looked_through_until_another_size_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, looked_at = write_averaging_model(tmp_path / "m.onnx"), list[Path]()
    monkeypatch.setattr(openvino_backend, "check_onnx_weights", looked_at.append)
    OpenVinoBackend(model).fuse(*SIDES)
    assert looked_at == [model]
    backend = OpenVinoBackend(model)
    backend.fuse(*SIDES)
    assert looked_at == [model]
    (other,) = synthetic_pairs(1, 32, 40)
    assert backend.fuse(other.visible.pixels, other.infrared.pixels).shape == (32, 40, 3)
    assert looked_at == [model, model]


def test_a_model_whose_weights_beside_it_have_changed_is_compiled_again(tmp_path: Path) -> None:
    model = write_averaging_model(tmp_path / "m.onnx")
    beside = write_weights_beside(model)
    pictures = []
    for weights in (beside.read_bytes(), bytes(beside.stat().st_size)):
        beside.write_bytes(weights)
        backend = OpenVinoBackend(model)
        pictures.append(backend.fuse(*SIDES))
        backend.close()
    assert not np.array_equal(pictures[0], pictures[1])


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_file_is_compiled_again_and_replaced(damage: bytes | None, folder: Path, tmp_path: Path) -> None:
    model = write_averaging_model(tmp_path / "m.onnx")
    pictures = []
    for _ in range(2):
        backend = OpenVinoBackend(model)
        pictures.append(backend.fuse(*SIDES))
        backend.close()
        (kept,) = folder.iterdir()
        whole = kept.read_bytes()
        kept.write_bytes(whole[:-1] + b"\0" if damage is None else damage)
        assert CompiledPlace(kept).load() is None
    assert np.array_equal(pictures[0], pictures[1])


def test_what_openvino_does_not_take_back_is_compiled_again(folder: Path, tmp_path: Path) -> None:
    model = write_averaging_model(tmp_path / "m.onnx")
    for _ in range(2):
        backend = OpenVinoBackend(model)
        backend.fuse(*SIDES)
        backend.close()
        (kept,) = folder.iterdir()
        assert (CompiledPlace(kept).load() or b"") != b"of another version"
        CompiledPlace(kept).save(b"of another version")


def test_the_place_depends_on_the_model_shapes_settings_version_and_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = write_averaging_model(tmp_path / "m.onnx")
    shapes, config = {"visible": (1, 48, 64, 3)}, {"NUM_STREAMS": 2}

    def place(version: str = "1", **changes: Any) -> CompiledPlace:
        said = {"shapes": shapes, "config": config, **changes}
        return CompiledForms.of(model, said["config"], version).place(said["shapes"])

    places = {place(), place("2"), place(shapes={"visible": (1, 50, 64, 3)}), place(config={})}
    assert len(places | {place()}) == 4
    monkeypatch.setattr(compiled_place, "processor_kind", lambda: "another one")
    places.add(place())
    model.write_bytes(model.read_bytes() + b"\0")
    assert len(places | {place()}) == 6


def test_what_was_used_longest_ago_makes_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_place, "MOST_BYTES", 1000)
    for number, name in enumerate("abcd"):
        place_in(folder, name).save(bytes(200))
        os.utime(place_in(folder, name).file, ns=(number, number))
    assert place_in(folder, "a").load() == bytes(200)  # is the last used now
    place_in(folder, "e").save(bytes(200))
    assert sorted(one.stem for one in folder.iterdir()) == ["a", "c", "d", "e"]


def test_what_would_fill_the_cache_alone_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_place, "MOST_BYTES", 1000)
    place_in(folder).save(bytes(500))
    assert place_in(folder).load() is None


def test_a_folder_that_cannot_be_written_to_costs_nothing_but_time(tmp_path: Path, folder: Path) -> None:
    folder.write_text("a file")
    backend = OpenVinoBackend(write_averaging_model(tmp_path / "m.onnx"))
    assert backend.fuse(*SIDES).shape == (48, 64, 3)
    backend.close()


def test_the_converter_is_there_for_programs_that_call_it() -> None:
    import openvino

    assert callable(openvino.convert_model)
