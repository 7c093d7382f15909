"""The backend that picks: at the first pair, once for a machine, and then as what it picked."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import numpy as np
import pytest

from coconet.cards.model_card import ModelCard
from coconet.errors import CoconetError
from coconet.event_log import SaidOnce
from coconet.runtime.backends.tiles.limit import TileLimit
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.frame import FramePair
from coconet.runtime.picking import backend as backend_module
from coconet.runtime.picking import candidate, trial
from coconet.runtime.picking.backend import PickedBackend
from coconet.runtime.picking.candidate import Candidate, CandidateKind, candidates_of
from coconet.runtime.picking.pick import Pick, PickPlace
from tests.support.models.tiny_onnx import write_averaging_model

pytest.importorskip("openvino", reason="OpenVINO is not installed: the extra openvino brings it")

(PAIR,) = synthetic_pairs(1, 48, 64)


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[list[Candidate]]:
    """Every trial: what was tried. They are short, as no test is about which is faster."""
    monkeypatch.setattr(trial, "SECONDS", 0.0)
    calls, real = list[list[Candidate]](), trial.pick_fastest

    def counted(candidates: list[Candidate], pairs: list[FramePair], tiles: TileLimit, stop: Event) -> Pick:
        calls.append(candidates)
        return real(candidates, pairs, tiles=tiles, stop=stop)

    monkeypatch.setattr(trial, "pick_fastest", counted)
    return calls


@pytest.fixture
def bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that multiplies in BF16."""
    monkeypatch.setattr(candidate, "has_bf16", lambda: True)


@pytest.mark.usefixtures("bf16")
def test_lite_stands_for_all_its_forms_and_a_file_for_itself(tmp_path: Path) -> None:
    model = write_averaging_model(tmp_path / "m.onnx")
    forms = [(one.path.name, one.kind) for one in candidates_of("lite")]
    assert forms[0] == ("lite.onnx", "ort")
    assert ("lite.int8.onnx", "openvino-bf16") in forms
    assert {one.path for one in candidates_of(model)} == {model}
    assert {one.path.name for one in candidates_of("lite-int8")} == {"lite.int8.onnx"}


@pytest.mark.usefixtures("bf16")
def test_bf16_is_for_models_whose_own_limits_leave_room_for_it() -> None:
    kinds = {(one.path.name, one.kind) for one in candidates_of("lite")}
    assert ("lite.int8.onnx", "openvino-bf16") in kinds
    assert ("lite.onnx", "openvino-bf16") not in kinds
    assert "openvino-bf16" in {one.kind for one in candidates_of("lite-fp16")}


def test_bf16_is_no_candidate_where_it_would_be_computed_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidate, "has_bf16", lambda: False)
    assert {one.kind for one in candidates_of("lite")} == {"ort", "openvino"}


def test_a_file_that_is_no_model_is_a_candidate_still_and_said_by_what_opens_it(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_text("no model")
    assert [one.kind for one in candidates_of(tmp_path / "m.onnx")] == ["ort", "openvino"]


def test_other_scenes_are_looked_at_once_and_only_those_of_the_same_size(
    tmp_path: Path, trials: list[list[Candidate]]
) -> None:
    model, asked = write_averaging_model(tmp_path / "m.onnx"), list[str]()

    def scenes(card: ModelCard) -> list[FramePair]:
        asked.append(card.network)
        return [*synthetic_pairs(2, 48, 64), *synthetic_pairs(1, 40, 64)]

    for _ in range(2):
        backend = PickedBackend(model, scenes=scenes)
        backend.choose(PAIR)
        backend.close()
    pick = PickPlace.of(candidates_of(model), PAIR.visible.pixels.shape).load()
    assert (asked, len(trials)) == (["tiny"], 1)
    assert pick is not None
    assert pick.pairs == 3


def test_the_second_run_of_a_machine_measures_nothing(tmp_path: Path, trials: list[list[Candidate]]) -> None:
    model = write_averaging_model(tmp_path / "m.onnx")
    pictures = []
    for _ in range(2):
        backend = PickedBackend(model)
        backend.choose(PAIR)
        backend.choose(PAIR)
        pictures.append(backend.fuse(PAIR.visible.pixels, PAIR.infrared.pixels))
        assert backend.name.startswith(("ONNX Runtime", "OpenVINO"))
        backend.close()
    assert len(trials) == 1
    assert np.array_equal(pictures[0], pictures[1])


def test_a_run_that_is_stopped_while_it_picks_is_fused_by_the_reference_and_remembers_nothing(
    tmp_path: Path, trials: list[list[Candidate]]
) -> None:
    model, stop = write_averaging_model(tmp_path / "m.onnx"), Event()
    stop.set()
    backend = PickedBackend(model)
    backend.choose(PAIR, stop)
    assert backend.name.startswith("ONNX Runtime")
    assert backend.fuse(PAIR.visible.pixels, PAIR.infrared.pixels).shape == PAIR.visible.pixels.shape
    backend.close()
    assert len(trials) == 1
    assert PickPlace.of(candidates_of(model), PAIR.visible.pixels.shape).load() is None


def test_what_was_picked_is_said(
    tmp_path: Path,
    trials: list[list[Candidate]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("coconet.event_log.SAID", SaidOnce())
    PickedBackend(write_averaging_model(tmp_path / "m.onnx")).choose(PAIR)
    said = capsys.readouterr().err
    assert "measuring once what runs m.onnx fastest on this machine" in said
    assert "coconet bench pick shows and renews it" in said
    assert len(trials) == 1


@pytest.mark.usefixtures("trials")
def test_each_size_of_pictures_is_measured_once_and_what_is_said_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coconet.event_log.SAID", SaidOnce())
    model = write_averaging_model(tmp_path / "m.onnx")
    for height, width in ((48, 64), (40, 56), (48, 64)):
        PickedBackend(model).choose(next(iter(synthetic_pairs(1, height, width))))
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("measuring once") == 2
    assert all(f"fastest on this machine for pictures of {size}" in said for size in ("64x48", "56x40"))


def test_before_anything_is_picked_nothing_is_fused(tmp_path: Path) -> None:
    backend = PickedBackend(write_averaging_model(tmp_path / "m.onnx"))
    assert backend.card.network == "tiny"
    with pytest.raises(CoconetError, match="Call choose with a pair first"):
        backend.fuse(PAIR.visible.pixels, PAIR.infrared.pixels)
    backend.close()


@pytest.mark.parametrize("kind", ["ort", "openvino"])
def test_several_pairs_may_be_under_way_whatever_was_picked(
    tmp_path: Path, kind: CandidateKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_module, "candidates_of", lambda model: [Candidate(model, kind)])
    monkeypatch.setattr(backend_module, "usable_cores", lambda: [0, 1, 2])
    backend = PickedBackend(write_averaging_model(tmp_path / "m.onnx"))
    backend.let_overlap(True)
    backend.choose(PAIR)
    assert backend.depth == 3
    sides = (PAIR.visible.pixels, PAIR.infrared.pixels)
    for _ in range(2):
        backend.submit(*sides)
    assert np.array_equal(backend.collect(), backend.collect())
    assert np.array_equal(backend.fuse(*sides), backend.fuse(*sides))
    backend.close()


def test_live_pairs_are_fused_one_at_a_time(tmp_path: Path) -> None:
    backend = PickedBackend(write_averaging_model(tmp_path / "m.onnx"))
    backend.let_overlap(False)
    assert backend.depth == 1
