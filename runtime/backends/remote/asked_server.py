"""The server of a model as a command line names it."""

from __future__ import annotations

from dataclasses import dataclass

from coconet.errors import Refused
from coconet.runtime.backends.choice import BackendChoice, ServedElsewhere, choose_backend, choose_server
from coconet.runtime.backends.remote.server_address import ServerAddress
from coconet.runtime.serving.protocol.picture_coding import PictureCoding

RAW = "raw"
"""The coding of pictures that are sent as they are."""


@dataclass(frozen=True)
class AskedServer:
    """The options of a command that are about a server; None for those that were not given.

    address: of the model on the server. token: what the server asks for. local_model: what fuses while the server is
    lost. in_flight: pairs on their way at most. late_s: seconds after which a live picture is dropped. travel_as: the
    coding of pictures, as PictureCoding takes it.
    """

    address: str | None
    token: str | None
    local_model: str | None
    in_flight: int
    late_s: float
    travel_as: str

    def choice(self, backend: str) -> BackendChoice | None:
        """The choice of the model on the server; None for one on this machine.

        Raises Refused for options of a server beside another backend, and for the backend remote without an address.
        """
        if backend != "remote":
            self._check_unused(backend)
            return None
        if self.address is None:
            remedy = "Pass --server with http:// or grpc://, a host, its port, a slash and the name of the model."
            wanted = "the address of a served model"
            raise Refused("--backend remote", wanted=wanted, got="none", remedy=remedy, says=f"needs {wanted}")
        local = None if self.local_model is None else choose_backend(self.local_model)
        address, coding = ServerAddress.parse(self.address, self.token), PictureCoding.parse(self.travel_as)
        return choose_server(ServedElsewhere(address, local, self.in_flight, self.late_s, coding))

    def _check_unused(self, backend: str) -> None:
        travels = None if self.travel_as == RAW else self.travel_as
        for option, value in (
            ("--server", self.address),
            ("--local-model", self.local_model),
            ("--travel-as", travels),
        ):
            if value is not None:
                remedy = f"Pass --backend remote, or leave {option} out."
                says = f"applies to --backend remote only; the backend is {backend}"
                raise Refused(option, wanted="the backend remote", got=backend, remedy=remedy, says=says)
