"""The server of a model as a command line names it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from coconet.errors import Refused
from coconet.runtime.backends.choice import BackendChoice, ServedElsewhere, choose_backend, choose_server
from coconet.runtime.backends.remote.server_address import FROM_ENVIRONMENT, ServerAddress

RAW = "raw"
"""The coding of pictures that are sent as they are."""

USUAL_IN_FLIGHT, USUAL_LATE_MS = 4, 250.0
"""What is not said otherwise: pairs on their way, and milliseconds for a live picture."""


@dataclass(frozen=True)
class AskedServer:
    """The options of a command that are about a server; None for those that were not given.

    address: of the model on the server. token: what the server asks for. local_model: what fuses while the server is
    lost. in_flight: pairs on their way at most. late_ms: milliseconds after which a live picture is dropped. travel_as:
    the coding of pictures, as PictureCoding takes it.
    """

    address: str | None
    token: str | None
    local_model: str | None
    in_flight: int | None
    late_ms: float | None
    travel_as: str | None

    def choice(self, backend: str, model: str | None = None) -> BackendChoice | None:
        """The choice of the model on the server; None for one on this machine.

        model: of this machine, that was named as the one to fuse with; None if none was.
        Raises Refused for options of a server beside another backend, and for the backend remote without an address or
        beside such a model.
        """
        if backend != "remote":
            self._check_unused(backend)
            return None
        if self.address is None:
            remedy = "Pass --server with http:// or grpc://, a host, its port, a slash and the name of the model."
            wanted = "the address of a served model"
            raise Refused("--backend remote", wanted=wanted, got="none", remedy=remedy, says=f"needs {wanted}")
        if model is not None:
            remedy = "Leave it out, or name it with --local-model if it is to take over while the server is lost."
            says = f"{model} applies to a model of this machine; with --backend remote, --server names the model"
            raise Refused("--model", wanted="none beside --server", got=model, remedy=remedy, says=says)
        from coconet.runtime.serving.protocol.picture_coding import PictureCoding

        local = None if self.local_model is None else choose_backend(self.local_model)
        coding = PictureCoding.parse(RAW if self.travel_as is None else self.travel_as)
        address = ServerAddress.parse(self.address, self.token)
        depth, late_ms = self.in_flight or USUAL_IN_FLIGHT, self.late_ms or USUAL_LATE_MS
        return choose_server(ServedElsewhere(address, local, depth, late_ms / 1e3, coding))

    def _check_unused(self, backend: str) -> None:
        for option, value in (
            ("--server", self.address),
            ("--server-token", None if self.token == os.environ.get(FROM_ENVIRONMENT) else self.token),
            ("--local-model", self.local_model),
            ("--in-flight", self.in_flight),
            ("--late-ms", self.late_ms),
            ("--travel-as", self.travel_as),
        ):
            if value is not None:
                remedy = f"Pass --backend remote, or leave {option} out."
                says = f"applies to --backend remote only; the backend is {backend}"
                raise Refused(option, wanted="the backend remote", got=backend, remedy=remedy, says=says)
