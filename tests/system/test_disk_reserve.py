"""A disk that is nearly full ends what is recorded, whole, and every command says so."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from coconet.errors import counted
from coconet.runtime.loop.liveness import LivenessCheck
from coconet.runtime.loop.run_stats import RunStats
from tests.support.media.frames import frames_in_video
from tests.support.programs.command_line import command

Disk = namedtuple("Disk", "total used free")

SYNTHETIC = "synthetic://?width=64&height=48&fps=30&duration_s={}"


@pytest.fixture
def filling(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk with room for two looks, and then with none: every look is a second after the one before."""
    looks: list[Path] = []

    def usage(folder: Path) -> Disk:
        looks.append(folder)
        free = 5e9 if len(looks) <= 2 else 0.5e9
        return Disk(100e9, 100e9 - free, free)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    monkeypatch.setattr("coconet.runtime.sinks.reserve_sink._LOOK_S", 0.0)


def cameras(seconds: float) -> tuple[str, ...]:
    return ("--visible", SYNTHETIC.format(seconds), "--infrared", SYNTHETIC.format(seconds), "--model", "average")


@pytest.mark.usefixtures("filling")
def test_a_run_of_live_cameras_goes_on_without_its_file_and_ends_with_the_code_of_the_output(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    shown = ("--view", "web", "--port", 0, "--captures", tmp_path / "captures", "--log", "json")
    ended = command("run", *cameras(1), "--out", tmp_path / "x.mp4", "--json", report, *shown)
    told = json.loads(report.read_text())
    assert ended.code == 5
    assert "frames, because the disk was nearly full" in ended.err
    assert '"trouble": "ended: the disk is nearly full"' in ended.err
    assert 0 < frames_in_video(tmp_path / "x.mp4") < told["fused"]
    lost = counted(told["fused"] - frames_in_video(tmp_path / "x.mp4"), "frame")
    assert told["output_loss"].startswith(f"not written: {lost}")


@pytest.mark.usefixtures("filling")
def test_a_run_of_recordings_ends_and_its_file_is_whole(tmp_path: Path) -> None:
    first = command("run", *cameras(60), "--out", tmp_path / "first.mp4")
    assert first.code == 5
    assert "has less than 1 GB free, or 5% of a small disk. Free space" in first.err.replace("\n", " ")
    kept = counted(frames_in_video(tmp_path / "first.mp4"), "frame")
    assert f"What was fused until then, {kept}" in first.err.replace("\n", " ")
    assert command("run", *cameras(1), "--out", tmp_path / "second.mp4").code == 5
    assert [path.name for path in tmp_path.iterdir()] == ["first.mp4"]  # there was no room from the beginning
    assert command("run", *cameras(0.5), "--out", tmp_path / "third.mp4", "--reserve-mb", 100).code == 0


@pytest.mark.usefixtures("filling")
def test_a_recording_of_a_rig_ends_and_replays(tmp_path: Path) -> None:
    rig, night = tmp_path / "rig.toml", tmp_path / "night"
    rig.write_text(f'[visible]\naddress = "{SYNTHETIC.format(60)}"\n[infrared]\naddress = "{SYNTHETIC.format(60)}"\n')
    ended = command("record", rig, "--out", night)
    assert ended.code == 5
    assert "has less than 1 GB free" in ended.err
    said = ended.err.replace("\n", " ")
    assert "The recording up to then, of " in said
    assert "is whole and replays" in said
    assert command("run", night / "rig.toml", "--model", "average").code in (0, 8)  # one side may be longer
    ended = command("record", rig, "--out", tmp_path / "second")
    assert (ended.code, (tmp_path / "second").exists()) == (5, False)


def test_an_output_that_has_ended_is_told_and_the_run_is_ready_all_the_same() -> None:
    from coconet.runtime.backends.rules.baseline import BaselineBackend
    from tests.support.media.frames import fused_frame

    gauge = RunStats()
    gauge.begin(BaselineBackend().card, "numpy", lambda: 0)
    gauge.watch_output(lambda: "ended: the disk is nearly full")
    pulse = LivenessCheck(gauge)
    gauge.note(fused_frame())
    assert (pulse.standing().ready, pulse.standing().reason) == (True, "fusing; output ended: the disk is nearly full")
    vitals = gauge.vitals()
    assert vitals is not None
    assert vitals.output_trouble == "ended: the disk is nearly full"
