"""The page of a run: figures, health and pictures in one file, and no password in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from coconet.errors import CoconetError
from coconet.runtime.commands.run import run
from coconet.runtime.loop.latency_log import Percentiles
from coconet.runtime.loop.page.run_page import run_page
from coconet.runtime.loop.run_report import RunReport
from coconet.runtime.loop.supervisor import HealthEvent, HealthSums
from coconet.runtime.pairing.stream_counts import CameraCount, StreamCounts, Unpaired
from tests.support.media.pair_folders import write_pair
from tests.support.media.recordings import flat
from tests.support.models.tiny_onnx import write_averaging_model

APP = typer.Typer(pretty_exceptions_enable=False)
APP.command()(run)

REPORT = RunReport(
    model="lite",
    precision="int8",
    backend="OpenVINO",
    counts=StreamCounts(CameraCount(31, 30, 1), CameraCount(40, 30, 10, Unpaired(spare=4, too_far=6))),
    fused=30,
    seconds=2.0,
    latency_ms=Percentiles(20.0, 25.0, 31.0),
    skew_ms=Percentiles(4.0, 9.0, 9.5),
)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL))


def test_the_page_has_counts_timings_skew_and_what_happened_to_the_cameras() -> None:
    events = [HealthEvent(12.5, "infrared", "lost", "no answer from rtsp://me:secret@cam/ir")]
    page = run_page(REPORT, [], events, ("rtsp://me:secret@cam/vis", "rtsp://me:secret@cam/ir")).to_html()
    text = text_of(page)
    for words in (
        "30 frames fused in 2.0 s",
        "infrared 40 30 10 0 0 4 spare, 6 too far",
        "latency of the model 20.0 25.0 31.0",
    ):
        assert words in text
    assert "skew 4.0 9.0 9.5" in text
    assert "12.5 s infrared lost" in text
    assert "secret" not in page


def test_states_of_the_cameras_are_added_up_above_what_happened_one_by_one() -> None:
    sums = HealthSums()
    for at_s, side, state in (
        (0.0, "visible", "live"),
        (1.0, "infrared", "live"),
        (4.0, "infrared", "late"),
        (6.5, "infrared", "live"),
        (8.0, "infrared", "late"),
    ):
        sums.begin(side, state, at_s)
    events = [HealthEvent(4.0, "infrared", "late", "")]
    text = text_of(run_page(REPORT, [], events, ("a", "b"), sums.add_up(10.0)).to_html())
    whole, _, single = text.partition("Health of the cameras")
    assert "infrared late 2 4.5 s infrared live 2 4.5 s visible live 1 10.0 s" in whole
    assert "4.0 s infrared late" in single


def test_a_run_writes_its_page_and_says_where_it_is_without_a_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSH_CONNECTION", "here")
    for number in range(5):
        write_pair(tmp_path, f"scene_{number}.png", flat(10 * number, 24, 16), flat(100, 24, 16, 1))
    model = write_averaging_model(tmp_path / "tiny.onnx")
    words = ["--visible", "vis", "--infrared", "ir", "--model", str(model), "--html", "run.html", "--open"]
    said = CliRunner().invoke(APP, words, catch_exceptions=False)
    page = Path("run.html").read_text(encoding="utf-8")
    assert "run.html was not opened: this is a session over SSH." in said.stderr
    assert re.findall(r"<figcaption>Frame (\d+) \((.*?)\)", page) == [
        ("1", "scene_0.png"),
        ("3", "scene_2.png"),
        ("5", "scene_4.png"),
    ]
    assert page.count("data:image/png;base64,") == 3
    assert "http" not in page.replace("http-equiv", "")


def test_open_without_a_page_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(CoconetError, match="--open has no page to open"):
        CliRunner().invoke(APP, ["nowhere", "nothing", "--open"], catch_exceptions=False)
