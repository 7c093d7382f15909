"""What a server of a model counts, for Prometheus: requests by outcome, pairs that wait, groups and their time."""

from __future__ import annotations

from collections.abc import Callable

from coconet import __version__
from coconet.cards.model_card import ModelCard
from coconet.errors import MissingPackage

try:
    from prometheus_client import (
        CollectorRegistry,
        Counter,
        Gauge,
        GCCollector,
        Histogram,
        Info,
        ProcessCollector,
        generate_latest,
    )
except ImportError as error:
    raise MissingPackage("prometheus_client", job="metrics", extra="web") from error


_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

_GROUPS = (1, 2, 4, 8, 16, 32)


class ServingMetrics:
    """The counts of one server, which every thread may add to."""

    def __init__(self, card: ModelCard, backend: str, waiting: Callable[[], int]) -> None:
        """Begin at nothing. waiting: tells how many pairs wait now."""
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        kept, seconds = self._registry, _SECONDS
        about = {"version": __version__, "model": card.network, "precision": card.precision, "backend": backend}
        Info("coconet_server", "What is served.", registry=kept).info(about)
        Gauge("coconet_server_waiting", "Pairs that wait to be fused.", registry=kept).set_function(waiting)
        self._requests = Counter("coconet_server_requests", "Requests by their status.", ["status"], registry=kept)
        self._late = Counter("coconet_server_late", "Pairs that were dropped at their deadline.", registry=kept)
        self._full = Counter("coconet_server_full", "Pairs that were turned away by a full queue.", registry=kept)
        self._group = Histogram("coconet_server_group", "Pairs fused together.", buckets=_GROUPS, registry=kept)
        self._fuse = Histogram("coconet_server_fuse_seconds", "Time to fuse a group.", buckets=seconds, registry=kept)
        self._answer = Histogram("coconet_server_answer_seconds", "Time to answer.", buckets=seconds, registry=kept)

    def note_full(self) -> None:
        """Count a pair that was turned away."""
        self._full.inc()

    def note_late(self) -> None:
        """Count a pair that was not answered before its deadline."""
        self._late.inc()

    def note_group(self, size: int, seconds: float) -> None:
        """Count pairs that were fused together."""
        self._group.observe(size)
        self._fuse.observe(seconds)

    def note_answer(self, status: int, seconds: float) -> None:
        """Count a request for a picture."""
        self._requests.labels(str(status)).inc()
        self._answer.observe(seconds)

    def text(self) -> bytes:
        """Write all metrics in the text format."""
        return generate_latest(self._registry)
