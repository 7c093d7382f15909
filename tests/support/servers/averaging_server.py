"""A server of a model that averages, reached over a bad link, so that a picture says which pair it is of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from coconet.media.pixels import Pixels
from coconet.runtime.backends.backend import Answer
from coconet.runtime.backends.choice import choose_backend
from coconet.runtime.backends.remote.server_address import ServerAddress
from coconet.runtime.serving.fusion_queue import QueueLimits
from coconet.runtime.serving.model_server import ModelServer, ServerSettings, open_served
from tests.support.models.tiny_onnx import write_averaging_model
from tests.support.programs.patience import PATIENCE_S
from tests.support.servers.bad_link import BadLink, bad_link

PATIENT = QueueLimits(deadline_s=PATIENCE_S)


@contextmanager
def averaging_server(folder: Path) -> Iterator[ModelServer]:
    """Serve the model `tiny` over HTTP and gRPC within the block."""
    choice = choose_backend(write_averaging_model(folder / "tiny.onnx"), "ort")
    settings = ServerSettings(port=0, grpc_port=0, limits=PATIENT)
    with ModelServer("tiny", lambda: open_served(choice), settings) as running:
        yield running


@contextmanager
def link_to(server: ModelServer, scheme: str) -> Iterator[BadLink]:
    """A link to the server, over which it is asked by one protocol or the other."""
    port = urlsplit(server.url if scheme == "http" else f"//{server.grpc_address}").port
    with bad_link(("127.0.0.1", port or 0)) as made:
        made.scheme = scheme
        yield made


def address_of(link: BadLink, model: str = "tiny") -> ServerAddress:
    """The address of a model at the other end of a link."""
    return ServerAddress.parse(f"{link.scheme}://127.0.0.1:{link.port}/{model}")


def level(value: int) -> tuple[Pixels, Pixels]:
    """A pair whose fused picture is of this level, as both sides are."""
    return np.full((8, 8, 3), value, np.uint8), np.full((8, 8, 1), value, np.uint8)


def shown(answer: Answer) -> int | None:
    """The level of a picture, None if there is none."""
    return None if answer.pixels is None else int(answer.pixels[0, 0, 0])


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that happens soon."""
    ended_s = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < ended_s
        time.sleep(0.01)
