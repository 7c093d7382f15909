"""Where a served model is: a server and a name, as `http://host:port/model` or `grpc://host:port/model`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, cast
from urllib.parse import quote, unquote, urlsplit

from coconet.errors import Refused

Scheme = Literal["http", "grpc"]

USUAL_PORTS = {"http": 8000, "grpc": 8001}

FROM_ENVIRONMENT = "COCONET_SERVER_TOKEN"
"""The environment variable of the token."""

_PLACE = "v2/models/"
"""Before the name of a model in the addresses of the protocol, as `coconet serve` prints them."""


@dataclass(frozen=True)
class ServerAddress:
    """host, port: of the server. model: its name there. token: what the server wants to know; in no message.

    scheme: the protocol that carries requests.
    """

    host: str
    port: int
    model: str
    token: str | None = field(default=None, repr=False)
    scheme: Scheme = "http"

    @classmethod
    def parse(cls, text: str, token: str | None = None) -> ServerAddress:
        """Read `http://host:port/model` or `grpc://...`; the port is 8000 or 8001 unless given.

        Over HTTP the place of the model on the server, `http://host:port/v2/models/model`, is read as well.
        Raises Refused for anything else.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port or USUAL_PORTS.get(parts.scheme, 0)
        except ValueError:  # a port that is none
            raise _unfit("another text", f"must be {_WANTED}") from None
        model = parts.path.strip("/")
        if parts.scheme == "http" and model.startswith(_PLACE):
            model = unquote(model.removeprefix(_PLACE))
        if parts.scheme in ("https", "grpcs"):
            remedy = "Reach it through SSH or a proxy that takes TLS off on this machine."
            raise _unfit(parts.scheme, f"cannot be {parts.scheme}: servers are asked without TLS", remedy)
        if parts.username is not None or parts.password is not None:
            remedy = f"Pass --server-token, better as {FROM_ENVIRONMENT}."
            raise _unfit("one with a password", "has a user or a password in its address", remedy)
        if parts.scheme not in USUAL_PORTS or not host or not model or "/" in model or parts.query or parts.fragment:
            raise _unfit("another text", f"must be {_WANTED}")
        return cls(host, port, model, token, cast("Scheme", parts.scheme))

    @property
    def path(self) -> str:
        """The model's place on the server."""
        return f"/{_PLACE}{quote(self.model, safe='')}"

    @property
    def named(self) -> str:
        """In words, for messages: of an address its path is redacted, and the name of a model is no secret."""
        return f"model {self.model[:60]} at {self.scheme}://{self.url_host}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries, over HTTP and as metadata over gRPC."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    @property
    def url_host(self) -> str:
        """The host as it stands in addresses."""
        return f"[{self.host}]" if ":" in self.host else self.host

    def __str__(self) -> str:
        return f"{self.scheme}://{self.url_host}:{self.port}/{self.model}"


# In words, as whatever follows a host is redacted in messages.
_WANTED = "http:// or grpc://, a host, with :PORT behind it if need be, a slash and the name of one model"


def _unfit(got: str, says: str, remedy: str = "Correct the address.") -> Refused:
    return Refused("--server", wanted=_WANTED, got=got, remedy=remedy, says=says)
