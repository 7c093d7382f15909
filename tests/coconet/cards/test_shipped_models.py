"""The list of models that come with the package: every word, and what its own file says."""

from __future__ import annotations

from coconet.cards.shipped_models import shipped_models
from coconet.model_names import MODEL_WORDS, MODELS, shipped_model
from tests.support.programs.command_line import command


def test_every_word_that_runs_is_in_the_list_in_the_order_of_the_help() -> None:
    assert tuple(one.word for one in shipped_models()) == MODEL_WORDS
    assert all(one.about for one in shipped_models())


def test_precision_and_calibration_are_those_of_the_cards() -> None:
    told = {one.word: one for one in shipped_models()}
    assert [told[word].precision for word in ("lite", "lite-fp16", "lite-int8")] == ["FP32", "FP16", "INT8 in FP32"]
    assert told["lite-int8-fp16"].precision == "INT8 in FP16"
    assert told["lite-int8"].measured == "ranges of 25 frames, percentile 99.99"
    assert {one.word for one in told.values() if one.measured} == {"lite-int8", "lite-int8-fp16"}


def test_a_graph_that_points_into_a_checkpoint_is_as_large_as_both() -> None:
    told = {one.word: one.bytes for one in shipped_models()}
    assert told["lite"] == shipped_model("lite").stat().st_size
    assert told["coconet-fp16"] == told["coconet"] + shipped_model("coconet-fp16").stat().st_size
    assert {word for word, size in told.items() if size} == {*MODELS}


def test_run_prints_the_list_whatever_else_is_said() -> None:
    ended = command("run", "gone.toml", "--list-models")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == list(MODEL_WORDS)
    assert "INT8 in FP16  0.2 MB" in ended.out
