"""How a run stands, and what those who watch over it are told: probes, metrics, logs, systemd."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from coconet.event_log import LogStyle, log_event, logging_as
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.loop.liveness import STALLED_S, STARTING_S, LivenessCheck
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.loop.supervisor import Notifier, RunSupervisor
from coconet.runtime.pairing.camera_health import CameraHealth
from tests.support.media.frames import fused_frame
from tests.support.programs.patience import PATIENCE_S
from tests.support.rigs.live_rig import LiveRig, live_rig, until

LIVE, LOST = CameraHealth("front", "live"), CameraHealth("boson", "lost", trouble="unplugged")
BACK = CameraHealth("boson", "live")
BEGUN_S = time.monotonic()


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def running(*cameras: CameraHealth) -> RunStats:
    gauge = RunStats()
    gauge.begin(BaselineBackend().card, "numpy", lambda: 0)
    gauge.watch(lambda: (cameras[0], cameras[1]), lambda: None)
    return gauge


def test_a_run_that_starts_is_alive_but_not_ready_and_not_for_ever() -> None:
    clock = Clock()
    pulse = LivenessCheck(RunStats(), clock)
    assert (pulse.standing().alive, pulse.standing().ready) == (True, False)
    clock.now_s += STARTING_S
    assert not pulse.standing().alive


def test_a_run_that_fuses_two_live_cameras_is_ready_until_it_stalls() -> None:
    clock, gauge = Clock(), running(LIVE, LIVE)
    pulse = LivenessCheck(gauge, clock)
    gauge.note(fused_frame())
    assert pulse.standing().ready
    clock.now_s += STALLED_S + 1
    assert (pulse.standing().alive, pulse.standing().reason) == (False, "no fused frame for 11 s")


def test_a_camera_that_goes_away_is_said_once_where_nothing_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    cameras = [LIVE, LOST]
    gauge = running(*cameras)
    gauge.watch(lambda: (cameras[0], cameras[1]), lambda: None)
    gauge.note(fused_frame())
    supervisor = RunSupervisor(gauge)
    for infrared in (LOST, BACK, LOST, BACK, LOST):  # the first one was said as it did not open
        cameras[1] = infrared
        supervisor.look()
    said = "warning: the infrared camera is lost: unplugged. It is opened again until it answers.\n"
    assert capsys.readouterr().err == said


def test_a_run_with_one_camera_is_alive_and_says_which_one_is_gone() -> None:
    gauge = running(LIVE, LOST)
    pulse = LivenessCheck(gauge)
    gauge.note(fused_frame())
    standing = pulse.standing()
    assert (standing.alive, standing.ready, standing.reason) == (True, False, "infrared lost")


def test_a_run_whose_live_cameras_never_pair_is_alive_and_not_ready_and_says_so_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gauge, trouble = running(LIVE, LIVE), ["no pairs: infrared +5000 ms from visible, tolerance 17 ms"]
    gauge.watch(lambda: (LIVE, LIVE), lambda: None, lambda: trouble[0])
    attendant = RunSupervisor(gauge)
    gauge.note(fused_frame())
    with logging_as(LogStyle.TEXT):
        attendant.look()
        standing = attendant.pulse.standing()
        attendant.look()
        trouble[0] = ""
        attendant.look()
        attendant.look()
    assert (standing.alive, standing.ready) == (True, False)
    assert standing.reason.startswith("no pairs: infrared +5000 ms")
    told = [line.split(" trouble")[0] for line in lines_with("cameras state=", capsys)]
    assert told == ["live, but unpaired", "paired"]


def test_a_loop_that_stands_still_is_logged_at_growing_intervals_and_once_more_when_it_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock, gauge = Clock(), running(LIVE, LIVE)
    attendant = RunSupervisor(gauge, now_s=clock)
    gauge.note(fused_frame())
    attendant.look()
    clock.now_s += STALLED_S
    with logging_as(LogStyle.TEXT):
        for _ in range(12 * 3600 // 5):
            clock.now_s += 5
            attendant.look()
        gauge.note(fused_frame())
        attendant.look()
        attendant.look()
    said = capsys.readouterr().err
    seconds = [int(found) for found in re.findall("no fused frame for ([0-9]+) s", said)]
    assert seconds[:5] == [15, 25, 45, 85, 165]
    assert max(np.diff(seconds)) == 3600
    assert said.count("goes on") == 1


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRig]:
    with live_rig(tmp_path_factory.mktemp("captures"), token="correct-horse-battery") as locked:  # noqa: S106
        assert locked.goes_on()
        yield locked


def test_probes_are_open_and_metrics_are_not(rig: LiveRig) -> None:
    assert rig.ask("GET", "/healthz")[0] == 200
    assert until(lambda: rig.ask("GET", "/readyz")[0] == 200)
    assert rig.ask("GET", "/metrics")[0] == 401


def metrics_of(rig: LiveRig) -> dict[str, list[Sample]]:
    status, headers, text = rig.ask("GET", "/metrics", headers={"Authorization": "Bearer correct-horse-battery"})
    assert (status, headers["content-type"].startswith("text/plain; version=")) == (200, True)
    return {family.name: family.samples for family in text_string_to_metric_families(text.decode())}


def test_metrics_tell_one_state_of_each_camera(rig: LiveRig) -> None:
    def states() -> dict[tuple[str, str], float]:
        samples = metrics_of(rig)["coconet_camera_state"]
        told = {(sample.labels["camera"], sample.labels["state"]): sample.value for sample in samples}
        assert sum(told.values()) == 2
        return told

    assert until(lambda: (told := states())["visible", "live"] + told["infrared", "live"] == 2)


def test_metrics_are_what_prometheus_reads(rig: LiveRig) -> None:
    found = metrics_of(rig)
    assert found["coconet_fused_frames"][0].value >= 3
    quantiles = {s.labels["quantile"]: s.value for s in found["coconet_stage_seconds"] if s.labels["stage"] == "fuse"}
    assert 0 < quantiles["0.5"] <= quantiles["0.99"] < time.monotonic() - BEGUN_S  # no stage takes longer than the run
    assert found["coconet_run_info" if "coconet_run_info" in found else "coconet_run"][0].labels["model"] == "average"
    assert found["process_resident_memory_bytes"][0].value > 1e6


def test_a_rig_that_loses_a_camera_is_not_ready(rig: LiveRig) -> None:
    rig.visible.stopped.set()
    try:
        assert until(lambda: rig.ask("GET", "/readyz")[0] == 503)
        assert rig.ask("GET", "/readyz")[2].startswith(b"visible l")
        assert rig.ask("GET", "/healthz")[0] == 200
    finally:
        rig.visible.stopped.clear()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(tmp_path / "notify"))
        yield bound


def told_to(systemd: socket.socket) -> list[str]:
    """What has arrived so far; a datagram is there as soon as it was sent."""
    systemd.setblocking(False)
    told = []
    with suppress(BlockingIOError):
        while True:
            told.append(systemd.recv(200).decode())
    return told


def test_systemd_is_told_again_and_again_that_a_run_is_alive(tmp_path: Path, systemd: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "100000"})
    gauge = running(LIVE, LOST)
    systemd.settimeout(PATIENCE_S)
    with RunSupervisor(gauge, notifier):
        gauge.note(fused_frame())
        told = {systemd.recv(200).decode() for _ in range(8)}
    told |= set(told_to(systemd))
    assert told >= {"READY=1", "WATCHDOG=1", "STATUS=infrared lost", "STOPPING=1"}


def test_a_run_that_hangs_lets_the_watchdog_bite(tmp_path: Path, systemd: socket.socket) -> None:
    clock, gauge = Clock(), running(LIVE, LIVE)
    attendant = RunSupervisor(gauge, Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")}), clock)
    gauge.note(fused_frame())
    attendant.look()
    attendant.look()
    assert told_to(systemd) == ["READY=1", "STATUS=fusing", "WATCHDOG=1", "WATCHDOG=1"]
    clock.now_s += STALLED_S + 1
    attendant.look()
    attendant.look()
    assert told_to(systemd) == ["STATUS=no fused frame for 11 s"]


@pytest.mark.parametrize("environment", [{}, {"WATCHDOG_USEC": "5"}, {"NOTIFY_SOCKET": "/gone", "WATCHDOG_USEC": "x"}])
def test_without_systemd_nothing_is_told_and_nothing_fails(environment: dict[str, str]) -> None:
    notifier = Notifier(environment)
    notifier.tell("READY=1")
    assert notifier.watchdog_s is None


def test_a_watchdog_meant_for_another_process_is_not_ours() -> None:
    told = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "2000000"}
    assert Notifier(told).watchdog_s == 2.0
    assert Notifier({**told, "WATCHDOG_PID": str(os.getpid() + 1)}).watchdog_s is None


def test_events_are_json_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_as(LogStyle.JSON):
        log_event("camera", level=logging.WARNING, side="infrared", state="lost")
    log_event("unheard")
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["event"], line["side"], line["state"]) == ("warning", "camera", "infrared", "lost")
    assert line["time"].endswith("+00:00")


def lines_with(words: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.partition(words)[2] for line in capsys.readouterr().err.splitlines() if words in line]


def test_a_camera_is_logged_when_its_state_changes_and_only_then(capsys: pytest.CaptureFixture[str]) -> None:
    cameras = [LIVE, LOST]
    gauge = running(LIVE, LOST)
    gauge.watch(lambda: (cameras[0], cameras[1]), lambda: None)
    attendant = RunSupervisor(gauge)
    gauge.note(fused_frame())
    with logging_as(LogStyle.TEXT):
        for infrared in (LOST, LOST, BACK, BACK, LOST, LOST):
            cameras[1] = infrared
            attendant.look()
    told = [line.split()[:2] for line in lines_with("camera side=", capsys)]
    assert told == [
        ["visible", "state=live"],
        *(["infrared", f"state={state}"] for state in ("lost", "live", "lost")),
    ]
    assert [(one.side, one.state, one.times) for one in attendant.sums] == [
        ("visible", "live", 1),
        ("infrared", "lost", 2),
        ("infrared", "live", 1),
    ]


def test_figures_are_logged_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    clock, gauge = Clock(), running(LIVE, LIVE)
    attendant = RunSupervisor(gauge, now_s=clock)
    with logging_as(LogStyle.TEXT):
        for seconds in (0, 59, 1, 0, 59, 1):  # since the look before
            clock.now_s += seconds
            gauge.note(fused_frame())
            attendant.look()
    assert [line.split()[1] for line in lines_with("figures ", capsys)] == ["fused=3", "fused=6"]


def test_the_beginning_and_the_end_of_a_run_are_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    gauge = running(LIVE, LIVE)
    with logging_as(LogStyle.TEXT), RunSupervisor(gauge) as attendant:
        gauge.note(fused_frame())
        for _ in range(3):
            attendant.look()
    lines = capsys.readouterr().err.splitlines()
    assert sum("run started model=average" in line for line in lines) == 1
    assert "run ended fused=1" in lines[-1]


SYNTHETIC = "synthetic://?width=64&height=48&fps=50"
CAMERAS = ("--visible", SYNTHETIC, "--infrared", SYNTHETIC)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--visible", SYNTHETIC], 2),
        (["--visible", "/dev/video99", "--infrared", SYNTHETIC, "--model", "average"], 3),
        ([*CAMERAS, "--model", "average", "--out", "/proc/no/"], 5),
        ([*CAMERAS, "--model", "average", "--view", "web", "--host", "192.0.2.1"], 6),
        ([*CAMERAS, "--model", "average", "--frames", "2"], 0),
    ],
)
def test_the_exit_code_says_what_ended(words: list[str], code: int, tmp_path: Path) -> None:
    program = "import sys; from coconet.cli import main; main()"
    words = ["run", *words, *(["--token", "correct-horse-battery"] if code == 6 else [])]
    ended = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False
    )
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
