"""HTTP for machines: Prometheus metrics in base units, whether a run is alive, and whether it is ready."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from coconet import __version__
from coconet.errors import MissingPackage
from coconet.runtime.heat.reading import Reading
from coconet.runtime.heat.temperature import in_celsius
from coconet.runtime.loop.latency_log import Percentiles
from coconet.runtime.loop.liveness import Liveness, LivenessCheck
from coconet.runtime.loop.run_stats import RunStats, Vitals
from coconet.runtime.pairing.camera_health import CameraHealth, CameraState

try:
    from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
    from prometheus_client.registry import Collector
except ImportError as error:
    raise MissingPackage("prometheus_client", job="metrics", extra="web") from error

try:
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import BaseRoute, Route
except ImportError as error:
    raise MissingPackage("starlette", job="the live page", extra="web") from error


CONTENT_TYPE = CONTENT_TYPE_LATEST

_QUANTILES = (("0.5", "p50"), ("0.95", "p95"), ("0.99", "p99"))


class Exposition:
    """The text of /metrics: the run, and the process it runs in (memory, handles, processor time)."""

    def __init__(self, gauge: RunStats) -> None:
        """Read the run that tells `gauge` whenever it is asked."""
        self._registry = CollectorRegistry()
        self._registry.register(_RunCollector(gauge))
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self) -> bytes:
        """Write all metrics in the text format."""
        return generate_latest(self._registry)


class _RunCollector(Collector):
    def __init__(self, gauge: RunStats) -> None:
        self._gauge = gauge

    def collect(self) -> Iterator[Metric]:
        """Give the metrics of this moment; none before the run has begun."""
        vitals = self._gauge.vitals()
        if vitals is None:
            return
        about = {"version": __version__, "model": vitals.model, "precision": vitals.precision}
        yield InfoMetricFamily("coconet_run", "What runs.", about | {"backend": vitals.backend})
        yield from _totals(vitals)
        yield from _times(vitals)
        yield from _cameras({"visible": vitals.visible, "infrared": vitals.infrared})
        if vitals.meters:
            yield from _meters(vitals.meters)
        if self._gauge.alarms is not None:
            on = GaugeMetricFamily("coconet_alarm_active", "1 while an alarm is on.", labels=("alarm",))
            blind = GaugeMetricFamily("coconet_alarm_blind", "1 while an alarm cannot tell.", labels=("alarm",))
            for standing in self._gauge.alarms.as_dict()["alarms"]:
                on.add_metric((standing["name"],), float(standing["on"]))
                blind.add_metric((standing["name"],), float(bool(standing["blind"])))
            yield from (on, blind)


def _totals(vitals: Vitals) -> Iterator[Metric]:
    yield CounterMetricFamily("coconet_fused_frames", "Frames that left the loop.", vitals.fused)
    alone = "Those of them that show one camera alone."
    yield CounterMetricFamily("coconet_passed_through_frames", alone, vitals.passed_through)
    local = "Those of them that a local model fused, as the server of the model was lost."
    yield CounterMetricFamily("coconet_taken_over_frames", local, vitals.taken_over)
    lost = "Those passed through because the server of the model was lost and there is no local model."
    yield CounterMetricFamily("coconet_without_server_frames", lost, vitals.without_server)
    yield CounterMetricFamily("coconet_server_losses", "How often the server was lost.", vitals.server_losses)
    yield CounterMetricFamily("coconet_server_lost_seconds", "For how long, together.", vitals.server_lost_s)
    superseded = "Prepared pairs that gave way to newer ones."
    yield CounterMetricFamily("coconet_superseded_pairs", superseded, vitals.superseded)
    yield GaugeMetricFamily("coconet_frames_per_second", "Fused frames a second, lately.", vitals.fps)
    if vitals.drift_px is not None:
        yield GaugeMetricFamily("coconet_alignment_drift_pixels", "How far the alignment seems off.", vitals.drift_px)


def _times(vitals: Vitals) -> Iterator[Metric]:
    stages = GaugeMetricFamily("coconet_stage_seconds", "Time of a stage, lately.", labels=("stage", "quantile"))
    for stage in vitals.stages:
        _add(stages, stage.ms, stage.stage)
    yield stages
    fused = "From the later stamp of a pair to its picture, lately."
    age = GaugeMetricFamily("coconet_capture_to_fused_seconds", fused, labels=("quantile",))
    skew = GaugeMetricFamily("coconet_skew_seconds", "Between the stamps of a pair, lately.", labels=("quantile",))
    for family, ms in ((age, vitals.capture_to_fused_ms), (skew, vitals.skew_ms)):
        if ms is not None:
            _add(family, ms)
    yield from (age, skew)


def _add(family: GaugeMetricFamily, ms: Percentiles, *labels: str) -> None:
    for quantile, name in _QUANTILES:
        family.add_metric((*labels, quantile), getattr(ms, name) / 1e3)


def _cameras(cameras: dict[str, CameraHealth | None]) -> Iterator[Metric]:
    state = GaugeMetricFamily("coconet_camera_state", "1 for the state a camera is in.", labels=("camera", "state"))
    rate = GaugeMetricFamily("coconet_camera_frames_per_second", "A camera's own rate.", labels=("camera",))
    age = GaugeMetricFamily("coconet_camera_age_seconds", "Since a camera's last frame.", labels=("camera",))
    read = CounterMetricFamily("coconet_camera_frames", "Frames that were read.", labels=("camera",))
    dropped = CounterMetricFamily(
        "coconet_camera_dropped_frames", "Frames that newer ones replaced before they were read.", labels=("camera",)
    )
    back = CounterMetricFamily("coconet_camera_reconnects", "How often a camera came back.", labels=("camera",))
    for side, health in cameras.items():
        if health is None:
            continue
        for known in get_args(CameraState):
            state.add_metric((side, known), float(health.state == known))
        if health.age_ms is not None:
            age.add_metric((side,), health.age_ms / 1e3)
        rate.add_metric((side,), health.fps)
        for family, count in ((read, health.read), (dropped, health.dropped), (back, health.reconnects)):
            family.add_metric((side,), count)
    yield from (state, rate, age, read, dropped, back)


def _meters(readings: Sequence[Reading]) -> Iterator[Metric]:
    """Degrees Celsius, Prometheus' base unit, whatever the unit of the rig; what has no number is left out."""
    told = "Temperatures that a meter reads from the newest frame."
    celsius = GaugeMetricFamily("coconet_meter_celsius", told, labels=("meter", "statistic"))
    share = GaugeMetricFamily("coconet_meter_share_above_ratio", "Of a meter's pixels.", labels=("meter",))
    blind = GaugeMetricFamily("coconet_meter_blind", "1 while a meter reads nothing.", labels=("meter",))
    for reading in readings:
        for statistic in ("value", "min", "mean", "max"):
            number: float | None = getattr(reading, statistic)
            if number is not None:
                celsius.add_metric((reading.name, statistic), in_celsius(number, reading.unit))
        if reading.share_above is not None:
            share.add_metric((reading.name,), reading.share_above)
        blind.add_metric((reading.name,), float(reading.value is None))
    yield from (celsius, share, blind)


def probe_routes(gauge: RunStats, pulse: LivenessCheck) -> list[BaseRoute]:
    """Make the routes /metrics, /healthz and /readyz; the last two answer 200 or 503 and say why."""
    exposition = Exposition(gauge)

    def metrics(request: Request) -> Response:
        return Response(exposition.text(), headers={"Content-Type": CONTENT_TYPE})

    def healthz(request: Request) -> Response:
        standing = pulse.standing()
        return _answer(standing.alive, standing)

    def readyz(request: Request) -> Response:
        standing = pulse.standing()
        return _answer(standing.ready, standing)

    return [Route("/metrics", metrics), Route("/healthz", healthz), Route("/readyz", readyz)]


def _answer(well: bool, standing: Liveness) -> Response:
    return PlainTextResponse(f"{standing.reason}\n", 200 if well else 503)
