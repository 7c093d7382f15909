"""What machines ask of a run by HTTP: its metrics, whether it is alive, and whether it is ready."""

from __future__ import annotations

from coconet.errors import MissingPackage
from runtime.exposition import CONTENT_TYPE, Exposition
from runtime.standing import Pulse, Standing
from runtime.vitals import Gauge

try:
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import BaseRoute, Route
except ImportError as error:
    raise MissingPackage("starlette", job="the live page", extra="web") from error


def probe_routes(gauge: Gauge, pulse: Pulse) -> list[BaseRoute]:
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


def _answer(well: bool, standing: Standing) -> Response:
    return PlainTextResponse(f"{standing.reason}\n", 200 if well else 503)
