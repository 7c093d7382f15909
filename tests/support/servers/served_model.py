"""A model served on a free port of this machine, and plain requests for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from coconet.runtime.backends.choice import choose_backend
from coconet.runtime.serving.model_server import ModelServer, ServerSettings, open_served
from tests.support.programs.patience import PATIENCE_S


def serving(model: Path | str, name: str, **settings: Any) -> ModelServer:
    choice = choose_backend(model, "auto" if model == "average" else "ort")
    return ModelServer(name, lambda: open_served(choice), ServerSettings(port=0, **settings))


def ask(
    server: ModelServer,
    method: str,
    path: str,
    body: bytes | list[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, str], bytes]:
    with closing(HTTPConnection(urlsplit(server.url).netloc, timeout=PATIENCE_S)) as connection:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def good_request() -> dict[str, Any]:
    """A request of 8x8 black pixels as JSON."""
    inputs = [
        {"name": name, "datatype": "UINT8", "shape": [1, 8, 8, depth], "data": [0] * (64 * depth)}
        for name, depth in (("visible", 3), ("infrared", 1))
    ]
    return {"inputs": inputs}


def changed(path: str, value: Any) -> bytes:
    """The good request with another value at `inputs.0.shape`, say; None takes the key away."""
    fields = good_request()
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = fields
    for part in way:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return json.dumps(fields).encode()
