"""The steps of a self-check, in order: machine, frame ring, engines, latency, host overhead, power, a synthetic rig."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Timer

from coconet.benchmarks.endurance.loop_overhead import alone_ms, fuse_in_loop
from coconet.benchmarks.latency.sampler import Sampler, Window
from coconet.benchmarks.machine.sensors import open_sensor
from coconet.benchmarks.selfcheck.step import WARNING, Absent, Figures, Step
from coconet.cards.engine_card import BuildOptions, Flavour
from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.errors import CoconetError, MissingPackage
from coconet.model_endings import ENGINE_SUFFIX
from coconet.model_names import ONNX_WORDS, shipped_model
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.backends.tensorrt.cuda_device import CudaDevice, first_cuda_device
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.doctor.doctor import Diagnosis, diagnose
from coconet.runtime.loop.pipeline import Ending, run_pipeline
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.rig.open_rig import open_rig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.sinks.sink import NoSink
from coconet.writing.scratch import ScratchFolder

SIZES = (FrameSize(480, 640), FrameSize(1080, 1920))

NOT_SHIPPED = {
    "coconet FP32": "its graph does not come with the package: coconet export coconet makes it, with PyTorch",
    "coconet INT8": "it does not come with the package: coconet export and coconet calibrate make it, with your frames",
}
"""Engines that could be wanted, and why they are not tried."""

_RIG_FPS = 30.0

_KEPT_UP = 0.9  # of the frames asked for; the first ones come late

_MINUTES: dict[Flavour, float] = {"tensorrt": 10, "tensorrt_rtx": 0.25}
"""What an engine takes at most, about, by which TensorRT builds it."""

_BUILDERS_GPU = "sm86"
"""What TensorRT for RTX builds for on a machine without a GPU, to see that the builder works."""


@dataclass(frozen=True)
class StepTimes:
    """How long steps measure. rig_s: the synthetic rig. measure_s: a model at a size. power_s: between two readings."""

    rig_s: float = 60.0
    measure_s: float = 10.0
    power_s: float = 10.0


class SelfCheck:
    """The steps share the engines that were built; they lie in a folder that goes at the end of a `with` block."""

    def __init__(self, patience: StepTimes, words: tuple[str, ...] = ONNX_WORDS) -> None:
        """Prepare. words: the shipped models to build and run."""
        self._patience, self._words = patience, words
        self._folder = ScratchFolder()
        self._engines: dict[tuple[str, FrameSize], Path] = {}

    def __enter__(self) -> SelfCheck:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def steps(self) -> Iterator[Step]:
        """Give the steps; those of what cannot be tried are there as well, and say so."""
        seconds, device = self._patience, _device()
        timed = self._words if device else self._words[:1]
        yield Step("doctor", 0.5, _doctor)
        yield Step("frame ring", 1 if device else 0, _ring)
        for word in self._words:
            for size in SIZES:
                yield Step(f"engine of {word} at {size}", _build_minutes(device), partial(self._build, word, size))
        for name, reason in NOT_SHIPPED.items():
            yield Step(f"engine of {name}", 0, partial(_absent, reason))
        for word in self._words:
            for size in SIZES:
                most = seconds.measure_s / 30 if word in timed else 0
                yield Step(f"latency of {word} at {size}", most, partial(self._latency, word, size))
        yield Step("host overhead", 3 * seconds.measure_s / 60, self._overhead)
        yield Step("power", seconds.power_s / 30, self._power)
        yield Step(f"synthetic rig, {_RIG_FPS:g} frames a second asked for", seconds.rig_s / 60, self._rig)

    def _build(self, word: str, size: FrameSize) -> Figures:
        """Build the engine of a size and compare it with its model; without a GPU, see that the builder takes it."""
        from coconet.export.engines.engine import BuildAids, build_engine
        from coconet.export.engines.engine_check import require_agreement
        from coconet.export.engines.engine_job import open_job
        from coconet.export.engines.engine_source import read_engine_source

        model = shipped_model(word)
        device = _device()
        options = BuildOptions(_rtx_targets(device), SizeProfile(size, size, size))
        job = open_job(read_engine_source(model), options)
        out = Path(self._folder.name) / f"{word}.{size}{ENGINE_SUFFIX}"
        told: dict[str, float | str] = {"built by": f"{job.tensorrt.flavour} {job.tensorrt.version}"}

        def check(engine: Path) -> None:
            told["against ONNX"] = str(require_agreement(engine, model, None, out))

        build_engine(job, out, BuildAids(check=check if device else None))
        if device is not None:
            self._engines[word, size] = out
        else:
            told["run"] = f"no: built for {_BUILDERS_GPU} without a GPU"
        return {**told, "size_mib": out.stat().st_size / 2**20}

    def _latency(self, word: str, size: FrameSize) -> Figures:
        """Times of the engine, or, if none was built, of ONNX Runtime with the GPU or the processor."""
        with closing(self._open_backend(word, size)) as backend:
            pairs = synthetic_pairs(2, size.height_px, size.width_px)
            told = alone_ms(backend, pairs, self._patience.measure_s)
            figures: dict[str, float | str] = {"backend": backend.name, "p50_ms": told.p50, "p95_ms": told.p95}
            return {**figures, "p99_ms": told.p99, "fps": told.fps, **_device_times(backend, size, told.p50)}

    def _open_backend(self, word: str, size: FrameSize) -> Backend:
        engine = self._engines.get((word, size))
        if engine is not None:
            return open_backend(engine)
        if word != self._words[0] and _device() is None:
            raise Absent(f"no GPU; on the processor {self._words[0]} alone is timed")
        return open_backend(shipped_model(word))

    def _overhead(self) -> Figures:
        """What the live loop costs beside the model."""
        word, size = self._words[0], SIZES[0]
        with closing(self._open_backend(word, size)) as backend:
            pairs = synthetic_pairs(8, size.height_px, size.width_px)
            alone = alone_ms(backend, pairs, self._patience.measure_s)
            report = fuse_in_loop(backend, pairs, 2 * alone.fps, self._patience.measure_s)
        stages = {f"{stage.stage} p50_ms": stage.ms.p50 for stage in report.stages}
        return {"model alone fps": alone.fps, "loop fps": report.fps, "loop share": report.fps / alone.fps, **stages}

    def _power(self) -> Figures:
        """Power while nothing is fused and while the first model is."""
        with closing(open_sensor()) as sensor:
            idle = sensor.read()
            if idle.power_w is None:
                raise Absent(f"nothing here measures power ({sensor.source})")
            with closing(self._open_backend(self._words[0], SIZES[0])) as backend, Sampler(sensor) as sampler:
                begun_ns = time.monotonic_ns()
                told = alone_ms(backend, synthetic_pairs(2), self._patience.power_s)
                used = sampler.during([Window(begun_ns, time.monotonic_ns())], 1e3 / told.fps)
        known = {
            "clock_mhz": used.clock_mhz,
            "hottest_c": used.hottest_c,
            "mean_w": used.mean_w,
            "frame_j": used.frame_j,
        }
        figures = {name: value for name, value in known.items() if value is not None}
        return {"source": sensor.source, "idle_w": idle.power_w, "throttled": str(used.throttled), **figures}

    def _rig(self) -> Figures:
        """A live rig: two synthetic cameras, paired and fused."""
        address = f"synthetic://?fps={_RIG_FPS:g}&width=640&height=480&seed=1"
        rig = Rig.from_addresses(address, address, realtime=True)
        ending, gauge = Ending(), RunStats()
        over = Timer(self._patience.rig_s, ending.stop.set)
        gauge.on_frame(lambda _: None if over.ident else over.start())  # from the first fused frame on
        with closing(self._open_backend(self._words[0], SIZES[0])) as backend, open_rig(rig) as pairs:
            report = run_pipeline(pairs, backend, NoSink(), ending=ending, gauge=gauge)
        if report.capture_to_fused_ms is None or report.skew_ms is None:
            raise CoconetError(
                "synthetic rig",
                wanted="fused frames",
                got="none",
                remedy="This is an error of coconet-edge: report it.",
                says="gave no fused frame",
            )
        figures: dict[str, float | str] = {"backend": report.backend, "fused": float(report.fused), "fps": report.fps}
        if report.fps < _KEPT_UP * _RIG_FPS:
            told = f"{report.fps:.3g} of {_RIG_FPS:g} frames a second that were asked for"
            figures[WARNING] = f"{told}: this machine does not keep up with a live rig by {self._words[0]}"
        way, skew = report.capture_to_fused_ms, report.skew_ms
        return {
            **figures,
            "superseded": float(report.superseded),
            "capture to fused p95_ms": way.p95,
            "skew p95_ms": skew.p95,
        }


def _doctor() -> Figures:
    findings = tuple(diagnose())
    bad = [f"{finding.subject}: {finding.found}" for finding in findings if finding.state == "bad"]
    if not Diagnosis(findings).healthy:
        raise CoconetError(
            "doctor",
            wanted="no red line",
            got="; ".join(bad),
            remedy="Run coconet doctor for what to do.",
            says=f"found faults: {'; '.join(bad)}",
        )
    told: dict[str, list[str]] = {}
    for finding in findings:
        told.setdefault(finding.subject, []).append(finding.found)
    return {subject: "; ".join(found) for subject, found in told.items()}


def _ring() -> Figures:
    """Move frames through rings of every kind, with every library that fits this driver; the default one has to."""
    if _device() is None:
        raise Absent("no NVIDIA GPU")
    from coconet.benchmarks.studies.transfer_ring import check
    from coconet.runtime.backends.gpu.open_memory import DEFAULT, LIBRARIES, open_gpu_memory
    from coconet.runtime.backends.gpu.refusal import GpuRefused

    told: dict[str, float | str] = {}
    for library in LIBRARIES:
        try:
            memory = open_gpu_memory(library)
        except (MissingPackage, GpuRefused) as error:
            if library == DEFAULT:
                raise
            told[library] = f"left out: {error.got}"
            continue
        check(memory, SIZES[0].height_px, SIZES[0].width_px)
        told[library] = "every frame came back as it was sent"
    return told


def _absent(reason: str) -> Figures:
    raise Absent(reason)


def _device() -> CudaDevice | None:
    try:
        return first_cuda_device()
    except CoconetError:
        return None


def _build_minutes(device: CudaDevice | None) -> float:
    """How long an engine takes at most, about; nothing if none can be built."""
    from coconet.runtime.backends.tensorrt.own_engine import flavour_of

    flavour = "tensorrt_rtx" if device is None else flavour_of(device)
    return 0 if flavour is None else _MINUTES[flavour]


def _rtx_targets(device: CudaDevice | None) -> tuple[str, ...]:
    """Which GPUs TensorRT for RTX is to build for; none if the device's own TensorRT builds."""
    from coconet.runtime.backends.tensorrt.own_engine import flavour_of

    if device is None:
        return (_BUILDERS_GPU,)
    flavour = flavour_of(device)
    if flavour is None:
        raise Absent(f"no TensorRT for {device.name} is installed")
    return (device.sm,) if flavour == "tensorrt_rtx" else ()


def _device_times(backend: Backend, size: FrameSize, p50_ms: float) -> Figures:
    """Times on the GPU and the host's share of a frame; nothing of other backends."""
    measure: Callable[..., object] | None = getattr(backend, "stage_times", None)
    if measure is None:
        return {}
    pair = synthetic_pairs(1, size.height_px, size.width_px)[0]
    times = backend.stage_times(pair.visible.pixels, pair.infrared.pixels)  # type: ignore[attr-defined]
    on_gpu = times.upload_ms + times.execute_ms + times.download_ms
    figures = {"upload_ms": times.upload_ms, "execute_ms": times.execute_ms, "download_ms": times.download_ms}
    return {**figures, "host share": max(0.0, 1 - on_gpu / p50_ms)}
