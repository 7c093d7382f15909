"""What a viewer can wish for: the views and palettes there are, and wishes read."""

from __future__ import annotations

import json

from coconet.config import check_fields
from coconet.errors import CoconetError, MissingPackage
from coconet.runtime.drawing.renderer import Renderer
from coconet.runtime.look import Look
from coconet.runtime.views.kinds import VIEWS

try:
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import BaseRoute, Route
except ImportError as error:
    raise MissingPackage("starlette", job="the live page", extra="web") from error

_MOST_LOOKS = 2  # the two sides of the split view


def look_routes(renderer: Renderer) -> list[BaseRoute]:
    """Make the route /looks: the views, with the keys that change them, and the palettes, for the buttons of a page."""

    async def looks(_request: Request) -> Response:
        views = [{"name": name, "caption": kind.caption, "keys": kind.keys} for name, kind in VIEWS.items()]
        palettes = [renderer.palette(name) for name in renderer.names()]
        told = [{"name": one.name, "ordered": one.is_ordered, "swatch": one.swatch} for one in palettes]
        return JSONResponse({"views": views, "palettes": told})

    return [Route("/looks", looks)]


def looks_of(wish: str, renderer: Renderer) -> list[Look]:
    """Read a viewer's wish, {"looks": [{"show": ..., "colours": ...}]}. Raises CoconetError for what is none."""
    try:
        looks = [check_fields(Look, look, "wish") for look in json.loads(wish)["looks"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        looks = []
    if not 0 < len(looks) <= _MOST_LOOKS:
        raise CoconetError(
            "wish",
            wanted="one or two looks",
            got="none or more",
            remedy='Send {"looks": [{"show": "fused"}]} as JSON.',
            says="does not name one or two looks",
        )
    for look in looks:
        renderer.check(look)
    return looks
