"""The page of a benchmark: whole, self-contained, and safe with any name."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from coconet.benchmarks.results.schema import Quality
from coconet.cards.precision import PRECISIONS
from coconet.metrics.fusion import METRICS, VERIFIED
from tests.support.programs.bench_reports import full_report, report_of, row_of

pytest.importorskip("matplotlib", reason="the page needs the extra bench")
pytest.importorskip("jinja2", reason="the page needs the extra bench")

from coconet.benchmarks.results.page import bench_page
from coconet.benchmarks.results.plots import latency_plot, pareto_front


def test_the_page_shows_every_row_and_loads_nothing() -> None:
    page = bench_page([full_report()])
    assert {"lite", "lite-int8", "coconet"} <= set(re.findall(r"</i>([\w-]+) <span", page))
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert "<script" not in page


def test_the_page_names_every_verified_metric_and_every_precision() -> None:
    page = bench_page([full_report()])
    assert "".join(f"<th>{metric.name}</th>" for metric in VERIFIED) in page
    assert "■ FP16" in page
    assert all(f"{record.mark} {record.label}" in page for record in PRECISIONS.values())


def test_a_report_keeps_every_verified_metric() -> None:
    metrics = [name for name in Quality.model_fields if name in {metric.name for metric in METRICS}]
    assert metrics == [metric.name for metric in VERIFIED]


def test_names_from_a_report_cannot_become_markup() -> None:
    page = bench_page([full_report()])
    assert "no &lt;such&gt; file" in page
    assert "conv<1>" not in page


def test_two_devices_share_a_page() -> None:
    page = bench_page([report_of(row_of("lite", 25)), report_of(row_of("lite", 50), processor="Other CPU")])
    assert "Test CPU, 2 cores and Other CPU, 2 cores" in page


def test_a_plot_is_one_drawing_with_a_dot_for_every_frame() -> None:
    root = ElementTree.fromstring(latency_plot([row_of("lite", 25)], ["lite"]))  # noqa: S314  # our own
    dots = [group for group in root.iter() if str(group.get("id", "")).startswith("PathCollection")]
    assert len(list(dots[0].iter("{http://www.w3.org/2000/svg}use"))) == 36


def test_the_front_holds_what_nothing_beats() -> None:
    points = [(10.0, 0.7), (20.0, 0.6), (30.0, 0.9), (30.0, 0.8), (5.0, 0.1)]
    assert pareto_front(points) == [(5.0, 0.1), (10.0, 0.7), (30.0, 0.9)]
