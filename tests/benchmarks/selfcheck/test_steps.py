"""The self-check: in order, whatever a step does, and on this machine as far as it goes."""

from __future__ import annotations

import json

import pytest

from coconet.benchmarks.machine.device import this_device
from coconet.benchmarks.machine.sensor import Reading
from coconet.benchmarks.selfcheck import steps as selfcheck_steps
from coconet.benchmarks.selfcheck.report import SelfCheckReport
from coconet.benchmarks.selfcheck.step import WARNING, Absent, Figures, Outcome, Step, outcomes
from coconet.benchmarks.selfcheck.steps import NOT_SHIPPED, SelfCheck, StepTimes
from coconet.benchmarks.studies import transfer_ring
from coconet.cards.frame_size import FrameSize
from coconet.errors import CoconetError, MissingPackage
from coconet.runtime.backends.gpu import cuda_python, libcuda, pycuda
from coconet.runtime.backends.gpu.refusal import GpuRefused
from coconet.runtime.backends.tensorrt import own_engine
from coconet.runtime.backends.tensorrt.cuda_device import CudaDevice
from coconet.runtime.doctor.finding import Finding
from tests.support.gpu.stand_in_gpu import StandInGpu

SHORT = StepTimes(rig_s=0.5, measure_s=0.05, power_s=0.1)


def raising(error: Exception) -> Step:
    def run() -> Figures:
        raise error

    return Step("one", 1, run)


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (Absent("no GPU"), "skipped", "no GPU"),
        (MissingPackage("tensorrt", job="building engines", extra="tensorrt"), "skipped", "tensorrt"),
        (
            CoconetError(
                "ring", wanted="the picture sent", got="another", remedy="Report this.", says="came back changed"
            ),
            "failed",
            "came back changed",
        ),
        (ZeroDivisionError("division by zero"), "failed", "unexpectedly, ZeroDivisionError: division by zero"),
    ],
)
def test_a_step_that_does_not_work_is_told_and_the_next_one_runs(error: Exception, state: str, words: str) -> None:
    begun: list[str] = []
    found = list(
        outcomes([raising(error), Step("two", 1, lambda: {"fps": 30.0})], lambda step: begun.append(step.name))
    )
    assert begun == ["one", "two"]
    assert (found[0].state, found[1].state, found[1].figures) == (state, "ok", {"fps": 30.0})
    assert words in found[0].reason


def test_what_works_but_does_not_keep_up_is_ok_with_a_warning_beside_it() -> None:
    slow = Step("rig", 1, lambda: {"fps": 0.48, WARNING: "0.48 of 30 frames a second that were asked for"})
    (found,) = outcomes([slow], lambda step: None)
    assert (found.state, found.figures) == ("ok", {"fps": 0.48})
    assert found.reason == "0.48 of 30 frames a second that were asked for"


def test_the_report_says_the_same_to_people_and_to_programs() -> None:
    found = (
        Outcome("ring", "skipped", 0.1, "no NVIDIA GPU"),
        Outcome("latency", "ok", 2.0, figures={"p50_ms": 12.3456}),
    )
    report = SelfCheckReport(this_device(), found)
    told = json.loads(report.to_json())
    assert report.passed
    assert [step["state"] for step in told["steps"]] == ["skipped", "ok"]
    assert told["steps"][1]["figures"] == {"p50_ms": 12.3456}
    assert "skipped ring (0.1 s): no NVIDIA GPU" in report.to_text()
    assert "p50_ms: 12.35" in report.to_text()
    assert not SelfCheckReport(this_device(), (*found, Outcome("x", "failed", 0.0, "why"))).passed


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small frames, no GPU, and a doctor who has seen it all."""
    monkeypatch.setattr(libcuda, "DRIVER_LIBRARY", "libno-such-driver.so.1")
    monkeypatch.setattr(selfcheck_steps, "SIZES", (FrameSize(48, 64),))
    monkeypatch.setattr(selfcheck_steps, "diagnose", lambda: [Finding("cameras", "note", "none")])


@pytest.mark.usefixtures("small")
def test_without_a_gpu_engines_are_built_unrun_and_what_needs_one_is_skipped_by_name() -> None:
    with SelfCheck(SHORT, words=("lite-int8",)) as check:
        assert sum(step.minutes for step in check.steps()) < 2
        found = {outcome.name: outcome for outcome in outcomes(check.steps(), lambda _: None)}
    assert [name for name, outcome in found.items() if outcome.state == "failed"] == []
    assert found["frame ring"].reason == "no NVIDIA GPU"
    assert found["engine of lite-int8 at 48x64"].figures["run"] == "no: built for sm86 without a GPU"
    assert {f"engine of {name}" for name in NOT_SHIPPED} < {name for name in found if found[name].state == "skipped"}
    assert found["latency of lite-int8 at 48x64"].figures["backend"].startswith("ONNX Runtime")  # type: ignore[union-attr]
    assert found["synthetic rig, 30 frames a second asked for"].figures["fused"] > 0  # type: ignore[operator]
    assert next(iter(found)) == "doctor"


@pytest.mark.usefixtures("small")
def test_power_is_read_while_the_model_works(monkeypatch: pytest.MonkeyPatch) -> None:
    class Meter:
        source = "a meter"

        def read(self) -> Reading:
            return Reading(power_w=5.0)

        def close(self) -> None:
            """Nothing is held."""

    monkeypatch.setattr(selfcheck_steps, "open_sensor", Meter)
    with SelfCheck(SHORT, words=("lite-int8",)) as check:
        power = next(step for step in check.steps() if step.name == "power")
        figures = power.run()
    assert (figures["idle_w"], figures["mean_w"]) == (5.0, 5.0)
    assert figures["frame_j"] > 0  # type: ignore[operator]


def test_the_time_to_expect_is_that_of_what_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(device: CudaDevice | None, flavour: str | None) -> tuple[float, float, float]:
        monkeypatch.setattr(selfcheck_steps, "first_cuda_device", lambda: device or refuse())
        monkeypatch.setattr(own_engine, "flavour_of", lambda _: flavour)
        with SelfCheck(StepTimes()) as check:
            minutes = {step.name: step.minutes for step in check.steps()}
        return minutes["engine of lite at 480x640"], minutes["latency of lite-int8 at 480x640"], sum(minutes.values())

    def refuse() -> CudaDevice:
        raise CoconetError("CUDA device", wanted="a GPU", got="none", remedy="Find one.", says="is not there")

    card = CudaDevice("a card", (8, 9))
    assert told(None, None)[:2] == (0.25, 0)
    assert told(None, None)[2] < 10
    assert told(card, "tensorrt")[:2] == (10, 10 / 30)
    assert told(card, "tensorrt_rtx")[0] == 0.25
    assert told(card, None)[0] == 0


def test_the_ring_is_checked_with_every_library_that_fits_the_driver(
    driver: StandInGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_new() -> None:
        raise GpuRefused("cuInit", "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", 803)

    monkeypatch.setattr(transfer_ring, "CHECKED_FRAMES", 4)
    monkeypatch.setattr(cuda_python, "open_memory", too_new)
    monkeypatch.setattr(pycuda, "open_memory", too_new)
    found = selfcheck_steps._ring()
    assert found["libcuda"] == "every frame came back as it was sent"
    assert found["cuda-python"] == found["pycuda"] == "left out: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"
    driver.fail("cuMemcpyHtoDAsync_v2")
    with pytest.raises(GpuRefused):
        selfcheck_steps._ring()


def test_findings_of_one_name_are_all_in_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Finding("permission", "note", f"this user may not open {node}") for node in ("nvmap", "nvidia0")]
    monkeypatch.setattr(selfcheck_steps, "diagnose", lambda: found)
    told = {"permission": "this user may not open nvmap; this user may not open nvidia0"}
    assert selfcheck_steps._doctor() == told
