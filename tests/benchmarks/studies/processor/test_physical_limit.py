from __future__ import annotations

import pytest

pytest.importorskip("openvino")

from coconet.benchmarks.studies.processor.physical_limit import Reached, least_seconds, main, multiplied, product_rate
from coconet.calibration.int8.graph import OnnxModel
from coconet.cards.frame_size import FrameSize
from coconet.model_names import shipped_model

SIZE = FrameSize.parse("64x96")


def test_the_multiply_adds_of_lite_are_those_of_its_layers() -> None:
    quarter, eighth = 16 * 24, 8 * 12
    layers = quarter * (48 * 2 * 64 + 2 * 48 * 48 * 9) + eighth * (
        64 * 48 * 9 + 2 * 64 * 64 * 9 + 48 * 64 + 6 * 48 * 16
    )
    assert multiplied(OnnxModel.read(shipped_model("lite")), SIZE, "fp32") == {"fp32": pytest.approx(layers / 1e9)}


def test_an_int8_graph_has_as_many_and_keeps_the_first_and_the_last_layer_in_floats() -> None:
    found = multiplied(OnnxModel.read(shipped_model("lite-int8")), SIZE, "bf16")
    whole = multiplied(OnnxModel.read(shipped_model("lite")), SIZE, "fp32")
    assert sum(found.values()) == pytest.approx(whole["fp32"])
    assert found["bf16"] == pytest.approx(16 * 24 * 48 * 2 * 64 / 1e9 + 8 * 12 * 6 * 48 * 16 / 1e9)


def test_each_kind_of_number_has_its_own_rate() -> None:
    one = Reached({"int8": 3.0, "fp32": 1.0}, {"int8": 300.0, "fp32": 50.0}, 0.06)
    assert one.least_s == pytest.approx(0.03)
    assert one.share == pytest.approx(0.5)


def test_the_quickest_run_counts_and_the_first_does_not() -> None:
    readings, runs = iter([0.0, 5.0, 5.0, 7.0]), []
    assert least_seconds(lambda: runs.append(1), 2, readings.__next__) == 2.0
    assert len(runs) == 3


@pytest.mark.parametrize("numbers", ["fp32", "bf16", "int8"])
def test_a_matrix_product_is_made_in_all_three(numbers: str) -> None:
    assert product_rate(numbers, 64, 2) > 0  # type: ignore[arg-type]


def test_the_table_has_a_row_for_each_model_and_arithmetic(capsys: pytest.CaptureFixture[str]) -> None:
    main(["lite-int8"], "64x96", side=64, times=1)
    lines = [line for line in capsys.readouterr().out.splitlines() if "lite-int8" in line]
    assert ["fp32" in line for line in lines] == [True, False]
