"""A server of one model: opened, tried on a pair, and answering inside its block."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from coconet.cards.model_card import ModelCard
from coconet.cards.onnx_metadata import read_onnx_card
from coconet.errors import ExitCode, Refused, ending_with
from coconet.model_endings import ONNX_SUFFIX
from coconet.model_names import MODEL_WORDS
from coconet.runtime.backends.backend import Backend
from coconet.runtime.backends.choice import BackendChoice
from coconet.runtime.backends.open_backend import open_choice
from coconet.runtime.serving.fusion_queue import FusionQueue, QueueLimits
from coconet.runtime.serving.model_config import USUAL_PX
from coconet.runtime.threads.background import Background

AS_USUAL = QueueLimits()


@dataclass(frozen=True)
class ServerSettings:
    """Where a model is served and to whom.

    host, port: this machine only unless told otherwise; port 0 takes any that is free. grpc_port: of gRPC beside HTTP,
    None without it. token: what a client has to send. largest_body: bytes of a request; a pair of 1920x1080 has 8.3
    million.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    grpc_port: int | None = None
    token: str | None = None
    limits: QueueLimits = AS_USUAL
    largest_body: int = 64 * 10**6


def served_name(model: str) -> str:
    """What a model is called in addresses: its word, or the name of its file without the ending."""
    return model if model in MODEL_WORDS else Path(model).stem


def open_served(choice: BackendChoice) -> Backend:
    """Open what fuses for clients; an ONNX model of a batch on the processor takes as many pairs at once.

    Raises CoconetError as `open_choice` does, and for the forms of models that take more than a pair of pictures.
    """
    if choice.path.suffix == ONNX_SUFFIX and choice.kind == "ort":
        card = read_onnx_card(choice.path)
        if card.batch > 1 and card.form == "camera":
            from coconet.runtime.backends.ort_batch import OnnxRuntimeBatch

            return OnnxRuntimeBatch(choice.path)
    backend = open_choice(choice)
    if backend.card.form != "camera":
        backend.close()
        remedy = "Export it without --with-warp; rigs align their pictures before they send them."
        got = f"one of the form {backend.card.form}"
        raise Refused(
            choice.path,
            wanted="a model that takes a pair of pictures",
            got=got,
            remedy=remedy,
            says=f"takes more than a pair of pictures: it is a model of the form {backend.card.form}",
        )
    return backend


class ModelServer:
    """A context manager that serves a model inside its block.

    url, grpc_address: where, once it is open; no secrets. pair_s: seconds of its first pair, as warm_up gives them.
    """

    def __init__(
        self,
        name: str,
        open_model: Callable[[], Backend],
        settings: ServerSettings | None = None,
    ) -> None:
        """Prepare to serve what `open_model` gives. Raises CoconetError for settings that are not safe."""
        from coconet.runtime.viewers.auth import Access

        self._settings = settings or ServerSettings()
        self._access = Access(self._settings.host, self._settings.token)
        self._name, self._open_model, self._exit = name, open_model, ExitStack()
        self._threads: tuple[Background, ...] = ()
        self.url, self.grpc_address, self.pair_s = "", "", 0.0

    def __enter__(self) -> ModelServer:
        from coconet.runtime.serving.inference_app import inference_app
        from coconet.runtime.serving.served import Served
        from coconet.runtime.serving.serving_metrics import ServingMetrics
        from coconet.runtime.serving.whole_body import BodyHttp
        from coconet.runtime.viewers.web_server import WebServer

        settings = self._settings
        with ExitStack() as stack:
            with ending_with(ExitCode.MODEL):
                backend = stack.enter_context(closing(self._open_model()))
                self.pair_s = warm_up(backend, settings.limits.deadline_s)
            metrics = ServingMetrics(backend.card, backend.name, lambda: queue.waiting)
            queue = stack.enter_context(FusionQueue(backend, metrics, settings.limits))
            # Whatever the batch of the graph is, a client sends one pair.
            card: ModelCard = dataclasses.replace(backend.card, batch=1)
            served = Served(self._name, card, queue, metrics, settings.largest_body)
            app = inference_app(served, self._access)
            with ending_with(ExitCode.PAGE):
                server = stack.enter_context(WebServer(app, settings.host, settings.port, BodyHttp))
                if settings.grpc_port is not None:
                    from coconet.runtime.serving.grpc_server import GrpcServer

                    over_grpc = GrpcServer(served, self._access, settings.host, settings.grpc_port)
                    self.grpc_address = stack.enter_context(over_grpc).address
            self.url = server.url
            self._threads = (queue, server)
            self._exit = stack.pop_all()
        return self

    def check(self) -> None:
        """Raise what ended the thread that fuses or the one that answers."""
        for thread in self._threads:
            thread.check()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()


def warm_up(backend: Backend, enough_s: float = 0.0, now_s: Callable[[], float] = time.monotonic) -> float:
    """Fuse a black pair of a size that the model takes, so that the first client waits no longer than others.

    Returns the seconds that took, or a second pair, if the first, which loads much, took longer than `enough_s`.
    """
    height, width = backend.card.size_within(*USUAL_PX)
    pair = np.zeros((height, width, backend.card.visible_channels), np.uint8), np.zeros((height, width, 1), np.uint8)
    took_s = 0.0
    for _ in range(2):
        begun_s = now_s()
        backend.fuse(*pair)
        took_s = now_s() - begun_s
        if took_s <= enough_s:
            break
    return took_s
