"""Reports of the benchmark: read back, merged, shown as tables and as one page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.table import Table

from coconet.benchmarks.results.compare_table import versus_lines
from coconet.benchmarks.results.markdown import bench_markdown
from coconet.benchmarks.results.report import BenchReport, read_report, remarks
from coconet.errors import CoconetError
from tests.support.programs.bench_reports import full_report, report_of, row_of


def test_a_report_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    report = full_report()
    report.write(tmp_path / "a.json")
    assert read_report(tmp_path / "a.json") == report


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("no json", "is not a report"),
        ('{"schema_version": 1}', "is a report of schema 1"),
        ('{"schema_version": 3, "made": 3}', "made"),
    ],
)
def test_what_is_no_report_is_refused_in_words(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(CoconetError, match=complaint):
        read_report(tmp_path / "a.json")


def test_the_schema_is_json_and_names_every_field_of_a_row() -> None:
    schema = json.loads(json.dumps(BenchReport.model_json_schema()))
    assert {"turns_ms", "energy", "quality"} <= schema["$defs"]["Row"]["properties"].keys()


def test_a_summary_keeps_outliers_and_marks_a_p99_without_a_bound() -> None:
    found = row_of("lite", 10).latency
    assert found is not None
    assert (found.frames, found.p50, found.max) == (36, 10.1, 15.0)
    assert found.p99_interval is None


def test_several_devices_become_one_markdown_table() -> None:
    first, second = report_of(row_of("lite", 25)), report_of(row_of("lite", 50), processor="Other CPU")
    lines = bench_markdown([first, second]).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:4]] == ["| Test CPU, 2 cores", "| Other CPU, 2 cores"]
    assert len({line.count("|") for line in lines[:4]}) == 1


def test_a_row_that_was_not_timed_says_why() -> None:
    assert list(remarks(full_report().rows)) == ["broken at 480x640 was not timed: no <such> file"]


def test_reports_of_unlike_machines_are_compared_with_a_warning() -> None:
    table, *words = versus_lines(report_of(row_of("lite", 25)), report_of(row_of("lite", 50), processor="Other CPU"))
    assert isinstance(table, Table)
    assert str(next(iter(table.columns[-1].cells))).startswith("slower: 2.00 times")
    assert "unlike processor: Test CPU in A, Other CPU in B" in words


def test_reports_that_share_no_line_are_refused() -> None:
    with pytest.raises(CoconetError, match="have no model and size in common"):
        list(versus_lines(report_of(row_of("lite", 25)), report_of(row_of("coconet", 25))))
