"""Picks: remembered for what decides them, and measured again for anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from coconet.runtime.picking import pick as pick_module
from coconet.runtime.picking.candidate import Candidate
from coconet.runtime.picking.pick import Pick, PickPlace, TrialRow
from tests.support.models.tiny_onnx import write_averaging_model, write_weights_beside

PICK = Pick(
    model="m.onnx",
    kind="openvino",
    size_px=(48, 64),
    processor="P",
    cores=2,
    date="2026-01-02T03:04:05+00:00",
    reference_ms=10.0,
    rows=(
        TrialRow(model="m.onnx", kind="ort", ratio=1.0),
        TrialRow(model="m.onnx", kind="openvino", ratio=0.5, psnr_db=60),
    ),
)


@pytest.fixture
def candidates(tmp_path: Path) -> list[Candidate]:
    model = write_averaging_model(tmp_path / "m.onnx")
    return [Candidate(model, "ort"), Candidate(model, "openvino")]


def test_what_was_saved_is_found_again(candidates: list[Candidate], tmp_path: Path) -> None:
    place = PickPlace.of(candidates, (48, 64, 3), tmp_path / "picks")
    assert place.load() is None
    assert place.save(PICK) == ""
    again = PickPlace.of(candidates, (48, 64, 3), tmp_path / "picks").load()
    assert again == PICK
    assert (PICK.ratio, PICK.among(candidates)) == (0.5, candidates[1])


def test_the_place_depends_on_size_files_and_what_is_installed(
    candidates: list[Candidate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {PickPlace.of(candidates, shape, tmp_path).digest for shape in [(48, 64, 3), (48, 64, 1), (50, 64, 3)]}
    places.add(PickPlace.of(candidates[:1], (48, 64, 3), tmp_path).digest)
    beside = write_weights_beside(candidates[0].path)
    places.add(PickPlace.of(candidates, (48, 64, 3), tmp_path).digest)
    beside.write_bytes(bytes(beside.stat().st_size))
    places.add(PickPlace.of(candidates, (48, 64, 3), tmp_path).digest)
    monkeypatch.setattr(pick_module, "processor_kind", lambda: "another one")
    places.add(PickPlace.of(candidates, (48, 64, 3), tmp_path).digest)
    assert len(places) == 7


@pytest.mark.parametrize("text", ["", "{", '{"model": 1}', "[]"])
def test_a_damaged_file_counts_as_none(candidates: list[Candidate], tmp_path: Path, text: str) -> None:
    place = PickPlace.of(candidates, (48, 64, 3), tmp_path / "picks")
    place.save(PICK)
    place.file.write_text(text)
    assert place.load() is None


def test_a_place_that_cannot_be_written_to_is_told_and_no_error(candidates: list[Candidate], tmp_path: Path) -> None:
    (tmp_path / "picks").write_text("a file")
    assert "picks" in PickPlace.of(candidates, (48, 64, 3), tmp_path / "picks").save(PICK)


def test_a_pick_of_what_is_not_installed_any_more_is_none(candidates: list[Candidate]) -> None:
    assert PICK.among(candidates[:1]) is None
