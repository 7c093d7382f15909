"""The report of a run is there while it goes on, and after an error or a kill, marked as such."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest

from coconet.cards.model_card import ModelCard
from coconet.runtime.loop.page.report_files import report_files
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.loop.supervisor import RunSupervisor
from coconet.runtime.pairing.stream_counts import CameraCount, StreamCounts
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from tests.support.rigs.alarm_frames import frame_of, reading_of
from tests.support.rigs.live_rig import until

COUNTS = StreamCounts(CameraCount(7, 5, 2), CameraCount(6, 5, 1))


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coconet.runtime.loop.page.report_files.EVERY_S", 0.01)


def begun_gauge() -> RunStats:
    """The record of a run that goes on."""
    gauge = RunStats()
    gauge.begin(ModelCard(network="lite", precision="fp32", weights_sha256="0" * 64), "numpy", lambda: 0)
    gauge.watch_counts(lambda: COUNTS)
    return gauge


def test_a_report_is_there_while_the_run_goes_on_and_after_an_error(tmp_path: Path) -> None:
    files, gauge = (tmp_path / "night.json", tmp_path / "night.html"), begun_gauge()
    tuner = AdjustableRig(Rig.from_addresses("a.mp4", "b.mp4"), None)
    with suppress(ZeroDivisionError), report_files(*files, tuner, gauge, RunSupervisor(gauge)):
        gauge.note(frame_of(reading_of(81.5), 0))
        until(lambda: all(path.is_file() for path in files) and '"fused": 1' in files[0].read_text())
        raise ZeroDivisionError
    told = json.loads(files[0].read_text())
    assert (told["running"], told["fused"], told["counts"]["visible"]["read"]) == (True, 1, 7)
    assert told["happened"]["peaks"][0]["value"] == 81.5
    page = files[1].read_text()
    assert "Written while the run went on" in page
    assert ", so far" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["night.html", "night.json"]


def test_the_last_report_is_the_one_that_stays(tmp_path: Path) -> None:
    gauge, told = begun_gauge(), tmp_path / "night.json"
    tuner = AdjustableRig(Rig.from_addresses("a.mp4", "b.mp4"), None)
    with report_files(told, None, tuner, gauge, RunSupervisor(gauge)) as keep:
        gauge.note(frame_of(reading_of(81.5), 0))
        until(told.is_file)
        keep(RunReport.of(gauge.figures(), COUNTS, interrupted=False))
    assert json.loads(told.read_text())["running"] is False


def test_before_a_run_has_begun_there_is_nothing_to_report(tmp_path: Path) -> None:
    gauge = RunStats()
    tuner = AdjustableRig(Rig.from_addresses("a.mp4", "b.mp4"), None)
    with suppress(ZeroDivisionError), report_files(tmp_path / "n.json", None, tuner, gauge, RunSupervisor(gauge)):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())
