"""`coconet selfcheck` as a user calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from coconet.benchmarks.commands.selfcheck import selfcheck
from coconet.benchmarks.selfcheck.step import Absent, Figures, Step
from coconet.benchmarks.selfcheck.steps import SelfCheck
from coconet.errors import CoconetError
from tests.support.programs.called import call, complaint_of


def absent() -> Figures:
    raise Absent("no NVIDIA GPU")


def broken() -> Figures:
    raise CoconetError("engine", wanted="55 dB", got="12 dB", remedy="Report this.", says="is off by 12 dB")


@pytest.mark.parametrize(("last", "code"), [(absent, 0), (broken, 1)])
def test_the_report_lies_where_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: object, code: int
) -> None:
    def steps(_: SelfCheck) -> Iterator[Step]:
        yield Step("latency", 2, lambda: {"p50_ms": 3.5})
        yield Step("last", 0.1, last)  # type: ignore[arg-type]

    monkeypatch.setattr(SelfCheck, "steps", steps)
    out = tmp_path / "report.json"
    said = call(selfcheck, "--out", out)
    assert said.exit_code == code
    assert "2 steps, 2 of them tried here, at most about 2 minutes" in said.output
    assert [step["name"] for step in json.loads(out.read_text())["steps"]] == ["latency", "last"]
    assert "p50_ms: 3.5" in out.with_suffix(".txt").read_text()
    assert "already exists. Choose another name" in complaint_of(selfcheck, "--out", out)
